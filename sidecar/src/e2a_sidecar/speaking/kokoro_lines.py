"""How Kokoro and its students speak a line: piece after piece, each piece in one run of a session on one thread.

As many Python threads as there are workers share the session; a take is the same whatever runs beside it. Where memory is to be
kept small, only `LONG_AT_ONCE` of the long pieces are spoken at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, Final

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from e2a_sidecar.model import Line, Samples, Take, Word
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.flags import unspoken_flags
from e2a_sidecar.speaking.onnx_lines import go_on, on_threads, spoken
from e2a_sidecar.speaking.phonemes import Encoded
from e2a_sidecar.voices.loaded import FrontEnd

LONG_AT_ONCE: Final = 2
_EARLY_UNITS: Final = 3.0
"""A phoneme of Kokoro's kind is heard so much before its time, 75 ms; its own program takes off as much (`pipeline.join_timestamps`)."""
Spoken = tuple[list[Samples], tuple[Word, ...], str]
"""Samples in parts, the words' times in them, and what is odd with it: `edge`, or what is so wrong that there are no samples."""


class KokoroLines:
    """See engine.Engine for the contract; a batch is one line. What inherits it says name, identity, versions and `_spoken`."""

    rate_hz: int

    def __init__(self, front_end: FrontEnd, session: Any, longest: int, workers: int, long_ids: int | None = None) -> None:
        """longest: ids of a piece at most; long_ids: beyond so many it is a long one (None: none is)."""
        self._front_end = front_end
        self._session = session
        self._longest, self._long_ids = longest, longest if long_ids is None else long_ids
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="speak")
        self._long = threading.BoundedSemaphore(LONG_AT_ONCE)

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        """One take a batch, as they are finished; `lines` is read a few ahead of the workers."""
        return on_threads(self._pool, self._workers, lines, self._take, stopped)

    def transfers(self) -> Transfers:
        """Not counted: all of it is on the CPU."""
        return Transfers()

    def close(self) -> None:
        """Wait for the workers (they end within a moment) and free the session."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        del self._session

    def _take(self, line: Line, run: ort.RunOptions, ended: threading.Event) -> Take:
        go_on(ended)

        def speak(piece: Encoded, key: str) -> Spoken:
            with self._long if len(piece.ids) > self._long_ids else nullcontext():
                return self._spoken(piece, key, line.take, run, ended)

        found = spoken(self._front_end, line, self._longest, self.rate_hz, ended, speak)
        if isinstance(found, Take):
            return found
        flags = (*unspoken_flags(self._front_end.lost(line.text)), *found.flags)
        return Take(line.index, np.concatenate(found.sound) if found.sound else np.zeros(0, dtype=np.int16), tuple(found.words), line.take, flags)

    def _spoken(self, piece: Encoded, key: str, take: int, run: ort.RunOptions, ended: threading.Event) -> Spoken:
        raise NotImplementedError


def as_heard(units: NDArray[np.float32]) -> NDArray[np.float32]:
    """Kokoro's durations with all but the sound's ends moved to where it is heard."""
    heard = units.copy()
    heard[0] -= (early := min(_EARLY_UNITS, float(units[0])))
    heard[-1] += early
    return heard


def duration_fault(units: NDArray[np.float32], unrounded: NDArray[np.float32], count: int, most: int) -> str:
    """What is wrong with the durations of `count` phonemes: of limits.FAULTS (`most` units are too long), or `failed` where they are of others."""
    if units.shape != (count,) or unrounded.shape != (count,):
        return "failed"
    if not np.isfinite(units).all() or not np.isfinite(unrounded).all():
        return "nan"
    return "too_long" if units.sum(dtype=np.float64) > most else ""
