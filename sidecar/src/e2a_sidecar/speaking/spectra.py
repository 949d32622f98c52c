"""Spectra of a student of Kokoro to samples, by the package's own signal processing (`hibari.dsp`), in windows.

The package makes a sentence whole, in a dozen arrays of 601 bins a frame; here are its parts, a window of frames after the
other. A frame's sound reaches two frames to each side, so each window is given its neighbours, of which the sound is thrown
away: the samples are the whole's, and memory does not grow with a sentence beyond what the network itself gave.

The noise is an input (design rule 9): of every frame its 601 complex numbers, frame after frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from hibari import dsp  # type: ignore[import-untyped]
from numpy.typing import NDArray

from e2a_sidecar.speaking.noise import draw_noise
from e2a_sidecar.voices.student_graph import BINS

Floats = NDArray[np.float32]


def _rfft(x: NDArray[Any], axis: int) -> NDArray[np.complex64]:
    return np.fft.rfft(x, axis=axis).astype(np.complex64)


def _irfft(x: NDArray[Any], n: int, axis: int) -> Floats:
    return np.fft.irfft(x, n=n, axis=axis).astype(np.float32)


_pulses, _stft, _ola, _ex, _ = dsp.pulses, dsp.stft, dsp.ola, dsp.ex, (dsp.rfft, dsp.irfft)  # AttributeError: another make of it
dsp.rfft, dsp.irfft = _rfft, _irfft  # it takes SciPy's where that is installed, as in the neural layer: one sample in 8,000 would differ by one

HOP: Final = 300
"""Samples a frame."""
WINDOW_FRAMES: Final = 192
"""A tenth faster than the whole at once, since a window's arrays stay nearer to the cache; smaller ones decode neighbours in vain."""


@dataclass(frozen=True, slots=True)
class Spectra:
    """What the network says of a sentence, in its own order: (BINS, frames) each, f0 (frames,) in Hz.

    harmonic, noise, free: logarithms of magnitudes; theta: the harmonic part's phase before its tanh; phi: the free part's phase.
    """

    harmonic: Floats
    theta: Floats
    noise: Floats
    free: Floats
    phi: Floats
    f0: Floats

    @property
    def frames(self) -> int:
        return len(self.f0)


def noise_of(key: str, take: int, frames: int) -> NDArray[np.complex64]:
    """Complex standard normal noise, (frames, BINS)."""
    drawn = np.empty((frames, 2 * BINS), dtype=np.float32)
    draw_noise(key, take, "spectrum", drawn)
    return drawn.view(np.complex64)


def pulses(spectra: Spectra) -> Floats:
    """The sentence's pulse train: its phase is a sum from the beginning on, so it alone is made whole."""
    made: Floats = _pulses(spectra.f0)
    return made


def windows(frames: int) -> list[tuple[int, int]]:
    """[start, end) frames of each window; always the same ones, whoever makes them."""
    return [(start, min(start + WINDOW_FRAMES, frames)) for start in range(0, frames, WINDOW_FRAMES)]


def samples_of(spectra: Spectra, train: Floats, noise: NDArray[np.complex64], start: int, end: int) -> Floats:
    """Samples of the frames [start, end) of a sentence, (end - start) * HOP. train: its `pulses`; noise: its `noise_of`."""
    low, high = max(0, start - 1), min(spectra.frames, end + 2)  # whose sound reaches into the window
    whole: Floats = _ola(_spectrum(spectra, train, noise, low, high))
    return whole[(start - low) * HOP : (end - low) * HOP]


def _spectrum(spectra: Spectra, train: Floats, noise: NDArray[np.complex64], low: int, high: int) -> NDArray[np.complex64]:
    """Of frames [low, high), (BINS, high - low): voice, noise, and the part that has a phase of its own."""
    first, last = max(0, low - 2), min(spectra.frames, high + 1)  # where the pulses of those frames lie
    found: NDArray[np.complex64] = _stft(train[first * HOP : last * HOP], high - first)[:, low - first :]
    turn = np.empty(found.shape, dtype=np.complex64)
    phase = np.tanh(spectra.theta[:, low:high])
    phase *= np.float32(np.pi)
    found = found * _turned(turn, phase, spectra.harmonic[:, low:high])
    found += noise[low:high].T * _ex(spectra.noise[:, low:high])
    found += _turned(turn, spectra.phi[:, low:high], spectra.free[:, low:high])
    return found


def _turned(into: NDArray[np.complex64], phase: Floats, magnitude: Floats) -> NDArray[np.complex64]:
    """exp(magnitude) * e^(i phase)."""
    np.cos(phase, out=into.real)
    np.sin(phase, out=into.imag)
    into *= _ex(magnitude)
    return into
