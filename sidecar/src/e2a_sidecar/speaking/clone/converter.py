"""What a converter is to the engine: float samples of some sentences in, the same sentences in the sample's voice out, all on one device.

A sentence sounds the same alone and in company: whatever looks at neighbours is masked by `mask_of` or computed one by one.
Lengths are known on the host, so no converter reads anything back, and masks are filled, not uploaded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

import torch

Reference: TypeAlias = Mapping[str, torch.Tensor]
"""What a converter computes of a sample, once a voice; on the converter's device."""


class Converter(Protocol):
    """A network on one device. May be used by several threads at once.

    name: the converter's id. source_hz: the rate that it wants its source in. rate_hz: of what it gives.
    """

    name: str
    source_hz: int
    rate_hz: int

    def refer(self, sample: torch.Tensor, rate_hz: int) -> Reference:
        """Of a sample, 1-D float32 on the converter's device. May wait for the device. SidecarError `voice_broken` where there is no voice in it."""
        ...

    def noise(self, samples: int) -> tuple[int, ...]:
        """Shape (channels, length) of the noise that a sentence of so many source samples takes; (0,) where it takes none."""
        ...

    def samples(self, source_samples: int) -> int:
        """How many samples it gives for so many of the source: arithmetic of the host."""
        ...

    def convert(
        self, source: torch.Tensor, lengths: Sequence[int], reference: Reference, noise: Sequence[torch.Tensor], poll: Callable[[], None]
    ) -> torch.Tensor:
        """Sentences (batch, longest) float32 at `source_hz`, zero beyond each length -> (batch, longest out), zero beyond each one's end.

        noise: of each, shaped as `noise` says. Whatever `poll`, asked between layers, raises goes through. RuntimeError as torch has it.
        """
        ...


def at_rate(samples: int, rate_hz: int, new_hz: int) -> int:
    """How many samples so many are at another rate, as `resample` gives them."""
    return math.ceil(samples * new_hz / rate_hz)


def mask_of(lengths: Sequence[int], longest: int, like: torch.Tensor) -> torch.Tensor:
    """(batch, longest) of ones, zero beyond each length; filled on the device of `like`, in its dtype: nothing is uploaded."""
    mask = like.new_zeros(len(lengths), longest)
    for row, length in enumerate(lengths):
        mask[row].narrow(0, 0, min(length, longest)).fill_(1)
    return mask
