"""What a reader is promised before a book is spoken, held against conversions that were really made."""

from __future__ import annotations

import pytest

from plugin.speaking.estimates import Estimate, Text, estimate, in_frames, length, sentence, size, total

# what a conversion said: characters of its spoken text, sentences, language, seconds of the file, its bytes, times real time of speech, wall seconds
REAL = {
    "A Christmas Carol, espeak": (155_921, 1444, "en-GB", 9419.6, None, None, None),
    "Flatland, en_US-joe-medium on the CPU": (188_938, 1322, "en-GB", 10_938.0, 90_028_788, 14.48, 709.8),
    "Pinocchio, espeak": (230_816, 2866, "it", 14_849.6, None, 442.4, 77.8),
    "The Yellow Wallpaper in part, en_US-joe-medium": (13_085, 151, "en", 830.0, 6_486_466, 37.2, None),
    "Sun Tzu, espeak": (7_462, 303, "zh-Hant", 1936.7, None, None, None),
    "Le Vrai Régime anti-cancer in Arabic, espeak": (28_582, 284, "ar", 2631.5, None, None, None),
}


@pytest.mark.parametrize("name", REAL)
def test_the_guess_is_near_what_came_out(name: str) -> None:
    characters, sentences, language, audio_s, size_bytes, xrt, wall_s = REAL[name]
    guess = estimate(Text(characters, sentences, language), xrt=xrt)
    assert guess.audio_s == pytest.approx(audio_s, rel=0.06)
    assert size_bytes is None or guess.size_bytes == pytest.approx(size_bytes, rel=0.06)
    assert wall_s is None or guess.ready_s == pytest.approx(wall_s, rel=0.2)


def test_speed_pauses_and_bitrate_change_it_as_they_change_the_file() -> None:
    usual = estimate(Text(180_000, 1000), xrt=10)
    fast = estimate(Text(180_000, 1000), speed=2.0, xrt=10, kind="espeak")
    assert fast.audio_s == pytest.approx(usual.audio_s / 2)  # of the pauses too
    assert usual.ready_s and fast.ready_s and fast.ready_s < usual.ready_s
    assert estimate(Text(180_000, 1000), pauses=2.0).audio_s - usual.audio_s == pytest.approx(530)
    assert estimate(Text(180_000, 1000), bitrate=128_000).size_bytes == pytest.approx(2 * usual.size_bytes)


@pytest.mark.parametrize(("told", "spoke"), [(0.5, 0.578), (0.7, 0.771), (1.3, 1.18), (1.6, 1.426), (2.0, 1.568)])
def test_a_neural_voice_is_not_as_fast_or_slow_as_it_is_told_to_be(told: float, spoke: float) -> None:
    assert in_frames(told) == pytest.approx(spoke, rel=0.04)  # en_US-joe-medium, 18 sentences
    assert in_frames(1.0) == 1.0


@pytest.mark.parametrize(("told", "heard"), [(0.5, 0.50), (0.9, 0.90), (1.1, 1.09), (1.2, 1.18), (1.3, 1.27), (1.5, 1.43), (2.0, 1.81)])
def test_a_student_is_as_slow_as_it_is_told_and_less_fast(told: float, heard: float) -> None:
    assert in_frames(told, "kokoro_student") == pytest.approx(heard, rel=0.01)


def test_the_guess_is_near_at_another_speed_too() -> None:
    text = Text(30_823, 378, "en")  # The Yellow Wallpaper by en_US-joe-medium; at 1.3 it was made with pauses as long as at 1.0
    assert estimate(text).audio_s == pytest.approx(1912, rel=0.01)
    assert estimate(text, speed=1.3, pauses=1.3).audio_s == pytest.approx(1654, rel=0.02)


def test_a_device_that_nobody_measured_is_said_so() -> None:
    assert "known after the first minutes" in sentence(estimate(Text(180_000, 1000)))
    assert sentence(Estimate(20_400, 160_500_000, 1500)) == "About 5 h 40 min of audio, 160 MB, ready in about 25 min on this device."


@pytest.mark.parametrize(
    ("spoken", "xrt", "says"),
    [
        (81_000, 10.0, "45 % of it was spoken before; about 10 min for the rest on this device."),
        (81_000, None, "45 % of it was spoken before; how long the rest takes is known after the first minutes."),
        (180_000, None, "All of it was spoken before: ready in about 1 min."),
        (900, 10.0, "ready in about 17 min on this device."),  # less than a hundredth is not worth a word
    ],
)
def test_what_was_spoken_before_is_not_waited_for_again(spoken: int, xrt: float | None, says: str) -> None:
    assert sentence(estimate(Text(180_000, 1000), xrt=xrt, spoken=spoken)).endswith(says)


def test_several_books_are_ready_when_all_are() -> None:
    one, other = Estimate(60, 1e6, 30), Estimate(120, 2e6, 40)
    assert total([one, other]) == Estimate(180, 3e6, 70)
    assert total([one, Estimate(120, 2e6, None)]).ready_s is None
    assert total([]) == Estimate(0, 0, 0)
    assert total([Estimate(60, 1e6, 30, 1.0), Estimate(180, 2e6, 40)]).kept == 0.25


@pytest.mark.parametrize(("seconds", "says"), [(0, "1 min"), (89, "1 min"), (3590, "1 h"), (3700, "1 h"), (5200, "1 h 25 min"), (7080, "2 h")])
def test_lengths_are_told_as_roughly_as_they_are_known(seconds: float, says: str) -> None:
    assert length(seconds) == says


def test_a_file_by_espeak_is_larger_than_its_bits_a_second() -> None:
    of_kind = {kind: estimate(Text(180_000, 1000), kind=kind) for kind in ("piper", "espeak")}
    a_hour = {kind: round(guess.size_bytes / guess.audio_s * 3600 / 1e6) for kind, guess in of_kind.items()}
    assert a_hour == {"piper": 30, "espeak": 32}  # 28 by Joe and 32 by eSpeak were written


def test_sizes() -> None:
    assert [size(n) for n in (1, 48.4e6, 163e6, 994e6, 1.31e9)] == ["1 MB", "50 MB", "160 MB", "990 MB", "1.3 GB"]
