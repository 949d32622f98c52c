"""Strangers' checkpoints and descriptions, opened without letting them run, fetch or fill anything.

    checkpoint    a file of torch's: weights only, uncompressed, no larger than it may be
    description   a JSON object
    blank         a network built by a description: without memory, its numbers counted
    filled        the same with a checkpoint's weights, each of the shape that the network has
    offline       whatever wants the network meanwhile is refused before it asks (coqui fetches inside constructors)

Errors are SidecarError `voice_broken`, of the clone's (or voice's) id.
"""

from __future__ import annotations

import json
import math
import pickle
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from torch.nn.utils import parametrize

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.device_errors import is_out_of_memory
from e2a_sidecar.speaking.dispatch import DispatchMode

LARGEST_NETWORK: Final = 1 << 29
"""Numbers; WavLM-Large has 316 million, coqui's stock VITS 83."""
LARGEST_CHECKPOINT: Final = 4 << 30
LARGEST_DESCRIPTION: Final = 8 * 1024 * 1024
MOST_LAYERS: Final = 100
"""Of a kind: building them takes time, whatever their size."""
LOADER_ERRORS: Final = (
    *(pickle.UnpicklingError, zipfile.BadZipFile, OSError, EOFError, RuntimeError),
    *(LookupError, TypeError, ValueError, AttributeError, AssertionError, ArithmeticError, UserWarning),
)
_FACTORIES: Final = frozenset(getattr(torch.ops.aten, name) for name in ("empty", "zeros", "ones", "full", "rand", "randn"))
_ASKS: Final = frozenset(("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request", "http.client.connect", "ftplib.connect"))
"""Python's own events (audit hooks) before anything goes over the network."""

T = TypeVar("T")


def broken(voice: str, reason: str, detail: str = "") -> SidecarError:
    """`voice_broken`; reason: a user's clause."""
    return SidecarError("voice_broken", detail or reason, voice=voice, reason=reason)


def unsupported(voice: str, reason: str, detail: str = "") -> SidecarError:
    """`voice_unsupported`; reason: a user's clause."""
    return SidecarError("voice_unsupported", detail or reason, voice=voice, reason=reason)


def description(path: Path, voice: str) -> dict[str, Any]:
    """A JSON object in a file."""
    raw = _opened(path, voice, LARGEST_DESCRIPTION, lambda: json.loads(path.read_text(encoding="utf-8")), "is not JSON")
    if not isinstance(raw, dict):
        raise broken(voice, f"{path.name} is no description")
    return raw


def checkpoint(path: Path, voice: str, mapped: bool = False) -> dict[str, Any]:
    """The object that torch saved in a file, its tensors on the CPU; only tensors, numbers, texts and their containers are let in.

    mapped: tensors take no memory before they are looked at, and the file stays open as long as they are kept.
    """
    loaded = _opened(path, voice, LARGEST_CHECKPOINT, lambda: _weights(path, voice, mapped), "is no checkpoint that could be read")
    if not isinstance(loaded, dict):
        raise broken(voice, f"{path.name} is no checkpoint")
    return loaded


def check_stored(path: Path, voice: str) -> None:
    """torch writes its archives without compression; one that is compressed may be of any size."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
                raise broken(voice, f"{path.name} is compressed, which no checkpoint is")
            if sum(info.file_size for info in archive.infolist()) > path.stat().st_size:
                raise broken(voice, f"{path.name} says that it holds more than it does")


def whole(raw: Any, name: str, voice: str, least: int, most: int) -> int:
    """A whole number of a description within bounds."""
    if isinstance(raw, bool) or not isinstance(raw, int) or not least <= raw <= most:
        shown = str(raw)[:40] if isinstance(raw, int | float | str) else type(raw).__name__
        raise broken(voice, f"its description has a {name} that is none ({shown})")
    return raw


def numbers(raw: Any, name: str, voice: str, most: int, *, entries: int = 16) -> list[int]:
    """A list of whole numbers from 1 to `most` in a description."""
    if not isinstance(raw, list | tuple) or not 1 <= len(raw) <= entries:
        raise broken(voice, f"its description has {name} that are none")
    return [whole(one, name, voice, 1, most) for one in raw]


def blank(make: Callable[[], T], voice: str) -> T:
    """What `make` builds, its parameters without memory (torch's `meta` device)."""
    try:
        with offline(), Bounded(voice), torch.device("meta"):
            return make()
    except LOADER_ERRORS as error:
        if is_out_of_memory(error):
            raise
        raise _refused(error, voice) from None


def filled(network: Any, state: Any, voice: str, *, may_lack: tuple[str, ...] = (), may_have: tuple[str, ...] = ()) -> Any:
    """A blank network with the weights of a checkpoint, for use alone: eval mode, float32, weight norm folded in.

    may_lack, may_have: prefixes of parameters that need not be in the checkpoint (they stay as they are), or not in the network.
    """
    if not isinstance(state, Mapping) or not all(isinstance(name, str) and _is_weight(value) for name, value in state.items()):
        raise broken(voice, "its checkpoint holds no weights")
    try:
        given = {name: value for name, value in state.items() if not name.startswith(may_have)}
        report = network.load_state_dict(given, strict=False, assign=True)
    except LOADER_ERRORS as error:
        if is_out_of_memory(error):
            raise
        raise _refused(error, voice) from None
    wrong = [*(name for name in report.missing_keys if not name.startswith(may_lack)), *report.unexpected_keys]
    if wrong:
        raise broken(voice, "its checkpoint is of another network than its description", f"{len(wrong)} names, the first {wrong[0]}"[:300])
    return stripped(network.float())  # not before it is known that there is nothing else: half of it may be one number under a thousand names


def stripped(network: Any) -> Any:
    """For use alone: eval mode, weight norm folded into the weights (the same output), nothing to be trained."""
    for module in network.modules():
        for name in list(getattr(module, "parametrizations", ())):
            parametrize.remove_parametrizations(module, name)
    return network.eval().requires_grad_(False)


def _is_weight(value: Any) -> bool:
    """An ordinary tensor with all of its values: a file can also hold one number as a tensor of any size, or none."""
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized or value.is_complex():
        return False
    return value.numel() * value.element_size() <= value.untyped_storage().nbytes()


@contextmanager
def instead(where: Any, name: str, value: Any) -> Iterator[None]:
    """Another value for an attribute (of a module of coqui's) for a while."""
    before = getattr(where, name)
    setattr(where, name, value)
    try:
        yield
    finally:
        setattr(where, name, before)


@contextmanager
def offline() -> Iterator[None]:
    """Meanwhile nothing in this process may ask the network: PermissionError (an OSError) before it does."""
    _watch()
    with _OFFLINE.lock:
        _OFFLINE.depth += 1
    try:
        yield
    finally:
        with _OFFLINE.lock:
            _OFFLINE.depth -= 1


class Bounded(DispatchMode):
    """While a network is built by a stranger's description: no more memory than a voice has need of (SidecarError `voice_broken`)."""

    def __init__(self, voice: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._voice = voice
        self._left = LARGEST_NETWORK

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in _FACTORIES:
            self._left -= math.prod(args[0])
            if self._left < 0:
                raise broken(self._voice, "its description asks for a larger network than a voice has", "network too large")
        return func(*args, **(kwargs or {}))


class _Offline:
    depth = 0
    watching = False
    lock = threading.Lock()


_OFFLINE: Final = _Offline()


def _watch() -> None:
    """Hooks of Python's audit stay for good, so there is one, which looks whether it is to refuse."""
    with _OFFLINE.lock:
        if not _OFFLINE.watching:
            sys.addaudithook(_refuse)
            _OFFLINE.watching = True


def _refuse(event: str, args: Any) -> None:
    if _OFFLINE.depth and event in _ASKS:
        raise PermissionError(f"{event}: nothing is fetched while a voice is opened")


def _opened(path: Path, voice: str, most: int, read: Callable[[], T], otherwise: str) -> T:
    try:
        if path.stat().st_size > most:
            raise broken(voice, f"{path.name} is too large")
        return read()
    except OSError as error:
        if error.strerror:
            raise broken(voice, f"{path.name}: {error.strerror}", repr(error)) from None
        raise broken(voice, f"{path.name} {otherwise}", repr(error)[:300]) from None
    except (*LOADER_ERRORS, RecursionError, MemoryError) as error:
        if is_out_of_memory(error):
            raise
        raise broken(voice, f"{path.name} {otherwise}", f"{type(error).__name__}: {error}"[:300]) from None


def _weights(path: Path, voice: str, mapped: bool) -> Any:
    check_stored(path, voice)
    with offline():
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped and zipfile.is_zipfile(path))


def _refused(error: BaseException, voice: str) -> SidecarError:
    return broken(voice, f"coqui's loader refuses it ({type(error).__name__})", f"{type(error).__name__}: {error}"[:500])
