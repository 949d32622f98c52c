"""What a listener gets from mastering: even loudness, no clicks, no clipping, and everything where it was."""

from __future__ import annotations

import av
import numpy as np
import pytest
from e2a_sidecar.mastering.loudness import LoudnessMeter, TruePeakMeter
from e2a_sidecar.mastering.master import PEAK_DB, Master, limit_db, measure_voice
from e2a_sidecar.model import Samples

RATE_HZ = 22050


def voice(seconds: float, level: float, seed: int = 3) -> Samples:
    """Pulses through a resonance, in syllables: as peaky as speech."""
    rng, n = np.random.default_rng(seed), int(RATE_HZ * seconds)
    pulses = np.zeros(n)
    pulses[:: RATE_HZ // 110] = 1.0
    ring = np.exp(-np.arange(600) / 90) * np.sin(2 * np.pi * 700 * np.arange(600) / RATE_HZ)
    syllables = np.repeat(rng.uniform(0.2, 1.0, n // 4000 + 1), 4000)[:n]
    sound = np.convolve(pulses, ring)[:n] * syllables + rng.normal(0, 0.02, n)
    return np.clip(sound * level * 32767, -32768, 32767).astype(np.int16)


def mastered(pieces: list[Samples], gain_db: float, peak_db: float = PEAK_DB) -> Samples:
    master = Master(RATE_HZ, gain_db, peak_db)
    return np.concatenate([*(master.clip(piece) for piece in pieces), master.flush()])


def true_peak_db(samples: Samples) -> float:
    meter = TruePeakMeter()
    meter.add(np.concatenate([samples, np.zeros(50, np.int16)]))
    return meter.peak_db()


@pytest.mark.parametrize("level", [0.05, 0.3, 0.9])
def test_any_voice_becomes_minus_18_lufs_and_keeps_its_peaks_under_the_limit(level: float) -> None:
    clips = [voice(4, level, seed) for seed in range(10)]
    gain = measure_voice(clips, RATE_HZ)
    master = Master(RATE_HZ, gain.gain_db)
    out = np.concatenate([piece for clip in clips for piece in (master.clip(clip), master.silence(7717))] + [master.flush()])
    meter = LoudnessMeter(RATE_HZ)
    meter.add(out)
    assert meter.lufs() == pytest.approx(-18.0, abs=0.5)
    assert true_peak_db(out) <= PEAK_DB + 0.1


def test_as_many_samples_come_out_as_went_in_and_none_moves() -> None:
    master, clip = Master(RATE_HZ, 0.0), voice(2, 0.2)
    out = np.concatenate([master.silence(5000), master.clip(clip), master.silence(777), master.clip(clip), master.flush()])
    assert out.size == 5000 + 2 * clip.size + 777
    middle = slice(5000 + 200, 5000 + clip.size - 200)
    assert np.array_equal(out[middle], clip[200:-200])
    assert not out[:5000].any()


def test_a_loud_passage_leaves_no_sample_out_of_place() -> None:
    clip = voice(3, 0.9)
    out = mastered([clip], 12.0)
    loud = np.abs(clip) > 3000
    assert out.size == clip.size
    assert np.array_equal(np.sign(out[loud]), np.sign(clip[loud]))


def test_the_result_does_not_depend_on_how_the_stream_is_cut() -> None:
    silence = np.zeros(30, np.int16)
    whole = Master(RATE_HZ, 9.0)
    clip = voice(5, 0.8)
    once = np.concatenate([whole.clip(clip), whole.silence(60000), whole.flush()])
    again = Master(RATE_HZ, 9.0)
    pieces = [again.clip(clip)]
    for _ in range(60000 // silence.size):
        pieces.append(again.silence(silence.size))
    assert np.array_equal(once, np.concatenate([*pieces, again.flush()]))


def test_a_clip_that_starts_off_zero_does_not_click() -> None:
    out = mastered([np.full(4410, 8000, np.int16)], 0.0)
    assert np.abs(np.diff(np.concatenate([[0], out, [0]]).astype(int))).max() < 400
    assert np.abs(out[200:-200] - 8000).max() <= 1


@pytest.mark.parametrize("size", [0, 1, 2, 3])
def test_the_shortest_clips_pass(size: int) -> None:
    assert mastered([np.full(size, 1000, np.int16)], 3.0).size == size


def test_silence_asks_for_no_gain() -> None:
    gain = measure_voice([np.zeros(RATE_HZ * 3, np.int16)], RATE_HZ)
    assert gain.gain_db == 0.0
    assert measure_voice([], RATE_HZ).gain_db == 0.0


def test_a_voice_is_measured_over_a_minute_and_no_more() -> None:
    taken = []

    def clips():  # type: ignore[no-untyped-def]
        for seed in range(30):
            taken.append(seed)
            yield voice(10, 0.2, seed)

    assert measure_voice(clips(), RATE_HZ).measured_s == pytest.approx(60, abs=0.1)
    assert len(taken) == 6


@pytest.mark.parametrize("bitrate", [32000, 64000])
def test_the_decoded_aac_of_a_voice_that_is_far_too_loud_stays_under_minus_3_dbtp(bitrate: int) -> None:
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = RATE_HZ, "mono", "fltp", bitrate
    encoder.options = {"aac_coder": "fast"}
    frame = av.AudioFrame.from_ndarray(mastered([voice(20, 0.9)], 6.0, limit_db(bitrate, RATE_HZ)).reshape(1, -1).astype(np.float32) / 32768, "fltp", "mono")
    frame.sample_rate = RATE_HZ
    fifo = av.AudioFifo()
    fifo.write(frame)
    packets = [p for piece in fifo.read_many(1024) for p in encoder.encode(piece)] + encoder.encode(None)
    decoder, meter = av.CodecContext.create("aac", "r"), TruePeakMeter()
    decoder.extradata = encoder.extradata
    for packet in packets:
        for decoded in decoder.decode(packet):
            meter.add(decoded.to_ndarray().ravel())
    assert -8.0 < meter.peak_db() < -3.0
