"""What a recording is told to be: speech is taken, whatever is done to it; music and noise are not; figures are near the truth."""

from __future__ import annotations

import numpy as np
import pytest
import recordings
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.sampling.examine import ENOUGH_S, Examined, examined, verdict
from e2a_sidecar.sampling.stretch import Stretch
from recordings import RATE_HZ, Sound, at_snr, hum, music, noise, reverberant, speech


def heard(sound: Sound, rate_hz: int = RATE_HZ, clipped: float = 0.0) -> Examined:
    return examined(Stretch(0.0, sound.size / rate_hz, rate_hz, sound.astype(np.float32), clipped))


def refused(sound: Sound) -> SidecarError:
    with pytest.raises(SidecarError) as caught:
        heard(sound)
    assert caught.value.code == "sample_unusable"
    return caught.value


@pytest.mark.parametrize("language", ["en", "de", "it", "cmn", "fr"])
def test_speech_is_good(language: str) -> None:
    assert verdict(heard(speech(30, language))) == ("good", ())


@pytest.mark.parametrize("snr_db", [30.0, 20.0, 15.0, 10.0])
@pytest.mark.parametrize("what", ["white noise", "hum"])
def test_noise_is_measured_to_within_three_decibels(what: str, snr_db: float) -> None:
    other = noise(30) if what == "white noise" else hum(30)
    found = heard(at_snr(speech(30), other, snr_db))
    assert found.measures.snr_db == pytest.approx(snr_db, abs=3.0)
    assert ("noisy" in verdict(found)[1]) == (found.measures.snr_db < 20)


def test_a_mains_hum_below_the_voice_is_taken_off_and_does_not_count() -> None:
    t = np.arange(30 * RATE_HZ) / RATE_HZ
    low = heard(at_snr(speech(30), np.sin(2 * np.pi * 30 * t), 10.0))
    assert low.measures.snr_db > 25


@pytest.mark.parametrize(
    ("worse", "remarks"),
    [
        (lambda voice: reverberant(voice, 0.4), set()),
        (lambda voice: reverberant(voice, 1.2), {"noisy"}),
        (lambda voice: at_snr(voice, noise(30), 5.0), {"noisy"}),
        (lambda voice: at_snr(reverberant(voice, 0.6), noise(30), 10.0), {"noisy"}),
        (lambda voice: at_snr(voice, music("blown"), 5.0), {"noisy", "music"}),
        (lambda voice: voice * 10 ** (-40 / 20), {"quiet"}),
        (lambda voice: np.clip(voice * 8, -1, 1), set()),
    ],
    ids=["room", "hall", "noise", "noise in a room", "music behind", "quiet", "distorted"],
)
def test_speech_is_never_refused_for_how_it_was_recorded(worse: object, remarks: set[str]) -> None:
    found = heard(worse(speech(30)))  # type: ignore[operator]
    assert remarks <= set(verdict(found)[1]) <= remarks | {"noisy"}


def test_words_at_even_distances_are_no_drum() -> None:
    """Somebody counts, a word a second."""
    voice, words = speech(30), np.zeros(30 * RATE_HZ)
    for second in range(30):
        start = second * RATE_HZ
        words[start : start + RATE_HZ // 2] = voice[(second * 7 % 25) * RATE_HZ :][: RATE_HZ // 2]
    heard(words)


@pytest.mark.parametrize("kind", ["plucked", "blown", "bowed", "drums", "band"])
def test_music_is_no_speech(kind: str) -> None:
    assert refused(music(kind)).params["reason"] == "music"


@pytest.mark.parametrize("what", ["white", "hum", "tone", "rumble"])
def test_noise_is_no_speech(what: str) -> None:
    t = np.arange(30 * RATE_HZ) / RATE_HZ
    rumble = np.cumsum(noise(30))
    sounds = {"white": noise(30), "hum": hum(30), "tone": 0.3 * np.sin(2 * np.pi * 440 * t), "rumble": 0.1 * (rumble - rumble.mean()) / rumble.std()}
    assert refused(sounds[what]).params["reason"] == "no_speech"


def test_silence_is_silence() -> None:
    assert refused(np.zeros(30 * RATE_HZ)).params == {"reason": "silence"}
    assert refused(1e-5 * noise(30)).params == {"reason": "silence"}


def test_little_speech_is_refused_with_its_seconds_and_some_is_remarked() -> None:
    few = np.concatenate([np.zeros(10 * RATE_HZ), speech(4), np.zeros(10 * RATE_HZ)])
    error = refused(few)
    assert error.params["reason"] == "too_short" and error.params["need_s"] == 6
    assert 3.0 < float(error.params["seconds"]) < 4.5
    assert verdict(heard(speech(10))) == ("fair", ("short",))
    assert heard(speech(20)).speech_s > ENOUGH_S


@pytest.mark.parametrize(("limit_hz", "remarks", "word"), [(3400, ("narrow",), "poor"), (5000, ("narrow",), "fair"), (7500, (), "good")])
def test_a_telephone_is_heard(limit_hz: int, remarks: tuple[str, ...], word: str) -> None:
    voice = speech(30)
    spectrum = np.fft.rfft(voice)
    spectrum[np.fft.rfftfreq(voice.size, 1 / RATE_HZ) > limit_hz] = 0
    found = heard(np.fft.irfft(spectrum, voice.size))
    assert found.measures.bandwidth_hz == pytest.approx(limit_hz, abs=250)
    assert verdict(found) == (word, remarks)


def test_in_noise_nobody_calls_a_voice_narrow() -> None:
    assert verdict(heard(at_snr(speech(30), recordings.noise(30), 8.0)))[1] == ("noisy",)


def test_clipping_is_remarked_by_its_share() -> None:
    assert verdict(heard(speech(30), clipped=0.002)) == ("fair", ("clipped",))
    assert verdict(heard(speech(30), clipped=0.02)) == ("poor", ("clipped",))
