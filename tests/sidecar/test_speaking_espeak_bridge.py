"""espeak is told a voice as seldom as can be, and writes what it would write if it were told before each text."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest
from e2a_sidecar.speaking.espeak_bridge import ToldOnce, let_go
from e2a_sidecar.speaking.phonemes import espeak_phonemes
from piper import espeakbridge

TEXTS = {
    "en-us": ["The first one is plain.", "Another, with a clause; and a second.", "It is déjà vu.", "Read on.", "The last one.", "1843"],
    "de": ["Das ist ein Satz.", "Der Manager hat ein Meeting im Office.", "Und noch einer, ganz ohne.", "The book has been written.", "Zum Schluss."],
    "fr": ["Voilà une phrase.", "Un week-end de shopping, please.", "Et la dernière."],
}


class Espeak(ModuleType):
    """Counts what it is told; a text in capitals changes the language."""

    def __init__(self) -> None:
        super().__init__("espeakbridge")
        self.told: list[str] = []

    def initialize(self, data: str) -> None:
        if data == "none":
            raise RuntimeError("Failed to initialize")
        self.told.append(f"begins with {data}")

    def set_voice(self, voice: str) -> None:
        if voice == "none":
            raise RuntimeError("Failed to set voice")
        self.told.append(voice)

    def get_phonemes(self, text: str) -> list[tuple[str, str, bool]]:
        return [(f"(en){text}({self.told[-1]})" if text.isupper() else text, ".", True)]


def spoken(once: ToldOnce, voice: str, *texts: str) -> None:
    for text in texts:
        once.set_voice(voice)
        assert once.get_phonemes(text)


def test_a_voice_is_told_once_for_all_plain_texts() -> None:
    espeak = Espeak()
    once = ToldOnce(espeak)
    spoken(once, "de", "a", "b", "c")
    spoken(once, "fr", "a", "b")
    assert espeak.told == ["de", "fr"]


def test_it_is_told_before_a_text_that_changes_the_language_and_after_it() -> None:
    espeak = Espeak()
    once = ToldOnce(espeak)
    spoken(once, "de", "a", "MANAGER", "MEETING", "b", "c")
    assert espeak.told == ["de", "de", "de", "de"]


def test_a_voice_that_is_not_there_is_told_again_each_time_and_the_one_before_too() -> None:
    espeak = Espeak()
    once = ToldOnce(espeak)
    spoken(once, "de", "a")
    for _ in range(2):
        with pytest.raises(RuntimeError):
            once.set_voice("none")
    spoken(once, "de", "b")
    assert espeak.told == ["de", "de"]


def test_it_is_begun_once_whoever_asks() -> None:
    espeak = Espeak()
    once = ToldOnce(espeak)
    with pytest.raises(RuntimeError):
        once.initialize("none")
    once.initialize("data")
    once.initialize("data")
    assert espeak.told == ["begins with data"]


def test_another_phonemizer_beside_ours_leaves_espeak_its_tables() -> None:
    """Where it is begun twice and the memory in between has gone to others, it says nothing more."""
    told = subprocess.run([sys.executable, "-c", BEGUN_TWICE], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.split() == ["True"]


BEGUN_TWICE = """
import ctypes, sys
from e2a_sidecar.speaking.phonemes import espeak_phonemes
from piper.phonemize_espeak import ESPEAK_DATA_DIR, EspeakPhonemizer
c = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
c.malloc.restype, c.malloc.argtypes, c.free.argtypes = ctypes.c_void_p, (ctypes.c_size_t,), (ctypes.c_void_p,)
size = (ESPEAK_DATA_DIR / "phontab").stat().st_size
holes = [(c.malloc(size), c.malloc(200))[0] for _ in range(64)]
before = espeak_phonemes("de", "Das ist ein Satz.")
for hole in holes:
    c.free(hole)
EspeakPhonemizer()
for _ in holes:
    ctypes.memset(c.malloc(size), 0, size)
print(espeak_phonemes("de", "Das ist ein Satz.") == before)
"""


def test_phonemes_are_those_of_a_voice_that_is_told_each_time() -> None:
    def told_each_time(voice: str, text: str) -> list[list[str]]:
        espeak_phonemes("en-us" if voice != "en-us" else "de", "a")
        return espeak_phonemes(voice, text)

    wanted = {(voice, text): told_each_time(voice, text) for voice, texts in TEXTS.items() for text in texts}
    found = {(voice, text): espeak_phonemes(voice, text) for voice, texts in TEXTS.items() for text in [*texts, *reversed(texts)]}
    assert found == wanted


def test_no_answer_is_kept_for_ever() -> None:
    espeak_phonemes("en-us", "It begins.")
    for held in (espeakbridge.get_phonemes("The first, and the second."), let_go([(str(number), ",", False) for number in range(3)])):
        weights = [sys.getrefcount(clause) for clause in held]
        own = [sys.getrefcount(clause) for clause in [(str(number), ",", False) for number in range(len(held))]]
        assert weights == own
        assert let_go(held) is held and [sys.getrefcount(clause) for clause in held] == own

