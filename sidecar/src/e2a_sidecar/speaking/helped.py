"""A piece of work that idle threads of a pool help with: a preview's sentence, a book's last ones. Knows no engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, wait
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def helped(pool: Executor, helpers: int, parts: Sequence[Callable[[], T]]) -> list[T]:
    """What `parts` give, in their order. The caller, which may be a thread of `pool`, does them one after the other; a thread that comes
    free meanwhile takes some of them. One that has not begun is not waited for, so a pool that is busy costs nothing.

    Raises what the caller's part or, behind that, a helper's raises; then too nobody works on it any more.
    """
    left = deque(range(len(parts)))
    found: dict[int, T] = {}

    def some() -> None:
        while True:
            try:
                number = left.popleft()
            except IndexError:
                return
            found[number] = parts[number]()

    began = []
    with suppress(RuntimeError):  # the pool is being closed
        for _ in range(min(helpers, len(parts) - 1)):
            began.append(pool.submit(some))
    try:
        some()
    finally:
        left.clear()
        working = [helper for helper in began if not helper.cancel()]
        wait(working)
    for helper in working:
        helper.result()
    return [found[number] for number in range(len(parts))]
