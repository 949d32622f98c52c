"""Running a program of the installing side: its output line by line, stopped at once, with all its children.

The sidecar is not started here (see `client`).
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .errors import Stopped

Stop = Callable[[], bool]
Progress = Callable[[str, "float | None", str], None]
"""progress(stage, done 0..1 of the stage or None, text): `fetch` a voice, `install` a layer."""
TAIL_LINES: Final = 200
_POLL_S: Final = 0.1
_LAST_WORDS_S: Final = 0.5


def never() -> bool:
    """A `Stop` for what nobody stops."""
    return False


@dataclass(frozen=True)
class Finished:
    """How a command ended: its exit code and the last lines of its output (stdout and stderr together)."""

    code: int
    lines: tuple[str, ...]

    @property
    def tail(self) -> str:
        return "\n".join(self.lines)


def run(
    command: Sequence[str | Path],
    env: Mapping[str, str],
    stopped: Stop = never,
    on_line: Callable[[str], None] | None = None,
    cwd: Path | None = None,
    timeout_s: float | None = None,
) -> Finished:
    """Run to the end; `Stopped` after the whole process group is gone where the user stops it.

    A program that cannot be started gives code 127, one that outlives `timeout_s` is ended and gives 124.
    """
    try:
        process = subprocess.Popen(
            [str(part) for part in command],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **_own_group(),
        )
    except OSError as error:
        return Finished(127, (f"{command[0]}: {error.strerror or error}",))
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    quiet_s, end = 0.0, None if timeout_s is None else time.monotonic() + timeout_s
    try:
        while True:
            if stopped():
                raise Stopped
            if end is not None and time.monotonic() >= end:
                return Finished(124, (*tail, f"no end after {timeout_s:g} s"))
            try:
                line = lines.get(timeout=_POLL_S)
            except queue.Empty:
                # A grandchild may keep the pipe open after the program itself has ended.
                quiet_s = quiet_s + _POLL_S if process.poll() is not None else 0.0
                if quiet_s >= _LAST_WORDS_S:
                    return Finished(process.returncode, tuple(tail))
                continue
            if line is None:
                return Finished(process.wait(), tuple(tail))
            tail.append(line)
            if on_line is not None:
                on_line(line)
    finally:
        end_group(process)
        reader.join(timeout=1)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process of `run` and all that it started: first asked, a second later made to."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
        process.wait()
        return
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)
            return


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    with process.stdout as stream:
        for raw in stream:
            text = raw.decode("utf-8", "replace").rstrip("\r\n")
            # A progress bar rewrites its line with carriage returns; the last state is the line.
            lines.put(text.rsplit("\r", 1)[-1])
    lines.put(None)
