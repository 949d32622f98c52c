"""A take can be repeated, and every word's time is known: noise, clock, alignment, what a word is, how many cores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from e2a_sidecar.model import Samples, Word
from e2a_sidecar.speaking import cores
from e2a_sidecar.speaking.align import owners
from e2a_sidecar.speaking.clock import on_the_sound, words_at
from e2a_sidecar.speaking.noise import take_noise
from e2a_sidecar.speaking.phonemes import WordSpan
from e2a_sidecar.speaking.words import word_places


def test_noise_is_the_same_for_the_same_take_and_another_for_any_other() -> None:
    mine = take_noise("ab", 0, "latent", (192, 50))
    assert mine.shape == (192, 50)
    assert mine.dtype == np.float32
    assert mine.flags["C_CONTIGUOUS"]
    assert np.array_equal(mine, take_noise("ab", 0, "latent", (192, 50)))
    for other in (take_noise("ac", 0, "latent", (192, 50)), take_noise("ab", 1, "latent", (192, 50)), take_noise("ab", 0, "duration", (192, 50))):
        assert abs(np.corrcoef(mine.ravel(), other.ravel())[0, 1]) < 0.05


def test_noise_of_the_first_frames_does_not_depend_on_how_many_follow() -> None:
    assert np.array_equal(take_noise("ab", 0, "latent", (192, 1000))[:, :333], take_noise("ab", 0, "latent", (192, 333)))


def test_noise_is_normal_and_stays_what_it_was_when_clips_were_made() -> None:
    noise = take_noise("key", 0, "latent", (192, 500))
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.02
    # a NumPy that draws otherwise would speak every book anew: raise the engine's revision then
    assert take_noise("key", 0, "duration", (2, 2)).ravel().tolist() == pytest.approx([-1.40304, 0.87551, 1.090026, 0.352586], abs=1e-5)


def test_words_get_the_time_of_their_phonemes_and_the_pads_behind_them() -> None:
    durations = [1, 1, 4, 2, 3, 1, 2, 2, 5, 1, 1]  # begin, pad, then a phoneme and a pad each, end
    words = words_at(durations, (WordSpan(0, 2, 2, 6), WordSpan(3, 5, 8, 10)), hop_length=256, rate_hz=25600)
    assert [(w.start, w.end) for w in words] == [(0, 2), (3, 5)]
    assert [(w.start_s, w.end_s) for w in words] == [pytest.approx((0.02, 0.14)), pytest.approx((0.14, 0.22))]


def test_words_that_run_into_one_another_share_the_space_between_them_and_a_pause_is_nobodys() -> None:
    durations = [0, 0, 4, 0, 2, 0, 4, 0, 20, 0, 4, 0, 0]  # three words of one phoneme; a short space, then a comma
    spans = (WordSpan(0, 1, 2, 4), WordSpan(2, 3, 6, 8), WordSpan(5, 6, 10, 12))
    times = [(w.start_s, w.end_s) for w in words_at(durations, spans, hop_length=256, rate_hz=25600)]
    assert times == [pytest.approx((0.0, 0.05)), pytest.approx((0.05, 0.1)), pytest.approx((0.3, 0.34))]


def sound(*lengths_s: float, noise: float = 2.0) -> Samples:
    """At 20 kHz: sound and silence in turn, beginning with silence; `noise` under all of it, of 32767."""
    chance = np.random.default_rng(1)
    parts = [chance.normal(0, noise + 6000 * (n % 2), round(length_s * 20_000)) for n, length_s in enumerate(lengths_s)]
    return np.concatenate(parts).astype(np.int16)


def laid(samples: Samples, *times: tuple[float, float]) -> list[tuple[float, float]] | None:
    words = on_the_sound(tuple(Word(*time, n, n + 1) for n, time in enumerate(times)), samples, 20_000)
    return None if words is None else [(w.start_s, w.end_s) for w in words]


def test_words_beside_a_pause_and_at_the_ends_begin_and_end_with_their_sound() -> None:
    samples = sound(0.1, 0.4, 0.3, 0.4, 0.2)  # sound at 0.1 to 0.5 and at 0.8 to 1.2
    spoken = [pytest.approx((0.1, 0.5)), pytest.approx((0.8, 1.2))]
    assert laid(samples, (0.05, 0.58), (0.7, 1.3)) == spoken  # silent phonemes: a closure, half of the pause
    assert laid(samples, (0.14, 0.45), (0.83, 1.1)) == spoken  # sound beyond them
    assert laid(samples, (0.1, 0.81), (0.81, 1.2)) == spoken  # espeak’s words last until the next
    assert laid(sound(0.1, 0.4, 0.3, 0.4, 0.2, noise=60), (0.05, 0.58), (0.7, 1.3)) == spoken


def test_a_closure_is_no_pause_and_sound_between_words_is_theirs() -> None:
    assert laid(sound(0.1, 0.4, 0.06, 0.4, 0.1), (0.1, 0.52), (0.52, 0.96)) == [pytest.approx((0.1, 0.52)), pytest.approx((0.52, 0.96))]
    assert laid(sound(0.1, 0.4, 0.06, 0.4, 0.1), (0.1, 0.5), (0.56, 0.96)) == [pytest.approx((0.1, 0.5)), pytest.approx((0.56, 0.96))]
    assert laid(sound(0.1, 0.8, 0.1), (0.1, 0.4), (0.6, 0.9)) == [pytest.approx((0.1, 0.5)), pytest.approx((0.5, 0.9))]


def test_a_word_in_which_nothing_sounds_keeps_its_time() -> None:
    assert laid(sound(0.1, 0.4, 0.4, 0.4, 0.1), (0.1, 0.5), (0.6, 0.7), (0.9, 1.3))[1] == (0.6, 0.7)


@pytest.mark.parametrize("samples", [sound(1.0), sound(1.0, noise=3000), sound(0.0, 1.0), np.zeros(20_000, np.int16), np.zeros(20, np.int16)])
def test_without_silence_or_without_sound_the_clock_stays(samples: Samples) -> None:
    assert laid(samples, (0.1, 0.4), (0.6, 0.9)) == [(0.1, 0.4), (0.6, 0.9)]
    assert laid(samples) == []
    assert on_the_sound(None, samples, 20_000) is None


def test_words_stay_in_order_inside_their_take_whatever_it_sounds_like() -> None:
    chance = np.random.default_rng(7)
    for _ in range(500):
        samples = sound(*chance.uniform(0, 0.3, chance.integers(1, 12)), noise=float(chance.choice([0.3, 20, 300])))
        times = np.sort(chance.uniform(0, samples.size / 20_000, 2 * chance.integers(0, 8)))
        found = laid(samples, *zip(times[::2], times[1::2], strict=True))
        assert found is not None
        flat = [time for word in found for time in word]
        assert flat == sorted(flat)
        assert all(0 <= time <= samples.size / 20_000 for time in flat)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("He said: “Come in!” and—to my surprise—he left … at last.", "He said Come in and to my surprise he left at last"),
        ("It's half-a-dozen, e.g. J.R.R. Smith's", "It's half-a-dozen e.g. J.R.R. Smith's"),
        ("R&D costs 5% (or $7)", "R&D costs 5% or $7"),
        ("It fell to -5, by .5 (-6.5). -Yes, the “.NET” thing...5 --5.", "It fell to -5 by .5 -6.5 Yes the .NET thing...5 5"),
        ("我去学校 today", "我 去 学 校 today"),
        ("वह स्कूल गया।", "वह स्कूल गया"),
        (" … — “”", ""),
    ],
)
def test_words_are_what_a_reader_takes_for_words(text: str, words: str) -> None:
    assert [text[a:b] for a, b in word_places(text)] == words.split()


@pytest.mark.parametrize(
    ("actual", "alone", "parts"),
    [
        ("ɪnðə hˈaʊs", ["ˈɪn", "ðə", "hˈaʊs"], ["ɪn", "ðə", "hˈaʊs"]),
        ("ɡˌoʊɪŋ tə ðə ʃˈɑːp", ["ɡˈoʊɪŋ", "tuː", "ðə", "ʃˈɑːp"], ["ɡˌoʊɪŋ", "tə", "ðə", "ʃˈɑːp"]),
        ("wˈʌn θˈaʊzənd, æt", ["wˈʌn θˈaʊzənd", "ˈæt"], ["wˈʌnθˈaʊzənd", "æt"]),
    ],
)
def test_joined_and_weakened_words_are_found_again(actual: str, alone: list[str], parts: list[str]) -> None:
    found = owners(list(actual), [list(word) for word in alone])
    assert ["".join(p for p, n in zip(actual, found, strict=True) if n == number) for number in range(len(alone))] == parts


def test_alignment_is_in_order_and_covers_every_sound_of_a_long_text() -> None:
    alone = [list(word) for word in ("ðə", "kwˈɪk", "bɹˈaʊn", "fˈɑːks", "wˈʌn", "ˈeɪ", "tuː")] * 60
    actual = list(" ".join("".join(word) for word in alone))
    found = owners(actual, alone)
    known = [n for n in found if n >= 0]
    assert known == sorted(known)
    assert set(known) == set(range(len(alone)))
    assert all((n == -1) == (p == " ") for p, n in zip(actual, found, strict=True))


def test_a_text_far_beyond_a_sentence_is_still_aligned_in_order() -> None:
    alone = [list("aba")] * 1500
    actual = list(" ".join("aba" for _ in range(1500)))
    known = [n for n in owners(actual, alone) if n >= 0]
    assert known == sorted(known)
    assert known[-1] > 1400


def test_the_quota_of_a_container_counts_not_the_machines_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(16)), raising=False)
    membership, group = tmp_path / "cgroup", tmp_path / "fs"
    (group / "a" / "b").mkdir(parents=True)
    membership.write_text("0::/a/b\n")
    assert cores.usable_cores(membership, group) == 16
    (group / "a" / "cpu.max").write_text("350000 100000\n")
    (group / "a" / "b" / "cpu.max").write_text("max 100000\n")
    assert cores.usable_cores(membership, group) == 4
    (group / "cpu" / "c").mkdir(parents=True)
    membership.write_text("3:cpu,cpuacct:/c\n1:name=systemd:/\n")
    (group / "cpu" / "c" / "cpu.cfs_quota_us").write_text("50000\n")
    (group / "cpu" / "c" / "cpu.cfs_period_us").write_text("100000\n")
    assert cores.usable_cores(membership, group) == 1
    assert cores.usable_cores(tmp_path / "none", group) == 16
