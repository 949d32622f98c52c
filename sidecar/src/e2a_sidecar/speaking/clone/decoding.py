"""A converter's HiFi-GAN over a batch of sentences, each as it would sound alone: in rows of several with zeros between them, so
that nothing is padded (see `row_decoder`); a long sentence in windows, each with as many neighbours as the decoder sees."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import torch
from torch.nn.utils.rnn import pad_sequence

from e2a_sidecar.speaking.decoder import Window, farthest, span
from e2a_sidecar.speaking.row_decoder import RowDecoder

_ROW: Final = 1200
"""Frames decoded together: 14 to 24 s."""


class Decoding:
    """`hop_length` samples a frame. May be used by several threads at once."""

    def __init__(self, network: Any, clone: str = "") -> None:
        """network: with the modules of coqui's `HifiganGenerator`, stripped, on its device. clone: its id, for SidecarError `voice_unsupported`."""
        self.hop_length, self._context = span(network, clone)
        self._gap = farthest(network)
        on_cpu = network.conv_pre.weight.device.type == "cpu"
        self._decoder = RowDecoder(network, channels_last=on_cpu and torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]

    def __call__(self, z: torch.Tensor, frames: Sequence[int], samples: Sequence[int], speaker: torch.Tensor | None, poll: Callable[[], None]) -> torch.Tensor:
        """Latents (batch, channels, longest), of each sentence so many `frames` -> waves (batch, longest), of each so many `samples` and then zeros.

        speaker: one for all, (1, channels, 1). Of a sentence with a latent that is no number all samples are none, and of no other.
        """
        hop, finite = self.hop_length, torch.isfinite(z).all(dim=1)
        z = torch.where(finite[:, None], z, 0.0)  # else it may reach its neighbours: how far a device's convolutions spread it nobody says
        parts: list[list[torch.Tensor]] = [[] for _ in frames]
        gap = z.new_zeros(z.shape[1], self._gap)
        for row in _rows(list(self._windows(frames)), self._gap):
            laid = torch.cat([piece for w in row for piece in (z[w.item, :, w.low : w.high], gap)][:-1], dim=1)
            starts = [0]
            for w in row:
                starts.append(starts[-1] + w.high - w.low + self._gap)
            gaps = [torch.arange(start - self._gap, start, device=z.device) for start in starts[1:-1]]
            wave = self._decoder(laid[None], torch.cat([torch.empty(0, dtype=torch.long, device=z.device), *gaps]), speaker, poll)
            for w, start in zip(row, starts, strict=False):
                at = start - w.low
                parts[w.item].append(wave[(at + w.start) * hop : (at + w.end) * hop])
        spoiled = torch.where(finite.all(dim=1), 0.0, math.nan)
        return pad_sequence([torch.cat(of)[:count] + spoiled[item] for item, (of, count) in enumerate(zip(parts, samples, strict=True))], batch_first=True)

    def _windows(self, frames: Sequence[int]) -> Iterator[Window]:
        context = self._context
        for item, count in enumerate(frames):
            own = count if count <= _ROW else max(context, _ROW - 2 * context)
            for start in range(0, count, own):
                end = min(start + own, count)
                yield Window(item, start, end, max(0, start - context), min(count, end + context))


def _rows(windows: Sequence[Window], gap: int) -> Iterator[list[Window]]:
    """In order, no more frames than `_ROW` (but one window at least)."""
    row: list[Window] = []
    used = 0
    for window in windows:
        width = window.high - window.low + gap
        if row and used + width > _ROW:
            yield row
            row, used = [], 0
        row.append(window)
        used += width
    if row:
        yield row
