"""From a stretch to the sample: what disturbs is taken off, the voice itself is left as it is. No noise is filtered and nothing is made brighter.

high pass     60 Hz, without moving any phase
silences      both ends are trimmed, inner ones over 0.5 s shortened, by cuts within the silence that fade into each other
length        60 s at most, ended in a silence
loudness      -20 LUFS, true peak under -1 dBFS
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from e2a_sidecar.mastering.loudness import LoudnessMeter
from e2a_sidecar.mastering.master import Master
from e2a_sidecar.model import Samples
from e2a_sidecar.sampling.measure import HOP_S, WINDOW_S, runs
from e2a_sidecar.sampling.source import Sound

MOST_S: Final = 60.0
TARGET_LUFS: Final = -20.0
PEAK_DB: Final = -1.5
"""Of true peaks; what rounding and players add stays under -1 dBFS."""
HIGH_PASS_HZ: Final = 60.0
SILENCE_S: Final = 0.5
"""A longer one becomes that long."""
_EDGE_S: Final = 0.15
"""What is kept of the silence at both ends: a soft beginning or a breath's end is in it."""
_CROSS_S: Final = 0.02
_PAD_S: Final = 0.25
_MOST_LIMITED_DB: Final = 3.0
_HALF: Final = 0.5
"""The greatest sample before the gain: a quiet recording would else lose its lowest bits."""
_BEFORE_DB: Final = -1.0

Floats = NDArray[np.float64]


def high_passed(sound: Sound, rate_hz: int) -> Sound:
    """Without what lies below the voice: 3 dB less at 60 Hz, 24 dB an octave, no phase moved."""
    pad = round(_PAD_S * rate_hz)
    size = _even(sound.size + 2 * pad)
    spectrum = np.fft.rfft(np.pad(sound, (pad, size - sound.size - pad)))
    frequencies = np.fft.rfftfreq(size, 1 / rate_hz)
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(1 + (HIGH_PASS_HZ / frequencies[1:]) ** 8)
    found: Sound = np.fft.irfft(spectrum, size)[pad : pad + sound.size].astype(np.float32)
    return found


def cleaned(sound: Sound, rate_hz: int, spoken: NDArray[np.bool_]) -> Samples:
    """The sample of a stretch that is high-passed already. spoken: of each frame of `measure`."""
    short = _shortened(sound, rate_hz, _kept(spoken, sound.size, rate_hz))
    return _levelled(short, rate_hz)


def as_recorded(sound: Sound) -> Samples:
    """The stretch before it is cleaned, to be heard: as loud as it is."""
    return _integers(sound * min(1.0, 10 ** (_BEFORE_DB / 20) / max(1e-9, float(np.abs(sound).max(initial=0.0)))))


def _kept(spoken: NDArray[np.bool_], size: int, rate_hz: int) -> list[tuple[int, int]]:
    """[first, last) samples of what is kept, in order, at most MOST_S of it."""
    edge, half = round(_EDGE_S * rate_hz), round((SILENCE_S + _CROSS_S) / 2 * rate_hz)
    hop, window = round(HOP_S * rate_hz), round(WINDOW_S * rate_hz)
    talks = [(first * hop, (last - 1) * hop + window) for first, last in runs(spoken)]
    parts: list[tuple[int, int]] = []
    for first, last in talks:
        if parts and first - parts[-1][1] <= 2 * half:
            parts[-1] = (parts[-1][0], last)
        else:
            parts.append((first, last))
    spread = [
        (max(0, first - (half if number else edge)), min(size, last + (half if number < len(parts) - 1 else edge)))
        for number, (first, last) in enumerate(parts)
    ]
    return _bounded(spread, talks, rate_hz)


def _bounded(parts: list[tuple[int, int]], talks: list[tuple[int, int]], rate_hz: int) -> list[tuple[int, int]]:
    """The first MOST_S of it; the last part ends in a pause where it has one in its last ten seconds."""
    left, found = round(MOST_S * rate_hz), []
    for first, last in parts:
        if last - first > left:
            last = first + left
            pauses = [(end + start) // 2 for (_, end), (start, _) in pairwise(talks)]
            last = max((place for place in pauses if max(first, last - 10 * rate_hz) < place < last), default=last)
        if last - first > 2 * round(_CROSS_S * rate_hz):
            found.append((first, last))
        left -= last - first
        if left <= rate_hz // 2:
            break
    return found


def _shortened(sound: Sound, rate_hz: int, parts: list[tuple[int, int]]) -> Floats:
    """The parts, each faded into the next."""
    cross = round(_CROSS_S * rate_hz)
    ramp = np.sin(np.pi / 2 * (np.arange(cross) + 0.5) / cross)  # the two are noise, so their powers add
    out: list[Floats] = []
    for first, last in parts:
        piece = sound[first:last].astype(np.float64)
        if out:
            piece[:cross] = piece[:cross] * ramp + out[-1][-cross:] * ramp[::-1]
            out[-1] = out[-1][:-cross]
        out.append(piece)
    return np.concatenate([np.zeros(0), *out])


def _levelled(sound: Floats, rate_hz: int) -> Samples:
    """At TARGET_LUFS, or as near as the limiter comes without taking more than _MOST_LIMITED_DB from a peak; edges faded."""
    top = float(np.abs(sound).max(initial=0.0))
    if not top:
        return np.zeros(0, np.int16)
    level = _integers(sound * (_HALF / top))
    meter = LoudnessMeter(rate_hz)
    meter.add(level)
    room_db = PEAK_DB - 20 * np.log10(_HALF)
    master = Master(rate_hz, min(TARGET_LUFS - meter.lufs(), room_db + _MOST_LIMITED_DB), PEAK_DB)
    return np.concatenate([master.clip(level), master.flush()])


def _integers(sound: Sound | Floats) -> Samples:
    found: Samples = np.rint(np.clip(sound, -1, 1) * 32767).astype(np.int16)
    return found


def _even(size: int) -> int:
    """The next size that an FFT is quick with."""
    step = 1 << max(0, size.bit_length() - 5)
    return -(-size // step) * step
