"""How far a conversion is, and how long it will still take: one fraction over all stages, from measured speed.

Work is counted in characters. A character to be spoken weighs SPEAK_WEIGHT times one to be encoded until the speed of
this very run is known. Messages are thinned to a few a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SPEAK_WEIGHT: Final = 10.0
EVERY_S: Final = 0.25
SETTLED_S: Final = 2.0
"""No time left is told before so much of speaking was seen."""


@dataclass(frozen=True, slots=True)
class Progress:
    """stage: read, check, voice, speak, write, verify. done: 0 to 1 over all. left_s: None where nothing is known yet.

    device: that speaks, empty before any does.
    """

    stage: str
    done: float
    left_s: float | None
    sentences: int
    of: int
    audio_s: float
    device: str = ""


class Tracker:
    """Turns what the stages say into a few messages a second."""

    def __init__(self, send: Callable[[Progress], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._clock = clock
        self._stage = "read"
        self._last = float("-inf")
        self._began = 0.0
        self._before = 0
        self._characters = self._done_characters = 0
        self._sentences = self._of = 0
        self._audio_s = 0.0
        self._written_share = 0.0
        self._write_began: tuple[float, float] | None = None
        self._highest = 0.0
        self._device = ""

    def stage(self, name: str) -> None:
        """A stage begins: told at once."""
        self._stage = name
        self._tell(force=True)

    def speaking(self, characters: int, sentences: int) -> None:
        """So much is to be spoken, from now."""
        self._stage, self._characters, self._of = "speak", characters, sentences
        self._done_characters = self._sentences = self._before = 0
        self._began = self._clock()
        self._tell(force=True)

    def speaks(self, device: str) -> None:
        """Who speaks from now on: what is left is reckoned by its own speed."""
        if device != self._device:
            self._device, self._began, self._before = device, self._clock(), self._done_characters

    def spoken(self, characters: int, sentences: int, audio_s: float, encoded_share: float) -> None:
        """So much more is spoken; `audio_s` in all; so much of the book is in the file already."""
        self._done_characters += characters
        self._sentences += sentences
        self._audio_s, self._written_share = audio_s, encoded_share
        self._tell()

    def written(self, encoded_share: float) -> None:
        """So much of the book (0 to 1) is in the file."""
        if self._write_began is None:
            self._write_began = (self._clock(), encoded_share)
        self._written_share = encoded_share
        self._tell()

    def _done(self) -> float:
        speak = SPEAK_WEIGHT if self._characters else 0.0
        share = self._done_characters / self._characters if self._characters else 0.0
        done = (speak * share + self._written_share) / (speak + 1.0)
        self._highest = 0.99 if self._stage == "verify" else max(self._highest, 0.98 * done)
        return self._highest

    def _left_s(self) -> float | None:
        now = self._clock()
        here = self._done_characters - self._before
        if self._stage == "speak" and here and now - self._began >= SETTLED_S:
            return (now - self._began) * (self._characters - self._done_characters) / here
        if self._stage == "write" and self._write_began is not None:
            began, share = self._write_began
            if self._written_share > share and now - began >= 1.0:
                return (now - began) * (1.0 - self._written_share) / (self._written_share - share)
        return None

    def _tell(self, force: bool = False) -> None:
        now = self._clock()
        if not force and now - self._last < EVERY_S:
            return
        self._last = now
        left = self._left_s()
        left_s = None if left is None else round(left, 1)
        self._send(Progress(self._stage, round(self._done(), 4), left_s, self._sentences, self._of, round(self._audio_s, 1), self._device))
