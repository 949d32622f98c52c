"""An iterator that runs in a thread of its own, an item ahead of who takes them: so the host gets ready what a device is to do
next while the last batch is checked, packed and put on the disk. Knows no engine."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from e2a_sidecar.errors import Stopped

T = TypeVar("T")
_ASK_S: Final = 0.1


class _End:
    """The iterator's; why: what it raised."""

    def __init__(self, why: BaseException | None = None) -> None:
        self.why = why


def in_a_thread(make: Callable[[Callable[[], bool]], Iterator[T]], stopped: Callable[[], bool]) -> Iterator[T]:
    """What `make` gives, in order, and what it raises; Stopped when `stopped` says so. `make` is told by its argument that nobody
    waits any more: it should raise then, for closing this waits for it."""
    handed: queue.Queue[T | _End] = queue.Queue(maxsize=1)
    ended = threading.Event()

    def hand(item: T | _End) -> None:
        while not ended.is_set():
            try:
                handed.put(item, timeout=_ASK_S)
            except queue.Full:
                continue
            return

    def run() -> None:
        try:
            for item in make(lambda: ended.is_set() or stopped()):
                hand(item)
            hand(_End())
        except BaseException as error:  # noqa: BLE001 - it is raised where the items are taken
            hand(_End(error))

    thread = threading.Thread(target=run, name="speak ahead")
    thread.start()
    try:
        while True:
            try:
                item = handed.get(timeout=_ASK_S)
            except queue.Empty:
                if stopped():
                    raise Stopped from None
                continue
            if isinstance(item, _End):
                if item.why is not None:
                    raise item.why
                return
            yield item
    finally:
        ended.set()
        thread.join()
