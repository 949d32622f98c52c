"""One side of a comparison as a process: it loads what it speaks with, then does what it is told and says what that took.

    started with   one argument, a JSON object
    stdout, first  {"ready": {...}}                                                    what the side says of itself
    stdin          {"do": "speak", ...}                                                one object a line
    stdout         {"wall_s": 1.2, "cpu_s": 2.1, "peak_rss_mb": 310, ...}              CPU seconds of all its threads
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from e2a_sidecar.report import peak_rss_mb

Command = Callable[..., Mapping[str, Any]]


class Process:
    """This process. From when it is made stdout is its own: what a library prints goes to stderr."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self.given: dict[str, Any] = json.loads(sys.argv[1])

    def serve(self, commands: Mapping[str, Command], ready: Mapping[str, Any] | None = None) -> None:
        """Answer until stdin ends. A command takes the other fields of its line by name and gives fields of the answer."""
        self._say({"ready": dict(ready or {})})
        for line in sys.stdin:
            asked = json.loads(line)
            command = commands[asked.pop("do")]
            wall_s, cpu_s = time.perf_counter(), time.process_time()
            found = command(**asked)
            took = {"wall_s": time.perf_counter() - wall_s, "cpu_s": time.process_time() - cpu_s}
            self._say({**took, "peak_rss_mb": peak_rss_mb(), **found})

    def _say(self, what: Mapping[str, Any]) -> None:
        self._answers.write(json.dumps(what) + "\n")
        self._answers.flush()
