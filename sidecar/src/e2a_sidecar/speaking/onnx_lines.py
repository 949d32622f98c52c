"""Lines by onnxruntime, each on a thread of its own and piece after piece: what is the same for all engines that it runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import Any, NamedTuple

import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from e2a_sidecar.errors import Stopped
from e2a_sidecar.model import Line, Take, Word
from e2a_sidecar.speaking.device_errors import is_out_of_memory
from e2a_sidecar.speaking.onnx_network import RUN_ERRORS
from e2a_sidecar.speaking.phoneme_pieces import UnsaidError, pieces_of
from e2a_sidecar.speaking.phonemes import Encoded
from e2a_sidecar.speaking.side_by_side import LINES_AHEAD, side_by_side
from e2a_sidecar.speaking.takes import later, nothing
from e2a_sidecar.voices.loaded import FrontEnd

_log = logging.getLogger(__name__)


class Parts(NamedTuple):
    """Of a line: its samples in parts, the words' times in it, what is odd with it."""

    sound: list[NDArray[Any]]
    words: list[Word]
    flags: list[str]


def on_threads(
    pool: Executor, workers: int, lines: Iterable[Line], take: Callable[[Line, ort.RunOptions, threading.Event], Take], stopped: Callable[[], bool]
) -> Iterator[list[Take]]:
    """One take a batch, as they are finished; `lines` is read a few ahead of the workers. At the end runs are ended and the event is set."""
    run = ort.RunOptions()
    run.terminate = False
    ended = threading.Event()

    def over() -> None:
        ended.set()
        run.terminate = True  # ends a run in the middle; harmless where nothing runs

    return side_by_side(pool, lines, lambda line: [take(line, run, ended)], lambda: workers * LINES_AHEAD, stopped, over)


def spoken(
    front_end: FrontEnd,
    line: Line,
    longest: int,
    rate_hz: int,
    ended: threading.Event,
    speak: Callable[[Encoded, str], tuple[list[Any], tuple[Word, ...], str]],
) -> Parts | Take:
    """Parts of a line; a take of none, which says why, where it cannot be spoken. Stopped where nobody waits any more.

    longest: ids of a piece. speak: a piece's samples in parts, the words' times in them and what is odd with it, by the key of its noise.
    """
    try:
        pieces = pieces_of(front_end, line, longest)
    except UnsaidError:
        return nothing(line, "failed")
    if not pieces:
        return nothing(line, "unpronounceable")
    parts = Parts([], [], [])
    try:
        for number, piece in enumerate(pieces):
            go_on(ended)
            samples, times, odd = speak(piece, f"{line.key}.{number}" if number else line.key)
            before_s = sum(map(len, parts.sound)) / rate_hz
            parts.words.extend(later(word, before_s) for word in times)
            parts.sound.extend(samples)
            if odd and odd not in parts.flags:
                parts.flags.append(odd)
    except (*RUN_ERRORS, MemoryError) as error:
        if ended.is_set():
            raise Stopped from None
        _log.warning("line %d could not be spoken: %s", line.index, repr(error)[:500])  # onnxruntime's words: names and shapes of a graph
        return nothing(line, "no_memory" if is_out_of_memory(error) else "failed")
    return parts


def go_on(ended: threading.Event) -> None:
    """Stopped where nobody waits any more."""
    if ended.is_set():
        raise Stopped
