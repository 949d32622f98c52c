"""The M4B itself: AAC mono and chapter marks of both kinds, by PyAV (ffmpeg in process). Streaming, bounded memory.

Owns the container; packets are `aac`'s. Tags and cover are `tags`, written afterwards into the same still hidden file.

Facts (ffmpeg 8.1, measured): the MP4 muxer writes chapters as a QuickTime text track (any number, any length) and as
Nero's `chpl` (at most 255, and titles cut at 255 bytes in the midst of a character, which makes readers refuse the whole
file). Players that know both prefer chpl, so above 255 chapters it is left out; below, `nero` mends it. The text
track always begins at 0, so a book whose first chapter begins later gets an opening mark. The encoder's delay is hidden by an edit
list: the length is exact to a millisecond and no sample moves. Until `finish` the muxer keeps 72 bytes of each packet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import av
from av.audio.stream import AudioStream

from e2a_sidecar.model import ChapterMark, Samples
from e2a_sidecar.writing.aac import CODER, AacEncoder, Packet, encoder_rate_hz
from e2a_sidecar.writing.nero import NERO_CHAPTERS, nero_title, replace_chpl
from e2a_sidecar.writing.tags import iso639_2, one_line
from e2a_sidecar.writing.target import refused

if TYPE_CHECKING:
    from av.container.core import Chapter  # PyAV has it in its stubs only

TITLE_CHARACTERS: Final = 1000
SOUND_ALONE: Final = {"codec_whitelist": "aac"}
"""Options to read a file of ours with: else ffmpeg decodes the cover, a stranger's picture of up to 60 megapixels, to learn its size."""


def marks_in_file(marks: Sequence[ChapterMark], book_title: str) -> list[ChapterMark]:
    """The marks as a file holds them: clean one-line titles, and an opening mark where the first chapter begins later than the book."""
    clean = [ChapterMark(one_line(m.title, TITLE_CHARACTERS) or str(i), m.level, m.start_s, m.end_s) for i, m in enumerate(marks, 1)]
    if clean and clean[0].start_s > 0:
        clean.insert(0, ChapterMark(one_line(book_title, TITLE_CHARACTERS) or "0", clean[0].level, 0.0, clean[0].start_s))
    return clean


class M4bWriter:
    """Writes one file: `write` samples, or `add` packets that an `AacEncoder` of the same rates made, then `finish`; or `abandon`.

    Use it on a hidden path; it is no M4B before `finish`. rate_hz is the samples' rate; the file's is `encoder_rate_hz` of it.
    many_chapters: more than NERO_CHAPTERS marks will be set. Raises SidecarError `encoder_failed`, `disk_full` or `output_unwritable`.
    """

    def __init__(self, path: Path, rate_hz: int, bitrate: int, language: str = "", many_chapters: bool = False) -> None:
        self.path = path
        self.n_samples = 0
        self._rate_hz, self._bitrate = rate_hz, bitrate
        self._encoder = self.encoder()
        options = {"brand": "M4B "}
        if many_chapters:
            options["movflags"] = "+disable_chpl"
        try:
            self._container = av.open(str(path), "w", format="mp4", options=options)
            file_rate_hz = encoder_rate_hz(rate_hz)
            stream = self._container.add_stream("aac", rate=file_rate_hz, layout="mono", options=CODER)  # its encoder describes the stream, and encodes nothing
            assert isinstance(stream, AudioStream)
            stream.bit_rate, stream.time_base = bitrate, Fraction(1, file_rate_hz)
            stream.metadata["language"] = iso639_2(language)
            self._container.start_encoding()  # opens the file and the encoder: fail here and not after the first sentences
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise refused(error, path) from None
        self._stream = stream

    @property
    def duration_s(self) -> float:
        """Of what was written as samples."""
        return self.n_samples / self._rate_hz

    def encoder(self, start: int = 0) -> AacEncoder:
        """One for this file, for the book's samples from `start` on; its packets are for `add`."""
        return AacEncoder(self._rate_hz, self._bitrate, start)

    def write(self, samples: Samples) -> None:
        """Append samples, any number."""
        self.n_samples += samples.size
        self.add(self._encoder.add(samples))

    def add(self, packets: Sequence[Packet]) -> None:
        """Append packets, in the order of their times, which are the file's."""
        try:
            for packet in packets:
                packet.stream = self._stream
                self._container.mux_one(packet)
        except (av.error.FFmpegError, OSError) as error:
            raise refused(error, self.path) from None

    def finish(self, marks: Sequence[ChapterMark]) -> None:
        """Flush, set the chapters (as `marks_in_file` gives them), close."""
        scale = self._stream.rate
        chapters: list[Chapter] = [
            {"id": i, "start": round(m.start_s * scale), "end": round(m.end_s * scale), "time_base": Fraction(1, scale), "metadata": {"title": m.title}}
            for i, m in enumerate(marks)
        ]
        try:
            if self.n_samples:
                self.add(self._encoder.finish())
            self._container.set_chapters(chapters)  # after encoding: the muxer writes them in the trailer
            self._container.close()
            if len(marks) <= NERO_CHAPTERS and any(nero_title(m.title) != m.title for m in marks):
                replace_chpl(self.path, marks)
        except (av.error.FFmpegError, OSError) as error:
            raise refused(error, self.path) from None

    def abandon(self) -> None:
        """Close and delete the file, whatever state it is in."""
        with contextlib.suppress(av.error.FFmpegError, OSError):  # the file goes anyway
            self._container.close()
        self.path.unlink(missing_ok=True)
