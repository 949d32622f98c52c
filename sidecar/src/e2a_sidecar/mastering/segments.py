"""Where a book's stream is cut, so that its parts can be mastered and encoded apart and at the same time.

Owns the cuts. They depend on the book and the rates alone, never on who does the work: in the first pause after LEAST_S that is
long enough, near its middle, where a frame of the encoder begins. What a decoder overlaps there is silence on both sides.
Samples are counted from the book's beginning, at the voice's rate; frames at the file's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from e2a_sidecar.mastering.master import FRAME

LEAST_S: Final = 60.0
_EDGE: Final = 64  # samples beside a pause: what a resampler looks at
_LEAD_S: Final = 0.2  # what a loudness meter wants before it counts


@dataclass(frozen=True, slots=True)
class Piece:
    """Where the samples of a sentence lie."""

    sentence: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """[start, end) of the book's samples, and the frames that it gives the file: [first_frame, end_frame), None: to the last one.

    lead: where mastering begins, so that all from `start` on is as if it had begun with the book. pieces: that have samples in
    [lead, end), in order; the first may begin before. trail: silent samples that follow, for an encoder to look ahead at.
    """

    start: int
    end: int
    lead: int
    pieces: tuple[Piece, ...]
    first_frame: int
    end_frame: int | None
    trail: int


class Segments:
    """Give it each sentence's place in order, then `finish`.

    rate_hz: of the samples. file_rate_hz, frame: of the file, and how many of its samples a frame of the encoder adds; what a
    decoder hears of a frame lies under the next one too.
    """

    def __init__(self, rate_hz: int, file_rate_hz: int, frame: int, least_s: float = LEAST_S) -> None:
        self._rate_hz, self._file_rate_hz, self._frame = rate_hz, file_rate_hz, frame
        self._least = round(least_s * rate_hz)
        self._lead_frames = math.ceil(_LEAD_S * rate_hz / FRAME)
        self._pieces: list[Piece] = []
        self._start = self._lead = self._first_frame = 0
        self._now = self._sound_end = 0

    def add(self, sentence: int, silence: int, n_samples: int) -> Segment | None:
        """A sentence behind so much silence; the segment that ends in it, where one does."""
        found = None
        if n_samples:
            found = self._cut(self._sound_end, self._now + silence)
        start = self._now + silence
        self._now = start + n_samples
        if n_samples:
            self._pieces.append(Piece(sentence, start, self._now))
            self._sound_end = self._now
        return found

    def finish(self, silence: int) -> Segment:
        """The rest of the book, with the silence at its end."""
        return Segment(self._start, self._now + silence, self._lead, tuple(self._pieces), self._first_frame, None, 0)

    def _cut(self, start: int, end: int) -> Segment | None:
        """The segment that ends in the silence [start, end); None where it would be short, or a decoder would overlap sound."""
        if start - self._start < self._least:
            return None
        frame = round((start + end) / 2 * self._file_rate_hz / self._rate_hz / self._frame)
        if self._place(frame - 1) < start + _EDGE or self._place(frame + 1) > end - _EDGE:
            return None
        cut, trail = self._place(frame), self._place(frame + 1) - self._place(frame)
        found = Segment(self._start, cut, self._lead, tuple(self._pieces), self._first_frame, frame, trail)
        self._start, self._first_frame = cut, frame
        self._lead = max(0, cut // FRAME - self._lead_frames) * FRAME
        self._pieces = [piece for piece in self._pieces if piece.end > self._lead]
        return found

    def _place(self, frame: int) -> int:
        """The sample where a frame of the file begins, or the one before."""
        return frame * self._frame * self._rate_hz // self._file_rate_hz
