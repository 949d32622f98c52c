"""What is asynchronous on a device: copies that arrive late, and what waits for them.

A copy to pinned memory that does not wait leaves nonsense there until an event recorded behind it, the stream or the
device is waited for (or anything else waits: the stream is one). One from pinned memory reads that memory when the device
comes to it: at the next operation. Who reads too early, or changes memory too early, gets what such a program gets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

import torch

from fake_accelerator.counts import Counts

NONSENSE: Final = 77
"""What stands in memory to which a copy is under way."""


class Stream:
    """The device's only stream; it is the current one of every thread."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._uploads: list[Callable[[], object]] = []
        self._reads: list[Callable[[], object]] = []
        self._arrived = 0
        counts.when_waiting = self.arrive

    def upload(self, source: torch.Tensor, target: torch.Tensor) -> None:
        """From pinned memory, read when the device comes to it."""
        target.fill_(NONSENSE)
        self._uploads.append(lambda: target.copy_(source))

    def read(self, source: torch.Tensor, target: torch.Tensor) -> None:
        """To pinned memory, filled when it is waited for."""
        values = source.clone()
        target.fill_(NONSENSE)
        self._reads.append(lambda: target.copy_(values))

    def go_on(self) -> None:
        """The device comes to its next operation."""
        with torch.inference_mode():  # the one in which every tensor may be written to
            while self._uploads:
                self._uploads.pop(0)()

    def arrive(self, until: float = float("inf")) -> None:
        """The reads that were begun first are done, so many in all."""
        self.go_on()
        with torch.inference_mode():
            while self._reads and self._arrived < until:
                self._reads.pop(0)()
                self._arrived += 1

    def synchronize(self) -> None:
        self._counts.wait()

    @property
    def begun(self) -> int:
        return self._arrived + len(self._reads)

    @property
    def arrived(self) -> int:
        return self._arrived

    @contextmanager
    def in_torch(self) -> Iterator[None]:
        """torch.cuda with this stream: available, its events and waits; of its memory and names nothing."""

        def event(**_: Any) -> Event:
            return Event(self, self._counts)

        with (
            mock.patch.object(torch.cuda, "is_available", lambda: True),
            mock.patch.object(torch.cuda, "Event", event),
            mock.patch.object(torch.cuda, "current_stream", lambda device=None: self),
            mock.patch.object(torch.cuda, "synchronize", lambda device=None: self.synchronize()),
            mock.patch.object(torch.cuda, "get_sync_debug_mode", lambda: 0),
            mock.patch.object(torch.cuda, "set_sync_debug_mode", lambda mode: None),
        ):
            yield


class Event:
    """As torch.cuda's: recorded behind the reads that are under way."""

    def __init__(self, stream: Stream, counts: Counts) -> None:
        self._stream = stream
        self._counts = counts
        self._behind = 0

    def record(self, stream: Stream | None = None) -> None:
        self._behind = self._stream.begun

    def query(self) -> bool:
        return self._stream.arrived >= self._behind

    def synchronize(self) -> None:
        """Waits for what was under way when it was recorded, and no more."""
        self._counts.wait(for_all=False)
        self._stream.arrive(self._behind)
