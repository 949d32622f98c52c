"""How much of a line is spoken at once, and what predicted durations cannot be: the same in both runtimes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

LONGEST_IDS: Final = 1200
"""Of what is encoded at once, some 500 characters, for the text encoder's memory grows with the square: longer lines are
spoken in pieces, each with noise of its own."""
LONGEST_FRAMES: Final = 60_000
"""Of one piece: some ten minutes. A voice that predicts more has lost its way, and memory is not infinite."""
LONGEST_SAMPLES: Final = 256 * LONGEST_FRAMES
"""Of one piece: ten minutes again, at the usual 256 samples a frame. A strange voice's frames may be far longer."""
EDGE: Final = 1e-4
"""A duration so near to a whole number of frames may be rounded otherwise in another batch, runtime or on another device."""
FAULTS: Final = frozenset(("nan", "too_long"))


def fault(frames: NDArray[np.float32], hop_length: int) -> str:
    """What of FAULTS is wrong with predicted durations, so that nothing can be decoded from them; empty where nothing is.

    hop_length: samples a frame.
    """
    total = float(frames.sum(dtype=np.float64))
    if not np.isfinite(total) or frames.min(initial=0.0) < 0:
        return "nan"
    return "too_long" if total > min(LONGEST_FRAMES, LONGEST_SAMPLES / hop_length) else ""


def on_edge(unrounded: NDArray[np.float32]) -> bool:
    """May one of these durations, finite numbers of frames, be rounded otherwise elsewhere? All are above 0, so 0 is no edge."""
    near = np.rint(unrounded)
    return bool(np.any((np.abs(unrounded - near) < EDGE) & (near > 0)))
