"""How far a conversion is, and how long it will still take, from what this very run has shown.

Speaking and encoding go on side by side, so what is left is the longer of the two, and then a little. Speaking is counted in
characters, at the speed of the device that speaks now, over the later half of its time. On a CPU the two take cores from
each other: where clips of an earlier run lie ready the encoder works most at the beginning, so its part is reckoned apart. Tests
hold all this to recorded conversions. Messages are thinned to a few a second, and a time left that grows is believed only when it
stays so for some seconds.

What earlier runs have spoken is done from the moment it is known. The share that is done begins there, less what encoding it anew
will take, and goes on from there to the end as the work of this run does. Sentences are counted in the book, repeated ones each
time; characters, which stand for work, once.
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
"""Nothing is known of a device's speed before so much of its speaking was seen."""
_SURE_S: Final = 4.0
_SURE: Final = 0.05
"""No time left is told before so much of speaking was seen, or this share of what would be told; the former where the encoder's speed is unknown."""
_UNSEEN_S: Final = 20.0
"""The same where it is unknown and whoever speaks is about as fast, so that it decides."""
_HOLD_S: Final = 5.0
_HOLD: Final = 0.1
"""So long, or this share of what is left, what was told before is counted down where more would be left now."""
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
_FAST_WEIGHT: Final = 1.0
"""Of speaking a book to encoding it, for the share that is done, until both are known; FAST: of who speaks as fast as it is encoded."""
_WRITTEN: Final = 0.98
"""The share that is done when all is in the file: it has to be read back."""
ON_CORES: Final = ("cpu", "cpu-torch")


@dataclass(frozen=True, slots=True)
class Progress:
    """stage: read, check, voice, speak, write, verify, shown (it stands, only its report is left). done: 0 to 1 over all. left_s: None where
    nothing is known yet.

    sentences, of: of the whole book, with what earlier runs have spoken; 0 before that is known. audio_s: that this run has spoken.
    device: that speaks, empty before any does. chapter: that is spoken, from 1, of `chapters`; 0 before any is.
    kept, characters: what earlier runs have spoken, and all of the book, as a look counts them; 0 before that is known. spoken: with what this run has.
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
    kept: int = 0
    characters: int = 0
    spoken: int = 0


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
        self._usual_weight = _USUAL_WEIGHT
        self._fast = False
        self._speakers = self._cores
        self._whole = self._kept = self._spoken = 0  # characters: of the book, of earlier runs, of this one
        self._sentences = self._of = 0
        self._looked = 0, 0
        self._audio_s = 0.0
        self._chapter = self._chapters = 0
        self._encoded = NOTHING
        self._beside_s = 0.0  # what the encoder worked while somebody spoke
        self._highest = 0.0
        self._device = ""
        self._told_s: float | None = None  # the time left that was told last, and when
        self._told_at = 0.0
        self._more_since: float | None = None  # when it began to be more than what was told

    def book(self, characters: int, sentences: int, chapters: int, fast: bool, one_thread: bool = False) -> None:
        """What is in the book, spoken before or not. fast: whoever is to speak does it about as fast as the encoder works. one_thread: and on one core."""
        self._whole, self._of, self._chapters = characters, sentences, chapters
        self._speakers = 1 if one_thread else self._cores
        self._usual_weight = _FAST_WEIGHT if fast else _USUAL_WEIGHT
        self._fast = fast

    def kept(self, characters: int, sentences: int, chapter: int, looked: tuple[int, int] = (0, 0)) -> None:
        """So much of it earlier runs have spoken, without a gap up to this chapter; the rest is to be spoken. Told at once. looked: characters of that, and of
        the book, with each sentence as often as it stands there."""
        self._looked = looked
        self._kept, self._sentences, self._chapter = characters, sentences, max(self._chapter, chapter)
        self._spoken, self._encoded, self._beside_s = 0, NOTHING, 0.0
        self._tell(force=True)

    def stage(self, name: str) -> None:
        """A stage begins: told at once."""
        self._stage, self._stage_began = name, self._clock()
        if name == "write":
            self._beside_s = self._encoded.worked_s
        self._tell(force=True)

    def speaking(self, device: str) -> None:
        """What is not kept is being spoken, from now, by that device."""
        self._stage = "speak"
        self._begins(device)
        self._tell(force=True)

    def spoken(self, characters: int, sentences: int, *, audio_s: float, chapter: int, device: str, encoded: Encoded) -> None:
        """So much more is spoken, up to this chapter (from 1), by that device; `audio_s` in all; so much of the book is in the file."""
        self._spoken += characters
        self._sentences += sentences
        self._audio_s, self._encoded, self._chapter = audio_s, encoded, max(self._chapter, chapter)
        if device != self._device:  # its first sentences took its loading besides: they say nothing of its speed
            self._begins(device)
        else:
            self._points.append(_Point(self._clock(), self._spoken, encoded.worked_s))
        self._tell()

    def written(self, encoded: Encoded) -> None:
        """So much of the book is in the file."""
        if encoded.share < self._encoded.share:  # it came out too loud or too quiet, and is encoded again
            self._beside_s = 0.0
        self._encoded = encoded
        self._tell()

    def _begins(self, device: str) -> None:
        self._device, self._device_began = device, self._clock()
        self._points = deque([_Point(self._device_began, self._spoken, self._encoded.worked_s)])

    @property
    def _to_speak(self) -> int:
        return self._whole - self._kept

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
        return 1.0 / (1.0 + self._cores) if self._device in ON_CORES else 0.0

    def _freed(self) -> float:
        """How much longer speaking takes while the encoder works."""
        return 1.0 / (1.0 - self._taken())

    def _gain(self) -> float:
        """How much faster the book is encoded when nobody speaks any more: by all cores instead of one, and that one is its own again."""
        return max(float(self._cores), 1.0 + self._speakers) if self._device in ON_CORES else 1.0

    def _encoding_s(self) -> float | None:
        """What the rest of the book takes the encoder, as fast as it works now."""
        share, worked_s = self._encoded.share, self._encoded.worked_s
        if share <= 0.0 or worked_s < _SEEN_S:
            return None
        if self._stage == "write":
            worked_s += self._beside_s / self._gain() - self._beside_s
        return worked_s * (1.0 - share) / share

    def _left_s(self) -> float | None:
        if self._stage == "shown":
            return 0.0
        after_s = _AFTER * self._encoded.worked_s / (self._encoded.share or 1.0)
        if self._stage == "verify":
            return max(0.0, after_s - (self._clock() - self._stage_began)) if self._encoded.share else None
        encoding_s = self._encoding_s()
        if self._stage == "write":
            return None if encoding_s is None else encoding_s + after_s
        speed = self._speed()
        if self._stage != "speak" or not speed:
            return None
        left_s = self._both_s((self._to_speak - self._spoken) / speed, encoding_s or 0.0) + after_s
        seen_s = self._points[-1].at_s - self._device_began
        sure_s = min(_SURE_S, _SURE * left_s) if encoding_s is not None else _UNSEEN_S if self._fast else _SURE_S
        return left_s if seen_s >= sure_s else None

    def _both_s(self, speech_s: float, encoding_s: float) -> float:
        """How long speaking and encoding take side by side, of which each alone would take so long."""
        beside_s = speech_s * self._freed()  # if the encoder works all the while
        if encoding_s > beside_s:
            return beside_s + (encoding_s - beside_s) / self._gain()
        return speech_s + self._taken() * encoding_s

    def _steady(self, left_s: float | None, now: float) -> float | None:
        """The time left as it is told: it grows only where it would for some seconds on end."""
        due_s = None if self._told_s is None else max(0.0, self._told_s - (now - self._told_at))
        if left_s is None or due_s is None or left_s <= due_s:
            self._more_since = None
        else:
            self._more_since = now if self._more_since is None else self._more_since
            if now - self._more_since < min(_HOLD_S, _HOLD * left_s):
                left_s = due_s
        self._told_s, self._told_at = left_s, now
        return left_s

    def _done(self) -> float:
        begins = _WRITTEN * self._usual_weight / (self._usual_weight + 1.0) * self._kept / (self._whole or 1)
        here = 0.99 if self._stage in ("verify", "shown") else begins + (_WRITTEN - begins) * self._done_by_this_run()
        self._highest = max(self._highest, here)
        return self._highest

    def _done_by_this_run(self) -> float:
        """Of its own work, 0 to 1: it speaks what is not kept, and encodes all."""
        if not self._to_speak:
            return self._encoded.share
        speed, encoded = self._speed(), self._encoded
        if speed and encoded.worked_s and encoded.share:  # it works before it has done anything, also when it begins anew
            weight = self._to_speak / speed / (encoded.worked_s / encoded.share)
        else:
            weight = self._usual_weight * self._to_speak / self._whole
        return (weight * self._spoken / self._to_speak + encoded.share) / (weight + 1.0)

    def _spoken_as_looked(self) -> int:
        """A sentence that stands in the book twice is spoken once, and a look counts it twice."""
        kept, whole = self._looked
        return kept + round((whole - kept) * self._spoken / self._to_speak) if self._to_speak else kept

    def _tell(self, force: bool = False) -> None:
        now = self._clock()
        if not force and now - self._last < EVERY_S:
            return
        self._last = now
        left = self._steady(self._left_s(), now)
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
                *self._looked,
                self._spoken_as_looked(),
            )
        )
