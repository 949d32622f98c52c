"""What `vits_torch` knows of a batch on its way: lines in pieces, what was spoken of them, and the takes that come of it. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from e2a_sidecar.model import Line, Samples, Take, Word
from e2a_sidecar.speaking.budget import Budget
from e2a_sidecar.speaking.clock import words_at
from e2a_sidecar.speaking.limits import FAULTS, fault, on_edge
from e2a_sidecar.speaking.phonemes import Encoded

if TYPE_CHECKING:
    from e2a_sidecar.speaking.vits_network import Waves

NOT_SPOKEN: Final = frozenset(("failed", "no_memory"))
NO_SAMPLES: Final = (np.zeros(0, dtype=np.int16), False)


@dataclass(frozen=True, slots=True)
class Piece:
    """A line, or a part of one that is too long. lost: flags of the line's words that have no sound, with its first piece."""

    line: Line
    number: int
    encoded: Encoded
    lost: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.line.key}.{self.number}" if self.number else self.line.key


Job = tuple[Piece, ...]
"""All pieces of one line."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A batch under way: its pieces, their phonemes' frames (whole), what was odd with each, and the samples to come.

    waves: None where the device could not speak it; then `flags` say why.
    """

    pieces: tuple[Piece, ...]
    frames: tuple[NDArray[np.float32], ...]
    flags: tuple[tuple[str, ...], ...]
    waves: Waves | None

    @classmethod
    def failed(cls, pieces: Sequence[Piece], flag: str) -> Flight:
        """Of pieces that were not spoken."""
        return cls(tuple(pieces), tuple(np.zeros(len(p.encoded.ids), dtype=np.float32) for p in pieces), ((flag,),) * len(pieces), None)

    def halved(self) -> Flight:
        """Of a batch that was too large."""
        return replace(self, flags=tuple(flags if "halved" in flags else (*flags, "halved") for flags in self.flags))

    def takes(self, waves: Iterable[tuple[Samples, bool]], hop_length: int, rate_hz: int) -> Iterator[tuple[Piece, Take]]:
        """Of each piece. waves: its samples, and whether there were values among them that are no numbers. hop_length, rate_hz: of the
        clock, which is the base voice's where that was converted."""
        for piece, frames, flags, (samples, broken) in zip(self.pieces, self.frames, self.flags, waves, strict=True):
            if FAULTS.intersection(flags):
                samples = samples[:0]
            elif broken:
                flags = (*flags, "nan")
            words = words_at(frames, piece.encoded.words, hop_length, rate_hz)
            yield piece, Take(piece.line.index, samples, words, piece.line.take, (*piece.lost, *flags))


def heard(
    predicted: NDArray[np.float32], pieces: Sequence[Piece], hop_length: int
) -> tuple[tuple[NDArray[np.float32], ...], tuple[tuple[str, ...], ...]]:
    """Whole frames of each piece's phonemes (none where something is wrong with them), and flags.

    predicted: unrounded, padded. hop_length: samples a frame.
    """
    frames: list[NDArray[np.float32]] = []
    flags: list[tuple[str, ...]] = []
    for row, piece in zip(predicted, pieces, strict=True):
        unrounded = row[: len(piece.encoded.ids)]
        whole = np.ceil(unrounded)
        odd = fault(whole, hop_length)
        frames.append(np.zeros_like(whole) if odd else whole)
        flags.append((odd,) if odd else ("edge",) if on_edge(unrounded) else ())
    return tuple(frames), tuple(flags)


def joined(pieces: Iterable[tuple[Piece, Take]], rate_hz: int) -> list[Take]:
    """The takes of whole lines, those of a line's pieces one after the other; nothing of a line of which a piece was not spoken."""
    takes: list[Take] = []
    for piece, take in pieces:
        takes.append(_joined(takes.pop(), take, rate_hz) if piece.number else take)
    return [replace(take, samples=take.samples[:0], words=()) if NOT_SPOKEN.intersection(take.flags) else take for take in takes]


def batches(lines: Iterable[Line], job: Callable[[Line], Job | Take], budget: Callable[[], Budget]) -> Iterator[tuple[list[Take], list[Job]]]:
    """Takes of lines that have no job, and lines to be spoken together; the shortest of the look-ahead first."""
    source = iter(lines)
    while ahead := list(islice(source, budget().look_ahead)):
        jobs = [job(line) for line in ahead]
        silent = [take for take in jobs if isinstance(take, Take)]
        batch: list[Job] = []
        count = 0
        for pieces in sorted((pieces for pieces in jobs if not isinstance(pieces, Take)), key=_longest):
            if batch and (count + len(pieces)) * _longest(pieces) > budget().ids:
                yield silent, batch
                silent, batch, count = [], [], 0
            batch.append(pieces)
            count += len(pieces)
        yield silent, batch


def padded_ids(jobs: Sequence[Job]) -> int:
    """Phoneme ids of a batch, each piece as long as the longest."""
    return sum(map(len, jobs)) * max(map(_longest, jobs))


def _longest(job: Job) -> int:
    return max(len(piece.encoded.ids) for piece in job)


def _joined(first: Take, second: Take, rate_hz: int) -> Take:
    """Two pieces of one line, one after the other."""
    by_s = len(first.samples) / rate_hz
    later: tuple[Word, ...] = tuple(replace(w, start_s=w.start_s + by_s, end_s=w.end_s + by_s) for w in second.words or ())
    flags = (*first.flags, *(flag for flag in second.flags if flag not in first.flags))
    return replace(first, samples=np.concatenate([first.samples, second.samples]), words=(*(first.words or ()), *later), flags=flags)
