"""How this process gets its memory from the system; glibc's way needs a word, others do not.

Without a word glibc maps each block above a limit apart, and raises that limit to the size of each such block that is given back,
to 32 MB at last. Which is best depends on who speaks: on joe by coqui's class, blocks of a megabyte and more that are mapped
apart cost 1.8 times the CPU time (each is zeroed by the system page by page); for onnxruntime, which keeps its own, nothing.
"""

from __future__ import annotations

import ctypes
import logging
import sys
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
