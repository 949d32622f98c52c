"""What `build.py` says while it works: on stderr, stage by stage, with percentage and time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Final, TextIO

from plugin.converting.progress import Step, Terminal, clock, fetching

_SURE: Final = 0.05
"""Below that part of a stage an estimate would be a guess."""


class Console:
    """Titles of what is done, and the progress within."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = Terminal(self._stream)
        self._began = time.monotonic()
        self._stage_began = self._began
        self._stage = ""

    def title(self, text: str) -> None:
        """Begin something."""
        self._terminal.end()
        self._stage = ""
        self._terminal = Terminal(self._stream)
        self._terminal.say(f"[{clock(time.monotonic() - self._began)}] {text}")

    def say(self, text: str) -> None:
        self._terminal.say("    " + text)

    def progress(self, stage: str, done: float | None, text: str) -> None:
        """What `ensure_layer` and `ensure_voice` call; adds the time left."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._stage_began = stage, now
        left = (now - self._stage_began) * (1 - done) / done if done is not None and _SURE <= done < 1 else None
        step = fetching(stage, done, text)
        self._terminal.show(Step(step.stage, step.done, left, step.text))

    def end(self) -> None:
        self._terminal.end()


def result(text: str) -> None:
    """What was asked for, on stdout; all else is on stderr."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns of equal width, the first row as a heading."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
