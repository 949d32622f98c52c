"""The voice for one language with its Play button, which speaks a sentence of the reader's own book as it would be converted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from qt.core import QVBoxLayout, QWidget, pyqtSignal  # type: ignore[import-not-found]

from ..converting.folders import private_folder
from ..converting.progress import Show
from ..errors import Stopped
from ..speaking import clones
from ..wording import translate as _
from .context import Context
from .error_dialog import ErrorBox
from .player import PlayButton, Player
from .voice_choice import VoiceChoice


@dataclass(frozen=True)
class Said:
    """What is to be spoken, and how."""

    text: str
    language: str
    voice: str
    device: str
    speed: float


class Previews:
    """Makes the sounds, each once, in a folder that `close` removes. `measured`: voice -> times real time on the CPU, by what was spoken.

    `make` may be called by a thread while another one, which was stopped, has not left yet."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._until_closed = ExitStack()
        self._folder: Path | None = None
        self._closed = False
        self._numbers = count(1)
        self._made: dict[Said, Path] = {}
        self.measured: dict[str, float] = {}

    def make(self, wanted: Said, show: Show, stopped: Callable[[], bool]) -> Path:
        """The WAV file; blocks, and raises as `Questions.say`."""
        if wanted in self._made:
            return self._made[wanted]
        out = self._new_place()
        done = self._context.questions.say(wanted.text, wanted.voice, wanted.language, out, show, stopped, device=wanted.device, speed=wanted.speed)
        processor = "cpu" if clones.parse(wanted.voice) is None else "cpu-torch"
        if done.summary.device == processor and done.summary.xrt_speech:
            self.measured[wanted.voice] = done.summary.xrt_speech
        self._made[wanted] = out
        return out

    def close(self) -> None:
        """No sound is needed any more."""
        with self._lock:
            self._closed = True
            self._until_closed.close()

    def _new_place(self) -> Path:
        with self._lock:
            if self._closed:
                raise Stopped
            if self._folder is None:
                self._folder = self._until_closed.enter_context(private_folder())
            return self._folder / f"{next(self._numbers)}.wav"


class SpokenVoice(QWidget):  # type: ignore[misc]
    """`changed` as the voice's own."""

    changed = pyqtSignal()

    def __init__(
        self,
        parent: Any,
        context: Context,
        player: Player,
        previews: Previews,
        chosen: Mapping[str, str],
        name: str = "",
        here: bool = False,
        begun: str = "",
    ) -> None:
        """chosen, name, here, begun: as for VoiceChoice."""
        super().__init__(parent)
        self._previews = previews
        self._text = ""
        self.language = ""
        """The books' (BCP 47, may be empty)."""
        self._device = "auto"
        self._speed = 1.0
        self.choice = VoiceChoice(self, context.resources, chosen, name, here, begun)
        self.box = ErrorBox(self)
        self._wanted = Said("", "", "", "", 1.0)
        self.play = PlayButton(self, player, lambda show, stopped: self._previews.make(self._wanted, show, stopped), self.box)
        self.choice.row.addWidget(self.play)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.choice)
        layout.addWidget(self.box)
        self.rows = layout
        self.choice.changed.connect(self._chosen)
        self._show()

    def set_language(self, language: str) -> None:
        """The books' language (BCP 47, may be empty)."""
        self.language = language
        self.choice.set_language(language)
        self._show()

    def set_text(self, text: str) -> None:
        """The sentence to try it with."""
        self._text = text
        self._show()

    def set_way(self, device: str, speed: float) -> None:
        """How it would be converted."""
        self._device, self._speed = device, speed
        self._show()

    def stop(self) -> None:
        """Be silent, and leave off whatever is being done."""
        self.play.stop()
        self.choice.stop()

    def _chosen(self) -> None:
        if self.choice.whole() != self._wanted.voice:
            self.play.stop()
            self.box.clear()
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        self._wanted = Said(self._text, self.language, self.choice.whole(), self._device, self._speed)
        why = ""
        if not self.choice.is_here():
            why = _("Get the voice first; then it can be heard.")
        elif not self._text:
            why = _("As soon as the book was looked at, a sentence of it can be heard.")
        elif not self._device:
            why = _("This device cannot speak yet.")
        self.play.setEnabled(not why or self.play.busy)
        self.play.setToolTip(why or _("Speaks a sentence of this book."))
