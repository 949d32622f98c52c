"""The one boundary between a device and the host (design rule 1): what crosses it crosses it here, and is counted.

    upload      host -> device, one packed 1-D buffer
    begin_read  device -> host, asynchronous on CUDA (pinned memory, an event); `Read.result` waits for it
    to_host     both in one: a tensor on any device, an ndarray or a list -> 1-D float32 or int16 NumPy

No other module turns a tensor into NumPy. The fault this ends: "can't convert cuda:0 device type tensor to numpy", of
code that did not know whether it held a tensor, an array or a list, and on which device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

Speech: TypeAlias = torch.Tensor | NDArray[Any] | Sequence[Any]
Packed: TypeAlias = NDArray[np.float32] | NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Read:
    """A read that has begun: memory on the host, and the event after which it is filled (None: it is filled)."""

    memory: torch.Tensor
    event: torch.cuda.Event | None = None

    def result(self) -> Packed:
        """Wait, and give the values."""
        if self.event is not None:
            self.event.synchronize()
        values: Packed = self.memory.numpy()
        return values


class HostBoundary:
    """The crossings of one engine's device, counted: `reads`, `uploads`. `crossing` is True while one is under way."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.reads = 0
        self.uploads = 0
        self.crossing = False

    def upload(self, packed: NDArray[Any]) -> torch.Tensor:
        """A 1-D buffer to the device: one copy, which does not wait."""
        with self._crossing():
            self.uploads += 1
            memory = torch.from_numpy(packed)
            if _is_cuda(self.device):
                memory = memory.pin_memory()
            return memory.to(self.device, non_blocking=True)

    def begin_read(self, x: torch.Tensor) -> Read:
        """Start the copy of a tensor to the host: int16 stays, all else becomes float32 (on the device), 1-D."""
        with self._crossing():
            self.reads += 1
            return _begin_read(x)

    def read_lengths(self, frames: torch.Tensor) -> NDArray[np.float32]:
        """The batch's first read, which waits: every phoneme's duration in frames, so that lengths are known."""
        return self.begin_read(frames).result().astype(np.float32, copy=False)

    @contextmanager
    def _crossing(self) -> Iterator[None]:
        self.crossing = True
        try:
            yield
        finally:
            self.crossing = False


def to_host(x: Speech) -> Packed:
    """1-D float32 (int16 stays int16) of a tensor on any device, an ndarray or a list of numbers or of tensors.

    One detach, one transfer, whatever the shape; float values keep their scale.
    """
    if not isinstance(x, torch.Tensor | np.ndarray) and len(x) and all(isinstance(value, torch.Tensor) for value in x):
        x = torch.cat([value.reshape(-1) for value in x])  # a list of scalars on a device: still one transfer
    if isinstance(x, torch.Tensor):
        return _begin_read(x).result()
    flat = np.asarray(x).reshape(-1)
    return flat if flat.dtype == np.int16 else flat.astype(np.float32, copy=False)


def _begin_read(x: torch.Tensor) -> Read:
    flat = x.detach().reshape(-1)
    if flat.dtype != torch.int16:
        flat = flat.to(torch.float32)
    if not _is_cuda(flat.device):
        return Read(flat.to("cpu").contiguous())
    memory = torch.empty(flat.shape, dtype=flat.dtype, pin_memory=True)
    memory.copy_(flat, non_blocking=True)
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(flat.device))
    return Read(memory, event)


def _is_cuda(device: torch.device) -> bool:
    """A real CUDA or ROCm device: one that has pinned memory and events."""
    return device.type == "cuda" and torch.cuda.is_available()
