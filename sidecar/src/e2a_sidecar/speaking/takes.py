"""What becomes of an engine's samples: a take of them, or of none. Pure, the same for every engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from e2a_sidecar.model import Line, Samples, Take, Word


def nothing(line: Line, flag: str) -> Take:
    """Of a line that could not be spoken, or in which there is nothing to speak."""
    return Take(line.index, np.zeros(0, dtype=np.int16), (), line.take, (flag,))


def later(word: Word, by_s: float) -> Word:
    """The same word behind what was spoken before its piece of the line."""
    return replace(word, start_s=word.start_s + by_s, end_s=word.end_s + by_s)


def to_int16(samples: NDArray[np.float32]) -> Samples:
    """The fixed scale: 1.0 is 32767, never a gain of a sentence."""
    scaled: Samples = np.rint(np.clip(np.nan_to_num(samples), -1.0, 1.0) * 32767.0).astype(np.int16)
    return scaled
