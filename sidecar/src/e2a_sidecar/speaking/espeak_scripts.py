"""What espeak only names, letter by letter ("Chinese letter", "Hebrew shin"), or leaves out, where a listener wants the word: scripts that a voice cannot read.

A single Greek letter is well named; so is one of any alphabet that stands alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from itertools import groupby
from typing import Final

READ_BY: Final[Mapping[str, frozenset[str]]] = {
    script: frozenset(voices.split())
    for script, voices in {
        "CYRILLIC": "ba be bg bs cv hr ka kk ky lfn ltg lv mk nog ru sr tt uk uz",
        "HEBREW": "he",
        "ARABIC": "ar fa sd ug ur",
        "ORIYA": "or",
        "TELUGU": "te",
        "THAI": "th",
        "MYANMAR": "my shn",
        "ETHIOPIC": "am ti",
        "CJK": "cmn yue",
        "HIRAGANA": "ja",
        "KATAKANA": "ja",
        "LAO": "",
        "KHMER": "",
        "TIBETAN": "",
    }.items()
}
"""First word of a character's name in Unicode -> espeak's voices (without their regions) that read it."""
SPELT_BY: Final[Mapping[str, frozenset[str]]] = {"GREEK": frozenset(("af", "bs", "en", "hr", "lt", "mk", "sr", "vi"))}
"""... -> the voices that do not; each other one reads it, or has another voice read it."""
_ANY_READS: Final = (
    *("LATIN", "ARMENIAN", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "TAMIL", "KANNADA", "MALAYALAM", "SINHALA", "GEORGIAN", "HANGUL", "SHAVIAN"),
    *("COMBINING", "MODIFIER", "VARIATION", "VEDIC", "FEMININE", "MASCULINE", "MICRO", "SUPERSCRIPT", "FULLWIDTH", "HALFWIDTH"),
)
"""Every voice, or another one for it; and marks and signs among letters. Of any script that stands in no table (Coptic, Cherokee) no voice reads a word."""
_WORDS: Final = frozenset(("CJK", "HIRAGANA", "KATAKANA"))
"""One character may be a word, and its name says nothing of it."""


def named(text: str, voice: str) -> list[tuple[int, int]]:
    """[start, end) of each run of characters that this voice names and does not read."""
    if text.isascii():
        return []
    base, found, at = voice.partition("-")[0], list[tuple[int, int]](), 0
    for script, run in groupby(text, _script):
        end = at + len(list(run))
        if script and not _reads(base, script) and (end - at > 1 or script in _WORDS):
            found.append((at, end))
        at = end
    return found


def _reads(base: str, script: str) -> bool:
    if script in SPELT_BY:
        return base not in SPELT_BY[script]
    return script in _ANY_READS or base in READ_BY.get(script, ())


@lru_cache(maxsize=10_000)
def _script(character: str) -> str:
    """Empty for what is no letter, nor a mark of one."""
    return unicodedata.name(character, "").partition(" ")[0] if unicodedata.category(character)[0] in "LM" else ""
