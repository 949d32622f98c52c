"""What the tests of writing share: a book's metadata, covers, tones, and ffprobe as an independent reader."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from e2a_sidecar.model import ChapterMark, Metadata, Samples
from e2a_sidecar.writing.cover import Cover, read_cover
from e2a_sidecar.writing.m4b import M4bWriter, marks_in_file
from e2a_sidecar.writing.mark import Mark
from e2a_sidecar.writing.nero import NERO_CHAPTERS
from e2a_sidecar.writing.tags import Tags, narrator_name, write_tags

RATE_HZ = 22050
MARK = Mark(1, "settings", "text", "chapters", "cover", "metadata")
METADATA = Metadata(
    title="A Christmas Carol",
    authors=("Charles Dickens", "John Leech"),
    language="en-GB",
    series="Christmas Books",
    series_index=1.0,
    publisher="Chapman & Hall",
    date="1843",
    identifiers=(("isbn", "9780000000002"), ("amazon", "B00TEST"), ("uri", "x:y")),
    comments="A miser.\n\nThree spirits.",
    tags=("Fiction", "Ghosts"),
    rights="Public domain",
)


def png(width: int = 4, height: int = 6) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = (b"\0" + b"\x80\x20\x20" * min(width, 8)) * min(height, 8)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpeg(width: int = 32, height: int = 48) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = width, height, "yuvj420p", 1
    frame = av.VideoFrame(width, height, "yuvj420p")
    frame.pts = 0
    for number, plane in enumerate(frame.planes):
        plane.update(bytes([90, 110, 160][number : number + 1]) * plane.buffer_size)
    with io.BytesIO() as out:
        for packet in [*encoder.encode(frame), *encoder.encode(None)]:
            out.write(bytes(packet))
        return out.getvalue()


def cover(data: bytes) -> Cover:
    found = read_cover(data)
    assert isinstance(found, Cover)
    return found


def tags(metadata: Metadata = METADATA, picture: bytes | None = None) -> Tags:
    return Tags(metadata, narrator_name("Joe"), "Convert to Audiobook 0.1.0", cover(picture) if picture else None)


def tone(n_samples: int, rate_hz: int = RATE_HZ, level: int = 6000) -> Samples:
    return np.rint(level * np.sin(2 * np.pi * 440 * np.arange(n_samples) / rate_hz)).astype(np.int16)


def marks(titles: list[str], each_s: float = 1.0) -> list[ChapterMark]:
    return [ChapterMark(title, 1, n * each_s, (n + 1) * each_s) for n, title in enumerate(titles)]


def write_book(
    path: Path, titles: list[str], rate_hz: int = RATE_HZ, each_s: float = 1.0, book: Tags | None = None, start_s: float = 0.0
) -> tuple[float, list[ChapterMark]]:
    """A finished M4B whose chapters last `each_s` seconds; its duration and its marks."""
    wanted = [ChapterMark(m.title, m.level, m.start_s + start_s, m.end_s + start_s) for m in marks(titles, each_s)]
    in_file = marks_in_file(wanted, "The Book")
    writer = M4bWriter(path, rate_hz, 64000, language="en-GB", many_chapters=len(in_file) > NERO_CHAPTERS)
    sound = tone(round((start_s + each_s * len(titles)) * rate_hz), rate_hz)
    for piece in np.array_split(sound, 7):
        writer.write(piece)
    writer.finish(in_file)
    write_tags(path, book or tags(), MARK.to_json())
    return writer.duration_s, in_file


@dataclass(frozen=True)
class Probe:
    """What ffprobe says of a file."""

    duration_s: float
    chapters: list[tuple[float, str]]
    tags: dict[str, str]
    codecs: list[str]
    language: str


def probe(path: Path) -> Probe:
    """Skips the test, with a word, where ffprobe is missing; fails where it complains."""
    if not shutil.which("ffprobe"):
        pytest.skip("ffprobe is not installed")
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_chapters", "-show_streams", str(path)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stderr == b""
    raw = json.loads(done.stdout)
    return Probe(
        duration_s=float(raw["format"]["duration"]),
        chapters=[(float(c["start_time"]), c.get("tags", {}).get("title", "")) for c in raw["chapters"]],
        tags=raw["format"].get("tags", {}),
        codecs=[s.get("codec_name", "") for s in raw["streams"]],
        language=raw["streams"][0]["tags"]["language"],
    )
