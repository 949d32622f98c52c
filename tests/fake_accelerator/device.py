"""A fake `cuda:0` on a machine with a CPU alone: the rules of a device, and a count of what crosses to the host.

Its tensors (`OnDevice`) say that they are on `cuda:0` and keep their values in ordinary memory. Inside
`with FakeAccelerator() as fake:`

- NumPy refuses them with torch's own words ("can't convert cuda:0 device type tensor to numpy. ..."),
- an operation on tensors of two devices raises torch's own RuntimeError (single numbers of the host are let through, as by torch),
- `.to`, `.cuda`, `.cpu`, `.type` of tensors and whole modules, `device=` of torch's functions, `with torch.device(...)` and
  `torch.load(map_location=...)` work with `cuda`, `cuda:0` and 0; any other number is "invalid device ordinal",
- copies to the host, uploads and what makes the host wait are counted in `fake.counts`, each with the line that did it,
- `fake.faults` makes operations fail or give nonsense, and loses the whole device: see `faults`.

Threads begun inside are inside too; of one begun before, only operations on the device's tensors are seen, not those that
make them. What makes the host wait is what torch itself marks so (values that decide a shape or become a Python number),
boolean masks as indices, `.tolist()`, printing, pickling. `x[mask] = number` does not, on a real device either.

Some of torch's functions make tensors of their own below Python and are then refused as mixed (`quantile`), or find no
memory (`torch.Tensor([on the device])`).

Of `torch.cuda` nothing is faked: `torch.cuda.is_available()` stays False, its generators, events and memory figures raise;
and `non_blocking` copies arrive at once. With `FakeAccelerator(asynchronous=True)` it is there, with pinned memory, events
and copies that arrive late: see `stream`. What it never shows is real kernels. Autograd ends at an upload.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, Final
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._mode_utils import no_dispatch
from torch.utils._pytree import tree_map

from fake_accelerator.counts import Counts
from fake_accelerator.faults import Faults, spoiled
from fake_accelerator.stream import Stream

DEVICE: Final = torch.device("cuda:0")
HOST: Final = torch.device("cpu")
NUMPY_REFUSED: Final = "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
MIXED: Final = "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!"
NO_SUCH: Final = "CUDA error: invalid device ordinal"

_INDEXING: Final = frozenset(("index", "index_put", "index_put_", "_index_put_impl_"))
_OF_METADATA: Final = frozenset(("is_same_size", "is_pinned"))
"""Give a number of Python without looking at a value."""
_FROM_VALUES: Final = frozenset((torch.tensor, torch.as_tensor, torch.asarray, torch.Tensor.new_tensor))
_PINS: Final = frozenset((torch.Tensor.pin_memory, torch.Tensor.is_pinned))
_PINNED: Final = "pinned_for_the_fake_accelerator"
_MOVES: Final = frozenset((torch.Tensor.to, torch.Tensor.cuda, torch.Tensor.cpu, torch.Tensor.type, torch.Tensor.type_as))


class _Device:
    """What one fake device is: its counts and its faults."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.faults = Faults()
        self.reading = threading.local()
        self.stream: Stream | None = None

    def put(self, held: torch.Tensor) -> OnDevice:
        return OnDevice(held, self)

    def upload(self, held: torch.Tensor, source: torch.Tensor | None = None) -> OnDevice:
        """source: the pinned memory of which `held` is a copy, where it is to be read when the device comes to it."""
        self.faults.before("upload")
        self.counts.upload()
        if self.stream is not None and source is not None:
            self.stream.upload(source, held)
        elif self.stream is not None:
            self.counts.wait()  # ordinary memory is staged, or waited for
        there: OnDevice = self.made("upload", held)
        return there

    def read(self, there: OnDevice, non_blocking: bool = False) -> torch.Tensor:
        """To the host. By an operation of ATen, so that modes of others see it too."""
        self.reading.now = True
        try:
            with torch._C.DisableTorchFunctionSubclass():
                result: torch.Tensor = torch.ops.aten._to_copy(there, device=HOST, non_blocking=non_blocking)
        finally:
            self.reading.now = False
        return result

    def made(self, operation: str, result: Any, in_place: dict[int, OnDevice] | None = None) -> Any:
        """What an operation gave, on the device. in_place: arguments by the identity of what they hold."""
        arguments = in_place or {}
        with_ = self.faults.after(operation, [x for x in _flat(result) if isinstance(x, torch.Tensor)])

        def on_device(x: Any) -> Any:
            if not isinstance(x, torch.Tensor):
                return x
            if with_ is not None:
                x = spoiled(x, with_, id(x) in arguments)
            return arguments.get(id(x)) if id(x) in arguments else self.put(x)

        return on_device(result) if isinstance(result, torch.Tensor) else tree_map(on_device, result)


class OnDevice(torch.Tensor):
    """A tensor on the fake device. `held` is the ordinary tensor with its values: only for tests to look at."""

    held: torch.Tensor
    fake: _Device

    @staticmethod
    def __new__(cls, held: torch.Tensor, fake: _Device) -> OnDevice:
        with torch.inference_mode(False):  # else a view of a tensor from outside the mode could not be made in it
            made: OnDevice = torch.Tensor._make_wrapper_subclass(
                cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype, device=HOST, requires_grad=False
            )  # below Python it stays a CPU tensor: a CPU build of torch has no device guard for another
        made.held, made.fake = held, fake
        return made

    def __init__(self, held: torch.Tensor, fake: _Device) -> None: ...

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
        """As torch prints it: from a copy on the host, for which it waits."""
        self.fake.counts.host_copy()
        return f"{self.held!r} on {DEVICE}"

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        fake = next(x.fake for x in _flat((args, kwargs)) if isinstance(x, OnDevice))
        return _call(fake, func, args, dict(kwargs or {}))

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        fake = next(x.fake for x in _flat((args, kwargs)) if isinstance(x, OnDevice))
        return _operate(fake, func, args, kwargs)


class FakeAccelerator(AbstractContextManager["FakeAccelerator"]):
    """See the module. Not to be entered twice at a time."""

    def __init__(self, asynchronous: bool = False) -> None:
        self._device = _Device()
        if asynchronous:
            self._device.stream = Stream(self._device.counts)
        self.counts = self._device.counts
        self.faults = self._device.faults
        self._inside = ExitStack()

    def __enter__(self) -> FakeAccelerator:
        device, load, run = self._device, torch.load, threading.Thread.run

        def loaded(file: Any, map_location: Any = None, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(map_location, str | torch.device | int) or not _is_device(map_location):
                return load(file, map_location, *args, **kwargs)
            return tree_map(lambda x: device.upload(x) if isinstance(x, torch.Tensor) else x, load(file, HOST, *args, **kwargs))

        def run_inside(thread: threading.Thread) -> None:
            with _Calls(device):
                run(thread)

        for where, name, instead in (
            (torch, "load", loaded),
            (threading.Thread, "run", run_inside),
            (torch.backends.cudnn, "is_acceptable", lambda tensor: False),
            (torch.__future__, "_overwrite_module_params_on_conversion", True),  # else a module would keep its tensors and take the values
        ):
            self._inside.enter_context(mock.patch.object(where, name, instead))
        if device.stream is not None:
            self._inside.enter_context(device.stream.in_torch())
        self._inside.enter_context(_Calls(device))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._inside.close()

    def put(self, tensor: torch.Tensor) -> OnDevice:
        """A tensor on the device, not counted as an upload."""
        return self._device.put(tensor)


class _Calls(TorchFunctionMode):
    """Sees the calls that make tensors on the device out of none that is there."""

    def __init__(self, device: _Device) -> None:
        super().__init__()
        self._device = device

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        return _call(self._device, func, args, dict(kwargs or {}))


def _call(fake: _Device, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of torch's: what a CPU build refuses, or does without an operation, before a dispatch could see it."""
    first = args[0] if args else None
    if fake.stream is not None and (func in _PINS or kwargs.get("pin_memory")):
        return _pinned(func, first, args, kwargs)
    if func in _MOVES and isinstance(first, torch.Tensor):
        return _moved(fake, func, first, args[1:], kwargs)
    if isinstance(first, OnDevice) and (own := _OWN_CALLS.get(func)) is not None:
        return own(fake, first, args[1:], kwargs)
    if func in _FROM_VALUES and isinstance(data := args[1] if func is torch.Tensor.new_tensor else first, OnDevice):
        there = _wants(kwargs.pop("device", None)) is not False
        copied = data.to(DEVICE if there else HOST, kwargs.get("dtype"))
        return copied.clone() if copied is data and func in (torch.tensor, torch.Tensor.new_tensor) else copied
    if func in _FROM_VALUES:  # numbers of the device among the values: torch reads them one by one
        at = 1 if func is torch.Tensor.new_tensor else 0
        args = (*args[:at], *tree_map(lambda x: x.item() if isinstance(x, OnDevice) else x, args[at:]))
    wanted = _wants(kwargs.get("device"))
    if wanted is None and func is torch.Tensor.new_tensor and isinstance(first, OnDevice):
        wanted = True
    with torch._C.DisableTorchFunctionSubclass():
        if wanted is None or (not wanted and not any(isinstance(x, OnDevice) for x in _flat((args, kwargs)))):
            return func(*args, **kwargs)
        kwargs["device"] = HOST
        if wanted and func in _FROM_VALUES:
            return fake.upload(func(*_held_all(args), **kwargs))
        if wanted:
            fake.faults.before(func.__name__)
        made = func(*_held_all(args), **_held_all(kwargs))
        return fake.made(func.__name__, made) if wanted else made


def _moved(fake: _Device, func: Any, x: torch.Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`.to`, `.cuda`, `.cpu`, `.type`, `.type_as` of a tensor on either side."""
    if func is torch.Tensor.type and not args and not kwargs:
        name = str(_held(x).type())
        return name.replace("torch.", "torch.cuda.") if isinstance(x, OnDevice) else name
    there, dtype = _asked(func, args, kwargs)
    flags = [given for given in args if isinstance(given, bool)]  # non_blocking, copy
    non_blocking = bool(kwargs.get("non_blocking") or flags[:1] == [True])
    copy = bool(kwargs.get("copy") or flags[1:2] == [True])
    with torch._C.DisableTorchFunctionSubclass():
        if isinstance(x, OnDevice):
            same = x if dtype in (None, x.dtype) else torch.ops.aten._to_copy(x, dtype=dtype)
            if there is False:
                return fake.read(same, non_blocking)
            return x.clone() if copy and same is x else same
        if there:
            late = fake.stream is not None and non_blocking and hasattr(x, _PINNED) and dtype in (None, x.dtype)
            return fake.upload(x.detach().to(dtype or x.dtype, copy=True), x if late else None)
        return func(x, *args, **kwargs)


def _asked(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bool | None, torch.dtype | None]:
    """Which side (True: the device; None: where it is) and which type a call of `_moved` asks for."""
    if func is torch.Tensor.cpu:
        return False, None
    if func is torch.Tensor.cuda:
        device = kwargs.get("device", args[0] if args else None)
        return _is_device(DEVICE if device is None else device), None
    there: bool | None = None
    dtype: torch.dtype | None = None
    for given in (*args[:2], *(kwargs.get(name) for name in ("device", "dtype", "other"))):
        if isinstance(given, torch.dtype):
            dtype = given
        elif isinstance(given, torch.Tensor):
            there, dtype = isinstance(given, OnDevice), given.dtype
        elif isinstance(given, str) and given.endswith("Tensor"):
            there, dtype = ".cuda." in given, torch.empty(0).type(given.replace(".cuda", "")).dtype
        elif given is not None and not isinstance(given, bool):
            there = _is_device(given)
    return there, dtype


def _operate(fake: _Device, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """An operation of ATen with a tensor of the device among its arguments."""
    name: str = func.overloadpacket.__name__
    copies = name == "copy_"
    if fake.stream is not None:
        fake.stream.go_on()
    if (copies and not isinstance(args[0], OnDevice)) or (name == "_to_copy" and getattr(fake.reading, "now", False)):
        return _read(fake, func, args, kwargs)
    uploads = copies and not isinstance(args[1], OnDevice)
    name = "upload" if uploads else name
    fake.faults.before(name)
    tensors = [x for x in _flat((args, kwargs)) if isinstance(x, torch.Tensor)]
    if uploads:
        fake.counts.upload()
    elif name in _INDEXING:
        _index(fake, args)
    elif any(not isinstance(x, OnDevice) and x.dim() > 0 for x in tensors):
        raise RuntimeError(f"{MIXED} (when checking an argument of {name})")
    elif torch.Tag.dynamic_output_shape in func.tags:
        fake.counts.wait()
    if kwargs.get("device") is not None:
        kwargs["device"] = HOST
    result = func(*_held_all(args), **_held_all(kwargs))
    if isinstance(result, bool | int | float | complex) and name not in _OF_METADATA:
        fake.counts.wait()
    if torch.Tag.inplace_view in func.tags:
        with no_dispatch():
            func(*args, **kwargs)
    return fake.made(name, result, {id(x.held): x for x in tensors if isinstance(x, OnDevice)} if func._schema.is_mutable else None)


def _read(fake: _Device, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    """A copy to the host: into a tensor that is there (`copy_`), or a new one."""
    into: torch.Tensor | None = None if isinstance(args[0], OnDevice) else args[0]
    fake.faults.before("host_copy")
    late = bool(kwargs.get("non_blocking") or args[2:3] == (True,))
    if fake.stream is not None and into is not None:
        late = late and hasattr(into, _PINNED)  # to ordinary memory torch waits
    fake.counts.host_copy(waits=not late)
    values: torch.Tensor = func(*_held_all(args), **_held_all(kwargs))
    result = values.clone() if into is None else into
    if (with_ := fake.faults.after("host_copy", [result])) is not None:
        spoiled(result, with_, in_place=True)
    if late and fake.stream is not None:
        fake.stream.read(result.clone(), result)
    return result


def _index(fake: _Device, args: tuple[Any, ...]) -> None:
    """Count what indexing does: a boolean mask is looked at by the host, indices on the host are uploaded."""
    indices = [x for x in _flat(args[1]) if isinstance(x, torch.Tensor)]
    if not isinstance(args[0], OnDevice):
        raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
    masks = [x for x in indices if x.dtype in (torch.bool, torch.uint8)]
    number = len(args) > 2 and not isinstance(args[2], OnDevice) and args[2].dim() == 0
    if masks and not (number and len(indices) == 1):
        fake.counts.wait()
    if len(args) > 2 and not isinstance(args[2], OnDevice) and args[2].dim() > 0:
        raise RuntimeError(f"{MIXED} (when checking an argument of index_put_)")
    for x in indices:
        if not isinstance(x, OnDevice):
            fake.counts.upload()


def _pinned(func: Any, first: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Memory that the device can reach by itself; torch of a CPU has none, so it is marked."""
    if func is torch.Tensor.is_pinned:
        return hasattr(first, _PINNED)
    if isinstance(first, OnDevice):
        raise RuntimeError("cannot pin 'torch.cuda.FloatTensor' only dense CPU tensors can be pinned")
    pinned = func is torch.Tensor.pin_memory or kwargs.pop("pin_memory", False)
    made = first if hasattr(first, _PINNED) else first.clone() if func is torch.Tensor.pin_memory else func(*args, **kwargs)
    if pinned:
        setattr(made, _PINNED, True)
    return made


def _numpy(fake: _Device, x: OnDevice, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if not kwargs.get("force"):
        raise TypeError(NUMPY_REFUSED)
    return fake.read(x).numpy()


def _tolist(fake: _Device, x: OnDevice, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    fake.faults.before("host_copy")
    fake.counts.host_copy()
    return x.held.tolist()


def _pickled(fake: _Device, x: OnDevice, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    fake.counts.host_copy()
    return x.held.detach().__reduce_ex__(*args)  # type: ignore[no-untyped-call]


def _formatted(fake: _Device, x: OnDevice, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return format(x.item() if x.dim() == 0 else repr(x), *args)


def _shared(fake: _Device, x: OnDevice, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    raise BufferError("Unsupported device in DLTensor.")


_OWN_CALLS: Final[dict[Any, Callable[[_Device, OnDevice, tuple[Any, ...], dict[str, Any]], Any]]] = {
    torch.Tensor.numpy: _numpy,
    torch.Tensor.__array__: _numpy,
    torch.Tensor.tolist: _tolist,
    torch.Tensor.__format__: _formatted,
    torch.Tensor.__dlpack__: _shared,
    torch.Tensor.__reduce_ex__: _pickled,
    torch.Tensor.__deepcopy__: lambda fake, x, args, kwargs: x.clone(),
    torch.Tensor.get_device: lambda fake, x, args, kwargs: DEVICE.index,
}


def _wants(device: Any) -> bool | None:
    """Is a device that is asked for this one? None where none is asked for."""
    return None if device is None else _is_device(device)


def _is_device(device: Any) -> bool:
    """RuntimeError for another of its kind."""
    kind, index = (DEVICE.type, device) if isinstance(device, int) else (torch.device(device).type, torch.device(device).index)
    if kind == DEVICE.type and index not in (None, DEVICE.index):
        raise RuntimeError(NO_SUCH)
    return kind == DEVICE.type


def _held(x: Any) -> Any:
    return x.held if isinstance(x, OnDevice) else x


def _flat(x: Any) -> list[Any]:
    """What stands in lists, tuples and dicts, however deep."""
    if isinstance(x, list | tuple):
        return [leaf for part in x for leaf in _flat(part)]
    return [leaf for part in x.values() for leaf in _flat(part)] if isinstance(x, dict) else [x]


def _held_all(x: Any) -> Any:
    """The same with what the device's tensors hold."""
    if type(x) in (list, tuple):
        return type(x)(map(_held_all, x))
    return {key: _held_all(part) for key, part in x.items()} if type(x) is dict else _held(x)
