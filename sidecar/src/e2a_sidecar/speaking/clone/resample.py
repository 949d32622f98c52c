"""Another sample rate, on the device: torchaudio's windowed sinc, its kernel made once. Exact for each sentence of a padded batch.

As long a window as librosa's `kaiser_best`: what lies above half of the lower rate is gone (-100 dB), all up to 0.94 of it stays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import torch
from torch.nn import functional as F
from torchaudio.transforms import Resample  # type: ignore[import-untyped]

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.clone.converter import at_rate, mask_of

_BEST: Final[dict[str, Any]] = {
    "resampling_method": "sinc_interp_kaiser",
    "lowpass_filter_width": 64,
    "rolloff": 0.9475937167399596,
    "beta": 14.769656459379492,
}


_LARGEST: Final = 1 << 20
"""Of the kernel, about: the ratio's two numbers multiplied. 44,100 to 16,000 is 70,560."""


class Resampler:
    """From one rate to another. May be used by several threads at once. SidecarError `voice_unsupported` where the rates have nothing in common."""

    def __init__(self, rate_hz: int, new_hz: int, device: torch.device) -> None:
        self.rate_hz, self.new_hz = rate_hz, new_hz
        self._same = rate_hz == new_hz
        if not self._same:
            if rate_hz * new_hz // math.gcd(rate_hz, new_hz) ** 2 > _LARGEST:
                raise SidecarError("voice_unsupported", "rates", voice="", reason=f"sound at {rate_hz} Hz cannot be brought to {new_hz} Hz")
            made = Resample(rate_hz, new_hz, **_BEST)
            self._kernel: torch.Tensor = made.kernel.to(device)
            self._width: int = made.width
            self._stride = rate_hz // made.gcd

    def __call__(self, waves: torch.Tensor, lengths: Sequence[int]) -> tuple[torch.Tensor, list[int]]:
        """Waves (batch, longest), zero beyond each length -> the same at the new rate, and their lengths (see `at_rate`)."""
        if self._same:
            return waves, list(lengths)
        longer = [at_rate(length, self.rate_hz, self.new_hz) for length in lengths]
        padded = F.pad(waves[:, None], (self._width, self._width + self._stride))
        made = F.conv1d(padded, self._kernel, stride=self._stride).transpose(1, 2).reshape(len(waves), -1)[:, : max(longer)]
        return (made if len(longer) == 1 else made * mask_of(longer, made.shape[1], made)), longer


def resampled(wave: torch.Tensor, rate_hz: int, new_hz: int) -> torch.Tensor:
    """One wave, 1-D, once."""
    return Resampler(rate_hz, new_hz, wave.device)(wave[None], [len(wave)])[0][0]
