"""What a reader is promised before a book is spoken, held against conversions that were really made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugin import paths
from plugin.engine import runtime
from plugin.resources import from_folder
from plugin.speaking import clones, file_size, guesses, speakers
from plugin.speaking.catalogue import catalogue
from plugin.speaking.estimates import (
    Estimate,
    Manner,
    Rate,
    Text,
    characters_s,
    cloned,
    estimate,
    in_frames,
    length,
    manner,
    sentence,
    size,
    total,
    when,
)

JOE = "en_US-joe-medium"
SOURCES = from_folder(Path(__file__).resolve().parents[2])


def rate(xrt: float | None) -> Rate | None:
    return None if xrt is None else Rate.about(xrt)


def of(voice: str) -> Manner:
    """How it speaks where it has spoken nothing here."""
    kind = {"espeak": "espeak", "heart": "kokoro_student"}.get(voice, "piper")
    return manner(voice, kind, {}, 64_000)


# what a conversion said: voice, characters of its spoken text, sentences, language, seconds of the file, its bytes, times real time of speech, wall seconds
REAL = {
    "A Christmas Carol, espeak": ("espeak", 155_921, 1444, "en-GB", 9419.6, None, None, None),
    "A Christmas Carol, Joe": (JOE, 155_921, 1444, "en-GB", 9252.0, None, None, None),
    "A Christmas Carol, Heart": ("heart", 155_921, 1444, "en-GB", 10_436.0, 76_440_000, 92.3, 142.0),
    "Flatland, Joe on the CPU": (JOE, 188_938, 1322, "en-GB", 10_938.0, 90_028_788, 14.48, 709.8),
    "Pinocchio, espeak": ("espeak", 230_816, 2866, "it", 14_849.6, None, 442.4, 77.8),
    "The Yellow Wallpaper, Joe": (JOE, 30_823, 378, "en", 1912.0, None, 21.1, 86.0),
    "The Yellow Wallpaper, Heart": ("heart", 30_823, 378, "en", 2189.0, 15_342_999, 92.3, 29.0),
    "The Yellow Wallpaper, espeak": ("espeak", 30_874, 378, "en", 1900.6, 17_241_455, 195.6, None),
    "Poetry, Heart": ("heart", 78_255, 2277, "en", 6944.0, None, None, None),
    "The Yellow Wallpaper in part": (JOE, 13_085, 151, "en", 830.0, 6_486_466, 37.2, None),
    "Sun Tzu, espeak": ("espeak", 7_462, 303, "zh-Hant", 1936.7, None, None, None),
    "Le Vrai Régime anti-cancer in Arabic, espeak": ("espeak", 28_582, 284, "ar", 2631.5, None, None, None),
}


@pytest.mark.parametrize("name", REAL)
def test_the_guess_is_near_what_came_out(name: str) -> None:
    voice, characters, sentences, language, audio_s, size_bytes, xrt, wall_s = REAL[name]
    guess = estimate(Text(characters, sentences, language), rate=rate(xrt), voice=of(voice))
    assert guess.audio_s == pytest.approx(audio_s, rel=0.06 if voice == "espeak" else 0.045)
    assert size_bytes is None or guess.size_bytes == pytest.approx(size_bytes, rel=0.06)
    assert wall_s is None or guess.ready_s == pytest.approx(wall_s, rel=0.35 if wall_s < 180 else 0.2)


def test_a_voice_that_has_spoken_a_book_is_guessed_by_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "cache_home", lambda: tmp_path)
    carol, wallpaper = Text(155_921, 1444, "en-GB"), Text(30_823, 378, "en")
    slow = {"id": "en_GB-alba-medium", "kind": "piper"}
    as_asked = {"speed": 1.2, "pauses": 1.0, "bitrate": 64_000}
    guesses.learn_manner(slow["id"], slow, wallpaper, 2500.0, 14_000_000, **as_asked)
    guesses.learn_manner(slow["id"], slow, Text(100, 2, "en"), 20.0, 900_000, **as_asked)  # a page is no measure
    learned = guesses.manner(slow["id"], "en-GB", 64_000, SOURCES)
    guess = estimate(wallpaper, 1.2, voice=learned)
    assert guess.audio_s == pytest.approx(2500.0) and guess.size_bytes == pytest.approx(14e6)
    assert estimate(carol, 1.2, voice=learned).audio_s > 1.3 * estimate(carol, 1.2).audio_s
    assert guesses.manner(slow["id"], "en", 128_000, SOURCES).overhead is None, "of another bitrate nothing is known"
    clone = {"id": slow["id"], "kind": "piper", "clone": {"id": "clone-0123456789ab", "converter": "knnvc"}}
    assert guesses.manner(f"{clone['clone']['id']}@{slow['id']}", "en", 64_000, SOURCES) == learned, "a clone speaks at the pace of its base voice"
    assert characters_s(Text(100, 200), 10.0, 1.0, 1.0, "piper") == 0.0, "more pauses than sound say nothing"


def test_after_verse_a_story_is_not_taken_to_be_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "cache_home", lambda: tmp_path)
    verse, wallpaper, heart = Text(78_255, 2277, "en"), Text(30_874, 378, "en"), {"id": "heart", "kind": "kokoro_student"}
    guesses.learn_manner("heart", heart, verse, 6944.0, 50_000_000, speed=1.0, pauses=1.0, bitrate=64_000)
    after = guesses.manner("heart", "en", 64_000, SOURCES)
    assert estimate(wallpaper, 1.1, voice=after).audio_s == pytest.approx(2010.0, rel=0.03), "as it became"
    assert estimate(verse, voice=after).audio_s == pytest.approx(6944.0)


def test_what_is_made_before_it_could_be_known_better_promises_nothing() -> None:
    assert sentence(Estimate(60, 1e6, 20, 0.0, 110)).endswith("ready in 20 s to 2 min.")
    assert sentence(Estimate(9000, 7e7, 300, 0.0, 1260)).endswith("After the first minutes that is known better.")


def test_one_voice_s_speed_says_how_fast_the_others_are_until_they_were_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "cache_home", lambda: tmp_path)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    unknown = guesses.likely(JOE, False, SOURCES)
    assert unknown == Rate(7.0, 32.0) and unknown.low < 21.1 < unknown.high, "Joe on two idle cores"
    carol = Text(155_921, 1444, "en-GB")
    assert sentence(estimate(carol, rate=unknown)).endswith("ready in 5 min to 21 min. After the first minutes that is known better.")
    guesses.learn("heart", {"kind": "kokoro_student"}, "cpu", 92.3, SOURCES)
    joe = guesses.likely(JOE, False, SOURCES)
    assert joe == Rate.about(92.3 / 4) and joe.low == pytest.approx(21.1, rel=0.1)
    assert when(estimate(carol, rate=joe)) == "about 7 min"
    assert guesses.likely("en_US-libritts-high#p3922", False, SOURCES).low == pytest.approx(3.0, rel=0.05)
    assert guesses.likely(JOE, True, SOURCES).low == pytest.approx(14.3, rel=0.01), "by PyTorch"
    assert guesses.likely("/home/reader/own.onnx", False, SOURCES) is None
    guesses.learn(JOE, {"kind": "piper"}, "cuda:0", 400.0, SOURCES)
    assert guesses.likely(JOE, False, SOURCES) == joe, "a card says nothing of the processor"
    guesses.learn(JOE, {"kind": "piper"}, "cpu", 15.2, SOURCES)
    assert guesses.likely("heart", False, SOURCES).low == pytest.approx(60.8) and guesses.by_others(catalogue(SOURCES)["heart"]) == pytest.approx(60.8)


def test_a_clone_is_never_without_a_guess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "cache_home", lambda: tmp_path / "cache")
    monkeypatch.setattr(paths, "clones_dir", lambda: tmp_path / "clones")
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    (tmp_path / "sample.flac").write_bytes(b"fLaC")
    clone = clones.add(tmp_path / "sample.flac", "Anna", "openvoice_v2")
    known = guesses.likely(f"{clone.id}@{JOE}", True, SOURCES)
    assert known is not None and known.low < 1.78 < known.high, "as was measured on two cores"
    guesses.learn("heart", {"kind": "kokoro_student"}, "cpu", 92.3, SOURCES)
    nearer = guesses.likely(f"{clone.id}@{JOE}", True, SOURCES)
    assert known.low < nearer.low < 2.5 < nearer.high < known.high
    assert cloned(Rate.about(9.1), "freevc24") == Rate(pytest.approx(0.82, rel=0.01), pytest.approx(1.42, rel=0.01)), "1.12 was measured"
    other = {"id": JOE, "kind": "piper", "clone": {"converter": "openvoice_v2"}}
    guesses.learn(f"clone-ffffffffffff@{JOE}", other, "cpu-torch", 1.7, SOURCES)
    assert guesses.likely(f"{clone.id}@{JOE}", True, SOURCES) == Rate.about(1.7), "another one by the same converter was heard"
    assert guesses.likely(JOE, False, SOURCES) == Rate.about(92.3 / 4), "of a plain voice a clone says nothing"
    wire = {"id": JOE, "kind": "piper", "clone": {"id": clone.id, "name": "Anna", "converter": "openvoice_v2"}}
    place = speakers.Place(runtime.Layer("neural", tmp_path, tmp_path), "cpu-torch")
    assert speakers.expected(speakers.Chosen(clone.id, "piper", wire), place, SOURCES) == Rate.about(1.7), "a job begins with what the window said"


def test_speed_pauses_and_bitrate_change_it_as_they_change_the_file() -> None:
    espeak = Manner("espeak")
    usual = estimate(Text(180_000, 1000), rate=rate(10), voice=espeak)
    fast = estimate(Text(180_000, 1000), speed=2.0, rate=rate(10), voice=espeak)
    assert fast.audio_s == pytest.approx(usual.audio_s / 2)  # of the pauses too
    assert usual.ready_s and fast.ready_s and fast.ready_s < usual.ready_s
    assert estimate(Text(180_000, 1000), pauses=2.0, voice=espeak).audio_s - usual.audio_s == pytest.approx(530)
    assert estimate(Text(180_000, 1000), bitrate=128_000, voice=espeak).size_bytes > usual.size_bytes


@pytest.mark.parametrize(("told", "spoke"), [(0.5, 0.578), (0.7, 0.771), (1.3, 1.18), (1.6, 1.426), (2.0, 1.568)])
def test_a_neural_voice_is_not_as_fast_or_slow_as_it_is_told_to_be(told: float, spoke: float) -> None:
    assert in_frames(told) == pytest.approx(spoke, rel=0.04)  # en_US-joe-medium, 18 sentences
    assert in_frames(1.0) == 1.0


@pytest.mark.parametrize(("told", "heard"), [(0.5, 0.50), (0.9, 0.90), (1.1, 1.09), (1.2, 1.18), (1.3, 1.27), (1.5, 1.43), (2.0, 1.81)])
def test_a_student_is_as_slow_as_it_is_told_and_less_fast(told: float, heard: float) -> None:
    assert in_frames(told, "kokoro_student") == pytest.approx(heard, rel=0.01)


def test_the_guess_is_near_at_another_speed_too() -> None:
    text = Text(30_823, 378, "en")  # The Yellow Wallpaper by en_US-joe-medium; at 1.3 it was made with pauses as long as at 1.0
    assert estimate(text, voice=of(JOE)).audio_s == pytest.approx(1912, rel=0.01)
    assert estimate(text, speed=1.3, pauses=1.3, voice=of(JOE)).audio_s == pytest.approx(1654, rel=0.02)
    verse = Text(78_255, 2277, "en")
    assert estimate(verse, speed=0.8, voice=of("espeak")).audio_s == pytest.approx(6999, rel=0.02)
    assert estimate(text, speed=0.8, voice=of("espeak")).audio_s == pytest.approx(2378, rel=0.02)


def test_a_device_that_nobody_measured_is_said_so() -> None:
    assert "known after the first minutes" in sentence(estimate(Text(180_000, 1000)))
    assert sentence(Estimate(20_400, 160_500_000, 1500)) == "About 5 h 40 min of audio, 160 MB, ready in about 25 min."


@pytest.mark.parametrize(
    ("spoken", "xrt", "says"),
    [
        (81_000, 10.0, "45 % of it was spoken before; about 9 min for the rest."),
        (81_000, None, "45 % of it was spoken before; how long the rest takes is known after the first minutes."),
        (180_000, None, "All of it was spoken before; only the file is still to be made: ready in about 35 s."),
        (1_800, 10.0, "1 % of it was spoken before; about 17 min for the rest."),
        (179_000, 10.0, "99 % of it was spoken before; about 40 s for the rest."),
        (0, 10.0, "ready in about 17 min."),
        (900, 10.0, "ready in about 17 min."),  # less than a hundredth is not worth a word
    ],
)
def test_what_was_spoken_before_is_not_waited_for_again(spoken: int, xrt: float | None, says: str) -> None:
    assert sentence(estimate(Text(180_000, 1000), rate=rate(xrt), spoken=spoken)).endswith(says)


def test_several_books_are_ready_when_all_are() -> None:
    one, other = Estimate(60, 1e6, 30), Estimate(120, 2e6, 40)
    assert total([one, other]) == Estimate(180, 3e6, 70)
    assert total([one, Estimate(120, 2e6, None)]).ready_s is None
    assert total([]) == Estimate(0, 0, 0)
    assert total([one, Estimate(120, 2e6, 40, 0.0, 90)]) == Estimate(180, 3e6, 70, 0.0, 120)
    assert total([Estimate(60, 1e6, 30, 1.0), Estimate(180, 2e6, 40)]).kept == 0.25


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(0, "5 s"), (21, "20 s"), (57, "55 s"), (58, "1 min"), (89, "1 min"), (3590, "1 h"), (3700, "1 h"), (5200, "1 h 25 min"), (7080, "2 h")],
)
def test_lengths_are_told_as_roughly_as_they_are_known(seconds: float, says: str) -> None:
    assert length(seconds) == says


# files that were written: voice, kbit/s that were asked for, of how many seconds, without pauses, bytes an hour in millions
WRITTEN = [
    *(("espeak", kbit, 1900.6, 1672.9, mb) for kbit, mb in ((32, 21.2), (48, 26.2), (64, 32.7), (96, 44.0), (128, 44.0))),
    *(("heart", kbit, 2189.5, 1961.8, mb) for kbit, mb in ((32, 13.1), (48, 19.1), (64, 25.2), (96, 38.9), (128, 44.5))),
    *((JOE, kbit, 1912.1, 1684.4, mb) for kbit, mb in ((32, 15.7), (48, 22.2), (64, 29.4), (96, 44.7), (128, 44.7))),
    ("espeak", 64, 1936.7, 1791.3, 36.2),  # Sun Tzu in Chinese
    ("espeak", 64, 2637.5, 2475.0, 34.0),  # in Arabic
    ("heart", 64, 6944.4, 5718.1, 22.8),  # verse
]


@pytest.mark.parametrize(("voice", "kbit", "audio_s", "speech_s", "mb_an_hour"), WRITTEN)
def test_the_size_is_as_files_became_at_any_quality(voice: str, kbit: int, audio_s: float, speech_s: float, mb_an_hour: float) -> None:
    guessed = file_size.size_bytes(speech_s, audio_s, of(voice).kind, 1000 * kbit)
    assert guessed / 1e6 / audio_s * 3600 == pytest.approx(mb_an_hour, rel=0.055)
    least, most = file_size.mb_an_hour(1000 * kbit)
    assert least - 0.6 <= mb_an_hour <= most + 0.5, "Preferences say so, too"


def test_preferences_and_the_window_count_alike() -> None:
    for kind in ("piper", "espeak", "kokoro_student"):
        guess, (least, most) = estimate(Text(180_000, 1000), voice=Manner(kind)), file_size.mb_an_hour(64_000)
        assert least <= guess.size_bytes / guess.audio_s * 3600 / 1e6 <= most


def test_sizes() -> None:
    assert [size(n) for n in (1, 48.4e6, 163e6, 994e6, 1.31e9)] == ["1 MB", "50 MB", "160 MB", "990 MB", "1.3 GB"]
