"""How the sentences of a batch lie in rows of one length, so that every call of the decoder has one shape. NumPy alone.

A row holds sentences one behind the other with a gap between them. Where each convolution finds zeros in the gap, as it
would beyond a lone sentence's ends, a gap as wide as the farthest convolution sees keeps them apart: nothing is padded to
a longer neighbour. A sentence that is longer than a row lies in several, each part with the frames around it that the
network can see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from e2a_sidecar.speaking.host import Staged

MOST_IN_A_ROW: Final = 24
"""Sentences of a row: so that the list of its gaps has one length. Two thousand frames hold as many of one second."""
SHORTEST: Final = 256
"""Frames of a row: a few sentences alone need no long one."""

BROKEN: Final = -32768
"""A sample that was NaN or infinite: no other one has this value."""

Frames = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Rows:
    """Frames count through the batch, sentence by sentence: `total` of them; `count` rows have `length` frames each.

    source: the frame that stands at each place of the rows (count * length), -1 where there is none. target: the frame that is
    spoken there, `total` where none is (nothing stands there, or it is a neighbour). gaps: in each row the frames that must
    be zero (count, one number for all rows).
    """

    length: int
    count: int
    source: Frames
    target: Frames
    gaps: Frames


@dataclass(frozen=True, slots=True)
class Material:
    """All that the host gives for the decoding of a batch in rows, in the memory of one upload.

    In this order: the phoneme that each frame belongs to, counted through the padded batch; `rows`; and the noise, of
    which each sentence has a part (frames, channels), for the caller to draw. sizes: numbers in each.
    """

    rows: Rows
    frames: tuple[int, ...]
    staged: Staged
    noise: tuple[NDArray[np.float32], ...]
    sizes: tuple[int, ...]

    @classmethod
    def of(
        cls, durations: Sequence[NDArray[np.float32]], padded: int, channels: int, longest: int, gap: int, context: int, stage: Callable[[int], Staged]
    ) -> Material:
        """durations: of each sentence, whole frames of each of its phonemes, none where it has a fault. padded: phonemes of each sentence in the batch.
        stage: gives memory for so many numbers. The others: see `laid_out`."""
        frames = [frames_of(whole) for whole in durations]
        rows, total = laid_out(frames, longest, gap, context), sum(frames)
        sizes = [total, rows.source.size, rows.target.size, rows.gaps.size, total * channels]
        staged = stage(sum(sizes))
        owner, source, target, gaps, noise = np.split(staged.values, np.cumsum(sizes[:-1]))
        owner[:] = np.concatenate([_owners(whole, count) + number * padded for number, (whole, count) in enumerate(zip(durations, frames, strict=True))])
        source[:], target[:], gaps[:] = rows.source, rows.target, rows.gaps.reshape(-1)
        parts = np.split(noise.view(np.float32).reshape(total, channels), np.cumsum(frames)[:-1])
        return cls(rows, tuple(frames), staged, tuple(parts), tuple(sizes))


@dataclass(frozen=True, slots=True)
class _Part:
    """Frames [low, high) of the batch, of which [start, end) are its own."""

    start: int
    end: int
    low: int
    high: int

    @property
    def width(self) -> int:
        return self.high - self.low


def laid_out(frames: Sequence[int], longest: int, gap: int, context: int) -> Rows:
    """frames: of each sentence, at least 1. longest: a row's frames at most. gap: frames between two sentences. context: frames
    that the network sees to each side."""
    length = _row(sum(frames) + gap * len(frames), max(longest, 2 * context + gap + SHORTEST // 4))
    parts = sorted(_parts(frames, length - 1, context), key=lambda part: part.width, reverse=True)
    rows: list[list[tuple[int, _Part]]] = []
    used: list[int] = []
    for part in parts:
        found = next((n for n, end in enumerate(used) if end + part.width < length and len(rows[n]) < MOST_IN_A_ROW), None)
        if found is None:
            found = len(rows)
            rows.append([])
            used.append(0)
        rows[found].append((used[found], part))
        used[found] += part.width + gap
    source = np.full((len(rows), length), -1, dtype=np.int32)
    target = np.full_like(source, sum(frames))
    gaps = np.full((len(rows), MOST_IN_A_ROW * gap), length - 1, dtype=np.int32)  # a row's last frame is never used
    for row, placed in enumerate(rows):
        for number, (at, part) in enumerate(placed):
            source[row, at : at + part.width] = np.arange(part.low, part.high)
            target[row, at + part.start - part.low : at + part.end - part.low] = np.arange(part.start, part.end)
            end = at + part.width
            gaps[row, number * gap : (number + 1) * gap] = np.minimum(np.arange(end, end + gap), length - 1)
    return Rows(length, len(rows), source.reshape(-1), target.reshape(-1), gaps)


def frames_of(whole: NDArray[np.float32]) -> int:
    """Of a sentence with such durations: one at least, so that there is something to decode."""
    return max(1, int(whole.sum()))


def parted(packed: NDArray[np.int16], samples: Sequence[int]) -> list[tuple[NDArray[np.int16], bool]]:
    """The sentences of what was read, and whether one had a value that is no number; such are silence. samples: of each."""
    return [_mended(part.copy()) for part in np.split(packed, np.cumsum(samples)[:-1])]


def _mended(samples: NDArray[np.int16]) -> tuple[NDArray[np.int16], bool]:
    broken = bool(len(samples)) and int(samples.min()) == BROKEN
    if broken:
        samples[samples == BROKEN] = 0
    return samples, broken


def _owners(durations: NDArray[np.float32], count: int) -> Frames:
    """The phoneme of each of `count` frames; the last one, where there are no durations."""
    owners = np.repeat(np.arange(len(durations), dtype=np.int32), durations.astype(np.int64))
    return owners if len(owners) == count else np.full(count, len(durations) - 1, dtype=np.int32)


def _row(needed: int, longest: int) -> int:
    """The longest row, or its half, its quarter ... where that holds all."""
    length = longest
    while length // 2 > needed and length // 2 >= SHORTEST:
        length //= 2
    return length


def _parts(frames: Sequence[int], most: int, context: int) -> Iterator[_Part]:
    """Each sentence, in pieces where it has more frames than `most`."""
    first = 0
    for count in frames:
        end = first + count
        own = count if count <= most else most - 2 * context
        for start in range(first, end, own):
            stop = min(start + own, end)
            yield _Part(start, stop, max(first, start - context), min(end, stop + context))
        first = end
