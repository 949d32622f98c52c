"""The languages that the plugin has espeak read, and the scripts that its voices read, are those of the espeak in the engine."""

from __future__ import annotations

from pathlib import Path

import espeakng_loader  # type: ignore[import-untyped]
import pytest
from e2a_sidecar.reading.language import normalise
from e2a_sidecar.speaking.espeak import _MUTE, _voice_for
from e2a_sidecar.speaking.espeak_library import fresh, phoneme_lines
from e2a_sidecar.speaking.espeak_scripts import READ_BY, SPELT_BY

from plugin.languages import _TWO_LETTERS, base_language
from plugin.speaking.espeak_languages import NAMED, READ, unread

DATA = Path(espeakng_loader.get_data_path())
VOICES = sorted(path.name.lower() for path in (DATA / "lang").rglob("*") if path.is_file())
SAMPLES = {
    "GREEK": "λόγος",
    "CYRILLIC": "Москва",
    "HEBREW": "שלום",
    "ARABIC": "سلام",
    "ORIYA": "ଓଡ଼ିଆ",
    "TELUGU": "తెలుగు",
    "THAI": "ไทย",
    "MYANMAR": "မြန်မာ",
    "ETHIOPIC": "አማርኛ",
    "CJK": "東京",
    "HIRAGANA": "うみ",
    "KATAKANA": "カタ",
    "LAO": "ລາວ",
    "KHMER": "ខ្មែរ",
    "TIBETAN": "བོད",
}


def test_all_languages_that_espeak_has_are_read_but_those_of_another_script() -> None:
    codes = {*_TWO_LETTERS.values(), *(base_language(voice) for voice in VOICES)}
    with fresh() as (library, _):
        known = {base_language(code) for code in codes if _voice_for(library, code)[1]}
    assert known == READ | NAMED
    assert {"br", "fo", "gl"} <= codes - known


@pytest.mark.parametrize("tail", ["", "-ZZ", "_ZZ"])
def test_what_is_called_read_is_spoken_by_its_own_rules_however_its_code_is_written(tail: str) -> None:
    with fresh() as (library, _):
        known = {code for code in _TWO_LETTERS if _voice_for(library, normalise(code + tail))[1]}
    assert known == {code for code in _TWO_LETTERS if unread(code + tail) != "espeak_unknown"}


def test_a_language_without_a_dictionary_is_none() -> None:
    for language in _MUTE:
        assert not (DATA / f"{language}_dict").exists() and phoneme_lines(language, "abc") in ([], [""])


@pytest.mark.parametrize(("language", "why"), [("jpn", "espeak_named"), ("ja-JP", "espeak_named"), ("bre", "espeak_unknown"), ("deu", ""), ("und", "")])
def test_why_a_language_is_not_read(language: str, why: str) -> None:
    assert unread(language) == why


@pytest.mark.parametrize("script", READ_BY)
def test_the_voices_that_read_a_script_are_those_that_do_not_name_its_letters(script: str) -> None:
    assert {voice.partition("-")[0] for voice in VOICES if voice not in _MUTE and _reads(voice, script)} == READ_BY[script]


@pytest.mark.parametrize("script", SPELT_BY)
def test_the_voices_that_name_the_letters_of_a_script_that_most_read_are_known(script: str) -> None:
    assert {voice.partition("-")[0] for voice in VOICES if voice not in _MUTE and not _reads(voice, script)} == SPELT_BY[script]


def _reads(voice: str, script: str) -> bool:
    """A letter that is named brings a stress of its own, or another language's voice; each Chinese character that is named has the same name."""
    word = SAMPLES[script]
    if script == "CJK":
        return len({"".join(phoneme_lines(voice, character)) for character in word}) > 1
    said = "".join(phoneme_lines(voice, word))
    return bool(said) and "(en)" not in said and sum(said.count(stress) for stress in "ˈˌ") <= 2 and len(said.replace("_", "")) <= 4 * len(word)
