"""Lines on several threads, each line on one of its own: how an engine uses a CPU. Knows no engine.

For runtimes that let go of Python's lock while they compute (measured for onnxruntime and torch: faster than several
threads within one sentence).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Final

from e2a_sidecar.errors import Stopped
from e2a_sidecar.model import Line, Take

MOST_WORKERS: Final = 8  # each takes some 60 MB or more; beyond, memory's bandwidth is the limit
LINES_AHEAD: Final = 2  # for each worker: one spoken, one waiting
_ASK_STOPPED_S: Final = 0.1


def side_by_side(
    pool: Executor,
    lines: Iterable[Line],
    speak: Callable[[Line], list[Take]],
    ahead: Callable[[], int],
    stopped: Callable[[], bool],
    over: Callable[[], None],
) -> Iterator[list[Take]]:
    """`speak` each line on a thread of `pool`; yield what is finished, soon after it is.

    `lines` is read lazily, `ahead()` of them at once (asked anew each time). Raises Stopped when `stopped` says so, and
    what `speak` raises. `over` is called at the end, whatever it is: it tells the threads that nobody waits any more.
    """
    source, pending = iter(lines), set[Future[list[Take]]]()
    exhausted = False
    try:
        while True:
            while not exhausted and len(pending) < ahead():
                if stopped():
                    raise Stopped
                line = next(source, None)
                exhausted = line is None
                if line is not None:
                    pending.add(pool.submit(speak, line))
            if not pending:
                return
            finished, pending = wait(pending, timeout=_ASK_STOPPED_S, return_when=FIRST_COMPLETED)
            if stopped():
                raise Stopped
            yield from sorted((future.result() for future in finished), key=lambda takes: takes[0].index)
    finally:
        over()
        for future in pending:
            future.cancel()
