"""A piece of a finished audiobook, decoded for a player.

Opened as MP4 and nothing else: a file that pretends to be one cannot make ffmpeg follow its playlist anywhere. What a
hostile file may take is bounded: by MOST_S of sound, by frames, by channels and rate, by TIME_S on the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import av
import numpy as np

from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.memory import Ceiling
from e2a_sidecar.model import Samples
from e2a_sidecar.writing.m4b import SOUND_ALONE
from e2a_sidecar.writing.mark import whose
from e2a_sidecar.writing.wav import write_wav

MOST_S: Final = 300.0
TIME_S: Final = 30.0
MOST_MORE_BYTES: Final = 1 << 30
"""For ffmpeg's tables, which a small file can claim to be many gigabytes; those of 60 hours take three quarters of this."""
_BEFORE_S: Final = 0.25
"""Decoding begins so much earlier: the first frames after a jump lack the ones before them."""
_MOST_RATE_HZ: Final = 96_000
_MOST_CHANNELS: Final = 8
_BROKEN: Final = (av.error.FFmpegError, OSError, ValueError, ArithmeticError, MemoryError)
"""What PyAV raises on files that are none."""


def cut(path: Path, start_s: float, end_s: float, out: Path, stopped: Callable[[], bool]) -> float:
    """Write [start_s, end_s) of our audiobook as the WAV file `out`, MOST_S of it at most; returns its length in seconds.

    Raises SidecarError `audio_unreadable` (reason), and of `out` `output_unwritable`, `disk_full`; Stopped.
    """
    owner = whose(path)
    if owner != "ours":
        raise _unreadable("", "it is not there any more" if owner == "none" else "it is damaged, or was not made by Convert to Audiobook")
    ceiling = Ceiling(MOST_MORE_BYTES)
    try:
        with ceiling:
            container = av.open(str(path), format="mp4", container_options=SOUND_ALONE)
    except _BROKEN as error:
        raise _unreadable(repr(error), "it is damaged") from None
    with container:
        stream = next(iter(container.streams.audio), None)
        if stream is None or not _fit(stream):
            raise _unreadable("no such sound track", "it is damaged, or not as Convert to Audiobook makes them")
        found = _between(container, stream, start_s, min(end_s, start_s + MOST_S), stopped, ceiling)
        return write_wav(out, _some(found), stream.rate)


def _fit(stream: av.AudioStream) -> bool:
    """Is it what we write? A stream whose codec ffmpeg does not know has no context, whatever its type says."""
    codec: av.AudioCodecContext | None = stream.codec_context
    return codec is not None and codec.name == "aac" and 0 < codec.rate <= _MOST_RATE_HZ and 0 < codec.channels <= _MOST_CHANNELS


def _between(
    container: av.container.InputContainer, stream: av.AudioStream, start_s: float, end_s: float, stopped: Callable[[], bool], ceiling: Ceiling
) -> Iterator[Samples]:
    """The samples from start to end, by the frames' own times."""
    rate_hz, until = stream.rate, time.monotonic() + TIME_S
    first, last = round(start_s * rate_hz), round(end_s * rate_hz)
    with ceiling:
        container.seek(int(max(0.0, start_s - _BEFORE_S) / float(stream.time_base or 1)), stream=stream)
    mono = av.AudioResampler("s16", "mono", rate_hz)
    patience = last - first + 10 * rate_hz
    for frame in _decoded(container, stream, ceiling):
        if stopped():
            raise Stopped
        patience -= frame.samples
        if patience < 0 or time.monotonic() > until or frame.time is None:
            raise _unreadable("its times make no sense", "it is damaged")
        at = round(frame.time * rate_hz)
        if at >= last:
            return
        for piece in mono.resample(frame):
            samples: Samples = piece.to_ndarray().reshape(-1).astype(np.int16, copy=False)
            yield samples[max(0, first - at) : max(0, last - at)]
            at += samples.size


def _decoded(container: av.container.InputContainer, stream: av.AudioStream, ceiling: Ceiling) -> Iterator[av.AudioFrame]:
    frames = container.decode(stream)
    while True:
        with ceiling:
            frame = next(frames, None)
        if frame is None:
            return
        yield frame


def _some(sound: Iterator[Samples]) -> Iterator[Samples]:
    """The same; SidecarError where there is none, or ffmpeg cannot read it."""
    length = 0
    try:
        for samples in sound:
            length += samples.size
            yield np.ascontiguousarray(samples)
    except _BROKEN as error:
        raise _unreadable(repr(error), "it is damaged") from None
    if not length:
        raise _unreadable("", "it ends before that place")


def _unreadable(detail: str, reason: str) -> SidecarError:
    return SidecarError("audio_unreadable", detail, reason=reason)
