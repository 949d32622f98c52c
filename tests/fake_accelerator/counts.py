"""What crosses between the fake device and the host, counted by the line of ours or upstream's that did it."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

_WATCHED: Final = ("/TTS/", "/e2a_sidecar/", "/tests/")
_OWN: Final = str(Path(__file__).parent).replace("\\", "/") + "/"
_COUNTING: Final = (*(_OWN + name for name in ("counts.py", "device.py", "faults.py", "stream.py")), "/speaking/transfers.py")


@dataclass
class Counts:
    """Crossings since the start or the last `clear`; `where` by kind and line, e.g. `("wait", "TTS/.../transforms.py:168")`.

    Kinds: `host copy` (device to host), `upload` (host to device), `wait` (the host stands still until the device is done).
    order: the kinds one after the other.
    """

    host_copies: int = 0
    uploads: int = 0
    waits: int = 0
    where: Counter[tuple[str, str]] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    when_waiting: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def clear(self) -> None:
        with self._lock:
            self.host_copies = self.uploads = self.waits = 0
            self.where.clear()
            self.order.clear()

    def host_copy(self, waits: bool = True) -> None:
        """A copy to the host; one that was not asked to be asynchronous waits."""
        with self._lock:
            self.host_copies += 1
            self._note("host copy")
        if waits:
            self.wait()

    def upload(self) -> None:
        with self._lock:
            self.uploads += 1
            self._note("upload")

    def wait(self, for_all: bool = True) -> None:
        """for_all: what is under way arrives, all of it."""
        with self._lock:
            self.waits += 1
            self._note("wait")
        if for_all:
            self.when_waiting()

    def _note(self, kind: str) -> None:
        self.where[kind, line()] += 1
        self.order.append(kind)

    def at(self, kind: str, part: str) -> int:
        """How many of a kind came from lines whose `file:line` contains `part`."""
        return sum(n for (k, where), n in self.where.items() if k == kind and part in where)


def line() -> str:
    """File and line, from the package on, of `caller`."""
    frame = caller()
    if frame is None:
        return "?"
    path = frame.f_code.co_filename.replace("\\", "/")
    mark = next(mark for mark in _WATCHED if mark in path)
    return f"{mark[1:]}{path.rsplit(mark, 1)[1]}:{frame.f_lineno}"


def caller() -> FrameType | None:
    """The innermost frame that is ours or upstream's."""
    for frame in frames():
        path = frame.f_code.co_filename.replace("\\", "/")
        if any(mark in path for mark in _WATCHED) and not path.endswith(_COUNTING):
            return frame
    return None


def frames() -> Iterator[FrameType]:
    """The stack of this thread, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back
