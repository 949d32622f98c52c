"""Is it speech? Simple features, and a doubt is always for the speech: to refuse somebody's voice is worse than to take a song.

moving    syllables come three to eight times a second (`scan.moves`); noise, hum and chords do not move so
steady    a note stays on its frequencies, a voice glides: the share of the sound's power in partials that stay within STAY (a quarter
          of a semitone) for a quarter of a second
rhythm    beats come at one distance: the share of the strongest distance in how the sound moves
voiced    the share of the frames in which somebody speaks that have a pitch; a whisper has nearly none
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from e2a_sidecar.sampling.measure import HOP_S, Measures
from e2a_sidecar.sampling.scan import moves
from e2a_sidecar.sampling.source import Sound

LISTENED_S: Final = 30.0
_PARTIAL_S: Final = 0.096
_PARTIAL_HOP_S: Final = 0.032
_HELD: Final = 8
"""Hops: a quarter of a second."""
_PARTIALS_HZ: Final = (180.0, 4000.0)
STAY: Final = 0.004
_WEAK_DB: Final = 30.0
_PITCHES_HZ: Final = (70.0, 420.0)
_MOST_CHANCE: Final = 0.6
_VOICED: Final = 0.6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Nature:
    """See above; `moving` from 0, the others 0..1."""

    moving: float
    steady: float
    rhythm: float
    voiced: float


def nature(sound: Sound, rate_hz: int, measures: Measures) -> Nature:
    """Of a stretch that is high-passed and measured; partials are looked for in LISTENED_S from its middle."""
    band = (measures.frequencies >= 200) & (measures.frequencies <= 4000)
    envelope = np.sqrt(measures.spectra[:, band].sum(axis=1, dtype=np.float64))
    spare = max(0, sound.size - round(LISTENED_S * rate_hz)) // 2
    middle = sound[spare : sound.size - spare]
    return Nature(moves(envelope, 1 / HOP_S), _steady(middle, rate_hz), _rhythm(envelope), _voiced(measures))


def _rhythm(envelope: Floats) -> float:
    if envelope.size < 400 or not envelope.mean():
        return 0.0
    power = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(envelope.size))) ** 2
    frequencies = np.fft.rfftfreq(envelope.size, HOP_S)
    beats = (frequencies > 0.8) & (frequencies < 16)
    if not power[beats].any():
        return 0.0
    strongest = int(np.argmax(np.where((frequencies > 0.8) & (frequencies < 8), power, 0)))
    return max(_on_lines(power, beats, distance) for distance in (strongest, strongest / 2))


def _on_lines(power: Floats, beats: NDArray[np.bool_], distance: float) -> float:
    """How much of it lies on multiples of a distance (in bins), beyond what would lie there by chance: of a short stretch, most."""
    multiples = np.arange(1, int(beats.size / distance) + 1) * distance
    near = (np.rint(multiples)[:, None] + np.arange(-1, 2)).astype(int).ravel()
    lines = np.zeros(beats.size, np.bool_)
    lines[near[near < beats.size]] = True
    share, chance = float(power[lines & beats].sum() / power[beats].sum()), float((lines & beats).sum() / beats.sum())
    return max(0.0, (share - chance) / (1 - chance)) if chance < _MOST_CHANCE else 0.0


def _steady(sound: Sound, rate_hz: int) -> float:
    """Share of the power of all partials that is held."""
    size, hop = round(_PARTIAL_S * rate_hz), round(_PARTIAL_HOP_S * rate_hz)
    if sound.size < size + hop * _HELD:
        return 0.0
    frames = np.lib.stride_tricks.sliding_window_view(sound, size)[::hop]
    frequencies = np.fft.rfftfreq(size, 1 / rate_hz)
    low, high = np.searchsorted(frequencies, _PARTIALS_HZ)
    window = np.hanning(size).astype(np.float32)
    spectra = np.concatenate([np.abs(np.fft.rfft(frames[at : at + 256] * window))[:, low - 1 : high + 1] for at in range(0, frames.shape[0], 256)])
    power = np.square(spectra[:, 1:-1])
    top = power.max(axis=1, initial=0.0)
    loud = top > 10 ** (-_WEAK_DB / 10) * float(np.percentile(top, 95))
    is_partial = (spectra[:, 1:-1] >= spectra[:, :-2]) & (spectra[:, 1:-1] > spectra[:, 2:]) & (power > 10 ** (-_WEAK_DB / 10) * top[:, None]) & loud[:, None]
    logs = np.log(np.maximum(spectra, 1e-9))
    curve = logs[:, :-2] - 2 * logs[:, 1:-1] + logs[:, 2:]
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where(is_partial, 0.5 * (logs[:, :-2] - logs[:, 2:]) / np.where(curve == 0, 1, curve), 0.0)
    place = np.where(is_partial, (np.arange(low, high) + shift) * rate_hz / size, 0.0)
    age = np.zeros(place.shape, np.int16)
    for number in range(1, place.shape[0]):
        age[number] = _aged(place[number], place[number - 1], age[number - 1])
    held = np.zeros(place.shape, np.bool_)
    for number in range(place.shape[0] - 1, -1, -1):  # what is held later was held from its beginning
        long = age[number] >= _HELD
        held[number] |= long
        if number:
            continuing = held[number]
            before = held[number - 1]
            where = np.flatnonzero(continuing & (age[number] > 0))
            for delta in (-1, 0, 1):
                near = np.clip(where + delta, 0, place.shape[1] - 1)
                before[near[_near(place[number, where], place[number - 1, near])]] = True
    total = float((power * is_partial).sum())
    return float((power * (held & is_partial)).sum()) / total if total else 0.0


def _aged(now: Floats, before: Floats, age: NDArray[np.int16]) -> NDArray[np.int16]:
    """For how many hops each partial has stayed where it is."""
    found = np.zeros_like(age)
    for delta in (-1, 0, 1):
        old, old_age = np.roll(before, delta), np.roll(age, delta)
        same = _near(now, old)
        found[same] = np.maximum(found[same], old_age[same] + 1)
    return found


def _near(one: Floats, other: Floats) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = (one > 0) & (other > 0) & (np.abs(one - other) < STAY * one)
    return near


def _voiced(measures: Measures) -> float:
    """By autocorrelation, which the power spectrum holds."""
    frames = np.flatnonzero(measures.spoken)
    if not frames.size:
        return 0.0
    size = 2 * (measures.frequencies.size - 1)
    spectra = measures.spectra * ((measures.frequencies > 60) & (measures.frequencies < 1500)).astype(np.float32)
    shortest, longest = (round(measures.frequencies[1] * size / pitch_hz) for pitch_hz in reversed(_PITCHES_HZ))
    own = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(size), 2 * size)) ** 2)[: longest + 1]
    voiced = 0
    for at in range(0, frames.size, 512):
        curve = np.fft.irfft(spectra[frames[at : at + 512]], axis=1)[:, : longest + 1]
        strength = (curve / np.maximum(curve[:, :1], 1e-20) / (own / own[0]))[:, shortest:].max(axis=1)
        voiced += int((strength > _VOICED).sum())
    return voiced / frames.size
