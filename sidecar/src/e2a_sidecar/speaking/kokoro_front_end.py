"""Text to the phoneme ids of Kokoro, in the languages that it speaks besides English: espeak's phonemes in its alphabet. No voice weights.

Kokoro learned these languages from espeak's IPA with one letter for what espeak names as one sound ("tʃ" is ʧ, "aɪ" is I). English is
`misaki.front_end`'s, in the same alphabet.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking import align
from e2a_sidecar.speaking.clauses import PAD, cut
from e2a_sidecar.speaking.espeak_data import WITHOUT_PICTURES, c_text
from e2a_sidecar.speaking.espeak_limits import whole
from e2a_sidecar.speaking.phonemes import Encoded, PhonemeFrontEnd, WordSpan, espeak_phonemes, without_abbreviation_dots
from e2a_sidecar.speaking.words import word_places

REVISION: Final = 1  # raised when the same text gives other ids
VOICES: Final[Mapping[str, str]] = {"es": "es", "fr": "fr", "hi": "hi", "it": "it", "pt": "pt-br"}
"""A language's code of two letters -> espeak's voice."""
_RUNS: Final = (
    (1, ";:,.!?"), (9, '—…"()“” ̃ʣʥʦʨᵝꭧAI'), (31, "O"), (33, "Q"), (35, "ST"), (39, "W"), (41, "Yᵊabcdef"), (50, "hijklmnopqrstuvwxyzɑɐɒæ"), (75, "βɔɕç"),
    (80, "ɖðʤə"), (85, "ɚɛɜ"), (90, "ɟ"), (92, "ɡ"), (99, "ɥ"), (101, "ɨɪʝ"), (110, "ɯɰŋɳɲɴø"), (118, "ɸθœ"), (123, "ɹ"), (125, "ɾɻ"), (128, "ʁɽʂʃʈʧ"),
    (135, "ʊʋ"), (138, "ʌɣɤ"), (142, "χʎ"), (147, "ʒʔ"), (156, "ˈˌː"), (162, "ʰ"), (164, "ʲ"), (169, "↓"), (171, "→↗↘"), (177, "ᵻ"),
)  # fmt: skip
IDS: Final[Mapping[str, int]] = {sign: first + number for first, signs in _RUNS for number, sign in enumerate(signs)}
"""Kokoro's alphabet, of model 1.0."""
_CLAUSE_ENDS: Final = frozenset(IDS[mark] for mark in ";:,.!?—…")
_CLOSING: Final = frozenset(IDS[mark] for mark in '”")')
_ONE_SOUND: Final = {"aɪ": "I", "aʊ": "W", "dz": "ʣ", "dʒ": "ʤ", "eɪ": "A", "oʊ": "O", "əʊ": "Q", "ts": "ʦ", "tʃ": "ʧ", "ɔɪ": "Y"}
_OF_LANGUAGE: Final[Mapping[str, Mapping[str, str]]] = {"it": {"ss": "S"}}
_NEAREST: Final = {
    "g": "ɡ", "ɫ": "l", "ɭ": "l", "ɬ": "l", "ʟ": "l", "ʀ": "ʁ", "ħ": "h", "ɦ": "h", "ʱ": "ʰ", "ʉ": "u", "ʏ": "y", "ɵ": "ø", "ɘ": "ə", "ɝ": "ɚ", "ɱ": "m",
    "ʍ": "w", "ʑ": "ʒ", "ʐ": "ʒ", "ɓ": "b", "ɗ": "d", "ɠ": "ɡ", "ʄ": "ɟ", "ɢ": "ɡ", "ʙ": "b", "ɺ": "ɾ", "ε": "ɛ", "ˑ": "ː", "ɞ": "ɜ", "ɶ": "œ",
}  # fmt: skip
"""What espeak says of foreign words, too, and Kokoro has no id for."""
_C_CEDILLA: Final = unicodedata.normalize("NFD", "ç")
_NO_SOUND: Final = re.compile("[-‿'ʼ_\u0320-\u032f\u0339-\u033d\u0361\u200d]")  # ties, and where or how a sound is made
_DANDA: Final = "\u0964"  # ends a Hindi sentence, which espeak does not tell
_CACHED_WORDS: Final = 20_000
_MARKS: Final = frozenset(';:,.!?—…"()“” ')


class KokoroFrontEnd:
    """Of one language; see loaded.FrontEnd. Several threads may use it at once."""

    def __init__(self, language: str) -> None:
        """language: of VOICES. SidecarError `voice_unsupported` where espeak does not have it."""
        self.name = self.name_of(language)
        self.version = self.version_of()
        self._voice = VOICES[language]
        self._table = {**_ONE_SOUND, **_OF_LANGUAGE.get(language, {}), **_NEAREST}
        self._known = re.compile("|".join(map(re.escape, sorted(self._table, key=len, reverse=True))))
        self._alone = lru_cache(maxsize=_CACHED_WORDS)(self._said)
        self._last = threading.local()
        self._said("a")  # a voice that espeak does not have is found here, not in the book

    @staticmethod
    def name_of(language: str) -> str:
        """`name` without opening espeak."""
        return f"kokoro-espeak-{language}"

    @staticmethod
    def version_of() -> str:
        """`version` without opening espeak: of piper-tts, whose espeak it is, and what is done here."""
        return f"{PhonemeFrontEnd.version_of()}+{REVISION}"

    def encode(self, text: str) -> Encoded:
        """Ids for the text as one line, with the pad at both ends. Nothing to pronounce: no words, and no ids but the pads."""
        places = word_places(text)
        phonemes, _ = self._said(text)
        alone = [self._alone(text[start:end]) for start, end in places]
        owners = align.owners(phonemes, [its for its, _ in alone])
        bounds: dict[int, tuple[int, int]] = {}
        for at, (phoneme, owner) in enumerate(zip(phonemes, owners, strict=True), 1):
            if owner >= 0 and phoneme not in _MARKS:
                bounds[owner] = (bounds.get(owner, (at, at))[0], at + 1)
        self._last.text = text
        self._last.lost = tuple(
            place for number, (place, (its, unknown)) in enumerate(zip(places, alone, strict=True)) if unknown or (number not in bounds and not _elided(its))
        )
        ids = (IDS[phoneme] for phoneme in phonemes) if bounds else ()
        return Encoded((PAD, *ids, PAD), tuple(WordSpan(*places[number], *bounds[number]) for number in sorted(bounds)))

    def lost(self, text: str) -> tuple[tuple[int, int], ...]:
        """As `MisakiFrontEnd.lost`."""
        if getattr(self._last, "text", None) != text:
            self.encode(text)
        return tuple(self._last.lost)

    def pieces(self, encoded: Encoded, longest: int) -> tuple[Encoded, ...]:
        """See clauses.cut."""
        return cut(encoded, longest, IDS[" "], _CLAUSE_ENDS, _CLOSING)

    def _said(self, text: str) -> tuple[str, bool]:
        """Of one text: phonemes that all have ids, and whether others were among them."""
        try:
            clean = without_abbreviation_dots(c_text(text.replace(_DANDA, "."), pictures=self._voice not in WITHOUT_PICTURES))
            lists = whole(clean, lambda part: espeak_phonemes(self._voice, part), "".join)
        except RuntimeError as error:
            raise SidecarError("voice_unsupported", repr(error), voice=self._voice, reason="espeak does not know its language") from None
        phonemes = " ".join(" ".join("".join(each) for each in lists).split()).replace(_C_CEDILLA, "ç")
        phonemes = self._known.sub(lambda m: self._table[m[0]], _NO_SOUND.sub("", phonemes))
        return "".join(p for p in phonemes if p in IDS), any(p not in IDS for p in phonemes)


def _elided(phonemes: str) -> bool:
    """May a word that sounds so alone be one with its neighbour, as in "todo o dia"?"""
    return sum(phoneme not in _MARKS and phoneme not in "ˈˌː" for phoneme in phonemes) == 1
