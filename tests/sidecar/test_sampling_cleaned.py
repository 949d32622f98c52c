"""The cleaned sample: the same voice, without what disturbs, as loud as all samples, without clicks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from e2a_sidecar.mastering.loudness import LoudnessMeter, TruePeakMeter
from e2a_sidecar.model import Samples
from e2a_sidecar.sampling.clean import MOST_S, SILENCE_S, TARGET_LUFS, as_recorded, cleaned, high_passed
from e2a_sidecar.sampling.measure import measure
from recordings import RATE_HZ, Sound, noise, speech


def clean(sound: Sound) -> Samples:
    passed = high_passed(sound.astype(np.float32), RATE_HZ)
    return cleaned(passed, RATE_HZ, measure(passed, RATE_HZ).spoken)


def spectrum_db(samples: np.ndarray, edges_hz: tuple[int, ...]) -> list[float]:
    power = np.square(np.abs(np.fft.rfft(samples.astype(np.float64))))
    frequencies = np.fft.rfftfreq(samples.size, 1 / RATE_HZ)
    return [10 * np.log10(power[(frequencies >= low) & (frequencies < high)].sum()) for low, high in pairwise(edges_hz)]


def with_pauses(pause_s: float) -> Sound:
    """Speech in pieces of five seconds, with silence before, between and after."""
    silence = np.zeros(round(pause_s * RATE_HZ))
    pieces = [speech(25)[n * 5 * RATE_HZ : (n + 1) * 5 * RATE_HZ] for n in range(5)]
    return np.concatenate([silence, *(part for piece in pieces for part in (piece, silence))])


def test_it_sounds_as_before_in_every_band() -> None:
    voice = speech(30)
    before, after = (np.array(spectrum_db(s, (100, 300, 600, 1200, 2500, 5000, 8000, 11000))) for s in (voice, clean(voice)))
    change = after - before
    assert np.abs(change - change.mean()).max() < 0.5


@pytest.mark.parametrize("level", [0.01, 0.1, 1.0])
def test_it_is_as_loud_as_all_samples_and_its_peaks_are_under_one_decibel(level: float) -> None:
    samples = clean(speech(30) / np.abs(speech(30)).max() * level)
    loudness, peak = LoudnessMeter(RATE_HZ), TruePeakMeter()
    loudness.add(samples)
    peak.add(samples)
    assert loudness.lufs() == pytest.approx(TARGET_LUFS, abs=0.5) and peak.peak_db() < -1.0


@pytest.mark.parametrize("floor", [0.0, 0.003])
def test_silences_are_shortened_and_ends_trimmed(floor: float) -> None:
    recorded = with_pauses(2.0)
    recorded = recorded + floor * noise(recorded.size / RATE_HZ)
    samples = clean(recorded)
    spoken = 25 - 5 * 0.4  # the voice's own pauses at the pieces' ends are a part of these
    assert spoken < samples.size / RATE_HZ < 25 + 4 * SILENCE_S + 0.75
    quiet = np.abs(samples) < 0.02 * np.abs(samples).max()
    edges = np.flatnonzero(~quiet)
    assert edges[0] / RATE_HZ < 0.4 and (samples.size - edges[-1]) / RATE_HZ < 0.4
    assert np.diff(edges).max() / RATE_HZ < SILENCE_S + 0.25


@pytest.mark.parametrize("apart_s", [2.0, 2.0017, 3.1234])
def test_cuts_do_not_click(apart_s: float) -> None:
    """Over a slow tone, on which any hard cut is a step: none is much greater than the tone's own."""
    tone = (0.1 * np.sin(2 * np.pi * 150 * np.arange(20 * RATE_HZ) / RATE_HZ)).astype(np.float32)
    spoken = np.zeros(1998, np.bool_)
    for start_s in (2.0, 6.0 + apart_s, 11.0 + 2 * apart_s):
        spoken[round(start_s * 100) : round((start_s + 2.5) * 100)] = True
    samples = cleaned(tone, RATE_HZ, spoken).astype(np.float64)
    assert samples.size / RATE_HZ == pytest.approx(3 * 2.5 + 2 * SILENCE_S + 0.3, abs=0.1)
    assert np.abs(np.diff(samples)).max() < 1.5 * np.abs(samples).max() * 2 * np.pi * 150 / RATE_HZ


def test_no_more_than_a_minute_is_kept_and_it_ends_in_a_pause() -> None:
    samples = clean(speech(85))
    assert MOST_S - 10 <= samples.size / RATE_HZ <= MOST_S + 0.1
    assert np.abs(samples[-RATE_HZ // 50 :]).max() < 0.05 * np.abs(samples).max()


def test_what_lies_below_the_voice_is_taken_off_and_no_phase_moves() -> None:
    t = np.arange(10 * RATE_HZ) / RATE_HZ
    low, high = (high_passed(np.sin(2 * np.pi * f * t).astype(np.float32), RATE_HZ)[RATE_HZ:-RATE_HZ] for f in (25, 110))
    assert np.abs(low).max() < 0.05
    assert np.abs(high - np.sin(2 * np.pi * 110 * t)[RATE_HZ:-RATE_HZ]).max() < 0.01
    assert np.abs(high_passed(np.full(RATE_HZ, 0.5, np.float32), RATE_HZ)[RATE_HZ // 2]) < 0.01


def test_before_is_as_it_was_recorded() -> None:
    voice = speech(5).astype(np.float32) * 0.5
    assert np.abs(as_recorded(voice) / 32767 - voice).max() < 1e-4
    assert np.abs(as_recorded(voice * 10)).max() < 32767
