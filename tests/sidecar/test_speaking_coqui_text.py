"""A coqui voice hears what the espeak-ng program would have told it, asked in this process."""

from __future__ import annotations

import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Line
from e2a_sidecar.speaking.espeak import Espeak
from e2a_sidecar.speaking.espeak_library import phoneme_lines
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.coqui_text import Alphabet, CoquiFrontEnd, InProcessEspeak


def test_a_clause_without_a_stressed_word_is_stressed_as_the_program_stresses_it() -> None:
    assert InProcessEspeak("en-us", "v")("and") == "ˈænd"
    assert InProcessEspeak("en-us", "v")("this and that") == "ðɪs ænd ðˈæt"


def test_words_of_two_clauses_are_not_glued() -> None:
    assert InProcessEspeak("en-us", "v")("so – called") == "sˈoʊ kˈɔːld"


def test_marks_of_another_language_are_not_spoken() -> None:
    assert phoneme_lines("fr", "le football") == ["l_ə- (en)_f_ˈʊ_t_b_ɔː_l_(fr)"]
    assert InProcessEspeak("fr-fr", "v")("le football") == "lə- fˈʊtbɔːl"


def test_what_is_espeaks_own_notation_elsewhere_is_text_here() -> None:
    assert InProcessEspeak("en-us", "v")("[[cat]]") == "kˈæt"


@pytest.mark.parametrize("text", ["a\0b", "a \ud800 b", "", " ", "((((", "<speak>x</speak>", "b" * 3000])
def test_hostile_text_is_only_text(text: str) -> None:
    espeak = InProcessEspeak("en-us", "v")
    espeak(text)
    assert espeak("after it") == "ˈæftɚɹ ɪt"


def test_no_word_is_lost_where_espeak_has_no_room_for_all() -> None:
    assert InProcessEspeak("en-us", "v")("777777 " * 60).count("sˈɛvənti") == 120


def test_a_language_that_espeak_does_not_have_is_said_so() -> None:
    with pytest.raises(SidecarError, match="voice_unsupported"):
        InProcessEspeak("xx-yy", "v")


def test_espeaks_own_speech_is_the_same_after_phonemes_were_asked_for_and_they_after_it() -> None:
    line = Line(0, "A sentence, spoken by the robot.", "key")

    def spoken() -> bytes:
        return next(iter(Espeak("en", SpeechSettings()).speak([line], lambda: False)))[0].samples.tobytes()

    before = spoken()
    said = phoneme_lines("de", "Ein Satz")
    assert spoken() == before
    assert phoneme_lines("de", "Ein Satz") == said == ["_aɪ_n z_ˈa_ts"]


@pytest.mark.parametrize("espeak", [False, True])
def test_a_word_of_which_a_voice_of_letters_has_no_letter_is_told(espeak: bool) -> None:
    alphabet = Alphabet({character: number for number, character in enumerate("_ .,-abcdefghijklmnopqrstuvwxyz")}, 0, None, None)
    text = "In 1914 he had -5 % and CO₂ in Россия, 3.5!"
    front_end = CoquiFrontEnd(alphabet, "basic_cleaners", InProcessEspeak("en-us", "v") if espeak else None, True, False, "en", "v")
    assert [text[start:end] for start, end in front_end.lost(text)] == ([] if espeak else ["1914", "-5", "%", "Россия", "3.5"])
