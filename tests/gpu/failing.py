"""The ladder on the real device: its memory taken away, and its decoder giving NaN. Every sentence must come out, and be told of."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from e2a_sidecar.model import Line, Take, Warn
from e2a_sidecar.speaking.device import CPU
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.ladder import IN_A_ROW, NOT_SPOKEN, Batch, Ladder

from gpu.outcome import Outcome, Skipped
from gpu.speaking import Setup, Speaker, compared, sounding

LINES: Final = 64
NAN_LINES: Final = 8
_MB: Final = 1 << 20
_LEAST_NEED_MB: Final = 256
"""Of memory that a batch takes, else taking it away is a matter of luck."""
_CHUNK: Final = 1 << 30


@dataclass
class Climbed:
    """What the ladder gave: takes by line, and which device spoke each."""

    takes: dict[int, Take]
    by: dict[int, str]
    warned: list[Warn]

    def figures(self) -> dict[str, Any]:
        flags = [flag for take in self.takes.values() for flag in take.flags]
        return {
            "by": {device: list(self.by.values()).count(device) for device in sorted(set(self.by.values()))},
            "flags": {flag: flags.count(flag) for flag in sorted(set(flags))},
            "warnings": [asdict(warning) for warning in self.warned],
        }


class _Rungs:
    """The device's engine, which stands already, and the CPU below it."""

    def __init__(self, setup: Setup, speaker: Speaker) -> None:
        self._setup = setup
        self._open: dict[str, Engine] = {setup.device: speaker.engine}

    def open(self, device: str) -> Engine:
        if device not in self._open:
            self._open[device] = self._setup.on_cpu().engine
        return self._open[device]

    def drop(self, device: str) -> None:
        self._open.pop(device).close()

    def rest(self, device: str) -> None: ...


def climbed(setup: Setup, speaker: Speaker, lines: tuple[Line, ...]) -> Climbed:
    """Speak lines down the ladder of the device and the CPU."""
    out = Climbed({}, {}, [])
    for batch in climbing(setup, speaker, lines, out.warned):
        for take in batch.takes:
            out.takes[take.index] = take
            out.by[take.index] = batch.engine.device
    return out


def climbing(setup: Setup, speaker: Speaker, lines: Iterable[Line], warned: list[Warn]) -> Iterator[Batch]:
    """The same batch by batch."""
    ladder = Ladder([setup.device, *([] if setup.device == CPU else [CPU])], _Rungs(setup, speaker), warned.append, chosen=True)
    return ladder.speak(lines, lambda line, take: _faults(take), lambda: False)


def memory(setup: Setup) -> Outcome:
    """Fill the card's memory but for a third of what a batch takes, speak, and give it back: smaller batches, the same takes."""
    if not setup.real_cuda:
        raise Skipped("there is no CUDA or ROCm device")
    lines, speaker = setup.lines.lines[:LINES], setup.on_device()
    speaker.speak(lines)
    before = torch.cuda.memory_allocated(setup.target)
    torch.cuda.reset_peak_memory_stats(setup.target)
    right = speaker.speak(lines)
    need_mb = (torch.cuda.max_memory_allocated(setup.target) - before) // _MB
    if need_mb < _LEAST_NEED_MB:
        raise Skipped(f"a batch of this voice takes {need_mb} MB only")
    with nearly_full(setup.target, need_mb * _MB // 3) as left:
        got = climbed(setup, speaker, lines)
    after = speaker.speak(lines)
    result = compared(got.takes, right.takes)
    figures = {"need_mb": need_mb, "left_mb": left // _MB, "budget_after": asdict(speaker.engine._budget), **got.figures(), **asdict(result)}
    halved = sum("halved" in take.flags for take in got.takes.values())
    whole = result.ok and set(got.by.values()) == {setup.device} and halved > 0 and not got.warned
    words = f"a batch takes {need_mb} MB, {left // _MB} MB were left: {halved} of {len(lines)} lines in smaller batches, {result.largest:.1e} apart"
    return Outcome(whole and compared(after.takes, right.takes).ok, words, figures)


def nan(setup: Setup) -> Outcome:
    """One decoding gives NaN: another take by the device. All of them do: the CPU speaks, and a warning says so (not where the CPU is the device)."""
    lines = tuple(sorted(setup.lines.lines, key=lambda line: len(line.text))[:NAN_LINES])
    once = _spoiled(setup, lines, lambda call: call == 0)
    again = sum("again" in take.flags for take in once.takes.values())
    ok = _whole(once, lines) and set(once.by.values()) == {setup.device} and again > 0 and not once.warned
    words, figures = f"NaN once: {again} of {len(lines)} lines spoken again by the device", {"once": once.figures()}
    if setup.device == CPU:
        return Outcome(ok, words, figures)
    always = _spoiled(setup, lines, lambda call: True)
    on_cpu = list(always.by.values()).count(CPU)
    warned = ["device_lost"] if len(lines) >= IN_A_ROW else []
    ok = ok and _whole(always, lines) and on_cpu == len(lines) and [warning.code for warning in always.warned] == warned
    return Outcome(ok, f"{words}; always: {on_cpu} by the CPU", {**figures, "always": always.figures()})


def _whole(climbed: Climbed, lines: tuple[Line, ...]) -> bool:
    """Did each line come out with a sound?"""
    return sorted(climbed.takes) == sorted(line.index for line in lines) and sounding(list(climbed.takes.values()))


def _spoiled(setup: Setup, lines: tuple[Line, ...], which: Callable[[int], bool]) -> Climbed:
    """The ladder with a decoder that gives NaN in some of its calls."""
    speaker, calls = setup.on_device(), [0]

    def spoil(made: torch.Tensor) -> torch.Tensor:
        calls[0] += 1
        return made * float("nan") if which(calls[0] - 1) else made

    speaker.spoil(spoil)
    return climbed(setup, speaker, lines)


@contextmanager
def nearly_full(target: torch.device, leave: int) -> Iterator[int]:
    """All of the card's free memory taken but for some `leave` bytes; yields what is left."""
    gc.collect()
    torch.cuda.empty_cache()
    held: list[torch.Tensor] = []
    try:
        while (free := torch.cuda.mem_get_info(target)[0]) > leave + 4 * _MB:
            try:
                held.append(torch.empty(min(free - leave, _CHUNK), dtype=torch.uint8, device=target))
            except torch.OutOfMemoryError:  # what is free need not be in one piece
                break
        yield torch.cuda.mem_get_info(target)[0]
    finally:
        held.clear()
        torch.cuda.empty_cache()


def _faults(take: Take) -> tuple[str, ...]:
    """What must not stay: no sound. What random weights say is not judged by its length."""
    found = tuple(flag for flag in ("nan", *NOT_SPOKEN) if flag in take.flags)
    return found or (() if take.samples.any() else ("silent",))
