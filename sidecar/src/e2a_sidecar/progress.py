"""How far a conversion is, and how long it will still take, from what this very run has shown.

Speaking and encoding go on side by side, so what is left is the longer of the two, and then a little. Speaking is counted in
characters, at the speed of the device that speaks now, over the later half of its time. On a CPU the two take cores from
each other: where clips of an earlier run lie ready the encoder works most at the beginning, so its part is reckoned apart. Tests
hold all this to recorded conversions. Messages are thinned to a few a second.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from e2a_sidecar.speaking.cores import usable_cores

EVERY_S: Final = 0.25
SETTLED_S: Final = 1.0
"""No time left is told before so much of speaking was seen."""
_WARM_S: Final = 2.0
"""So long a device is slower than ever after: libraries are loaded, kernels compiled."""
_SEEN_S: Final = 0.5
"""Of the encoder's time, before it says anything."""
_LEAST_WINDOW_S: Final = 15.0
_WINDOW: Final = 0.5
"""Of the time that the device has been speaking: the latest part, by which its speed is reckoned."""
_AFTER: Final = 0.01
"""Of the encoder's own time: tags, reading back and the report, at the end."""
_USUAL_WEIGHT: Final = 10.0
"""Of speaking to encoding, for the share that is done, until both are known."""
_ON_CORES: Final = ("cpu", "cpu-torch")


@dataclass(frozen=True, slots=True)
class Progress:
    """stage: read, check, voice, speak, write, verify. done: 0 to 1 over all. left_s: None where nothing is known yet.

    device: that speaks, empty before any does. chapter: that is spoken, from 1, of `chapters`; 0 before any is.
    """

    stage: str
    done: float
    left_s: float | None
    sentences: int
    of: int
    audio_s: float
    device: str = ""
    chapter: int = 0
    chapters: int = 0


@dataclass(frozen=True, slots=True)
class Encoded:
    """share: of the book's characters that is in the file, 0 to 1. worked_s: what that took, without waiting for speech."""

    share: float
    worked_s: float


NOTHING: Final = Encoded(0.0, 0.0)


class _Point(NamedTuple):
    """At a moment: characters that were spoken, seconds that the encoder had worked."""

    at_s: float
    characters: int
    encoder_s: float


class Tracker:
    """Turns what the stages say into a few messages a second. cores: that engines and the encoder share."""

    def __init__(self, send: Callable[[Progress], None], clock: Callable[[], float] = time.monotonic, cores: int | None = None) -> None:
        self._send = send
        self._clock = clock
        self._cores = usable_cores() if cores is None else cores
        self._stage = "read"
        self._stage_began = clock()
        self._last = float("-inf")
        self._points = deque[_Point]()  # of the device that speaks now; the first is where its speed is reckoned from
        self._device_began = 0.0
        self._characters = self._done_characters = 0
        self._sentences = self._of = 0
        self._audio_s = 0.0
        self._chapter = self._chapters = 0
        self._encoded = NOTHING
        self._beside_s = 0.0  # what the encoder worked while somebody spoke
        self._highest = 0.0
        self._device = ""

    def book(self, chapters: int) -> None:
        """What is in the book, spoken before or not."""
        self._chapters = chapters

    def stage(self, name: str) -> None:
        """A stage begins: told at once."""
        self._stage, self._stage_began = name, self._clock()
        if name == "write":
            self._beside_s = self._encoded.worked_s
        self._tell(force=True)

    def speaking(self, characters: int, sentences: int, device: str) -> None:
        """So much is to be spoken, from now, by that device."""
        self._stage, self._characters, self._of = "speak", characters, sentences
        self._done_characters = self._sentences = 0
        self._begins(device)
        self._tell(force=True)

    def spoken(self, characters: int, sentences: int, *, audio_s: float, chapter: int, device: str, encoded: Encoded) -> None:
        """So much more is spoken, up to this chapter (from 1), by that device; `audio_s` in all; so much of the book is in the file."""
        self._done_characters += characters
        self._sentences += sentences
        self._audio_s, self._encoded, self._chapter = audio_s, encoded, max(self._chapter, chapter)
        if device != self._device:  # its first sentences took its loading besides: they say nothing of its speed
            self._begins(device)
        else:
            self._points.append(_Point(self._clock(), self._done_characters, encoded.worked_s))
        self._tell()

    def written(self, encoded: Encoded) -> None:
        """So much of the book is in the file."""
        if encoded.share < self._encoded.share:  # it came out too loud or too quiet, and is encoded again
            self._beside_s = 0.0
        self._encoded = encoded
        self._tell()

    def _begins(self, device: str) -> None:
        self._device, self._device_began = device, self._clock()
        self._points = deque([_Point(self._device_began, self._done_characters, self._encoded.worked_s)])

    def _speed(self) -> float | None:
        """Characters a second, while the encoder does nothing; None where it is not known yet."""
        if len(self._points) < 2:
            return None
        now = self._points[-1]
        spoke_s = now.at_s - self._device_began
        if spoke_s < SETTLED_S:
            return None
        since_s = now.at_s - max(_LEAST_WINDOW_S, _WINDOW * spoke_s)
        if spoke_s >= 2 * _WARM_S:
            since_s = max(since_s, self._device_began + _WARM_S)
        while len(self._points) > 2 and self._points[1].at_s <= since_s:
            self._points.popleft()
        then = self._points[0]
        taken_s = now.at_s - then.at_s - self._taken() * (now.encoder_s - then.encoder_s)
        return (now.characters - then.characters) / taken_s

    def _taken(self) -> float:
        """What a second of the encoder's takes from speaking: it is one thread more on as many cores."""
        return 1.0 / (1.0 + self._cores) if self._device in _ON_CORES else 0.0

    def _freed(self) -> float:
        """How much faster the encoder is when nobody speaks beside it any more: by as much as speaking was without it."""
        return 1.0 / (1.0 - self._taken())

    def _encoding_s(self) -> float | None:
        """What the rest of the book takes the encoder, as fast as it works now."""
        share, worked_s = self._encoded.share, self._encoded.worked_s
        if share <= 0.0 or worked_s < _SEEN_S:
            return None
        if self._stage == "write":
            worked_s += self._beside_s / self._freed() - self._beside_s
        return worked_s * (1.0 - share) / share

    def _left_s(self) -> float | None:
        after_s = _AFTER * self._encoded.worked_s / (self._encoded.share or 1.0)
        if self._stage == "verify":
            return max(0.0, after_s - (self._clock() - self._stage_began)) if self._encoded.share else None
        encoding_s = self._encoding_s()
        if self._stage == "write":
            return None if encoding_s is None else encoding_s + after_s
        speed = self._speed()
        if self._stage != "speak" or not speed:
            return None
        speech_s, encoding_s = (self._characters - self._done_characters) / speed, encoding_s or 0.0
        beside_s = speech_s * self._freed()  # if the encoder works all the while
        if encoding_s > beside_s:
            return beside_s + (encoding_s - beside_s) / self._freed() + after_s
        return speech_s + self._taken() * encoding_s + after_s

    def _done(self) -> float:
        if self._stage == "verify":
            self._highest = 0.99
        speed, encoded = self._speed(), self._encoded
        weight = self._characters / speed / (encoded.worked_s / encoded.share) if speed and encoded.worked_s else _USUAL_WEIGHT
        weight, share = (weight, self._done_characters / self._characters) if self._characters else (0.0, 0.0)
        self._highest = max(self._highest, 0.98 * (weight * share + encoded.share) / (weight + 1.0))
        return self._highest

    def _tell(self, force: bool = False) -> None:
        now = self._clock()
        if not force and now - self._last < EVERY_S:
            return
        self._last = now
        left = self._left_s()
        left_s = None if left is None else round(left, 1)
        self._send(
            Progress(
                self._stage,
                round(self._done(), 4),
                left_s,
                self._sentences,
                self._of,
                round(self._audio_s, 1),
                self._device,
                self._chapter,
                self._chapters,
            )
        )
