"""How this process gets its memory from the system; glibc's way needs a word, others do not."""

from __future__ import annotations

import ctypes
import logging
import sys
from typing import Final

LARGE_BYTES: Final = 1 << 20

_M_MMAP_THRESHOLD: Final = -3  # malloc.h


def map_large_blocks() -> None:
    """Large blocks lie apart, in mappings of their own, as they do in a fresh process.

    Without a word glibc raises its limit to the size of each such block that is given back, to 32 MB at last. A table that grows
    with the book (the MP4 muxer's) then wanders through the heap among blocks that stay, and leaves holes as large as itself.
    """
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
    except (OSError, AttributeError) as error:  # another library than glibc
        logging.getLogger(__name__).debug("no mallopt: %s", error)
