"""The noise of a take: an input, never a runtime's own generator (design rule 9).

NumPy's counter-based Philox, keyed by a hash of the clip's key, the number of the take and what the noise is for. So
neither batch, workers, resume, device nor runtime changes it. Nothing else in the sidecar draws random numbers.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray

What = Literal["duration", "latent", "conversion", "spectrum"]


def take_noise(key: str, take: int, what: What, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Standard normal noise of a shape (channels, length).

    It is drawn along the last axis: the values at the first n positions are the same however many are asked for, so a
    duration on a rounding edge does not change the noise of the frames before it.
    """
    drawn = np.empty((shape[-1], *shape[:-1]), dtype=np.float32)
    draw_noise(key, take, what, drawn)
    return np.ascontiguousarray(np.moveaxis(drawn, 0, -1))


def draw_noise(key: str, take: int, what: What, into: NDArray[np.float32]) -> None:
    """The same, into memory (length, channels), contiguous. Other threads go on meanwhile: NumPy lets go of Python's lock."""
    seed = hashlib.sha256(f"{key}\n{take}\n{what}".encode()).digest()[:16]
    generator = np.random.Generator(np.random.Philox(key=int.from_bytes(seed, "little")))
    generator.standard_normal(dtype=np.float32, out=into)
