"""The sounds behind the convert dialog's Play buttons: a sentence of the reader's own book as it would be converted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from ..converting.folders import private_folder
from ..converting.progress import Show
from ..errors import Stopped
from ..speaking import clones
from .context import Context


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
