"""How this process gets its memory from the system; glibc's way needs a word, others do not.

Without a word glibc maps each block above a limit apart, and raises that limit to the size of each such block that is given back,
to 32 MB at last. Which is best depends on who speaks: on joe by coqui's class, blocks of a megabyte and more that are mapped
apart cost 1.8 times the CPU time (each is zeroed by the system page by page); for onnxruntime, which keeps its own, nothing.
"""

from __future__ import annotations

import ctypes
import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

LARGE_BYTES: Final = 1 << 20
_MOST_BYTES: Final = 32 << 20  # glibc takes no greater limit
_KEPT_BYTES: Final = 256 << 20

_M_TRIM_THRESHOLD: Final = -1  # malloc.h
_M_MMAP_THRESHOLD: Final = -3


def map_large_blocks() -> None:
    """Large blocks lie apart, in mappings of their own, as they do in a fresh process: for a process that makes few.

    A table that grows with the book (the MP4 muxer's) would else wander through the heap among blocks that stay, and leave holes as
    large as itself.
    """
    _tell((_M_MMAP_THRESHOLD, LARGE_BYTES))


def reuse_large_blocks() -> None:
    """Large blocks are kept for the next of their size: for torch on the CPU, each of whose layers makes some of megabytes."""
    _tell((_M_MMAP_THRESHOLD, _MOST_BYTES), (_M_TRIM_THRESHOLD, _KEPT_BYTES))


def give_back() -> None:
    """What is kept and unused, to the system: a voice has gone."""
    _call("malloc_trim", 0)


class Ceiling:
    """So much more memory than the process has when this is made, for what is done `with` it: what asks for more gets none.

    A library of C's then says that there is no memory; PyAV raises MemoryError. On Linux alone, since other systems have no such limit that
    could be lifted again: there it does nothing.
    """

    def __init__(self, more_bytes: int) -> None:
        self._most: int | None = None
        self._before: tuple[int, int] | None = None
        if sys.platform == "linux":
            with suppress(OSError, LookupError, ValueError):
                self._most = _taken_bytes() + more_bytes

    def __enter__(self) -> None:
        if sys.platform == "linux" and self._most is not None:
            import resource

            self._before = soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
            resource.setrlimit(resource.RLIMIT_DATA, (self._most if soft == resource.RLIM_INFINITY else min(self._most, soft), hard))

    def __exit__(self, *_: object) -> None:
        if sys.platform == "linux" and self._before is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_DATA, self._before)


def _taken_bytes() -> int:
    """What the process may write to by now, as Linux counts it for that limit."""
    line = next((line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if line.startswith("VmData:")), "")
    return int(line.split()[1]) * 1024


def _tell(*options: tuple[int, int]) -> None:
    for option, value in options:
        _call("mallopt", option, value)


def _call(name: str, *numbers: int) -> None:
    if sys.platform != "linux":
        return
    try:
        getattr(ctypes.CDLL(None), name)(*numbers)
    except (OSError, AttributeError) as error:  # another library than glibc
        logging.getLogger(__name__).debug("no %s: %s", name, error)
