"""How fast an engine speaks, and whether what it says is speech: found by letting it speak for a few seconds.

The text is numbers in digits, which espeak reads in every language; a voice that knows letters alone gets letters of its
own table. First one short line, which warms everything up (libraries are loaded then, kernels compiled); then as many lines
as keep the device busy. Time is bounded: what is not finished by then is left, and the number is of what was.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Line, Take
from e2a_sidecar.speaking.cores import usable_cores
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.side_by_side import MOST_WORKERS
from e2a_sidecar.voices.described import read
from e2a_sidecar.voices.voice import ON_CPU, Voice

_LOG = logging.getLogger(__name__)

LIMIT_S: Final = 4.0
FIRST_LIMIT_S: Final = 20.0
"""For the first line, with all that is done only once."""


class Text(NamedTuple):
    """The same in short, for a CPU, which speaks a line a core at once, and long enough for a graphics card."""

    short: str
    long: str


NUMBERS: Final = Text("1, 2, 3.", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.")
_LINES_AT_ONCE: Final = 24
"""A batch of a graphics card: what is far from filling it says little of a book."""
_LINES_A_WORKER: Final = 4
_LETTERS: Final = 24
_FAULTS: Final = {
    "no_memory": "its memory does not suffice for one sentence",
    "nan": "it gave something that is no number in place of speech",
    "too_long": "its speech had an absurd length",
    "failed": "it could not speak a test sentence",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """speed: seconds of speech a second, warm; 0.0 where not even one line was finished in time. fault: why it was no
    speech, in a user's words, else empty. first: the first line's take."""

    speed: float
    fault: str = ""
    first: Take | None = None


def listen(
    engine: Engine, texts: Sequence[Text], stopped: Callable[[], bool], limit_s: float = LIMIT_S, clock: Callable[[], float] = time.perf_counter
) -> Heard:
    """Let it speak the first of `texts` that it can pronounce. Raises what `Engine.speak` raises; Stopped by `stopped` alone."""
    for text in texts:
        first, alone_s = _spoken(engine, [Line(0, text.short, _key(0))], stopped, FIRST_LIMIT_S, clock)
        if not first:
            return Heard(0.0)
        if "unpronounceable" not in first[0].flags:
            break
    else:
        return Heard(0.0, "it can pronounce nothing of a test sentence")
    fault = fault_of(first)
    if fault:
        return Heard(0.0, fault, first[0])
    on_cpu = engine.device in ("cpu", "cpu-torch")
    count = _LINES_A_WORKER * min(usable_cores(), MOST_WORKERS) if on_cpu else _LINES_AT_ONCE
    lines = [Line(number, text.short if on_cpu else text.long, _key(number)) for number in range(count)]
    many, many_s = _spoken(engine, lines, stopped, limit_s, clock)
    speed = max(_speed(first, alone_s, engine.rate_hz), _speed(many, many_s, engine.rate_hz))
    _LOG.info("%s on %s: %.1f times real time, %d of %d lines", engine.name, engine.device, speed, len(many), len(lines))
    return Heard(speed, fault_of(many), first[0])


def texts_for(voice: Voice | None) -> tuple[Text, ...]:
    """What to try a voice with, in this order."""
    letters = "" if voice is None or voice.kind in ON_CPU else _letters(voice)
    words = [letters[i : i + 3] for i in range(0, len(letters), 3)]
    return (NUMBERS, Text(" ".join(words[:2]), " ".join(words))) if words else (NUMBERS,)


def fault_of(takes: Iterable[Take]) -> str:
    """The first thing that is wrong with them, in a user's words; empty where nothing is."""
    for take in takes:
        known = next((words for flag, words in _FAULTS.items() if flag in take.flags), "")
        if known or not take.samples.any():
            return known or "it gave silence in place of speech"
    return ""


def differs(one: Take, other: Take) -> bool:
    """Is one of two takes of the same line plainly wrong? Rounding differs from device to device; a hundredth of full scale is no rounding."""
    length = min(len(one.samples), len(other.samples))
    if abs(len(one.samples) - len(other.samples)) > 0.02 * length:
        return True
    if len(one.samples) != len(other.samples):  # a duration on a rounding edge: all behind it is moved
        return False
    return int(np.abs(one.samples.astype(np.int32) - other.samples).max(initial=0)) > 327


def _spoken(engine: Engine, lines: Sequence[Line], stopped: Callable[[], bool], limit_s: float, clock: Callable[[], float]) -> tuple[list[Take], float]:
    """What was finished in time, and when the last of it was."""
    takes: list[Take] = []
    begun = last = clock()
    try:
        for batch in engine.speak(lines, lambda: stopped() or clock() - begun > limit_s):
            takes += batch
            last = clock()
    except Stopped:
        if stopped():
            raise
    return takes, last - begun


def _speed(takes: Iterable[Take], seconds: float, rate_hz: int) -> float:
    audio_s = sum(len(take.samples) for take in takes) / rate_hz
    return audio_s / seconds if seconds > 0 else 0.0


def _key(number: int) -> str:
    return f"5eed{number:04x}"


def _letters(voice: Voice) -> str:
    """Letters that the voice's description names, as far as it can be read."""
    try:
        raw: Any = read(voice.file("config"), voice.id)
        table = raw.get("phoneme_id_map") if voice.kind == "piper" else (raw.get("characters") or {}).get("characters")
        symbols = list(table or "")
    except (SidecarError, AttributeError, TypeError):
        return ""
    return "".join(c for c in symbols if isinstance(c, str) and len(c) == 1 and c.isalpha())[:_LETTERS]
