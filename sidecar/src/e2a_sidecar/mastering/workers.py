"""Parts of a book on several threads, their results in order; and how long anybody worked. Knows nothing of sound."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from typing import Final, TypeVar

_ASK_S: Final = 0.1

T = TypeVar("T")
R = TypeVar("R")


def in_order(pool: Executor, given: Iterable[T], work: Callable[[T], R], at_once: Callable[[], int], go_on: Callable[[], None]) -> Generator[R, None, None]:
    """`work` on each of `given` by threads of `pool`, `at_once()` of them (asked anew each time); the results in order.

    As many more may be finished and wait for one before them; `given` is read no further meanwhile. `go_on` raises when nobody
    wants them any more. Close it at the end, whatever it is: what has not begun does not begin then.
    """
    pending = deque[Future[R]]()

    def room() -> bool:
        most = at_once()
        return len(pending) < 2 * most and sum(not future.done() for future in pending) < most

    def results(enough: Callable[[], bool]) -> Iterator[R]:
        while pending and (pending[0].done() or not enough()):
            if pending[0].done():
                yield pending.popleft().result()
            else:
                go_on()
                wait([future for future in pending if not future.done()], _ASK_S, FIRST_COMPLETED)

    try:
        for one in given:
            yield from results(room)
            pending.append(pool.submit(work, one))
        yield from results(lambda: False)
    finally:
        for future in pending:
            future.cancel()


class Work:
    """Of `whole` characters: how many are done, and the seconds in which any thread worked for them."""

    def __init__(self, whole: int = 0) -> None:
        self._whole = whole
        self._done = 0
        self._workers = 0
        self._worked_s = 0.0
        self._since = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def on(self, characters: int) -> Iterator[None]:
        """A thread does so many of them."""
        self._count(1)
        try:
            yield
        except BaseException:
            characters = 0
            raise
        finally:
            self._count(-1, characters)

    def done(self, characters: int) -> None:
        """So many of them are no work."""
        with self._lock:
            self._done += characters

    def so_far(self) -> tuple[float, float]:
        """(share that is done, seconds)"""
        with self._lock:
            return (self._done / self._whole if self._whole else 0.0), self._worked_s

    def _count(self, workers: int, done: int = 0) -> None:
        with self._lock:
            now = time.monotonic()
            if self._workers:
                self._worked_s += now - self._since
            self._since = now
            self._workers += workers
            self._done += done
