"""The sounds behind the convert dialog's Play buttons: a sentence of the reader's own book as it would be converted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ..converting.folders import private_folder
from ..converting.progress import Show, Step, fetching
from ..errors import Stopped
from ..speaking import clones, voices
from ..wording import translate as _
from .context import Context


@dataclass(frozen=True)
class Said:
    """What is to be spoken, and how."""

    text: str
    language: str
    voice: str
    device: str
    speed: float


def about_play(said: Said, fetch: bool) -> tuple[bool, str]:
    """(can it be heard, the tooltip of its Play). fetch: has the voice to be downloaded first?"""
    if not said.text:
        return False, _("As soon as the book was looked at, a sentence of it can be heard.")
    if not said.device:
        return False, _("This device cannot speak yet.")
    return True, _("Downloads this voice, and then speaks a sentence of this book.") if fetch else _("Speaks a sentence of this book.")


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

    def make(self, wanted: Said, show: Show, stopped: Callable[[], bool], fetch: bool = False) -> Path:
        """The WAV file; blocks, and raises as `Questions.say`. fetch: download the voice first, then also as `voices.ensure_voice`."""
        if fetch:
            voices.ensure_voice(wanted.voice, self._context.resources, lambda stage, done, text: show(fetching(stage, done, text)), stopped)
            show(Step("voice"))
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
