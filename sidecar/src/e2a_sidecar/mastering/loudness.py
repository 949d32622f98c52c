"""How loud speech is: integrated loudness (ITU-R BS.1770-4) and true peak, streaming, in NumPy alone.

Owns the meters. Changes no samples and chooses no gain; that is `master`.

A biquad is a recursion, which NumPy cannot do fast. The K-weighting's impulse response dies within a quarter second, so
it is applied as a long FIR by FFT, block by block: some thousand times real time, and within 0.01 LU of the recursion.
"""

from __future__ import annotations

import sys
from typing import Final

import numpy as np
from numpy.typing import NDArray

from e2a_sidecar.model import Samples

_FULL_SCALE: Final = 32768.0
_RESPONSE_S: Final = 0.25
_SUB_BLOCK_S: Final = 0.1  # gating blocks of 400 ms that overlap by 75 % are four of these
_ABSOLUTE_GATE_LUFS: Final = -70.0
_RELATIVE_GATE_LU: Final = -10.0

Floats = NDArray[np.float64]
Biquad = tuple[tuple[float, float, float], tuple[float, float, float]]


def k_weighting(rate_hz: int) -> tuple[Biquad, Biquad]:
    """The two filters of BS.1770 (high shelf, high pass) as (b, a) for any rate.

    The standard prints coefficients for 48 kHz only; these are the analogue prototypes behind them, by the bilinear
    transform (at 48 kHz they equal the printed ones to ten digits).
    """
    f0_hz, gain, q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    k = np.tan(np.pi * f0_hz / rate_hz)
    vh = 10 ** (gain / 20)
    vb = vh**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf_b = ((vh + vb * k / q + k * k) / a0, 2 * (k * k - vh) / a0, (vh - vb * k / q + k * k) / a0)
    shelf_a = (1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0)
    f0_hz, q = 38.13547087602444, 0.5003270373238773
    k = np.tan(np.pi * f0_hz / rate_hz)
    a0 = 1 + k / q + k * k
    high_a = (1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0)
    return (shelf_b, shelf_a), ((1.0, -2.0, 1.0), high_a)


class LoudnessMeter:
    """Integrated loudness of a mono stream of any length; keeps eight bytes for each 100 ms of it.

    start: the place in the book of the first sample that is added. The 100 ms are counted from the book's beginning, so that
    meters of its parts find together what one meter of the whole finds; what is cut off by `start` is left out.
    """

    def __init__(self, rate_hz: int, start: int = 0) -> None:
        self._step = round(rate_hz * _SUB_BLOCK_S)
        self._first = -(-start // self._step)
        self._skip = self._first * self._step - start
        taps = round(rate_hz * _RESPONSE_S)
        self._fft_size = 1 << (taps * 8 - 1).bit_length()
        # one FFT filters `_hop` new samples behind `_history` old ones; a hop is a whole number of sub-blocks
        self._hop = (self._fft_size - taps) // self._step * self._step
        self._history: Floats = np.zeros(self._fft_size - self._hop)
        self._response = _response(rate_hz, self._fft_size)
        self._waiting: list[Samples] = []
        self._waiting_size = 0
        self._energies: list[Floats] = []

    def add(self, samples: Samples) -> None:
        """Take any number of samples."""
        if self._skip:
            samples, self._skip = samples[self._skip :], max(0, self._skip - samples.size)
        self._waiting.append(samples)
        self._waiting_size += samples.size
        if self._waiting_size < self._hop:
            return
        pending = np.concatenate(self._waiting)
        whole = pending.size // self._hop * self._hop
        for start in range(0, whole, self._hop):
            block, self._history = self._filtered(pending[start : start + self._hop])
            self._energies.append(self._energy(block))
        self._waiting, self._waiting_size = [pending[whole:].copy()], pending.size - whole

    def energies(self, start: int, end: int) -> Floats:
        """Of each 100 ms that ends behind `start` and at `end` or before, places in the book. The first needs 0.2 s of samples before `start`."""
        energies = [*self._energies]
        if self._waiting_size:
            rest = np.concatenate(self._waiting)
            block, _ = self._filtered(np.pad(rest, (0, self._hop - rest.size)))
            energies.append(self._energy(block[: rest.size // self._step * self._step]))
        steps = np.concatenate(energies) if energies else np.zeros(0)
        return steps[start // self._step - self._first : max(0, end // self._step - self._first)]

    def lufs(self) -> float:
        """Gated loudness of all that was added so far; -inf for silence or less than 400 ms."""
        return integrated(self.energies(self._first * self._step, sys.maxsize))

    def _filtered(self, new: Samples) -> tuple[Floats, Floats]:
        """K-weighted `new` (exactly one hop) and the history for the next."""
        window = np.concatenate([self._history, new / _FULL_SCALE])
        block = np.fft.irfft(np.fft.rfft(window) * self._response, self._fft_size)[-self._hop :]
        return block, window[self._hop :]

    def _energy(self, block: Floats) -> Floats:
        means: Floats = np.square(block).reshape(-1, self._step).mean(axis=1)
        return means


def integrated(energies: Floats) -> float:
    """Gated loudness of a stream by the mean squares of each of its 100 ms, K-weighted; -inf for silence or fewer than four."""
    if energies.size < 4:
        return float("-inf")
    blocks = np.lib.stride_tricks.sliding_window_view(energies, 4).mean(axis=1)
    loud = blocks[blocks > _power(_ABSOLUTE_GATE_LUFS)]
    if not loud.size:
        return float("-inf")
    return _lufs(float(loud[loud > float(loud.mean()) * 10 ** (_RELATIVE_GATE_LU / 10)].mean()))


INTERPOLATOR_REACH: Final = 12
"""Samples to each side that `between` looks at."""
_OVERSAMPLING: Final = 4


def between(x: Floats) -> Floats:
    """For each sample the greatest magnitude from it to the next, by fourfold interpolation (BS.1770 annex 2).

    x.size - 2 * INTERPOLATOR_REACH values, for x[INTERPOLATOR_REACH] and on. A quarter sample apart, a peak can be missed by
    0.7 dB in theory (at half the rate) and by 0.2 dB in speech.
    """
    reach = INTERPOLATOR_REACH
    peaks = np.abs(x[reach : x.size - reach])
    offsets = np.arange(-reach, reach + 1)
    for phase in np.arange(1, _OVERSAMPLING) / _OVERSAMPLING:
        distance = offsets - phase
        kernel = np.sinc(distance) * np.cos(np.pi * distance / (2 * reach + 2)) ** 2
        np.maximum(peaks, np.abs(np.convolve(x, kernel[::-1], "valid")), out=peaks)
    return peaks


class TruePeakMeter:
    """True peak of a mono stream, for checking what an encoder made."""

    def __init__(self) -> None:
        self._tail: Floats = np.zeros(2 * INTERPOLATOR_REACH)
        self._peak = 0.0

    def add(self, samples: NDArray[np.int16] | NDArray[np.float32]) -> None:
        """Take samples: int16, or float with full scale 1.0 (what a decoder gives, which may exceed it)."""
        scale = _FULL_SCALE if samples.dtype == np.int16 else 1.0
        window = np.concatenate([self._tail, samples.astype(np.float64) / scale])
        self._peak = max(self._peak, float(between(window).max(initial=0.0)))
        self._tail = window[-2 * INTERPOLATOR_REACH :]

    def peak_db(self) -> float:
        """dBTP so far, but for the last INTERPOLATOR_REACH samples; -inf for silence."""
        return float(20 * np.log10(self._peak)) if self._peak else float("-inf")


def _response(rate_hz: int, size: int) -> NDArray[np.complex128]:
    """Frequency response of the K-weighting on an rfft grid of `size`."""
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    total = np.ones(size // 2 + 1, np.complex128)
    for b, a in k_weighting(rate_hz):
        total *= np.polynomial.polynomial.polyval(z, b) / np.polynomial.polynomial.polyval(z, a)
    return total


def _lufs(power: float) -> float:
    return float(-0.691 + 10 * np.log10(power))


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))
