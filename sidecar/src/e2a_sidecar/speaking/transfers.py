"""What crosses between device and host in a batch, counted while it is spoken; never a constant.

Reads and uploads through `host` are counted there. Beside it, on every device:
- a dispatch mode sees copies between devices, scalar reads of the device's tensors, boolean indexing and what else must
  know values to know a shape (on a CPU nothing is copied, but the same calls are made, and each would make a GPU wait;
  `x[mask] = number`, which would not, is counted too);
- a function mode sees `.tolist()`, which reads memory without an operation;
- on CUDA torch's own sync debug mode reports every wait, and the greater of the two counts is taken.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch.overrides import TorchFunctionMode

from e2a_sidecar.speaking.dispatch import DispatchMode
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.host import HostBoundary

_COPIES: Final = frozenset(("to", "_to_copy", "copy_"))
_INDEXING: Final = frozenset(("index", "index_put_", "index_put", "_index_put_impl_"))
_OF_METADATA: Final = frozenset(("is_same_size", "is_pinned"))
"""Give a number of Python without looking at a value; all else that gives one reads it."""


@dataclass(slots=True)
class _Seen:
    copies: int = 0
    uploads: int = 0
    waits: int = 0


class _Operations(DispatchMode):
    """Counts operations outside the boundary that copy between devices or make the host wait."""

    def __init__(self, boundary: HostBoundary, seen: _Seen) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._boundary = boundary
        self._seen = seen

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if not self._boundary.crossing:
            self._look(func, args, kwargs, result)
        return result

    def _look(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        name = func.overloadpacket.__name__
        if name in _COPIES:
            source = args[1].device if name == "copy_" else args[0].device
            target = args[0].device if name == "copy_" else kwargs.get("device") or source
            if source.type != target.type:
                if target.type == "cpu":
                    self._seen.copies += 1
                    self._seen.waits += 1
                else:
                    self._seen.uploads += 1
        elif args and isinstance(args[0], torch.Tensor) and args[0].device.type == self._boundary.device.type:
            if name in _INDEXING:
                self._seen.waits += any(isinstance(i, torch.Tensor) and i.dtype in (torch.bool, torch.uint8) for i in args[1])
            else:
                self._seen.waits += torch.Tag.dynamic_output_shape in func.tags or (isinstance(result, bool | int | float) and name not in _OF_METADATA)


class _Calls(TorchFunctionMode):
    """Counts `.tolist()` outside the boundary."""

    def __init__(self, boundary: HostBoundary, seen: _Seen) -> None:
        super().__init__()
        self._boundary = boundary
        self._seen = seen

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        if func is torch.Tensor.tolist and not self._boundary.crossing and args[0].device.type == self._boundary.device.type:
            self._seen.copies += 1
            self._seen.waits += 1
        return func(*args, **(kwargs or {}))


class TransferCount:
    """`with count.counting(): ...` around one batch; afterwards `count.transfers`."""

    def __init__(self, boundary: HostBoundary) -> None:
        self.transfers = Transfers()
        self._boundary = boundary

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what is done inside; a block that fails leaves nothing counted."""
        boundary, seen = self._boundary, _Seen()
        reads, uploads = boundary.reads, boundary.uploads
        with _cuda_waits(boundary.device) as reported, _Operations(boundary, seen), _Calls(boundary, seen):
            yield
        self.transfers = Transfers(
            host_copies_per_batch=boundary.reads - reads + seen.copies,
            uploads_per_batch=boundary.uploads - uploads + seen.uploads,
            hidden_syncs=max(seen.waits, len(reported)),
        )


@contextmanager
def _cuda_waits(device: torch.device) -> Iterator[list[str]]:
    """Torch's own reports of waits on CUDA (the boundary's reads wait by an event, which it does not report)."""
    found: list[str] = []
    if device.type != "cuda" or not torch.cuda.is_available():
        yield found
        return
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield found
        found += [str(w.message) for w in caught if "synchroniz" in str(w.message)]
    finally:
        torch.cuda.set_sync_debug_mode(before)
