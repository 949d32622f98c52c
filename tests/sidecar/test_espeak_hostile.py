"""No text ends the process: libespeak is C and has died of some, so each copy of it is asked in a process of its own."""

from __future__ import annotations

import random
import subprocess
import sys
from itertools import product
from typing import Final

import pytest

LETTERS: Final = (
    *("abcdefgh", "ABIXVLC", "абвгд", "αβγδ", "عربية", "हिन्दीकखग", "ไทยก", "漢字语", "かナ", "가나다라"),
    *("éßñ", "İıŞǅŉ", "0123456789", "٠١२३", "²½⅛₂"),
)
MARKS: Final = (*".,-'’…—!?:;/&%$£#*_()[]<>\"“”+=@~|\\`^°§¿«»。、।\n\t", "\xad", "\u200b", "\u200d", "\ufeff", "\u0301", "\ufe0f", "\u20e3")
EMOJI: Final = ("😀", "❤️", "#️⃣", "1️⃣", "👩‍👩‍👧", "🇬🇧", "👍🏽", "☦", "⚔", "™", "🥾", "🏝", "🚼")
KNOWN: Final = (
    *("a." * 100, "a.a. " * 100, "a . " * 200, "a\xad." * 100, "字." * 80, "He wrote " + "i.e." * 60 + " on it.", "a-" * 400, "a.b," * 100),
    *("#️⃣т", "☦ я", "™ ☦", "🇹🇨\n☦", "🇬🇧 #️⃣", "🥾 🏝", "🚼字", "🥌 т", "`", "a `", "가나" * 200, "İ" * 500, "7 " * 300, "3." + "7" * 300),
)
PHONEMES: Final = """
import sys
from e2a_sidecar.speaking.kokoro_front_end import KokoroFrontEnd
from e2a_sidecar.speaking.phonemes import PhonemeFrontEnd
from e2a_sidecar.voices.piper import PiperConfig
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP
def front_end(voice):
    if voice in ("es", "hi"):
        return KokoroFrontEnd(voice)
    described = {"audio": {"sample_rate": 22050}, "espeak": {"voice": voice}, "phoneme_type": "espeak", "phoneme_id_map": DEFAULT_PHONEME_ID_MAP}
    return PhonemeFrontEnd(PiperConfig.from_dict(described | {"num_symbols": 256, "num_speakers": 1}, "test"))
fronts = {voice: front_end(voice) for voice in sys.argv[1:]}
say = lambda voice, text: fronts[voice].encode(text)
"""
SPEECH: Final = """
import sys
from e2a_sidecar.model import Line
from e2a_sidecar.speaking.espeak import Espeak
from e2a_sidecar.speaking.espeak_library import phoneme_lines
from e2a_sidecar.speaking.settings import SpeechSettings
def say(voice, text):
    phoneme_lines(voice, text)
    if len(text) < 60:
        list(Espeak(voice, SpeechSettings(speed=4.0)).speak([Line(0, text, "k")], lambda: False))
"""
READ: Final = """
for number, line in enumerate(sys.stdin):
    voice, text = eval(line)
    print(number, flush=True)
    say(voice, text)
"""


def _piece(chance: random.Random) -> str:
    letters, marks = chance.choice(LETTERS), chance.choice(MARKS)
    return chance.choice(
        (
            "".join(chance.choices(letters, k=chance.choice((1, 2, 5, 30)))),
            (chance.choice(letters) + marks) * chance.choice((1, 2, 10, 100)),
            "".join(chance.choice(chance.choice(LETTERS)) for _ in range(8)),
            marks * chance.choice((1, 1, 3)),
            chance.choice(EMOJI) * chance.choice((1, 1, 20)),
        )
    )


def _texts(seed: int, count: int) -> list[str]:
    chance = random.Random(seed)
    return ["".join(_piece(chance) + chance.choice(("", " ", " ")) for _ in range(chance.choice((1, 3, 8)))) for _ in range(count)]


@pytest.mark.parametrize(
    ("program", "voices", "count"),
    [(PHONEMES, ("en-us", "de", "ru", "ar", "cmn", "pt", "es", "hi"), 80), (SPEECH, ("en-us", "fr", "vi", "bn", "hi"), 50)],
    ids=["piper-tts", "espeakng-loader"],
)
def test_no_text_ends_the_process(program: str, voices: tuple[str, ...], count: int) -> None:
    asked = [*product(voices, KNOWN), *((voice, text) for voice in voices for text in _texts(len(voice), count))]
    command = [sys.executable, "-X", "utf8", "-c", program + READ, *voices]
    answer = subprocess.run(command, input="\n".join(map(ascii, asked)), capture_output=True, text=True, timeout=300, check=False)
    last = int((answer.stdout.split() or [-1])[-1])
    assert answer.returncode == 0, f"{asked[last]!a} ended it with {answer.returncode}: {answer.stderr[-300:]}"
    assert last == len(asked) - 1
