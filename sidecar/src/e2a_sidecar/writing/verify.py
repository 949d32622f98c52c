"""The written file, opened again by two readers, before anybody is shown it (design rule 6); and the encoder, tried
before hours of work (rule 7).

PyAV reads it as ffmpeg's players do (sound, QuickTime chapters), mutagen as the strict ones (atoms, Nero's chapters, cover).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import av
import numpy as np
from mutagen import MutagenError

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import ChapterMark, Samples
from e2a_sidecar.writing.m4b import SOUND_ALONE, M4bWriter
from e2a_sidecar.writing.mark import Mark
from e2a_sidecar.writing.nero import NERO_CHAPTERS, nero_title
from e2a_sidecar.writing.tags import Tags, open_mp4, read_mark_text, write_tags
from e2a_sidecar.writing.target import refused

DURATION_TOLERANCE_S: Final = 0.1
START_TOLERANCE_S: Final = 0.002  # QuickTime's chapters are counted in milliseconds

_EDGE_S: Final = 2.0


def verify_m4b(path: Path, duration_s: float, marks: Sequence[ChapterMark], cover: bool) -> None:
    """Check a finished file: duration, every chapter's title and start (marks as `marks_in_file` gives them), cover or
    none, our mark; its head and its tail are decoded. SidecarError `encoder_failed` where something differs."""
    try:
        with av.open(str(path), container_options=SOUND_ALONE) as container:
            chapters = _chapters(container)
            _expect(bool(container.streams.audio), "no sound track")
            _check_sound(container, duration_s)
        file = open_mp4(path)
    except (av.error.FFmpegError, OSError, MutagenError, ValueError) as error:
        raise SidecarError("encoder_failed", repr(error), reason="the written file cannot be read") from None
    _check_chapters(chapters, [(m.start_s, m.title) for m in marks])
    if 0 < len(marks) <= NERO_CHAPTERS:
        _check_chapters([(c.start, c.title) for c in file.chapters or ()], [(m.start_s, nero_title(m.title)) for m in marks])
    _expect(file.tags is not None and bool(file.tags.get("covr")) == cover, "the cover is missing" if cover else "there is a cover")
    _expect(read_mark_text(file) is not None, "the mark is missing")


def encoder_check(part: Path, rate_hz: int, bitrate: int, tags: Tags) -> None:
    """A second of a tone through encoder, muxer and tags into `part`, read back; `part` is overwritten and left behind."""
    tone: Samples = np.rint(8000 * np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)).astype(np.int16)
    marks = [ChapterMark("1", 1, 0.0, 1.0)]
    writer = M4bWriter(part, rate_hz, bitrate)
    writer.write(tone)
    writer.finish(marks)
    write_tags(part, tags, Mark(0, "", "", "", "", "").to_json())
    verify_m4b(part, 1.0, marks, tags.cover is not None)


def retag(source: Path, part: Path, tags: Tags, mark: Mark) -> None:
    """Copy `source` (our own file) to `part` and give it other tags; sound and chapters stay as they are, and are checked."""
    try:
        shutil.copyfile(source, part)
        with av.open(str(part), container_options=SOUND_ALONE) as container:
            duration_s = (container.duration or 0) / av.time_base
            chapters = _chapters(container)
    except (av.error.FFmpegError, OSError) as error:
        raise refused(error, part) from None
    write_tags(part, tags, mark.to_json())
    verify_m4b(part, duration_s, [ChapterMark(title, 1, start_s, start_s) for start_s, title in chapters], tags.cover is not None)


def _chapters(container: av.container.InputContainer) -> list[tuple[float, str]]:
    """Start and title of each, as ffmpeg reads them: QuickTime's where the file has both kinds."""
    return [(float(c["start"] * (c["time_base"] or 0)), c["metadata"].get("title", "")) for c in container.chapters()]


def _check_sound(container: av.container.InputContainer, duration_s: float) -> None:
    """Decode the first and the last seconds; the last sample must be where the book ends."""
    stream = container.streams.audio[0]
    ticks_s, frame_s, end_s = float(stream.time_base or 1), 1024 / stream.rate, 0.0
    for start_s in dict.fromkeys((0.0, max(0.0, duration_s - _EDGE_S))):
        container.seek(int(start_s / ticks_s), stream=stream)
        for frame in container.decode(stream):
            assert isinstance(frame, av.AudioFrame)
            end_s = (frame.time or 0.0) + frame.samples / frame.sample_rate
            if end_s > start_s + 2 * _EDGE_S:
                break
    # the last frame is decoded whole; what of it is heard, the container says
    _expect(-DURATION_TOLERANCE_S <= end_s - duration_s <= DURATION_TOLERANCE_S + frame_s, f"its sound ends at {end_s:.2f} s and not at {duration_s:.2f} s")
    found_s = (container.duration or 0) / av.time_base
    _expect(abs(found_s - duration_s) <= DURATION_TOLERANCE_S, f"it says that it lasts {found_s:.2f} s and not {duration_s:.2f} s")


def _check_chapters(found: Sequence[tuple[float, str]], wanted: Sequence[tuple[float, str]]) -> None:
    _expect(len(found) == len(wanted), f"it has {len(found)} chapters and not {len(wanted)}")
    for number, ((start_s, title), (wanted_s, wanted_title)) in enumerate(zip(found, wanted, strict=True), 1):
        _expect(title == wanted_title, f"chapter {number} has another title")
        _expect(abs(start_s - wanted_s) <= START_TOLERANCE_S, f"chapter {number} starts at {start_s:.3f} s and not at {wanted_s:.3f} s")


def _expect(condition: bool, reason: str) -> None:
    if not condition:
        raise SidecarError("encoder_failed", reason, reason=reason)
