"""A fake `cuda:0` on a machine with a CPU alone: the rules of a device, and a count of what crosses to the host.

Its tensors (`OnDevice`) say that they are on `cuda:0` and keep their values in ordinary memory. Inside
`with FakeAccelerator() as fake:`

- NumPy refuses them with torch's own words ("can't convert cuda:0 device type tensor to numpy. ..."),
- an operation on tensors of two devices raises torch's own RuntimeError,
- `.to("cuda:0")` of tensors and whole modules, and `device="cuda:0"` of torch's factories, work,
- copies to the host, uploads and what makes the host wait are counted in `fake.counts`, each with the line that did it.

It does not show streams, asynchronous copies, pinned memory or real kernels: that needs the real device.
"""

from __future__ import annotations

import traceback
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

DEVICE: Final = torch.device("cuda:0")
NUMPY_REFUSED: Final = "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
MIXED: Final = "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!"

_COPIES: Final = frozenset(("to", "_to_copy", "copy_"))
_SCALARS: Final = frozenset(("item", "_local_scalar_dense", "is_nonzero"))
_SHAPED_BY_VALUES: Final = frozenset(("nonzero", "masked_select", "_unique2", "unique_dim"))
_INDEXING: Final = frozenset(("index", "index_put", "index_put_", "_index_put_impl_"))
_FROM_HOST: Final = frozenset((torch.tensor, torch.as_tensor))
_ON_DEVICE: Final = frozenset((torch.zeros, torch.ones, torch.empty, torch.full, torch.arange, torch.randn, torch.rand, torch.linspace, torch.hann_window))
_WATCHED: Final = ("/TTS/", "/e2a_sidecar/", "/tests/")


@dataclass
class Counts:
    """Crossings since the start or the last `clear`; `where` by kind and line, e.g. `("wait", "TTS/.../transforms.py:168")`."""

    host_copies: int = 0
    uploads: int = 0
    waits: int = 0
    where: Counter[tuple[str, str]] = field(default_factory=Counter)

    def clear(self) -> None:
        self.host_copies = self.uploads = self.waits = 0
        self.where.clear()

    def host_copy(self) -> None:
        self.host_copies += 1
        self.where["host copy", _line()] += 1

    def upload(self) -> None:
        self.uploads += 1
        self.where["upload", _line()] += 1

    def wait(self) -> None:
        self.waits += 1
        self.where["wait", _line()] += 1


class OnDevice(torch.Tensor):
    """A tensor on the fake device. `held` is the ordinary tensor with its values: only for tests to look at."""

    held: torch.Tensor
    counts: Counts

    @staticmethod
    def __new__(cls, held: torch.Tensor, counts: Counts) -> OnDevice:
        with torch.inference_mode(False):  # else a view of a tensor from outside the mode could not be made in it
            made: OnDevice = torch.Tensor._make_wrapper_subclass(
                cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype, device=torch.device("cpu"), requires_grad=False
            )  # below Python it stays a CPU tensor: a CPU build of torch has no device guard for another
        made.held, made.counts = held, counts
        return made

    def __init__(self, held: torch.Tensor, counts: Counts) -> None: ...

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return DEVICE

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True

    @property
    def is_cpu(self) -> bool:  # type: ignore[override]
        return False

    def __repr__(self) -> str:  # type: ignore[override]
        return f"OnDevice({tuple(self.shape)}, {self.dtype})"

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = func.overloadpacket.__name__
        tensors = [x for x in _flat((args, kwargs)) if isinstance(x, torch.Tensor)]
        counts = next(x.counts for x in tensors if isinstance(x, OnDevice))
        to_host = _look(name, args, kwargs, tensors, counts)
        if kwargs.get("device") is not None:
            kwargs["device"] = torch.device("cpu")
        result = func(*tree_map(_held, args), **tree_map(_held, kwargs))
        if to_host:
            return args[0] if name == "copy_" else result.clone()
        return tree_map(lambda x: OnDevice(x, counts) if isinstance(x, torch.Tensor) else x, result)


class FakeAccelerator(AbstractContextManager["FakeAccelerator"]):
    """See the module. Not to be entered twice at a time."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._calls = _Calls(self.counts)

    def __enter__(self) -> FakeAccelerator:
        self._calls.__enter__()  # type: ignore[no-untyped-call]
        original = torch.nn.Module.to

        def to(module: torch.nn.Module, *args: Any, **kwargs: Any) -> torch.nn.Module:
            return self.move(module) if _wants_device(original, (module, *args), kwargs) else original(module, *args, **kwargs)

        self._module_to = mock.patch.object(torch.nn.Module, "to", to)  # torch would put the fake's values into its own parameters
        self._module_to.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._module_to.stop()
        self._calls.__exit__(kind, error, trace)  # type: ignore[no-untyped-call]

    def move(self, module: torch.nn.Module) -> torch.nn.Module:
        """A module's parameters and buffers to the device (weight norm removed before), not counted as uploads."""
        for part in module.modules():
            for name, parameter in part._parameters.items():
                if parameter is not None:
                    part._parameters[name] = torch.nn.Parameter(self.put(parameter.detach()), requires_grad=False)
            for name, buffer in part._buffers.items():
                if buffer is not None:
                    part._buffers[name] = self.put(buffer)
        return module

    def put(self, tensor: torch.Tensor) -> OnDevice:
        """A tensor on the device, not counted as an upload."""
        return OnDevice(tensor, self.counts)


class _Calls(TorchFunctionMode):
    """What a CPU build of torch refuses, or does without an operation, before a dispatch could see it."""

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self._counts = counts

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in _FROM_HOST or func in _ON_DEVICE:
            return self._made(func, args, kwargs)
        first = args[0] if args else None
        if isinstance(first, OnDevice):
            if func in (torch.Tensor.numpy, torch.Tensor.__array__):
                raise TypeError(NUMPY_REFUSED)
            if func is torch.Tensor.cpu or (func is torch.Tensor.to and _wants(torch.device("cpu"), args, kwargs)):
                dtype = kwargs.get("dtype") or next((x for x in args[1:] if isinstance(x, torch.dtype)), None)
                return torch.ops.aten._to_copy(first, dtype=dtype, device=torch.device("cpu"), non_blocking=bool(kwargs.get("non_blocking")))
            if func is torch.Tensor.tolist:
                self._counts.host_copy()
                self._counts.wait()
                return first.held.tolist()
        if func in (torch.Tensor.to, torch.Tensor.cuda) and isinstance(first, torch.Tensor) and _wants_device(func, args, kwargs):
            dtype = kwargs.get("dtype") or next((x for x in args[1:] if isinstance(x, torch.dtype)), None)
            if isinstance(first, OnDevice):
                return first if dtype in (None, first.dtype) else OnDevice(first.held.to(dtype), self._counts)
            self._counts.upload()
            return OnDevice(first.detach().to(dtype or first.dtype).clone(), self._counts)
        return func(*args, **kwargs)

    def _made(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        device = kwargs.get("device")
        if device is None or torch.device(device).type != DEVICE.type:
            return func(*args, **kwargs)
        kwargs["device"] = torch.device("cpu")
        if func in _FROM_HOST:
            self._counts.upload()
        return OnDevice(func(*tree_map(_held, args), **tree_map(_held, kwargs)), self._counts)


def _look(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], tensors: list[torch.Tensor], counts: Counts) -> bool:
    """Count what the operation does to the host; True where its result lies there. RuntimeError for mixed devices."""
    if name in _COPIES:
        if name == "copy_":
            target_on, source_on = isinstance(args[0], OnDevice), isinstance(args[1], OnDevice)
        else:
            device = kwargs.get("device")
            target_on, source_on = device is None or torch.device(device).type == DEVICE.type, True
        if source_on and not target_on:
            counts.host_copy()
            if not kwargs.get("non_blocking"):
                counts.wait()
        elif target_on and not source_on:
            counts.upload()
        return not target_on
    if name not in _INDEXING and any(not isinstance(x, OnDevice) and x.dim() > 0 for x in tensors):
        raise RuntimeError(f"{MIXED} (when checking an argument of {name})")
    masked = name in _INDEXING and any(isinstance(x, torch.Tensor) and x.dtype == torch.bool for x in _flat(args[1]))
    if name in _SCALARS or name in _SHAPED_BY_VALUES or masked:
        counts.wait()
    return False


def _wants_device(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return func is torch.Tensor.cuda or _wants(DEVICE, args, kwargs)


def _wants(device: torch.device, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Is a call of `.to` one to this kind of device?"""
    for x in (kwargs.get("device"), *args[1:2]):
        target = x.device if isinstance(x, torch.Tensor) else torch.device(x) if isinstance(x, str | torch.device) else None
        if target is not None:
            return target.type == device.type
    return False


def _held(x: Any) -> Any:
    return x.held if isinstance(x, OnDevice) else x


def _flat(x: Any) -> list[Any]:
    found: list[Any] = []
    tree_map(found.append, x)
    return found


def _line() -> str:
    """File and line, from the package on, of the innermost frame that is ours or upstream's."""
    for frame in reversed(traceback.extract_stack()):
        path = frame.filename.replace("\\", "/")
        mark = next((mark for mark in _WATCHED if mark in path), None)
        if mark and not path.endswith(("/transfers.py", "/fake_accelerator/device.py")):
            return f"{mark[1:]}{path.rsplit(mark, 1)[1]}:{frame.lineno}"
    return "?"
