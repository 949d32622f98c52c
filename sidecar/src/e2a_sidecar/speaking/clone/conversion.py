"""The step between a base voice's samples and the fixed scale: a batch of sentences in one voice becomes the same in another, on the device.

    packed samples -> groups of like length, padded -> the converter's rate -> converter -> packed samples at its rate

What it needs of the host, the sentences' noise, is one upload; nothing is read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.clone.converter import Converter, Reference, at_rate
from e2a_sidecar.speaking.clone.reference import reference_of
from e2a_sidecar.speaking.clone.resample import Resampler
from e2a_sidecar.speaking.host import HostBoundary, Staged
from e2a_sidecar.voices.clone import open_converter
from e2a_sidecar.voices.voice import CONVERTERS, Clone


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch's noise, in the memory of one upload (None: the converter takes none).

    counts: the base voice's samples of each sentence. shapes: of each one's noise, (channels, length). noise: the parts of
    that memory, (length, channels) each, for the caller to draw.
    """

    counts: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    staged: Staged | None
    noise: tuple[NDArray[np.float32], ...]


class Conversion:
    """A converter with its reference, behind a base voice of `base_hz`. rate_hz: of what it gives. May be used by several threads at once."""

    def __init__(self, converter: Converter, reference: Reference, base_hz: int, boundary: HostBoundary) -> None:
        self.rate_hz = converter.rate_hz
        self._converter = converter
        self._reference = reference
        self._base_hz = base_hz
        self._boundary = boundary
        self._resample = Resampler(base_hz, converter.source_hz, boundary.device)

    def samples(self, count: int) -> int:
        """How many come of so many of the base voice's."""
        return self._converter.samples(at_rate(count, self._base_hz, self._converter.source_hz))

    def prepared(self, counts: Sequence[int]) -> Prepared:
        """For sentences with so many samples of the base voice's."""
        shapes = tuple(self._converter.noise(at_rate(count, self._base_hz, self._converter.source_hz)) for count in counts)
        sizes = [math.prod(shape) for shape in shapes]
        if not sum(sizes):
            return Prepared(tuple(counts), shapes, None, ())
        staged = self._boundary.stage(sum(sizes))
        parts = np.split(staged.values.view(np.float32), np.cumsum(sizes)[:-1])
        return Prepared(tuple(counts), shapes, staged, tuple(part.reshape(shape[::-1]) for part, shape in zip(parts, shapes, strict=True)))

    @torch.inference_mode()
    def __call__(self, packed: torch.Tensor, batch: Prepared, at_once: int, poll: Callable[[], None]) -> torch.Tensor:
        """Samples of all sentences, one behind the other, at the base voice's rate -> the same converted, at `rate_hz`.

        at_once: the base voice's samples that are converted together, padding counted; one sentence at least. A value that is no
        number spoils its own sentence alone.
        """
        waves = torch.split(packed, list(batch.counts))
        noise = self._uploaded(batch)
        made: dict[int, torch.Tensor] = {}
        for group in _groups(batch.counts, at_once):
            poll()
            source, lengths = self._resample(pad_sequence([waves[n] for n in group], batch_first=True), [batch.counts[n] for n in group])
            converted = self._converter.convert(source, lengths, self._reference, [noise[n] for n in group], poll)
            for wave, number in zip(converted, group, strict=True):
                made[number] = wave[: self.samples(batch.counts[number])]
        return torch.cat([made[number] for number in range(len(waves))])

    def _uploaded(self, batch: Prepared) -> Sequence[torch.Tensor]:
        if batch.staged is None:
            return [torch.empty(0, device=self._boundary.device)] * len(batch.counts)
        sizes = [math.prod(shape) for shape in batch.shapes]
        parts = torch.split(self._boundary.upload(batch.staged).view(torch.float32), sizes)
        return [part.view(shape[::-1]).T for part, shape in zip(parts, batch.shapes, strict=True)]


def open_conversion(clone: Clone, base_hz: int, boundary: HostBoundary, cache_dir: Path | None) -> Conversion:
    """Of a verified clone; SidecarError `voice_broken`, `voice_unsupported`, RuntimeError of the device. cache_dir: keeps what is computed of its sample."""
    converter = open_converter(clone, boundary.device)
    if converter.rate_hz != CONVERTERS[clone.converter].rate_hz:  # by which a book is laid out before anything is opened
        reason = f"its converter gives {converter.rate_hz} Hz, which none of its kind does"
        raise SidecarError("voice_unsupported", clone.converter, voice=clone.id, reason=reason)
    return Conversion(converter, reference_of(clone, converter, boundary, cache_dir), base_hz, boundary)


def _groups(counts: Sequence[int], at_once: int) -> Iterator[list[int]]:
    """Numbers of the sentences that are converted together: the shortest first, so that little is padded."""
    group: list[int] = []
    for number in sorted(range(len(counts)), key=counts.__getitem__):
        if group and (len(group) + 1) * counts[number] > at_once:
            yield group
            group = []
        group.append(number)
    if group:
        yield group
