"""Every sentence is spoken until it sounds like one: checked, spoken again as another take, at last kept and flagged.

The engine reads its lines lazily from here, so a bad sentence is spoken again at once and not after the whole book
(the file is being written in order meanwhile). What a new take cannot mend is kept as it is, with its flags: the report
names it. Nothing is dropped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from typing import Final

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Line, Take
from e2a_sidecar.speaking.engine import Engine

TAKES: Final = 3
"""Takes of one sentence at most: the first and two more."""


class _Lines(Iterator[Line]):
    """The engine's lazily read input: lines to be spoken again go first. Safe to be read from several threads."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._fresh = iter(lines)
        self._again: deque[Line] = deque()
        self._lock = threading.Lock()

    def __next__(self) -> Line:
        with self._lock:
            return self._again.popleft() if self._again else next(self._fresh)

    def again(self, line: Line) -> None:
        with self._lock:
            self._again.append(line)

    def left(self) -> bool:
        """True where lines wait to be spoken again."""
        with self._lock:
            return bool(self._again)


def speak_checked(
    engine: Engine, lines: Iterable[Line], check: Callable[[Line, Take], tuple[str, ...]], stopped: Callable[[], bool]
) -> Generator[list[Take], None, None]:
    """Speak all `lines`; yield finished takes batch by batch, each with the flags that `check` still finds.

    `check` gives the faults of a take, empty where it is good; faults that no other take mends are its caller's affair.
    """
    known: dict[int, Line] = {}
    best: dict[int, Take] = {}

    def remembered() -> Iterator[Line]:
        for line in lines:
            known[line.index] = line
            yield line

    queue = _Lines(remembered())
    while True:
        for batch in engine.speak(queue, stopped):
            finished = []
            for take in batch:
                line = known[take.index]
                faults = check(line, take)
                flagged = replace(take, flags=(*take.flags, *(f for f in faults if f not in take.flags)))
                kept = best.pop(take.index, None)
                if kept is not None and len(kept.flags) <= len(flagged.flags):
                    flagged = kept
                if faults and take.take + 1 < TAKES:
                    best[take.index] = flagged
                    queue.again(replace(line, take=take.take + 1))
                else:
                    finished.append(flagged)
                    del known[take.index]
            if finished:
                yield finished
        if queue.left():
            continue
        if known:  # the file would wait for them for ever
            raise SidecarError("speech_failed", f"{len(known)} lines were not spoken", reason=engine.name)
        return
