"""The decoder's one shape as a CUDA graph: launched as a whole, without the host's time for each of its kernels.

A graph is captured where `prepare` is told to, before there is speech, for capturing waits for the device. What has another
shape, and everything on devices that are not CUDA's, is computed as it comes. A graph that fails once is dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

_LOG = logging.getLogger(__name__)
_WARM_UPS = 2

Decode = Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None, Callable[[], None]], torch.Tensor]


@dataclass(frozen=True, slots=True)
class _Captured:
    """A graph, what it reads and what it writes."""

    graph: Any
    z: torch.Tensor
    gaps: torch.Tensor
    wave: torch.Tensor


class Replayed:
    """A decoder of rows (see `row_decoder.RowDecoder`), called as that one is; by its graph where one was captured."""

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._captured: _Captured | None = None
        self.why_not = "none was asked for"
        """Why there is no graph; empty where there is one."""

    def __call__(self, z: torch.Tensor, gaps: torch.Tensor, speaker: torch.Tensor | None, poll: Callable[[], None]) -> torch.Tensor:
        """The samples stand until the next call, which writes over them."""
        captured = self._captured
        if captured is None or captured.z.shape != z.shape:
            return self._decode(z, gaps, speaker, poll)
        try:
            captured.z.copy_(z)
            captured.gaps.copy_(gaps)
            captured.graph.replay()
        except RuntimeError as error:
            self.drop(f"{type(error).__name__}: {error}"[:300])
            raise
        return captured.wave

    @torch.inference_mode()
    def prepare(self, z: torch.Tensor, gaps: torch.Tensor, speaker: torch.Tensor | None) -> bool:
        """Capture the decoding of what has these shapes, on CUDA; False where it could not be."""
        self.drop()
        try:
            with torch.cuda.device(z.device):
                self._captured, self.why_not = self._capture(z.clone(), gaps.clone(), speaker), ""
        except (RuntimeError, AssertionError, AttributeError) as error:
            self.drop(f"{type(error).__name__}: {error}"[:300])
            _LOG.warning("no graph of the decoder: %s", self.why_not)
            return False
        return True

    def _capture(self, z: torch.Tensor, gaps: torch.Tensor, speaker: torch.Tensor | None) -> _Captured:
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):  # libraries choose and load their kernels before they can be captured
            for _ in range(_WARM_UPS):
                self._decode(z, gaps, speaker, _go_on)
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            wave = self._decode(z, gaps, speaker, _go_on)
        return _Captured(graph, z, gaps, wave)

    def drop(self, why: str = "none was asked for") -> None:
        """Compute as it comes from now on; the graph's memory is free."""
        self._captured, self.why_not = None, why


def _go_on() -> None: ...
