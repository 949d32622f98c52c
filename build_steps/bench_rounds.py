"""The sides of a comparison as processes, and rounds in which all of them speak the same lines one after the other.

A side is a module of `bench_sides`. One process speaks at a time, so nothing of ours disturbs another's round; the order
alternates, so that a machine that warms up or slows down favours nobody.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from build_steps import machine
from build_steps.places import ROOT
from plugin import environ

_SEARCH: Final = (ROOT, ROOT / "sidecar" / "src", ROOT / "tests")
_LAST_WORDS: Final = 15  # lines

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Turn:
    """Who is asked what in each round, and under which name the answers are kept."""

    name: str
    side: Side
    command: Mapping[str, Any]


class Side:
    """A process of `bench_sides`; leave it to end it."""

    def __init__(self, python: str | Path, module: str, given: Mapping[str, Any], log: Path) -> None:
        """Start it and wait until it has loaded. log: takes its stderr. SystemExit with its last words where it ends."""
        self._log = log
        env = {**environ.for_children(), "PYTHONPATH": os.pathsep.join(map(str, _SEARCH))}
        command = [str(python), "-X", "utf8", "-m", f"build_steps.bench_sides.{module}", json.dumps(given)]
        with open(log, "wb") as errors:
            self._process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8")
        try:
            self.ready: Answer = self._answer()["ready"]
        except BaseException:
            self.close()
            raise

    def ask(self, **command: Any) -> Answer:
        """See `bench_sides.serving`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None
        return self._answer()

    def close(self) -> None:
        """End it: by the end of its stdin."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def __enter__(self) -> Side:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        return dict(json.loads(line))

    def _ended(self) -> SystemExit:
        words = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_WORDS:]
        return SystemExit("\n".join([f"{self._log.stem} ended:", *words]))


def interleaved(turns: Sequence[Turn], rounds: int, begins: Callable[[int], None] = lambda _: None) -> dict[str, list[Answer]]:
    """Each turn's answers, one a round; every second round goes backwards. begins: is told each round's number, from 1."""
    answers: dict[str, list[Answer]] = {turn.name: [] for turn in turns}
    for number in range(rounds):
        begins(number + 1)
        for turn in turns if number % 2 == 0 else reversed(turns):
            answers[turn.name].append(turn.side.ask(**turn.command))
    return answers


def speaking(lines: Sequence[str], **more: int) -> dict[str, Any]:
    """What a side is told."""
    return {"do": "speak", "lines": lines, **more}


def best_threads(coqui: Side, lines: Sequence[str]) -> list[int]:
    """Besides one: the number of threads with which coqui speaks a line fastest; none on a machine with one core."""
    numbers = sorted({*(n for n in (2, 4, 8, 16, 32, 64) if n < machine.cores()), machine.cores()} - {1})
    if len(numbers) < 2:
        return numbers
    coqui.ask(**speaking(lines[:1], threads=1))
    return [min(numbers, key=lambda n: min(coqui.ask(**speaking(lines[:1], threads=n))["wall_s"] for _ in range(2)))]
