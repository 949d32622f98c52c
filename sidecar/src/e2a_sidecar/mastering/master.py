"""From a voice's raw clips to the samples that are encoded: edge fades, one gain, a limiter. Streaming.

Owns the sound of the finished book. As many samples come out as go in and none moves, so that words' times stay true.
It also finds the one gain a voice gets (design rule 1). It decides no pause (`pauses`).

The limiter looks between the samples too (an encoder's output is bounded by true peaks, and a sibilant's lie up to 2 dB
above its samples) and has no recursion: the gain that each sample needs is held over REACH_S to both sides (a running minimum) and
smoothed by a triangle of the same reach, which by its construction never exceeds what a sample needs. Work is cut at
fixed places of the stream, so the result does not depend on how the input was cut.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from e2a_sidecar.mastering.loudness import INTERPOLATOR_REACH, LoudnessMeter, between
from e2a_sidecar.mastering.pauses import PAUSE_S
from e2a_sidecar.model import Break, Samples

SOUND_VERSION: Final = 1
"""Raised when a change in mastering (pauses, fades, loudness, limiter) makes another file of the same clips."""
TARGET_LUFS: Final = -18.0
PEAK_DB: Final = -4.0
"""Limit of true peaks before encoding, so that the decoded file stays under -3 dBTP: see `limit_db`."""
MEASURED_S: Final = 60.0
"""How much of a voice's speech its gain is measured over."""
FADE_S: Final = 0.003
REACH_S: Final = 0.01
FRAME: Final = 1 << 14
"""Samples that the limiter looks at together; counted from the book's beginning."""
_GAIN_LIMITS_DB: Final = (-24.0, 24.0)  # beyond these a voice is broken and not just quiet
_MAKE_UP_DB: Final = 4.0  # more than this for what the limiter takes would squash the voice
Floats = NDArray[np.float64]


def limit_db(bitrate: int, rate_hz: int) -> float:
    """True-peak limit that leaves an AAC encoder room: it overshoots more the fewer bits it has for a sample.

    Measured on loud speech (Piper's Joe, espeak; 6 dB too loud): 0.43 dB at 64 kb/s and 22.05 kHz (2.9 bits a sample),
    1.8 dB at 32 kb/s.
    """
    return PEAK_DB if bitrate / rate_hz >= 2.4 else PEAK_DB - 1.5


@dataclass(frozen=True, slots=True)
class VoiceGain:
    """A voice's gain and what it was found from: loudness of `measured_s` seconds before any gain. Kept in the clip store."""

    gain_db: float
    lufs: float
    measured_s: float


def measure_voice(clips: Iterable[Samples], rate_hz: int, peak_db: float = PEAK_DB) -> VoiceGain:
    """The gain that makes a voice's mastered speech as loud as TARGET_LUFS, found over the first MEASURED_S seconds.

    The limiter takes some loudness from a voice with sharp peaks, and pauses take half a unit (the meter's gate lets their
    edges through), so the gain is corrected by what the mastered speech measures with them. Silence gets a gain of 0.
    """
    heard, meter, seconds = [], LoudnessMeter(rate_hz), 0.0
    for samples in clips:
        heard.append(samples)
        meter.add(samples)
        seconds += samples.size / rate_hz
        if seconds >= MEASURED_S:
            break
    lufs = meter.lufs()
    if not np.isfinite(lufs):
        return VoiceGain(0.0, lufs, seconds)
    pause = round(PAUSE_S[Break.SENTENCE] * rate_hz)
    plain_db = float(np.clip(TARGET_LUFS - lufs, *_GAIN_LIMITS_DB))
    gain_db = plain_db
    for _ in range(8):
        master = Master(rate_hz, gain_db, peak_db)
        for samples in heard:
            master.clip(samples)
            master.silence(pause)
        master.flush()
        missing_db = plain_db + lufs - master.lufs()
        gain_db = min(gain_db + missing_db, plain_db + _MAKE_UP_DB)
        if abs(missing_db) < 0.05 or gain_db == plain_db + _MAKE_UP_DB:
            break
    return VoiceGain(round(gain_db, 2), round(lufs, 2), round(seconds, 2))


class Master:
    """One book's stream, or a part of it: `clip` and `silence` in the order of the book, then `flush`.

    Each returns the int16 samples that are finished; they lag by at most one internal frame (under a second) until
    `flush`. Memory is bounded. After `flush`, `lufs` says how loud the book became. start: the place in the book where a part begins, a
    multiple of FRAME; from the next FRAME on its samples are those of the whole.
    """

    def __init__(self, rate_hz: int, gain_db: float, peak_db: float = PEAK_DB, start: int = 0) -> None:
        self._gain = 10 ** (gain_db / 20)
        self._limiter = _Limiter(32767 * 10 ** (peak_db / 20), max(1, round(rate_hz * REACH_S)))
        self._fade = max(1, round(rate_hz * FADE_S))
        self._meter = LoudnessMeter(rate_hz, start)

    def clip(self, samples: Samples, skip: int = 0) -> Samples:
        """Speech: its edges are faded (a clip may start or end off zero, which clicks). skip: samples of it that lie before `start`."""
        return self._out(self._limiter.add(faded(samples, self._fade)[skip:] * self._gain))

    def silence(self, n_samples: int) -> Samples:
        return self._out(self._limiter.add(np.zeros(n_samples)))

    def flush(self) -> Samples:
        """The rest; the master takes nothing afterwards."""
        return self._out(self._limiter.flush())

    def lufs(self) -> float:
        """Integrated loudness of all that came out so far; -inf for silence."""
        return self._meter.lufs()

    def energies(self, start: int, end: int) -> Floats:
        """As `LoudnessMeter.energies`, for `integrated`."""
        return self._meter.energies(start, end)

    def _out(self, samples: Floats) -> Samples:
        out: Samples = np.rint(samples).astype(np.int16)
        self._meter.add(out)
        return out


def faded(samples: Samples, fade: int) -> Floats:
    """`samples` as floats with raised-cosine edges of `fade` samples (shorter where the clip is)."""
    out = samples.astype(np.float64)
    n = min(fade, out.size // 2)
    if n:
        ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n)
        out[:n] *= ramp
        out[-n:] *= ramp[::-1]
    return out


class _Limiter:
    """Keeps the true peak at or under `limit`; works on frames of `FRAME` samples with `_margin` of context to both sides."""

    def __init__(self, limit: float, reach: int) -> None:
        self._limit, self._reach = limit, reach
        self._margin = 2 * reach + INTERPOLATOR_REACH
        self._context: Floats = np.zeros(self._margin)
        self._waiting: list[Floats] = []
        self._waiting_size = 0

    def add(self, samples: Floats) -> Floats:
        self._waiting.append(samples)
        self._waiting_size += samples.size
        whole = FRAME + self._margin
        if self._waiting_size < whole:
            return np.zeros(0)
        pending, done = np.concatenate(self._waiting), []
        while pending.size >= whole:
            done.append(self._limited(np.concatenate([self._context, pending[:whole]])))
            self._context, pending = pending[FRAME - self._margin : FRAME], pending[FRAME:]
        self._waiting, self._waiting_size = [pending], pending.size
        return np.concatenate(done)

    def flush(self) -> Floats:
        rest = np.concatenate([np.zeros(0), *self._waiting])
        self._waiting, self._waiting_size = [], 0
        return self._limited(np.concatenate([self._context, rest, np.zeros(self._margin)])) if rest.size else rest

    def _limited(self, x: Floats) -> Floats:
        """The middle of `x` (all but the context on both sides), limited."""
        middle = x[self._margin : x.size - self._margin]
        if np.abs(x).max(initial=0.0) <= self._limit / 2:  # nothing between samples is 6 dB above them, noise included
            return middle
        needed = np.minimum(1.0, self._limit / np.maximum(between(x), 1.0))
        if needed.min() >= 1.0:
            return middle
        held = _running_minimum(needed, 2 * self._reach + 1)
        return middle * _running_mean(_running_mean(held, self._reach + 1), self._reach + 1)


def _running_mean(x: Floats, width: int) -> Floats:
    """Mean over each window of `width`; x.size - width + 1 values."""
    sums = np.cumsum(np.concatenate([np.zeros(1), x]))
    means: Floats = (sums[width:] - sums[:-width]) / width
    return means


def _running_minimum(x: Floats, width: int) -> Floats:
    """Minimum over each window of `width` (van Herk: two accumulations over blocks); x.size - width + 1 values."""
    padded = np.concatenate([x, np.ones(-x.size % width)]).reshape(-1, width)
    forward = np.minimum.accumulate(padded, axis=1).ravel()
    backward = np.minimum.accumulate(padded[:, ::-1], axis=1)[:, ::-1].ravel()
    return np.minimum(backward[: x.size - width + 1], forward[width - 1 : x.size])
