"""The model's own clock (design rule 13): durations of phonemes become the words' times. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from e2a_sidecar.model import Word
from e2a_sidecar.speaking.phonemes import WordSpan

JOINED_S: Final = 0.1
"""A space this short is no pause: one word runs into the next there."""


def words_at(
    durations_frames: NDArray[np.float32] | NDArray[np.int64] | Sequence[float], words: tuple[WordSpan, ...], hop_length: int, rate_hz: int
) -> tuple[Word, ...]:
    """The words of one take, in seconds from its first sample.

    durations_frames: one number for each phoneme id, in frames of `hop_length` samples. A word lasts from the start of
    its first id to the end of its last (the pad behind its last phoneme belongs to it). The space between two words is
    sound too where it is no pause (measured: a tenth of the energy of joe's sentences), so half of it belongs to either.
    """
    ends = np.concatenate(([0.0], np.cumsum(np.asarray(durations_frames, dtype=np.float64)))) * (hop_length / rate_hz)
    found = [Word(start_s=float(ends[w.first_id]), end_s=float(ends[w.last_id]), start=w.start, end=w.end) for w in words]
    for number, (before, after) in enumerate(pairwise(found)):
        if 0 < after.start_s - before.end_s <= JOINED_S:
            middle_s = (before.end_s + after.start_s) / 2
            found[number] = replace(found[number], end_s=middle_s)
            found[number + 1] = replace(after, start_s=middle_s)
    return tuple(found)
