"""What a stretch sounds like, in figures, and where in it somebody speaks.

All is taken from what the high pass of `clean` leaves, since that is what a clone is made from. Frames are WINDOW_S long and HOP_S apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from e2a_sidecar.mastering.loudness import LoudnessMeter
from e2a_sidecar.sampling.source import Sound

HOP_S: Final = 0.01
WINDOW_S: Final = 0.032
FLOOR_DB: Final = -96.0
"""Of 16 bit: what is quieter is digital silence."""
_VOICE_HZ: Final = (100.0, 8000.0)
_PAUSES: Final = 5.0
"""Per cent of the frames that lie in pauses, at least."""
_RANGE_DB: Final = 40.0
"""Speech does not go further below its loudest."""
_HOLES: Final = 15
_BURSTS: Final = 6
_REACH_DB: Final = 65.0
"""A voice's highest sounds are so much weaker than its strongest, at most."""
_AT_ONCE: Final = 512

Floats = NDArray[np.float64]
Spectra = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Measures:
    """level_lufs, noise_db (of full scale), snr_db: speech above noise; bandwidth_hz: up to where there is speech. spoken: of each frame.
    spectra: power of each frame (frames, bins); frequencies in Hz."""

    level_lufs: float
    noise_db: float
    snr_db: float
    bandwidth_hz: float
    spoken: NDArray[np.bool_]
    spectra: Spectra
    frequencies: Floats


def measure(sound: Sound, rate_hz: int) -> Measures:
    """sound: mono, full scale 1.0, high-passed."""
    spectra, frequencies = _spectra(sound, rate_hz)
    band = (frequencies >= _VOICE_HZ[0]) & (frequencies <= _VOICE_HZ[1])
    power = spectra[:, band].sum(axis=1, dtype=np.float64)
    level_db = np.maximum(10 * np.log10(power + 1e-20), FLOOR_DB)
    spoken = _spoken(level_db)
    whole = np.maximum(spectra.sum(axis=1, dtype=np.float64), 10 ** (FLOOR_DB / 10))
    noise = float(np.percentile(whole, _PAUSES)) if whole.size else 10 ** (FLOOR_DB / 10)
    voice = float(whole[spoken].mean()) - noise if spoken.any() else 0.0
    meter = LoudnessMeter(rate_hz)
    meter.add(np.rint(np.clip(sound, -1, 1) * 32767).astype(np.int16))
    return Measures(
        level_lufs=max(meter.lufs(), FLOOR_DB),
        noise_db=10 * np.log10(noise),
        snr_db=max(0.0, 10 * np.log10(max(voice, 1e-12) / noise)) if voice > 0 else 0.0,
        bandwidth_hz=_bandwidth(spectra, frequencies, spoken),
        spoken=spoken,
        spectra=spectra,
        frequencies=frequencies,
    )


def _spectra(sound: Sound, rate_hz: int) -> tuple[Spectra, Floats]:
    """Power of each frame by frequency, such that a frame's sum is its mean square."""
    size, hop = round(WINDOW_S * rate_hz), round(HOP_S * rate_hz)
    frequencies = np.fft.rfftfreq(size, 1 / rate_hz).astype(np.float64)
    if sound.size < size:
        return np.zeros((0, frequencies.size), np.float32), frequencies
    frames = np.lib.stride_tricks.sliding_window_view(sound, size)[::hop]
    window = np.hanning(size).astype(np.float32)
    found = np.empty((frames.shape[0], frequencies.size), np.float32)
    for at in range(0, frames.shape[0], _AT_ONCE):
        found[at : at + _AT_ONCE] = np.abs(np.fft.rfft(frames[at : at + _AT_ONCE] * window)) ** 2
    found *= 2 / (size * float(np.square(window).sum()))
    return found, frequencies


def _spoken(level_db: Floats) -> NDArray[np.bool_]:
    """Frames that stand out of the noise; holes of 0.15 s are filled, bursts of under 0.06 s left out."""
    if not level_db.size:
        return np.zeros(0, np.bool_)
    noise_db, top_db = np.percentile(level_db, (_PAUSES, 95))
    loud = level_db > max(noise_db + min(10.0, 0.4 * (top_db - noise_db)), top_db - _RANGE_DB)
    return _without_short(~_without_short(~loud, _HOLES), _BURSTS)


def _without_short(on: NDArray[np.bool_], shortest: int) -> NDArray[np.bool_]:
    """The same without runs of fewer frames."""
    found = on.copy()
    for first, last in runs(on):
        if last - first < shortest:
            found[first:last] = False
    return found


def runs(on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """[first, last) of each run of True."""
    edges = np.diff(np.concatenate([[0], on.astype(np.int8), [0]]))
    return [(int(a), int(b)) for a, b in zip(np.flatnonzero(edges > 0), np.flatnonzero(edges < 0), strict=True)]


def _bandwidth(spectra: Spectra, frequencies: Floats, spoken: NDArray[np.bool_]) -> float:
    """Hz up to which speech stands out of what is heard in the pauses."""
    if not spoken.any():
        return 0.0
    speech = _smooth(spectra[spoken].mean(axis=0, dtype=np.float64))
    pauses = _smooth(spectra[~spoken].mean(axis=0, dtype=np.float64)) if (~spoken).sum() > 10 else np.zeros_like(speech)
    there = (speech > 1.6 * pauses) & (speech > speech.max() * 10 ** (-_REACH_DB / 10))
    return float(frequencies[np.flatnonzero(there)[-1]]) if there.any() else 0.0


def _smooth(spectrum: Floats) -> Floats:
    """Over some 160 Hz."""
    return np.convolve(spectrum, np.full(5, 0.2), "same")
