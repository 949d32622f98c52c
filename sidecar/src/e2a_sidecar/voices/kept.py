"""What is made of a voice once and kept on disk: made beside its place and then renamed, so that it is there whole or not at all."""

from __future__ import annotations

import errno
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Final

from e2a_sidecar.errors import SidecarError

_ABANDONED_S: Final = 3600
_FULL: Final = frozenset(getattr(errno, name) for name in ("ENOSPC", "EDQUOT") if hasattr(errno, name))


def keep(folder: Path, model: Path, whole: Callable[[Path], bool], make: Callable[[Path], None]) -> None:
    """Let `make` fill an empty folder, which then becomes `folder` (cache/kind/name); what is there and not `whole` gives way, and
    so does what has the same name with a lower revision (`<name>-<number>`).

    model: the voice's file, whose size says how much room is needed. Raises what `make` raises, but SidecarError `disk_full`
    or `output_unwritable` for an OSError; so `make` writes by Python's own files: torch's say of a full disk what a device's fault says, too.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        beside = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
        try:
            make(beside)
            _put(beside, folder, whole)
            _sweep_older(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        code = "disk_full" if error.errno in _FULL else "output_unwritable"
        need_mb, have_mb = model.stat().st_size >> 20, _free_mb(folder.parents[1])
        raise SidecarError(code, repr(error), path=str(folder), reason=str(error.strerror), need_mb=need_mb, have_mb=have_mb) from None


def _put(beside: Path, folder: Path, whole: Callable[[Path], bool]) -> None:
    try:
        beside.replace(folder)
    except OSError:
        if not whole(folder):  # else another process has made the same meanwhile
            shutil.rmtree(folder, ignore_errors=True)
            beside.replace(folder)


def _sweep(folder: Path) -> None:
    """Remove what was being made by a process that was killed; making takes minutes at most."""
    for left in folder.glob("making-*"):
        with suppress(OSError):  # whoever made it may have finished meanwhile
            if time.time() - left.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(left, ignore_errors=True)


def _sweep_older(folder: Path) -> None:
    """Remove what an older revision made of the same (name-number); nobody reads it any more, and a voice's takes up to 86 MB."""
    name, _, revision = folder.name.rpartition("-")
    if not name or not revision.isdecimal():
        return
    for other in folder.parent.glob(f"{escape(name)}-*"):
        number = other.name[len(name) + 1 :]
        if number.isdecimal() and int(number) < int(revision):
            shutil.rmtree(other, ignore_errors=True)


def _free_mb(path: Path) -> int:
    try:
        return shutil.disk_usage(path).free >> 20
    except OSError:
        return 0
