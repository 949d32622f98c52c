"""How much a device is given at once, and how that shrinks where its memory does not suffice. What is spoken stays the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from e2a_sidecar.speaking.limits import LONGEST_FRAMES


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is spoken at once: lines looked at, phoneme ids encoded (padded), frames of a window and decoded together."""

    look_ahead: int
    ids: int
    window: int
    frames: int

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
GPU_BUDGET: Final = Budget(look_ahead=64, ids=8192, window=1024, frames=8192)
MOST_FRAMES: Final = 4 * LONGEST_FRAMES
"""Of a batch's latents, padded: some 200 MB, and more than any batch of usual sentences has."""
