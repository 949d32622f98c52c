"""Several programs share one engine folder (two Calibres, the command line): one installs at a time, and nothing is changed under one that runs.

Nothing of Calibre here.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from .. import environ, paths
from ..commands import Progress, Stop, run
from ..errors import PluginError, Stopped
from ..file_lock import lock
from ..wording import N_, translate
from .install_faults import NO_DRIVE, failed, unwritable
from .installer import env_python

_WAIT_S: Final = 0.2
_IDLE_S: Final = 10.0
"""A sidecar whose program has just ended leaves within a second or two."""


def in_use(folder: Path) -> bool:
    """Does a program run out of that folder? Where nobody can say: yes."""
    if sys.platform == "win32":
        # A running program's file cannot be opened for writing there.
        try:
            with open(env_python(folder), "r+b"):
                return False
        except FileNotFoundError:
            return False
        except OSError:
            return True
    proc = Path("/proc/self/cmdline")
    if proc.exists():
        text = str(folder).encode()
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if text in path.read_bytes():
                    return True
        return False
    seen: list[str] = []
    finished = run(["ps", "-axo", "command"], environ.for_children(), on_line=lambda line: seen.append(line) if str(folder) in line else None, timeout_s=10)
    return finished.code != 0 or bool(seen)


def wait_for_others(folder: Path, progress: Progress, stopped: Stop) -> None:
    """Nothing is changed under a program that runs out of that folder, since it imports late. PluginError `engine_in_use_elsewhere`; `Stopped`."""
    end = time.monotonic() + _IDLE_S
    while paths.is_there(folder) and in_use(folder):
        if stopped():
            raise Stopped
        if time.monotonic() >= end:
            raise PluginError("engine_in_use_elsewhere")
        progress("install", None, translate(N_("waiting for another program, which uses the speech engine")))
        time.sleep(_WAIT_S)


@contextmanager
def only_one(progress: Progress, stopped: Stop) -> Iterator[None]:
    """One installation at a time on this machine: a lock that the system drops when its holder ends."""
    folder = paths.engine_dir()
    if paths.drive_is_gone():  # nothing is put into the place where it is to be connected
        raise failed("writing", translate(NO_DRIVE).format(folder=folder))
    with ExitStack() as held:
        try:
            held.enter_context(
                locked(folder / "install.lock", lambda: progress("install", None, translate(N_("waiting for another installation to end"))), stopped)
            )
        except OSError as error:
            raise unwritable(error, folder) from None
        yield


@contextmanager
def locked(path: Path, waiting: Callable[[], None], stopped: Stop) -> Iterator[None]:
    """Hold that file's lock. waiting: called once if another program holds it. Raises OSError where the file cannot be made; `Stopped`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+b") as f:
        told = False
        while lock(f.fileno()) is False:  # where there are no locks nobody can be kept out
            if stopped():
                raise Stopped
            if not told:
                waiting()
                told = True
            time.sleep(_WAIT_S)
        yield


def installing() -> bool:
    """Is something being installed, moved or removed now, by whatever program? Waits for nothing."""
    try:
        with open(paths.engine_dir() / "install.lock", "r+b") as f:
            return lock(f.fileno()) is False
    except OSError:
        return False
