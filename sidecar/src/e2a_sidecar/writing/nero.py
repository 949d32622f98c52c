"""Nero's chapter atom (`moov/udta/chpl`), rewritten where ffmpeg's is broken.

ffmpeg cuts a title at 255 bytes, in the midst of a character; strict readers then refuse the whole file. The QuickTime
track beside it keeps full titles. Atom: version 1, flags, 4 reserved bytes, a count byte; then for each chapter its
start in 100 ns (8 bytes), a length byte and UTF-8.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import ChapterMark

NERO_CHAPTERS: Final = 255
NERO_TITLE_BYTES: Final = 255


def nero_title(title: str) -> str:
    """What chpl can hold of a title: cut at the end of a character."""
    return title.encode()[:NERO_TITLE_BYTES].decode(errors="ignore")


def replace_chpl(path: Path, marks: Sequence[ChapterMark]) -> None:
    """Write chpl anew into a file that our muxer has just closed.

    There chpl is the last thing in udta, that in moov, and that in the file, so that sizes change and no offset into the
    audio does. SidecarError `encoder_failed` where it is not.
    """
    with open(path, "r+b") as file:
        start, end = 0, file.seek(0, 2)
        parents: list[int] = []
        for name in (b"moov", b"udta", b"chpl"):
            start = _last_atom(file, start, end, name)
            parents.append(start)
            start += 8
        chpl = _chpl(marks)
        change = len(chpl) - (end - parents.pop())
        for parent in parents:
            file.seek(parent)
            size = struct.unpack(">I", file.read(4))[0]
            file.seek(parent)
            file.write(struct.pack(">I", size + change))
        file.seek(start - 8)
        file.write(chpl)
        file.truncate()


def _chpl(marks: Sequence[ChapterMark]) -> bytes:
    titles = [nero_title(mark.title).encode() for mark in marks]
    entries = [struct.pack(">QB", round(mark.start_s * 10**7), len(title)) + title for mark, title in zip(marks, titles, strict=True)]
    body = struct.pack(">IIB", 1 << 24, 0, len(marks)) + b"".join(entries)
    return struct.pack(">I4s", 8 + len(body), b"chpl") + body


def _last_atom(file: BinaryIO, start: int, end: int, name: bytes) -> int:
    """Place of the atom that ends at `end` among those that begin at `start`; it must be `name`, its size 32-bit."""
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        if kind == name and start + size == end:
            return start
        if size == 1:
            size = struct.unpack(">Q", file.read(8))[0]
        if size < 8:
            break
        start += size
    raise SidecarError("encoder_failed", f"{name!r} is not last", reason="the file's structure is not what the muxer makes")
