"""The M4B itself: AAC mono and chapter marks of both kinds, by PyAV (ffmpeg in process). Streaming, bounded memory.

Owns the container. Tags and cover are `tags`, written afterwards into the same still hidden file.

Facts (ffmpeg 8.1, measured): the MP4 muxer writes chapters as a QuickTime text track (any number, any length) and as
Nero's `chpl` (at most 255, and titles cut at 255 bytes in the midst of a character, which makes readers refuse the whole
file). Players that know both prefer chpl, so above 255 chapters it is left out; below, `nero` mends it. The text
track always begins at 0, so a book whose first chapter begins later gets an opening mark. `aac_coder=fast` is six times
as fast as `twoloop` and no worse on speech. The encoder's delay is hidden by an edit list: the
length is exact to a millisecond and no sample moves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import av
import numpy as np
from av.audio.stream import AudioStream

from e2a_sidecar.model import ChapterMark, Samples
from e2a_sidecar.writing.nero import NERO_CHAPTERS, nero_title, replace_chpl
from e2a_sidecar.writing.tags import iso639_2, one_line
from e2a_sidecar.writing.target import refused

if TYPE_CHECKING:
    from av.container.core import Chapter  # PyAV has it in its stubs only

TITLE_CHARACTERS: Final = 1000

_AAC_RATES_HZ: Final = (7350, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)


def encoder_rate_hz(rate_hz: int) -> int:
    """The AAC rate for a voice's rate: the same where AAC has it, else the next above (else the greatest)."""
    return next((rate for rate in _AAC_RATES_HZ if rate >= rate_hz), _AAC_RATES_HZ[-1])


def marks_in_file(marks: Sequence[ChapterMark], book_title: str) -> list[ChapterMark]:
    """The marks as a file holds them: clean one-line titles, and an opening mark where the first chapter begins later than the book."""
    clean = [ChapterMark(one_line(m.title, TITLE_CHARACTERS) or str(i), m.level, m.start_s, m.end_s) for i, m in enumerate(marks, 1)]
    if clean and clean[0].start_s > 0:
        clean.insert(0, ChapterMark(one_line(book_title, TITLE_CHARACTERS) or "0", clean[0].level, 0.0, clean[0].start_s))
    return clean


class M4bWriter:
    """Writes one file: `write` samples, then `finish`; or `abandon`. Use it on a hidden path; it is no M4B before `finish`.

    rate_hz is the samples' rate; the file's is `encoder_rate_hz` of it. many_chapters: more than NERO_CHAPTERS marks
    will be set. Raises SidecarError `encoder_failed`, `disk_full` or `output_unwritable`.
    """

    def __init__(self, path: Path, rate_hz: int, bitrate: int, language: str = "", many_chapters: bool = False) -> None:
        self.path = path
        self.n_samples = 0
        self._rate_hz = rate_hz
        options = {"brand": "M4B "}
        if many_chapters:
            options["movflags"] = "+disable_chpl"
        try:
            self._container = av.open(str(path), "w", format="mp4", options=options)
            file_rate_hz = encoder_rate_hz(rate_hz)
            stream = self._container.add_stream("aac", rate=file_rate_hz, layout="mono", options={"aac_coder": "fast"})
            assert isinstance(stream, AudioStream)
            stream.bit_rate, stream.time_base = bitrate, Fraction(1, file_rate_hz)
            stream.metadata["language"] = iso639_2(language)
            self._resampler = None if file_rate_hz == rate_hz else av.AudioResampler("s16", "mono", file_rate_hz)
            self._container.start_encoding()  # opens the file and the encoder: fail here and not after the first sentences
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise refused(error, path) from None
        self._stream = stream

    @property
    def duration_s(self) -> float:
        return self.n_samples / self._rate_hz

    def write(self, samples: Samples) -> None:
        """Append samples, any number."""
        if not samples.size:
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = self._rate_hz, self.n_samples, Fraction(1, self._rate_hz)
        self.n_samples += samples.size
        try:
            self._encode(frame)
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
            if self._resampler:
                self._encode(None)
            self._container.mux(self._stream.encode(None))
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

    def _encode(self, frame: av.AudioFrame | None) -> None:
        for piece in self._resampler.resample(frame) if self._resampler else [frame]:
            self._container.mux(self._stream.encode(piece))
