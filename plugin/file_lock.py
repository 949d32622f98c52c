"""A file that says by a lock whether its program still runs: the system drops the lock when its holder ends, however it does."""

from __future__ import annotations

import errno
import sys


def lock(fd: int) -> bool | None:
    """Take it if nobody has it. False where another program does, None where the file system knows no locks (some network drives)."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK) else None
    return True
