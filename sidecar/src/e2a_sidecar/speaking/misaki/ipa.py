"""espeak's phonemes in misaki's alphabet, with the sounds that English has in the package's lexicons: no student has learned others.

Diphthongs and affricates are one letter each, American vowels have no length, r is written where it is heard; what other languages have
becomes its nearest neighbour.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_BOTH: Final = "bdfhijklmnpstuvwzðŋɔəɛɜɡɪɹʃʊʌʒʤʧθᵊɑɐAIWYˈˌ"
AMERICAN: Final = frozenset(_BOTH + "OTæᵻ")
BRITISH: Final = frozenset(_BOTH + "Qaɒː")
"""What the lexicons say words with."""
_VOWELS: Final = frozenset("iuaæɑɒɔəɛɜɪʊʌɐᵻᵊAIOQWY")

_SOUNDS: Final = {
    "tʃ": "ʧ", "dʒ": "ʤ", "aɪ": "I", "aʊ": "W", "eɪ": "A", "ɔɪ": "Y", "ʔn̩": "tn", "ɚ": "əɹ", "ɝ": "ɜɹ", "e": "A", "r": "ɹ", "ɐ": "ə",
    "ʲə": "jə", "ʲ": "", "x": "k", "ç": "k", "ʔ": "t", "g": "ɡ",
    # of other languages
    "c": "k", "q": "k", "ɟ": "ɡ", "ɣ": "ɡ", "ɢ": "ɡ", "ʛ": "ɡ", "ɠ": "ɡ", "χ": "k", "ħ": "h", "ɦ": "h", "ʜ": "h", "ɧ": "ʃ", "ʕ": "", "ʡ": "", "ʢ": "",
    "ʁ": "ɹ", "ʀ": "ɹ", "ɻ": "ɹ", "ɽ": "ɹ", "ɺ": "ɹ", "ɭ": "l", "ɫ": "l", "ɬ": "l", "ɮ": "l", "ʟ": "l", "ʎ": "lj", "ɲ": "nj", "ɳ": "n", "ɴ": "ŋ",
    "ɱ": "m", "ʈ": "t", "ɖ": "d", "ɗ": "d", "ᶑ": "d", "ɓ": "b", "ʙ": "b", "ʄ": "ʤ", "ʂ": "ʃ", "ʐ": "ʒ", "ɕ": "ʃ", "ʑ": "ʒ", "ɸ": "f", "β": "v",
    "ʋ": "v", "ⱱ": "v", "ɰ": "w", "ɥ": "w", "ʍ": "w", "ʝ": "j", "ʦ": "ts", "ʣ": "dz", "ʨ": "ʧ", "ʥ": "ʤ", "ʘ": "p", "ǀ": "t", "ǃ": "t", "ǂ": "t", "ǁ": "k",
    "y": "u", "ʏ": "ʊ", "ø": "ɜ", "œ": "ɜ", "ɶ": "ɑ", "ɞ": "ɜ", "ɘ": "ə", "ɵ": "ə", "ɤ": "ʌ", "ɯ": "u", "ɨ": "ɪ", "ʉ": "u", "ε": "ɛ",
}  # fmt: skip
_AMERICAN: Final = {"oʊ": "O", "o": "O", "ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɪə": "iə", "ɾ": "T", "a": "ɑ", "ɒ": "ɑ", "ː": "", "ˑ": "", "Q": "O"}
_BRITISH: Final = {"əʊ": "Q", "oʊ": "Q", "o": "ɔː", "oː": "ɔː", "eə": "ɛː", "iə": "ɪə", "æ": "a", "ᵻ": "ɪ", "ɾ": "t", "ˑ": "ː", "ɚ": "ə", "T": "t", "O": "Q"}
_DECOMPOSED: Final = unicodedata.normalize("NFD", "ç")
_SYLLABIC: Final = re.compile(r"(\S)̩")
_TWICE: Final = re.compile(f"([{''.join(sorted(_VOWELS))}])\\1+")
_FINAL_L: Final = re.compile(r"əl(?![ˈˌaeiouyɐɑɒæɔəɛɜɪʊʌᵻɚʲj])")
_NO_SOUND: Final = re.compile("[^\\w\\sˈˌːˑ]|[\\d_]|[ʰʱʷˠˤⁿˡʼ'˞˥-˩]")


class Alphabet:
    """One accent's."""

    def __init__(self, british: bool) -> None:
        self.sounds = BRITISH if british else AMERICAN
        self._table = _SOUNDS | (_BRITISH if british else _AMERICAN)
        self._known = re.compile("|".join(map(re.escape, sorted(self._table, key=len, reverse=True))))

    def of_espeak(self, phonemes: str) -> tuple[str, str]:
        """espeak's IPA in this alphabet, and those of its signs that have no sound here."""
        phonemes = unicodedata.normalize("NFD", phonemes).replace(_DECOMPOSED, "ç")
        phonemes = self._known.sub(lambda m: self._table[m[0]], _FINAL_L.sub("ᵊl", phonemes))
        phonemes = _TWICE.sub(r"\1", phonemes)
        phonemes = " ".join(_NO_SOUND.sub("", _SYLLABIC.sub(r"ᵊ\1", phonemes)).split())
        return "".join(p for p in phonemes if p in self.sounds or p == " "), "".join(p for p in phonemes if p not in self.sounds and p != " ")

    def is_word(self, phonemes: str) -> bool:
        """Are these sounds alone, a vowel among them?"""
        return self.sounds.issuperset(phonemes.replace(" ", "")) and not _VOWELS.isdisjoint(phonemes)
