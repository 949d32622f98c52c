"""A stranger's file as sound: whatever ffmpeg decodes, a video's or an audiobook's sound too, and nothing else than this file.

We open the file and hand ffmpeg its bytes. Three things keep it from opening anything more (a playlist names other files and
addresses, and may be called .wav): only formats of FORMATS are read, all protocols are off, and what asks for another file is
refused. Pictures are never decoded. What a hostile file may take is bounded by channels, rate, a clock that every read looks at,
and how much sound is asked for; the caller's stop is seen at every read too.
"""

from __future__ import annotations

import contextlib
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
import numpy as np
from av.stream import Discard
from numpy.typing import NDArray

from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.memory import Ceiling

Sound = NDArray[np.float32]
"""Full scale 1.0; always finite, and so are the squares."""

FORMATS: Final = (
    *("aac", "ac3", "aiff", "amr", "amrnb", "amrwb", "ape", "asf", "au", "avi", "caf", "dsf", "dts", "dtshd", "eac3", "flac", "flv", "gsm", "loas"),
    *("matroska", "mov", "mp3", "mpc", "mpc8", "mpeg", "mpegts", "mxf", "nut", "ogg", "rm", "shn", "tak", "truehd", "tta", "voc", "w64", "wav", "wv"),
)
"""Of ffmpeg's names. None of them leads to another file: no playlist, no stream of the network, no device, no picture, no raw samples."""

TIME_S: Final = 17.0
"""For all that is read of one recording."""
_TOO_SLOW: Final = f"not read within {TIME_S} s"
MOST_MORE_BYTES: Final = 1 << 30
"""For ffmpeg, while it reads: a small file can claim tables of many gigabytes, which ffmpeg fills before anybody is asked; those of 60 hours
take three quarters of this."""
_MOST_CHANNELS: Final = 64
_RATES_HZ: Final = (4_000, 768_000)
_LOUDEST: Final = np.float32(1e15)
"""A float file may hold any number, whose square may be none."""
_MANY_PLANES: Final = 8
_MOST_FAULTS: Final = 200
"""Damaged packets one after another."""
_BLOCK_S: Final = 1.0
_BLOCK_SAMPLES: Final = 2_000_000
"""Of a block, all channels together: 64 of 768,000 Hz would be 200 MB a second."""
_BUFFER_BYTES: Final = 1 << 18
_FAST_SEEK: Final = 0x80000  # avformat.h
_PROTECTED: Final = frozenset({"drms", "aavd", "enca", "drmi"})
"""What MP4 calls a sound track that is locked (Apple's, Audible's, common encryption)."""
_BROKEN: Final = (av.error.FFmpegError, OSError, ValueError, ArithmeticError, MemoryError, LookupError)
"""What PyAV raises on files that are none."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some sound in a row. start_s: from the recording's beginning. sound: (channels, samples)."""

    start_s: float
    sound: Sound


class _Slow(Exception):
    """TIME_S is over."""


class Watched:
    """A file for ffmpeg: every read and seek looks whether the user stopped, and at the clock."""

    def __init__(self, file: BinaryIO, check: Callable[[], None]) -> None:
        self._file = file
        self._check = check

    def read(self, size: int) -> bytes:
        self._check()
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        """A place that there is not, as damaged files name them, is -1 to ffmpeg: of each error PyAV would write a trace into the log."""
        self._check()
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1

    def tell(self) -> int:
        return self._file.tell()


class Recording:
    """An open recording: what it says of itself, and its sound. Close it. until: of time.monotonic, then nothing more is read.

    Raises SidecarError `sample_unusable` (`missing`, `no_access`, `not_a_file`, `not_readable`, `no_audio`, `protected`); Stopped.
    """

    def __init__(self, path: Path, stopped: Callable[[], bool], until: float) -> None:
        self._stopped = stopped
        self._until = until
        self._file = _plain_file(path)
        self._ceiling = Ceiling(MOST_MORE_BYTES)
        try:
            with self._told(), self._ceiling:
                self._container = av.open(
                    Watched(self._file, self._check),
                    "r",
                    container_options={"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "none", "codec_whitelist": _sound_decoders()},
                    io_open=_refuse,
                    buffer_size=_BUFFER_BYTES,
                )
                self._container.flags |= _FAST_SEEK  # of an MP3 by its table or its bit rate; else all before the place is read
                self._stream = self._sound_track()
        except BaseException:
            self._file.close()
            raise
        codec = self._stream.codec_context
        self.rate_hz: int = codec.sample_rate
        self.channels: int = codec.channels

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free it."""
        with contextlib.suppress(*_BROKEN, _Slow, Stopped):
            self._container.close()
        self._file.close()

    @property
    def said_s(self) -> float | None:
        """How long it says that it is, which may be a lie."""
        stream = self._stream
        if stream.duration and stream.time_base:
            found = float(stream.duration * stream.time_base)
        else:
            found = (self._container.duration or 0) / av.time_base
        return found if 0 < found < 1e9 else None

    def blocks(self) -> Iterator[Block]:
        """All of its sound from where it is read now, counted from there as 0; blocks of about a second at most."""
        count = 0
        for sound in self._joined(sound for _, sound in self._sounds()):
            yield Block(count / self.rate_hz, sound)
            count += sound.shape[1]

    def at(self, start_s: float, length_s: float) -> Iterator[Block]:
        """Its sound from about `start_s` on, by a jump; what is before is left out. Nothing where it cannot be reached."""
        stream = self._stream
        ticks_s, zero_s = float(stream.time_base or 1), float((stream.start_time or 0) * (stream.time_base or 0))
        try:
            with self._ceiling:
                self._container.seek(int((start_s + zero_s) / ticks_s), stream=stream)
        except _Slow:
            raise unusable("not_readable", _TOO_SLOW) from None
        except _BROKEN:
            return
        patience_s = length_s + 30.0
        for frame_s, sound in self._sounds():
            length = sound.shape[1] / self.rate_hz
            patience_s -= length
            if frame_s is None or patience_s < 0 or frame_s - zero_s >= start_s + length_s:
                return
            at_s = frame_s - zero_s
            if at_s + length > start_s:
                yield Block(max(at_s, start_s), sound[:, max(0, round((start_s - at_s) * self.rate_hz)) :])

    def _sounds(self) -> Iterator[tuple[float | None, Sound]]:
        """(time, sound) of each frame; damaged packets are left out, and where the file breaks off is its end."""
        heard = False
        resampler: tuple[object, av.AudioResampler] | None = None
        with self._told():
            try:
                for frame in self._frames():
                    heard = True
                    moment_s = frame.time
                    if frame.sample_rate == self.rate_hz and _few_planes(frame):
                        yield moment_s, _floats(frame)
                        continue
                    kind = (frame.format.name, frame.layout.name, frame.sample_rate)
                    if resampler is None or resampler[0] != kind:
                        resampler = (kind, av.AudioResampler("flt", frame.layout, self.rate_hz))
                    for piece in resampler[1].resample(frame):
                        yield moment_s, _floats(piece)
                        moment_s = None if moment_s is None else moment_s + piece.samples / self.rate_hz
            except _BROKEN:
                if not heard:
                    raise

    def _frames(self) -> Iterator[av.AudioFrame]:
        faults = 0
        decoder = self._stream.codec_context
        for packet in self._packets():
            self._check()
            last = not packet.size and packet.dts is None
            if not (packet.size or last):  # the decoder would take it for the end
                continue
            try:
                frames = decoder.decode(None if last else packet)
            except EOFError:
                return
            except (av.error.InvalidDataError, av.error.PatchWelcomeError, ValueError):
                faults += 1
                if faults > _MOST_FAULTS:
                    raise
                continue
            for frame in frames:
                if frame.samples and 0 < frame.layout.nb_channels <= _MOST_CHANNELS:
                    faults = 0
                    yield frame

    def _packets(self) -> Iterator[av.Packet[av.AudioStream]]:
        packets = self._container.demux(self._stream)
        while True:
            with self._ceiling:
                packet = next(packets, None)
            if packet is None:
                return
            yield packet

    def _joined(self, sounds: Iterator[Sound]) -> Iterator[Sound]:
        """The same in longer pieces; a piece has one number of channels."""
        waiting: list[Sound] = []
        size = 0
        for sound in sounds:
            if waiting and (size >= min(_BLOCK_S * self.rate_hz, _BLOCK_SAMPLES / len(sound)) or sound.shape[0] != waiting[0].shape[0]):
                yield np.concatenate(waiting, axis=1)
                waiting, size = [], 0
            waiting.append(sound)
            size += sound.shape[1]
        if waiting:
            yield np.concatenate(waiting, axis=1)

    def _sound_track(self) -> av.AudioStream:
        """The one that ffmpeg thinks best, else the first that can be decoded."""
        best = self._container.streams.best("audio")
        tracks = [*([best] if isinstance(best, av.AudioStream) else []), *self._container.streams.audio]
        if not tracks:
            raise unusable("no_audio", f"{self._container.format.name} without sound")
        for track in tracks:
            codec: av.AudioCodecContext | None = track.codec_context  # None where ffmpeg does not know it
            if codec is None or not (_RATES_HZ[0] <= codec.sample_rate <= _RATES_HZ[1] and 0 < codec.channels <= _MOST_CHANNELS):
                continue
            if codec.codec_tag in _PROTECTED:
                raise unusable("protected", codec.codec_tag)
            for stream in self._container.streams:
                if stream.index != track.index:
                    stream.discard = Discard.all
            return track
        raise unusable("not_readable", "no sound track that can be decoded")

    def _check(self) -> None:
        if self._stopped():
            raise Stopped
        if time.monotonic() > self._until:
            raise _Slow

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except _Slow:
            raise unusable("not_readable", _TOO_SLOW) from None
        except _BROKEN as error:
            raise unusable("not_readable", repr(error)[:500]) from None

    @property
    def left_s(self) -> float:
        """Seconds in which it may be read."""
        return self._until - time.monotonic()


def _plain_file(path: Path) -> BinaryIO:
    """Open for reading; a folder, a pipe, a device is none, and is not waited for."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise unusable("not_a_file", "a folder, a pipe or a device")
        return open(path, "rb", buffering=0)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a zero byte in the name
        raise unusable("missing", repr(error)) from None
    except OSError as error:
        raise unusable("no_access", repr(error)) from None


def _refuse(url: str, flags: int, options: object) -> BinaryIO:
    raise PermissionError("a recording may not open another file")


def _sound_decoders() -> str:
    """ffmpeg would else decode a cover picture to learn its size."""
    return ",".join(name for name in sorted(av.codecs_available) if _decodes_sound(name))


def _decodes_sound(name: str) -> bool:
    try:
        return av.Codec(name, "r").type == "audio"
    except ValueError:  # it only encodes
        return False


def _few_planes(frame: av.AudioFrame) -> bool:
    """Can PyAV give its samples? Of eight planes and more it does not see the end (18.1), and reads on in memory that is none of the frame's."""
    return not frame.format.is_planar or frame.layout.nb_channels < _MANY_PLANES


def _floats(frame: av.AudioFrame) -> Sound:
    """(channels, samples), full scale 1.0; what is no number is silence."""
    raw: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        raw = raw.reshape(-1, frame.layout.nb_channels).T
    if raw.dtype == np.uint8:
        return (raw.astype(np.float32) - 128.0) / 128.0
    if raw.dtype.kind == "i":
        return raw.astype(np.float32) * np.float32(2.0 ** (1 - 8 * raw.dtype.itemsize))
    with np.errstate(over="ignore", invalid="ignore"):
        sound: Sound = raw.astype(np.float32)
        if not np.isfinite(sound).all():
            sound = np.nan_to_num(sound, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(sound, -_LOUDEST, _LOUDEST)


def unusable(reason: str, detail: str = "", /, **params: float) -> SidecarError:
    """The recording is no sample; reason: of errors.SAMPLE_REASONS."""
    return SidecarError("sample_unusable", detail, reason=reason, **params)
