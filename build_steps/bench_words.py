"""How many words of what was said a recogniser did not hear so. English. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_SMALL: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SHORT: Final = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint"}


def misheard(said: Sequence[str], heard: Sequence[str]) -> float:
    """Words that were heard wrong, not heard, or heard and not said, over the words that were said (the word error rate).

    said, heard: sentence by sentence, as many. Above 1 where much is heard that nobody said.
    """
    pairs = [(words(one), words(other)) for one, other in zip(said, heard, strict=True)]
    return sum(edits(one, other) for one, other in pairs) / max(1, sum(len(one) for one, _ in pairs))


def words(text: str) -> list[str]:
    """In small letters, without marks; what a recogniser writes in figures or in short as it is said."""
    text = re.sub(r"[‘’]", "'", text.lower())
    text = re.sub(r"\b(mr|mrs|dr|st)\.", lambda found: _SHORT[found[1]], text)
    text = re.sub(r"\b\d{1,2}\b", lambda found: _spelt(int(found[0])), text)
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text)


def _spelt(number: int) -> str:
    """Below a hundred."""
    if number < len(_SMALL):
        return _SMALL[number]
    return _TENS[number // 10 - 2] + (f" {_SMALL[number % 10]}" if number % 10 else "")


def edits(one: Sequence[str], other: Sequence[str]) -> int:
    """The fewest words to change, leave out or put in that make one the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for taken, word in enumerate(one, 1):
        before, row[0] = row[0], taken
        for at, heard in enumerate(other, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (word != heard))
    return row[-1]
