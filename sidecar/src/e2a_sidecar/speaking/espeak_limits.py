"""What espeak has no room for it leaves away without a word; here such text is given to it in parts.

A clause holds 800 bytes of text, 1,000 phonemes and 300 words (nineteen numbers of six digits in a row are too many), a number
some 27 digits, a word 160 bytes; of some it writes a little more than they hold. The numbers are
those of espeak-ng 1.52's `translate.h` and `synthesize.h`; what it counts are also pauses that are not seen in its phonemes, so a
clause is taken for full well before.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final, TypeVar

Said = TypeVar("Said")

_FULL: Final = 880  # characters of a clause's phonemes without stress and accents; cut off, it had 896 or more in twelve kinds of text and eight languages
_MOST_PARTS: Final = 250
_MOST_BYTES: Final = 720  # with a space for each part, as espeak sets them
_MOST_CAPITAL_I: Final = 60  # Turkish gives each a second byte in a buffer that is full by then
_LONGEST_NUMBER: Final = 20
_LONGEST_WORD: Final = 150  # bytes
_PART: Final = re.compile(r"\w+|[^\w\s]")
_NUMBER: Final = re.compile(rf"(?P<point>\d[.,])?(?P<digits>\d{{{_LONGEST_NUMBER + 1},}})")
_WORD: Final = re.compile(rf"[^\W\d_\u3400-\u9fff]{{{_LONGEST_WORD // 4},}}")  # Chinese characters are words each
_RUN: Final = re.compile(r"[^\s。，、；：！？]{120,}")  # these end a clause without a space
_RUN_PART: Final = re.compile(r".{40,100}(?<=[^\w.,:;!?'’])(?=.)|.{100}(?=.)", re.DOTALL)
_STRETCH: Final = re.compile(r"(?:[^.,;:!?…。，、；：！？।]|[.,;:!?…](?=\S))+")
_CLAUSE_END: Final = re.compile(r"[,;:] ")  # as piper-tts joins clauses
_CUT: Final = re.compile(r"(?P<clause>[,;:.!?…—–]?)\s+")


def whole(text: str, said_of: Callable[[str], list[Said]], clauses_of: Callable[[Said], str]) -> list[Said]:
    """`said_of` of the text, or of its parts where something may be missing.

    said_of: what espeak makes of a text, in order. clauses_of: the phonemes of one such, with the marks between clauses, if any.
    """
    text = roomy(text)
    middle = _middle(text)
    if not middle or not _is_crowded(text):
        said = said_of(text)
        if not middle or not any(is_full(clauses_of(one)) for one in said):
            return said
    return whole(text[:middle], said_of, clauses_of) + whole(text[middle:], said_of, clauses_of)


def roomy(text: str) -> str:
    """With spaces in what has no end: the digits of numbers one by one, as espeak says them itself, words and runs of signs cut."""
    text = _NUMBER.sub(_digit_by_digit, text)
    return _RUN.sub(lambda run: _RUN_PART.sub(r"\g<0> ", run[0]), _WORD.sub(_cut, text))


def origins(text: str, made: str) -> list[int]:
    """Of each character of what `roomy` made of a text, where it stands in that, and where the text ends."""
    found, at = [], 0
    for character in made:
        found.append(at)
        at += at < len(text) and character == text[at]
    return [*found, len(text)]


def _is_crowded(text: str) -> bool:
    if len(_PART.findall(text)) > _MOST_PARTS or text.count("I") > _MOST_CAPITAL_I:
        return True
    taken = unicodedata.normalize("NFD", text)  # as it takes Korean apart
    return _bytes(taken) > _MOST_BYTES // 2 and any(_bytes(each) + len(_PART.findall(each)) > _MOST_BYTES for each in _STRETCH.findall(taken))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def is_full(phonemes: str) -> bool:
    """May words be missing behind these?"""
    return any(sum(c not in "ˈˌː_" and not unicodedata.combining(c) for c in clause) >= _FULL for clause in _CLAUSE_END.split(phonemes))


def _middle(text: str) -> int:
    """Where a text is best parted: at the white space nearest to its middle, better one behind a clause; 0: nowhere."""
    inner = len(text.rstrip())
    places = [(abs(m.end() - inner / 2) * (1 if m["clause"] else 3), m.end()) for m in _CUT.finditer(text) if m.start() > 0 and m.end() < inner]
    return min(places, default=(0, 0))[1]


def _digit_by_digit(number: re.Match[str]) -> str:
    """What follows a decimal point is said so already: only the digits beyond what there is room for are parted."""
    point, digits = number["point"] or "", number["digits"]
    kept = _LONGEST_NUMBER if point else 1
    return point + digits[:kept] + "".join(f" {digit}" for digit in digits[kept:])


def _cut(word: re.Match[str]) -> str:
    size = _LONGEST_WORD // max(_bytes(character) for character in word[0])
    return " ".join(word[0][i : i + size] for i in range(0, len(word[0]), size))
