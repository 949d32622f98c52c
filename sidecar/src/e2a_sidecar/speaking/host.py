"""The one boundary between a device and the host (design rule 1): what crosses it crosses it here, and is counted.

    stage       memory of the host for an upload, which the device can read by itself
    upload      host -> device, one packed 1-D buffer
    begin_read  device -> host, asynchronous on CUDA (pinned memory, an event); `Read.result` waits for it
    to_host     both in one: a tensor on any device, an ndarray or a list -> 1-D float32 or int16 NumPy

Copies are asynchronous on CUDA and ROCm alone, and only from and to pinned memory: torch keeps a pinned block from being
used again until the copies that it was in are done. Elsewhere (MPS, XPU) nothing keeps the host's memory alive and
unchanged for a copy that is still to come, so there each copy waits.

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
        """Wait, and give the values: the memory itself, each time it is asked."""
        if self.event is not None:
            self.event.synchronize()
        values: Packed = self.memory.numpy()
        return values


@dataclass(frozen=True, slots=True)
class Staged:
    """Memory for one upload, pinned on CUDA; `values` are its whole numbers, to be written before they are uploaded."""

    memory: torch.Tensor
    values: NDArray[np.int32]


class HostBoundary:
    """The crossings of one engine's device, counted: `reads`, `uploads`. `crossing` is True while one is under way."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.reads = 0
        self.uploads = 0
        self.crossing = False

    @property
    def asynchronous(self) -> bool:
        """Does the device compute, and copy, while the host goes on? True on CUDA and ROCm."""
        return _is_cuda(self.device)

    def stage(self, size: int) -> Staged:
        """Memory for `size` numbers, with anything in it."""
        memory = torch.empty(size, dtype=torch.int32, pin_memory=self.asynchronous)
        return Staged(memory, memory.numpy())

    def upload(self, packed: NDArray[Any] | Staged) -> torch.Tensor:
        """A 1-D buffer to the device: one copy, which does not wait on CUDA. On a CPU the tensor shares the buffer's memory."""
        with self._crossing():
            self.uploads += 1
            memory = packed.memory if isinstance(packed, Staged) else torch.from_numpy(packed)
            if self.asynchronous and not isinstance(packed, Staged):
                memory = memory.pin_memory()
            return memory.to(self.device, non_blocking=self.asynchronous)

    def begin_read(self, x: torch.Tensor) -> Read:
        """Start the copy of a tensor to the host: int16 stays, all else becomes float32 (on the device), 1-D.

        On CUDA it is ordered behind the work of the stream that is current in this thread, on which `x` was made.
        """
        with self._crossing():
            self.reads += 1
            return _begin_read(x)

    @contextmanager
    def _crossing(self) -> Iterator[None]:
        self.crossing = True
        try:
            yield
        finally:
            self.crossing = False


def to_host(x: Speech) -> Packed:
    """1-D float32 (int16 stays int16) of a tensor on any device, an ndarray, or a list of numbers, tensors or ndarrays.

    One detach, one transfer, whatever the shape; values keep their scale. What is on the host already may share memory
    with the result. A list's tensors must be on one device (RuntimeError).
    """
    if isinstance(x, torch.Tensor):
        return _begin_read(x).result()
    return _packed(x if isinstance(x, np.ndarray) else _joined(x))


def _joined(values: Sequence[Any]) -> NDArray[Any]:
    """A list's values, one behind the other; all of its tensors in one transfer, the numbers between them left where they are."""
    tensors = [value.reshape(-1) for value in values if isinstance(value, torch.Tensor)]
    if not tensors:
        arrays = any(isinstance(value, np.ndarray) for value in values)
        return np.concatenate([_packed(np.asarray(value)) for value in values]) if arrays else np.asarray(values)
    read = _begin_read(torch.cat(tensors)).result()
    if len(tensors) == len(values):
        return read
    parts: list[NDArray[Any]] = []
    start = 0
    for value in values:
        if isinstance(value, torch.Tensor):
            parts.append(read[start : start + value.numel()])
            start += value.numel()
        else:
            parts.append(_packed(np.asarray(value)))
    return np.concatenate(parts)


def _packed(values: NDArray[Any]) -> Packed:
    flat = values.reshape(-1)
    return flat if flat.dtype == np.int16 else flat.astype(np.float32, copy=False)


def _begin_read(x: torch.Tensor) -> Read:
    flat = x.detach().reshape(-1)
    if flat.dtype != torch.int16:
        flat = flat.to(torch.float32)
    if not _is_cuda(flat.device):
        return Read(flat.to("cpu").contiguous())
    memory = torch.empty(flat.shape, dtype=flat.dtype, pin_memory=True)
    memory.copy_(flat, non_blocking=True)
    event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]  # who waits leaves its core to the encoder
    event.record(torch.cuda.current_stream(flat.device))
    return Read(memory, event)


def _is_cuda(device: torch.device) -> bool:
    """A real CUDA or ROCm device: one that has pinned memory and events."""
    return device.type == "cuda" and torch.cuda.is_available()
