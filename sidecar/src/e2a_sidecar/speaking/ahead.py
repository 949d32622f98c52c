"""A batch that is encoded ahead of its turn, so that the device has work while the host gets ready what comes next.

    made       the encoding is queued; nothing is waited for
    `go_on`    its lengths are waited for, and threads begin to draw its noise
    `heard`    the same, raising what failed until then
    `decoded`  the decoding is queued

What fails before `heard` is kept for it, so that it can be dealt with in the batch's own turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from e2a_sidecar.speaking.budget import MOST_FRAMES, Budget
from e2a_sidecar.speaking.flights import Piece, heard
from e2a_sidecar.speaking.noise import draw_noise, take_noise
from e2a_sidecar.speaking.rows import Material, frames_of
from e2a_sidecar.speaking.vits_network import Encoded, VitsNetwork, Waves

if TYPE_CHECKING:
    from e2a_sidecar.speaking.clone.conversion import Prepared

_FAILURES = (RuntimeError, MemoryError)
"""torch's errors, of whatever device."""


class UnevenError(Exception):
    """A line of a batch lasts so long that with the others it takes too much: it has to be spoken without them."""


class Begun:
    """See the module. frames, flags: of each piece, once it was `heard` (see `flights.heard`)."""

    def __init__(self, network: VitsNetwork, pieces: Sequence[Piece], budget: Budget, threads: Executor | None) -> None:
        """threads: that draw noise; None where the calling thread draws it itself."""
        self.pieces = tuple(pieces)
        self.frames: tuple[NDArray[np.float32], ...] = ()
        self.flags: tuple[tuple[str, ...], ...] = ()
        self._network = network
        self._budget = budget
        self._threads = threads
        self._encoded: Encoded | None = None
        self._material: Material | None = None
        self._conversion: Prepared | None = None
        self._latents: list[Future[NDArray[np.float32]]] = []
        self._drawn: list[Future[None]] = []
        self._failure: Exception | None = None
        try:
            noise = [take_noise(p.key, p.line.take, "duration", (2, len(p.encoded.ids))) for p in pieces]
            self._encoded = network.begin_encode([piece.encoded.ids for piece in pieces], noise)
        except _FAILURES as error:
            self._failure = error

    def go_on(self) -> None:
        """Wait for the lengths and begin to draw noise, where that has not been done."""
        if self._failure is not None or self.frames:
            return
        assert self._encoded is not None
        try:
            self.frames, self.flags = heard(self._encoded.durations(), self.pieces, self._network.hop_length)
            counts = [frames_of(whole) for whole in self.frames]
            padded = sum(counts) if self._budget.rows else len(counts) * max(counts)
            if padded > MOST_FRAMES and len({piece.line.index for piece in self.pieces}) > 1:
                raise UnevenError
            self._conversion = self._network.prepared(counts)
            if self._threads is not None:
                self._draw(self._encoded, counts, self._threads)
        except (*_FAILURES, UnevenError) as error:
            self._failure = error

    def heard(self) -> None:
        """As `go_on`. RuntimeError, MemoryError of the device; UnevenError."""
        self.go_on()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def decoded(self, poll: Callable[[], None], done: list[str]) -> Waves:
        """Queue the decoding; RuntimeError, MemoryError of the device. done: told when what is left is done window by window, or row by row."""
        assert self._encoded is not None
        prior, counts, budget = self._encoded.prior, [frames_of(whole) for whole in self.frames], self._budget
        for drawn in self._drawn:
            drawn.result()
        if self._material is not None:
            laid = self._network.lay(prior, self._material)
            done.append("laid")
            return self._network.decode_rows(laid, self._material, poll, self._conversion)
        latents = [future.result() for future in self._latents] or [self._latent(*one) for one in zip(self.pieces, counts, strict=True)]
        if self._threads is None and self._conversion is not None:
            for piece, into in zip(self.pieces, self._conversion.noise, strict=False):
                draw_noise(piece.key, piece.line.take, "conversion", into)
        done.append("encoded")
        return self._network.decode(prior, counts, latents, budget.window, budget.frames, poll, self._conversion)

    def drop(self) -> None:
        """Let go of the device's memory: the batch is done, or is begun anew."""
        self._encoded = self._material = self._conversion = self._failure = None
        self._latents, self._drawn = [], []

    def _draw(self, encoded: Encoded, counts: Sequence[int], threads: Executor) -> None:
        if self._budget.rows:
            self._material = material = self._network.material(self.frames, encoded, self._budget.frames)
            self._drawn = [threads.submit(draw_noise, p.key, p.line.take, "latent", into) for p, into in zip(self.pieces, material.noise, strict=True)]
        else:
            self._latents = [threads.submit(self._latent, *one) for one in zip(self.pieces, counts, strict=True)]
        if self._conversion is not None:
            parts = zip(self.pieces, self._conversion.noise, strict=False)  # none where the converter takes none
            self._drawn += [threads.submit(draw_noise, p.key, p.line.take, "conversion", into) for p, into in parts]

    def _latent(self, piece: Piece, frames: int) -> NDArray[np.float32]:
        return take_noise(piece.key, piece.line.take, "latent", (self._network.channels, frames))
