"""Is this a picture that may go into the file? Only headers are read: nothing of a stranger's picture is decoded here.

JPEG (by its frame header) and PNG (by IHDR) are embedded as they are, within limits of size; anything else is not.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Literal

MAX_BYTES: Final = 20 * 10**6
MAX_SIDE: Final = 12000
MAX_PIXELS: Final = 60 * 10**6

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_MOST_SEGMENTS: Final = 10_000
"""Of a JPEG before its frame; each is a step here, and two bytes may be one."""
_BARE_MARKERS: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAME_HEADERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture that passed `read_cover`."""

    kind: Literal["jpeg", "png"]
    width: int
    height: int
    data: bytes


def read_cover(data: bytes) -> Cover | str:
    """The cover, or why it cannot be one: `empty`, `too_big`, `format`, `damaged`."""
    if not data:
        return "empty"
    if len(data) > MAX_BYTES:
        return "too_big"
    if data.startswith(_PNG):
        kind: Literal["jpeg", "png"] = "png"
        size = _png_size(data)
    elif data.startswith(b"\xff\xd8\xff"):
        kind, size = "jpeg", _jpeg_size(data)
    else:
        return "format"
    if size is None or 0 in size:
        return "damaged"
    width, height = size
    if max(size) > MAX_SIDE or width * height > MAX_PIXELS:
        return "too_big"
    return Cover(kind, width, height, data)


def _png_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 33 or data[8:16] != b"\0\0\0\rIHDR" or b"IDAT" not in data or not data.rstrip(b"\0").endswith(b"IEND\xaeB`\x82"):
        return None
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Size from the first frame header; None where the segments end before one or no scan follows."""
    size, place = None, 2
    for _ in range(_MOST_SEGMENTS):
        if place + 4 > len(data) or data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker == 0xFF or marker in _BARE_MARKERS:  # fill byte, or a marker without a segment
            place += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == 0xDA:
            return size
        if length < 2 or marker == 0xD9:
            return None
        if marker in _FRAME_HEADERS and size is None:
            if place + 9 > len(data):
                return None
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            size = (width, height)
        place += 2 + length
    return None
