"""The meters agree with the standard's own numbers and with ffmpeg's meter."""

from __future__ import annotations

import av
import numpy as np
import pytest
from e2a_sidecar.mastering.loudness import LoudnessMeter, TruePeakMeter, k_weighting
from e2a_sidecar.model import Samples


def sine(rate_hz: int, seconds: float, level: float, hz: float = 1000.0) -> Samples:
    return np.rint(level * 32767 * np.sin(2 * np.pi * hz * np.arange(int(rate_hz * seconds)) / rate_hz)).astype(np.int16)


def speech_like(rate_hz: int, seconds: float) -> Samples:
    """Noise in syllables of changing level, with pauses between."""
    rng = np.random.default_rng(7)
    n = int(rate_hz * seconds)
    level = np.repeat(rng.choice([0.0, 300.0, 2000.0, 5000.0], n // (rate_hz // 5) + 1), rate_hz // 5)[:n]
    return np.clip(rng.normal(0, 1, n) * level, -32768, 32767).astype(np.int16)


def ffmpeg_reading(samples: Samples, rate_hz: int) -> dict[str, str]:
    graph = av.filter.Graph()
    source = graph.add_abuffer(format="s16", sample_rate=rate_hz, layout="mono")
    meter, sink = graph.add("ebur128", "metadata=1:peak=true"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate_hz
    source.push(frame)
    source.push(None)
    reading: dict[str, str] = {}
    while True:
        try:
            reading.update(sink.pull().metadata)
        except (av.error.EOFError, av.error.BlockingIOError):
            return reading


def lufs(samples: Samples, rate_hz: int) -> float:
    meter = LoudnessMeter(rate_hz)
    meter.add(samples)
    return meter.lufs()


def test_the_filters_are_the_ones_that_the_standard_prints_for_48_khz() -> None:
    (shelf_b, shelf_a), (_, high_a) = k_weighting(48000)
    assert shelf_b == pytest.approx((1.53512485958697, -2.69169618940638, 1.19839281085285), abs=1e-9)
    assert shelf_a == pytest.approx((1.0, -1.69065929318241, 0.73248077421585), abs=1e-9)
    assert high_a == pytest.approx((1.0, -1.99004745483398, 0.99007225036621), abs=1e-9)


@pytest.mark.parametrize("rate_hz", [16000, 22050, 24000, 44100, 48000])
def test_a_full_scale_tone_reads_minus_three(rate_hz: int) -> None:
    assert lufs(sine(rate_hz, 5, 1.0, 997.0), rate_hz) == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize("rate_hz", [16000, 22050, 48000])
def test_speech_reads_as_ffmpeg_reads_it(rate_hz: int) -> None:
    samples = speech_like(rate_hz, 30)
    assert lufs(samples, rate_hz) == pytest.approx(float(ffmpeg_reading(samples, rate_hz)["lavfi.r128.I"]), abs=0.1)


def test_pauses_do_not_count() -> None:
    speech = speech_like(22050, 20)
    with_pauses = np.concatenate([speech, np.zeros(22050 * 60, np.int16)])
    assert lufs(with_pauses, 22050) == pytest.approx(lufs(speech, 22050), abs=0.2)


def test_a_stream_reads_the_same_however_it_is_cut() -> None:
    samples, meter = speech_like(22050, 12), LoudnessMeter(22050)
    for piece in np.split(samples, [1, 700, 701, 40000, 200000]):
        meter.add(piece)
    assert meter.lufs() == pytest.approx(lufs(samples, 22050), abs=1e-9)


def test_silence_and_nothing_have_no_loudness() -> None:
    assert lufs(np.zeros(22050 * 5, np.int16), 22050) == float("-inf")
    assert lufs(np.zeros(0, np.int16), 22050) == float("-inf")
    assert lufs(sine(22050, 0.3, 0.5), 22050) == float("-inf")


def test_true_peak_sees_what_lies_between_samples() -> None:
    """A tone at a quarter of the rate, sampled at 45 degrees: its samples never reach its peak."""
    edges = np.minimum(1.0, np.minimum(np.arange(8000), np.arange(8000)[::-1]) / 500)  # a sudden start would ring
    samples = np.rint(20000 * edges * np.sin(np.pi / 2 * np.arange(8000) + np.pi / 4)).astype(np.int16)
    meter = TruePeakMeter()
    meter.add(samples[:3000])
    meter.add(samples[3000:])
    assert meter.peak_db() == pytest.approx(20 * np.log10(20000 / 32768), abs=0.1)
    assert 20 * np.log10(np.abs(samples).max() / 32768) < meter.peak_db() - 2.9
    assert meter.peak_db() == pytest.approx(20 * np.log10(float(ffmpeg_reading(samples, 48000)["lavfi.r128.true_peak"])), abs=0.2)
