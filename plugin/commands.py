"""Running a program of the installing side: its output line by line, stopped at once, with all its children.

Never in the folder in which Calibre happens to have been started: what lies there, a download perhaps, is not to be
taken for a part of a program. The sidecar is not started here (see `client`).
"""

from __future__ import annotations

import os
import queue
import shutil
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


def neutral_folder() -> Path:
    """A folder of the system's, in which no stranger's file lies: where programs of ours are started."""
    return system_folder() if sys.platform == "win32" else Path("/")


def system_folder() -> Path:
    """Windows' own."""
    return Path(os.environ.get("SYSTEMROOT") or r"C:\Windows")


def in_path(name: str, env: Mapping[str, str]) -> str | None:
    """Where the PATH has that program; the current folder, where Windows looks first, does not count."""
    places = (os.path.join(folder, name) for folder in env.get("PATH", "").split(os.pathsep) if os.path.isabs(folder))  # noqa: PTH117, PTH118
    return next((place for place in places if shutil.which(place)), None)


def end_tree(pid: int, hard: bool = True) -> None:
    """On Windows: end a process and all that it started; asked for, unless `hard`."""
    command = [str(system_folder() / "System32" / "taskkill.exe"), "/T", *(["/F"] if hard else []), "/PID", str(pid)]
    subprocess.run(command, capture_output=True, check=False, **_without_window())


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

    cwd: else `neutral_folder`. A program that cannot be started gives code 127, one that outlives `timeout_s` is ended and gives 124.
    """
    try:
        process = subprocess.Popen(
            [str(part) for part in command],
            env=dict(env),
            cwd=cwd or neutral_folder(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **own_group(),
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
        end_tree(process.pid)
        process.wait()
        return
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)
            return


def own_group() -> dict[str, Any]:
    """For Popen: a group of its own, and no window."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _without_window() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {}


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    with process.stdout as stream:
        for raw in stream:
            text = raw.decode("utf-8", "replace").rstrip("\r\n")
            # A progress bar rewrites its line with carriage returns; the last state is the line.
            lines.put(text.rsplit("\r", 1)[-1])
    lines.put(None)
