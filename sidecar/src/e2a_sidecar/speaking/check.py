"""Is a take what its text could sound like? Pure checks that need no voice and no ears (design rule 5).

They are wide: a flag means that the take should be spoken again and, if it stays, reported. Loud and quiet is no
matter of theirs (one gain a voice, measured elsewhere).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

import numpy as np

from e2a_sidecar.model import Samples, Take

FLAGS: Final = ("nan", "empty", "too_short", "too_long", "silent", "clipped")

# People read 10 to 20 letters a second; the fastest synthetic reading that can be followed is near 40.
_LEAST_S: Final = 1 / 60
_MOST_S: Final = 0.20
_ABSURD: Final = 10.0
"""Times the longest that a text could take: nothing of such a take can be it."""
_MOST_BEFORE_S: Final = 1.5  # silence at both ends, a letter's name
# A digit, a sign or a capital may be a word of its own ("7", "%", "BBC"); Han, kana and Hangul are syllables.
_MOST_WORDY_S: Final = 1.2
_MOST_SYLLABLE_S: Final = 0.9
_LEAST_CHARACTERS: Final = 8  # what is shorter says nothing by its length
_FRAME_S: Final = 0.02
_SILENT_DB: Final = -60.0  # a voice's own noise between words lies near -60 to -70
_MOST_SILENT: Final = 0.75  # a sentence with many commas reaches a third
_FULL: Final = 32766
_MOST_CLIPPED: Final = 0.01


def check_take(take: Take, text: str, rate_hz: int, speed: float = 1.0) -> tuple[str, ...]:
    """Flags of FLAGS that apply; none for a good take, and none for text in which nothing can be pronounced.

    A take of absurd length is `empty`, too: a voice that never ends would fill the disk.
    """
    if not any(unicodedata.category(c)[0] in "LN" for c in text):
        return ()
    if not len(take.samples):
        return ("empty",)
    return tuple(_found(take, text, rate_hz, speed))


def _found(take: Take, text: str, rate_hz: int, speed: float) -> Iterable[str]:
    if "nan" in take.flags:
        yield "nan"
    length_s = len(take.samples) / rate_hz * speed
    least_s, most_s = bounds_s(text)
    if length_s < least_s:
        yield "too_short"
    if length_s > most_s:
        yield "too_long"
    if length_s > _ABSURD * most_s:
        yield "empty"
    if silent_share(take.samples, rate_hz) > _MOST_SILENT:
        yield "silent"
    if np.mean(np.abs(take.samples.astype(np.int32)) >= _FULL) > _MOST_CLIPPED:
        yield "clipped"


def bounds_s(text: str) -> tuple[float, float]:
    """The shortest and longest that the text could take at speed 1."""
    letters = sum(1 for c in text if unicodedata.category(c)[0] == "L")
    most_s = _MOST_BEFORE_S + sum(_most_s(c) for c in text)
    return (letters * _LEAST_S if letters >= _LEAST_CHARACTERS else 0.0), most_s


def silent_share(samples: Samples, rate_hz: int) -> float:
    """Share of 20 ms frames that are silent, 1.0 for nothing but silence."""
    size = max(1, round(_FRAME_S * rate_hz))
    frames = np.pad(samples.astype(np.float64), (0, -len(samples) % size)).reshape(-1, size)
    power = np.mean(np.square(frames / 32767.0), axis=1)
    return float(np.mean(power < 10 ** (_SILENT_DB / 10)))


def _most_s(character: str) -> float:
    category = unicodedata.category(character)
    if category == "Lo":
        return _MOST_SYLLABLE_S
    if category in ("Ll", "Lm") or character.isspace():
        return _MOST_S
    return _MOST_WORDY_S
