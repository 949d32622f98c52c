"""Where the new file will stand: checked before hours of work, shown only when it is whole (design rules 6 and 7).

Owns the hidden file beside the target, its renaming, and the leftovers of runs that were killed. It knows nothing of
what is in the file.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import platform
import re
import shutil
import stat
import sys
import time
import uuid
import zlib
from pathlib import Path
from typing import Final

from e2a_sidecar.errors import SidecarError

log = logging.getLogger(__name__)

_PREFIX: Final = ".convert-to-audiobook-"
_PART: Final = re.compile(re.escape(_PREFIX) + r"([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{8}\.part")
_STALE_S: Final = 2 * 86400.0
_RESERVE_BYTES: Final = 50 * 10**6
_OVERHEAD: Final = 1.15  # aac_coder=fast overshoots its rate by about a tenth; sample tables take 5 MB for 10 h
_RETRIES: Final = 10
_open_parts: set[Path] = set()
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC})


class Target:
    """One output file: the hidden `part` to write to, then `show`; or `drop`.

    Constructing checks that the folder is there and can be written, that nothing but a file stands at the target, and
    sweeps leftovers. A link is followed: the file that it points to is replaced, not the link.
    Raises SidecarError `output_unwritable` or `disk_full`.
    """

    def __init__(self, out: Path) -> None:
        self.named = out
        try:
            self.path = out.resolve()
            with contextlib.suppress(FileNotFoundError):  # a name that is too long raises here, not after hours
                if not stat.S_ISREG(self.path.stat().st_mode):
                    raise SidecarError("output_unwritable", "not a regular file", path=str(out), reason="something that is not a file stands there")
            folder = self.path.parent
            if not folder.is_dir():
                raise SidecarError("output_unwritable", "no folder", path=str(out), reason="the folder does not exist")
            sweep(folder)
            self.part = folder / f"{_PREFIX}{_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.part"
            with open(self.part, "xb"):
                pass
            _open_parts.add(self.part)
        except (OSError, ValueError, RuntimeError) as error:
            raise refused(error, out) from None

    def show(self) -> None:
        """Flush the part to the disk and put it at the target's place, in one step; what stood there is gone then."""
        try:
            with open(self.part, "r+b") as file:
                os.fsync(file.fileno())
            _replace(self.part, self.path)
        except OSError as error:
            raise refused(error, self.named) from None
        _open_parts.discard(self.part)
        _sync_folder(self.path.parent)

    def drop(self) -> None:
        """Remove the part where it still is (after `show` there is none)."""
        with contextlib.suppress(OSError):  # a leftover is swept by the next run
            self.part.unlink(missing_ok=True)
        _open_parts.discard(self.part)


def drop_all() -> None:
    """Remove what is being written, for a process that leaves while a native library sits in a long call."""
    for part in tuple(_open_parts):
        with contextlib.suppress(OSError):  # a leftover is swept by the next run
            part.unlink(missing_ok=True)


def estimated_bytes(duration_s: float, bitrate: int) -> int:
    """Size of the M4B of so much audio, on the safe side."""
    return int(duration_s * bitrate / 8 * _OVERHEAD)


def check_space(folder: Path, need_bytes: int) -> None:
    """SidecarError `disk_full` where fewer than `need_bytes` (and a reserve) are free in an existing folder."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise refused(error, folder) from None
    if free < need_bytes + _RESERVE_BYTES:
        raise _disk_full(folder, need_bytes + _RESERVE_BYTES, free)


def sweep(folder: Path) -> None:
    """Remove parts that nobody writes any more: of a process that is gone on this machine, or untouched for two days."""
    for path in folder.glob(f"{_PREFIX}*.part"):
        match = _PART.fullmatch(path.name)
        if match is None:
            continue
        with contextlib.suppress(OSError):  # on Windows a part in use cannot be removed, which is what keeps it
            ours = match[1] == _host()
            if (ours and not _running(int(match[2]))) or time.time() - path.stat().st_mtime > _STALE_S:
                path.unlink()


def refused(error: Exception, path: Path) -> SidecarError:
    """The SidecarError for what the system or ffmpeg raised while `path` was written; of a hidden part the folder is named."""
    path = path.parent if _PART.fullmatch(path.name) else path
    number = error.errno if isinstance(error, OSError) else None
    if number in _FULL:
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(path if path.is_dir() else path.parent).free
            return _disk_full(path, free + _RESERVE_BYTES, free)
        return _disk_full(path, _RESERVE_BYTES, 0)
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    of_the_system = isinstance(error, OSError) and number != errno.EINVAL
    if type(error).__module__.startswith("av") and not of_the_system:
        return SidecarError("encoder_failed", repr(error), reason=reason)
    return SidecarError("output_unwritable", repr(error), path=str(path), reason=reason)


def _disk_full(path: Path, need_bytes: int, have_bytes: int) -> SidecarError:
    return SidecarError("disk_full", path=str(path), need_mb=-(-need_bytes // 10**6), have_mb=have_bytes // 10**6)


def _replace(source: Path, target: Path) -> None:
    """os.replace, patient with Windows, where a player, a virus scanner or an indexer holds a file open for a moment."""
    for attempt in range(_RETRIES):
        try:
            source.replace(target)
        except PermissionError:
            if sys.platform != "win32" or attempt == _RETRIES - 1:
                raise
            time.sleep(0.1 * (attempt + 1))
        else:
            return


def _sync_folder(folder: Path) -> None:
    """Make a rename in it last through a power cut. Windows has no such call, some network file systems cannot, and a folder may be written to
    but not read; the file stands there all the same."""
    if sys.platform == "win32":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        log.warning("a folder's new name is not on the disk yet: %s", error.strerror)


def _running(pid: int) -> bool:
    """Whether a process of that number may be there. On Windows always: asking there would be ending it."""
    if sys.platform == "win32":
        return pid != os.getpid()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _host() -> str:
    return f"{zlib.crc32(platform.node().encode()):08x}"
