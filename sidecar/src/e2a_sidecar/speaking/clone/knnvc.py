"""kNN-VC (TTS/vc/models/knnvc.py, coqui-tts 0.28.0): each step of a sentence becomes the mean of the steps of the sample that sound most like it.

    16 kHz -> WavLM's sixth layer -> the four nearest of the sample's steps, by angle -> HiFi-GAN -> 16 kHz

What the sample's steps are (the matching set) is the reference; it lies on the device, and is compared with so many steps
at a time that memory is bounded. coqui keeps it on the host, uploads it at each call, and hands on a tensor of the device;
it trims what is no voice from the sample's ends, which is done already where samples are cleaned.

The nearest four are chosen, not weighed: where two steps of the sample are as near as rounding goes, another computation
may choose the other. So sentences are heard and compared one by one, in the same way whatever their company, and only the
vocoder takes many at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch.nn import functional as F

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.clone.converter import Reference
from e2a_sidecar.speaking.clone.decoding import Decoding
from e2a_sidecar.speaking.clone.resample import resampled
from e2a_sidecar.speaking.clone.wavlm import RATE_HZ, Features

LAYER: Final = 6
NEAREST: Final = 4
_COMPARED: Final = 1 << 23
"""Angles computed at once (32 MB)."""


class KnnVc:
    """See converter.Converter."""

    name = "knnvc"
    source_hz = RATE_HZ
    rate_hz = RATE_HZ

    def __init__(self, wavlm: Any, vocoder: Any, clone: str = "") -> None:
        """wavlm: coqui's, of which the first `LAYER` layers are used. vocoder: coqui's `HifiganGenerator` with a linear layer in front of it, stripped.

        Both on one device. clone: its id, for SidecarError `voice_unsupported` where they do not fit.
        """
        self._clone = clone
        self._features = Features(wavlm, LAYER)
        self._enter = vocoder.lin_pre
        del vocoder.lin_pre  # what is left takes (batch, channels, steps), as every decoder does
        self._decoding = Decoding(vocoder, clone)
        if self._decoding.hop_length != self._features.hop or self._enter.in_features != self._features.channels:
            raise SidecarError("voice_unsupported", "steps", voice=clone, reason="its vocoder does not take what the network that listens gives")

    def refer(self, sample: torch.Tensor, rate_hz: int) -> Reference:
        """`matching_set` (steps, channels)."""
        wave = resampled(sample, rate_hz, self.source_hz)
        if not self._features.frames(len(wave)):
            raise SidecarError("voice_broken", "silence", voice=self._clone, reason="there is nothing to be heard in its recording")
        return {"matching_set": self._features(wave[None], [len(wave)], _go_on)[0]}

    def noise(self, samples: int) -> tuple[int, ...]:
        return (0,)

    def samples(self, source_samples: int) -> int:
        return source_samples

    def convert(
        self, source: torch.Tensor, lengths: Sequence[int], reference: Reference, noise: Sequence[torch.Tensor], poll: Callable[[], None]
    ) -> torch.Tensor:
        features = self._features
        steps = [max(1, -(-length // features.hop)) for length in lengths]
        entered = []
        for row, (length, count) in enumerate(zip(lengths, steps, strict=True)):
            wave = F.pad(source[row, :length], (0, features.samples(count) - length))
            matched = nearest(features(wave[None], [len(wave)], poll)[0], reference["matching_set"])
            entered.append(F.pad(self._enter(matched).T, (0, max(steps) - count)))
        return self._decoding(torch.stack(entered), steps, lengths, None, poll)


def nearest(steps: torch.Tensor, matching_set: torch.Tensor) -> torch.Tensor:
    """Of each of (steps, channels) the mean of the `NEAREST` of a matching set (others, channels) by angle; of one that is no number, none."""
    others = F.normalize(matching_set)
    count, at_once = min(NEAREST, len(matching_set)), max(1, _COMPARED // len(matching_set))
    found = []
    for some in torch.split(F.normalize(steps), at_once):
        best = torch.topk(some @ others.T, count, dim=1).indices
        found.append(matching_set.index_select(0, best.reshape(-1)).view(len(some), count, -1).mean(1))
    return torch.where(torch.isfinite(steps).all(dim=1, keepdim=True), torch.cat(found), math.nan)


def _go_on() -> None: ...
