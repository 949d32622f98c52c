"""A stretch of a recording as one channel at one of RATES_HZ, and how much of it is clipped.

Channels are not simply added: a stereo file may hold the voice on one side, or the same voice against itself on both, and of a film
the middle speaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
import numpy as np

from e2a_sidecar.sampling.scan import Scan
from e2a_sidecar.sampling.source import Block, Recording, Sound, unusable

RATES_HZ: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Of a sample: from one of these to a converter's rate is a short way; from 44,101 Hz it would take gigabytes."""
LOOKED_AT_S: Final = 90.0
"""The most of a stretch that is looked at; 60 s of it are kept, and silences are left out before."""
_SIDE_DB: Final = 20.0
"""A channel that is so much weaker than another is left out; channels whose sum is so weak are not added."""
_FLAT: Final = 3
"""Samples of one value in a row, near the greatest there is: a sound that was cut off there."""
_NEAR_TOP: Final = 0.9
_FRONT_CENTRE: Final = 2
"""Of ffmpeg's 5.1 and 7.1 (FL FR FC LFE ...)."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """sound: mono, 1-D, full scale 1.0 (a float file that goes beyond is brought down to it). clipped: share of its samples, 0..1."""

    start_s: float
    end_s: float
    rate_hz: int
    sound: Sound
    clipped: float


def read(recording: Recording, scan: Scan, start_s: float, end_s: float) -> Stretch:
    """[start_s, end_s) of it, freshly opened where it is decoded in a row. SidecarError `sample_unusable` (`past_end`, and Recording's)."""
    end_s = min(end_s, start_s + LOOKED_AT_S)
    blocks = recording.blocks() if scan.in_a_row else recording.at(start_s, end_s - start_s)
    weights, scale = _weights(scan), 1.0 / max(1.0, scan.peak)
    turned, flat, size = _Resampled(recording.rate_hz, usual_rate(recording.rate_hz)), 0, 0
    found_s: float | None = None
    for block in _cut(blocks, start_s, end_s, recording.rate_hz):
        found_s = block.start_s if found_s is None else found_s
        channels = block.sound.shape[0]
        mixing = weights if weights is not None and weights.size == channels else _plain(channels)
        flat += _flat(block.sound[int(np.argmax(mixing))], _NEAR_TOP * scan.peak)
        size += block.sound.shape[1]
        turned.add(mixing @ block.sound * np.float32(scale))
    if found_s is None:
        raise unusable("past_end", f"nothing from {start_s:.1f} s on")
    return Stretch(found_s, found_s + size / recording.rate_hz, turned.rate_hz, turned.whole(), flat / size)


def usual_rate(rate_hz: int) -> int:
    """The least of RATES_HZ that holds all of it, or the greatest."""
    return next((usual for usual in RATES_HZ if usual >= rate_hz), RATES_HZ[-1])


def _cut(blocks: Iterator[Block], start_s: float, end_s: float, rate_hz: int) -> Iterator[Block]:
    for block in blocks:
        first, last = (round((edge - block.start_s) * rate_hz) for edge in (start_s, end_s))
        if last <= 0:
            return
        sound = block.sound[:, max(0, first) : last]
        if sound.shape[1]:
            yield Block(max(block.start_s, start_s), sound)


def _plain(channels: int) -> Sound:
    return np.full(channels, 1 / channels, np.float32)


def _weights(scan: Scan) -> Sound | None:
    """How much of each channel makes the one; None where the channels change."""
    if not scan.power:
        return None
    levels = np.array(scan.power)
    chosen = levels > levels.max() * 10 ** (-_SIDE_DB / 10)
    if levels.size > _FRONT_CENTRE and chosen[_FRONT_CENTRE]:
        chosen = np.arange(levels.size) == _FRONT_CENTRE
    elif scan.mixed < levels.max() * 10 ** (-_SIDE_DB / 10):
        chosen = np.arange(levels.size) == levels.argmax()
    weights: Sound = (chosen / max(1, int(chosen.sum()))).astype(np.float32)
    return weights


def _flat(sound: Sound, near: float) -> int:
    """Samples in runs of _FLAT and more of one value beyond `near`."""
    if near <= 0 or sound.size < _FLAT:
        return 0
    same = (sound[1:] == sound[:-1]) & (np.abs(sound[1:]) >= near)
    edges = np.diff(np.concatenate([[0], same.astype(np.int8), [0]]))
    runs = np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0) + 1
    return int(runs[runs >= _FLAT].sum())


class _Resampled:
    """Sound at another rate, block after block: of 768,000 Hz a minute and a half would be hundreds of MB. rate_hz: what it becomes."""

    def __init__(self, from_hz: int, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._from_hz = from_hz
        self._resampler = None if from_hz == rate_hz else av.AudioResampler("flt", "mono", rate_hz)
        self._pieces: list[Sound] = [np.zeros(0, np.float32)]
        self._given = 0

    def add(self, sound: Sound) -> None:
        if self._resampler is None:
            self._pieces.append(sound)
            return
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound).reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = self._from_hz, self._given, Fraction(1, self._from_hz)
        self._given += sound.size
        self._pieces += [piece.to_ndarray()[0] for piece in self._resampler.resample(frame)]

    def whole(self) -> Sound:
        if self._resampler is not None:
            self._pieces += [piece.to_ndarray()[0] for piece in self._resampler.resample(None)]
        found: Sound = np.concatenate(self._pieces)
        return found
