"""The engines without a voice of their own: espeak in a hundred languages, tones for tests; and the check of a take."""

from __future__ import annotations

from collections.abc import Iterator

import espeakng_loader  # type: ignore[import-untyped]
import numpy as np
import pytest
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Line, Take
from e2a_sidecar.speaking.check import bounds_s, check_take
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.espeak import Espeak
from e2a_sidecar.speaking.flags import WORDS_UNSPOKEN, without_places
from e2a_sidecar.speaking.phonemes import PhonemeFrontEnd
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.tone import GAP_S, LETTER_S, Tone
from e2a_sidecar.voices.piper import PiperConfig
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

ITALIAN = "Non era un legno di lusso, ma un semplice pezzo da catasta, nel 1843."
RATE = Tone.rate_hz


def spoken(engine: Engine, *texts: str) -> list[Take]:
    lines = [Line(i, text, f"{i:064x}") for i, text in enumerate(texts)]
    return [take for batch in engine.speak(lines, lambda: False) for take in batch]


def test_espeak_speaks_with_its_own_clock() -> None:
    take = spoken(Espeak("it-IT", SpeechSettings()), ITALIAN)[0]
    assert take.words is not None
    assert [ITALIAN[w.start : w.end] for w in take.words] == [w.strip(".,") for w in ITALIAN.split()]
    times = [t for w in take.words for t in (w.start_s, w.end_s)]
    assert times == sorted(times)
    assert times[-1] <= len(take.samples) / RATE
    assert check_take(take, ITALIAN, RATE) == ()
    first = take.samples[: int(take.words[0].end_s * RATE)]
    assert np.abs(first.astype(int)).max() > 1000


def test_espeak_says_the_same_twice_and_faster_when_asked() -> None:
    usual, again, fast = Espeak("it", SpeechSettings()), Espeak("it", SpeechSettings()), Espeak("it", SpeechSettings(speed=1.8))
    take = spoken(usual, ITALIAN)[0]
    quick = spoken(fast, ITALIAN)[0]
    assert np.array_equal(take.samples, spoken(again, ITALIAN)[0].samples)
    assert 1.4 < len(take.samples) / len(quick.samples) < 2.2
    assert usual.identity == again.identity != fast.identity


@pytest.mark.parametrize(
    ("language", "voice", "flags"),
    [
        ("it-IT", "it", ()),
        ("en_GB", "en", ()),
        ("en-US", "en-us", ()),
        ("de-AT", "de", ()),
        ("zh-Hans-CN", "cmn", ()),
        ("no", "nb", ()),
        ("pt-BR", "pt-br", ()),
        ("", "en-us", ()),
        ("tlh-x", "en-us", ("other_language",)),
        ("fo", "en-us", ("other_language",)),  # whose dictionary did not come with espeak
        ("日本", "en-us", ("other_language",)),
        ("../../../../../../../../dev/zero", "en-us", ("other_language",)),
        ("en-" * 100_000, "en-us", ()),
    ],
)
def test_espeaks_voice_is_of_the_books_language_or_the_take_says_not(language: str, voice: str, flags: tuple[str, ...]) -> None:
    engine = Espeak(language, SpeechSettings())
    assert engine.identity["voice"] == voice
    assert spoken(engine, "a b c")[0].flags == flags


@pytest.mark.parametrize(
    ("language", "text", "named"),
    [
        ("ja", "うみの本を読む。", ["本", "読"]),
        ("ja", "うみ、カタカナ。", []),
        ("zh", "我们读书。", []),
        ("ko", "한국 大學 책", ["大學"]),
        ("en", "He wrote “Москва” on the wall, and π.", ["Москва"]),
        ("en", "In the beginning was the λόγος, and α is a letter.", ["λόγος"]),
        ("en", "Ἐν ἀρχῇ ἦν ὁ λόγος καὶ ὁ λόγος ἦν πρὸς τὸν θεόν.", ["Ἐν", "ἀρχῇ", "ἦν", "λόγος", "καὶ", "λόγος", "ἦν", "πρὸς", "τὸν", "θεόν"]),
        ("de", "Am Anfang war der λόγος.", []),
        ("de", "Koptisch ⲙⲛⲧ und Cherokee ᏣᎳᎩ", ["ⲙⲛⲧ", "ᏣᎳᎩ"]),
        ("ru", "Москва, Paris", []),
        ("th", "ภาษาไทย", []),
        ("de", "Ein Σ und ein Ж, naïf", []),
    ],
)
def test_what_espeak_names_and_does_not_read_is_told(language: str, text: str, named: list[str]) -> None:
    flags, places = without_places(spoken(Espeak(language, SpeechSettings()), text)[0].flags)
    assert ([text[start:end] for start, end in places], flags) == (named, [WORDS_UNSPOKEN] if named else [])


@pytest.mark.parametrize("text", ["", "...", "—"])
@pytest.mark.parametrize("engine", [Espeak("en", SpeechSettings()), Tone(SpeechSettings())], ids=["espeak", "tone"])
def test_nothing_to_pronounce_gives_no_samples_and_says_so(engine: Engine, text: str) -> None:
    take = spoken(engine, text)[0]
    assert (len(take.samples), take.words, take.flags) == (0, (), ("unpronounceable",))
    assert check_take(take, text, engine.rate_hz) == ()


@pytest.mark.parametrize("text", ["a\0b", "a \ud800 b", "[[h@]] raw", "<speak>x</speak>", "x" * 3000, "&amp; \U0001f600 yes"])
def test_hostile_text_is_only_text_to_espeak(text: str) -> None:
    take = spoken(Espeak("en", SpeechSettings()), text)[0]
    assert take.words
    assert all(0 <= w.start < w.end <= len(text) for w in take.words)


@pytest.mark.parametrize("engine", [Espeak("en", SpeechSettings()), Tone(SpeechSettings())], ids=["espeak", "tone"])
def test_a_stop_is_heard_before_the_next_line_and_lines_are_read_lazily(engine: Engine) -> None:
    read = 0

    def lines() -> Iterator[Line]:
        nonlocal read
        for i in range(10_000):
            read += 1
            yield Line(i, "one two three", "k")

    with pytest.raises(Stopped):
        for _ in engine.speak(lines(), lambda: read >= 40):
            pass
    assert read == 40


def test_espeak_stops_inside_a_line() -> None:
    asked = 0

    def stopped() -> bool:
        nonlocal asked
        asked += 1
        return asked > 5

    with pytest.raises(Stopped):
        list(Espeak("en", SpeechSettings()).speak([Line(0, "and on it went " * 500, "k")], stopped))
    assert asked == 6


def test_both_copies_of_espeak_live_in_one_process() -> None:
    raw = {"audio": {"sample_rate": RATE}, "espeak": {"voice": "en-us"}, "phoneme_id_map": DEFAULT_PHONEME_ID_MAP, "num_symbols": 256, "num_speakers": 1}
    front_end, engine = PhonemeFrontEnd(PiperConfig.from_dict(raw, "v")), Espeak("it", SpeechSettings())
    ids, sound = front_end.encode("The quick brown fox.").ids, spoken(engine, ITALIAN)[0].samples
    for _ in range(3):
        assert front_end.encode("The quick brown fox.").ids == ids
        assert np.array_equal(spoken(engine, ITALIAN)[0].samples, sound)


def test_tones_are_the_same_everywhere_and_their_words_exact() -> None:
    text = "One two, three."
    take = spoken(Tone(SpeechSettings()), text)[0]
    again = spoken(Tone(SpeechSettings()), text)[0]
    assert np.array_equal(take.samples, again.samples)
    assert take.words is not None
    assert [text[w.start : w.end] for w in take.words] == ["One", "two", "three"]
    assert [w.end_s - w.start_s for w in take.words] == pytest.approx([4 * LETTER_S, 4 * LETTER_S, 6 * LETTER_S], abs=1e-4)
    for word, following in zip(take.words, take.words[1:], strict=False):
        gap = take.samples[round(word.end_s * RATE) : round(following.start_s * RATE)]
        assert len(gap) == round(GAP_S * RATE)
        assert not gap.any()
    assert check_take(take, text, RATE) == ()


SENTENCE = "The door opened, and a man in a grey coat came in from the rain."


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    return (np.random.default_rng(0).standard_normal(int(seconds * RATE)) * level * 32767).clip(-32767, 32767).astype(np.int16)


@pytest.mark.parametrize(
    ("samples", "text", "flags", "found"),
    [
        (noise(3.5), SENTENCE, (), ()),
        (noise(3.5), SENTENCE, ("nan",), ("nan",)),
        (noise(0.0), SENTENCE, (), ("empty",)),
        (noise(0.0), SENTENCE, ("unpronounceable",), ("empty",)),
        (noise(0.0), "* * *", ("unpronounceable",), ()),
        (noise(0.4), SENTENCE, (), ("too_short",)),
        (noise(40), SENTENCE, (), ("too_long",)),
        (noise(400), SENTENCE, (), ("too_long", "empty")),
        (noise(3.5, 0.0001), SENTENCE, (), ("silent",)),
        (np.concatenate([noise(0.6), noise(3.0, 0)]), SENTENCE, (), ("silent",)),
        (noise(3.5, 3.0), SENTENCE, (), ("clipped",)),
        (noise(0.5), "No!", (), ()),
        (noise(2.3), "1843", (), ()),
        (noise(5.0), "我今天去学校看书。", (), ()),
    ],
)
def test_a_take_that_cannot_be_its_text_is_found(samples: np.ndarray, text: str, flags: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert check_take(Take(0, samples, None, 0, flags), text, RATE) == found


def test_a_fast_reading_is_measured_by_its_speed() -> None:
    take = Take(0, noise(0.6), None)
    assert check_take(take, SENTENCE, RATE) == ("too_short",)
    assert check_take(take, SENTENCE, RATE, speed=3.0) == ()
    least_s, most_s = bounds_s(SENTENCE)
    assert least_s < 3.5 < most_s


@pytest.mark.parametrize(("attribute", "value"), [("get_library_path", "/nowhere/libespeak-ng.so"), ("get_data_path", "/nowhere/espeak-ng-data")])
def test_an_espeak_that_is_not_there_is_said_so(attribute: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeakng_loader, attribute, lambda: value)
    with pytest.raises(SidecarError, match="voice_unsupported"):
        Espeak("en", SpeechSettings())
