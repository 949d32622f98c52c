"""How much a device is given at once, and how that shrinks where its memory does not suffice. What is spoken stays the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from e2a_sidecar.speaking.limits import LONGEST_FRAMES


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is spoken at once: lines looked at, phoneme ids encoded (padded), frames of a window and decoded together.

    rows: sentences lie in rows of `frames`, each decoded in one call (see `rows`), and `window` says nothing but when a row
    is halved no more; else they are padded, and cut into windows.
    """

    look_ahead: int
    ids: int
    window: int
    frames: int
    rows: bool = False

    def fewer_ids(self, padded: int) -> Budget:
        """After encoding so many ids together was too much."""
        return replace(self, ids=max(1, min(self.ids, padded) // 2))

    def fewer_frames(self) -> Budget:
        """After decoding was too much: fewer windows together, then smaller ones. What is spoken stays the same."""
        if self.frames > self.window:
            return replace(self, frames=max(self.window, self.frames // 2))
        return replace(self, window=max(SMALLEST_WINDOW, self.window // 2), frames=min(self.frames, max(SMALLEST_WINDOW, self.window // 2)))


SMALLEST_WINDOW: Final = 64
CPU_BUDGET: Final = Budget(look_ahead=1, ids=1, window=256, frames=1)
GPU_BUDGET: Final = Budget(look_ahead=128, ids=16384, window=1024, frames=2048, rows=True)
"""A row of 2,048 frames is 24 s of speech: enough to fill a large card's arithmetic, and of a batch's last row little is empty."""
PADDED_BUDGET: Final = Budget(look_ahead=64, ids=8192, window=1024, frames=8192)
"""The other way to fill a card: sentences of like length padded to one another."""
MOST_FRAMES: Final = 4 * LONGEST_FRAMES
"""Of a batch's latents, padding counted: some 200 MB, and more than any batch of usual sentences has."""
