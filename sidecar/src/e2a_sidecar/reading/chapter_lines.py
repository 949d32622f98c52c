"""Chapters of a book that has neither a table of contents nor headings: lines of their own that say so, as texts and scans have them.

"CHAPTER ONE", "2. Kapitel", "第三章", or where nothing says so, numbers that count from one, far apart. What stands as close together as in a
list of chapters is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

MAX_LINE_CHARS: Final = 100
_LEAST: Final = 2
_LEAST_NUMBERS: Final = 3
_LEAST_WORDS: Final = 25
"""Of a chapter; of less only a list of them stands below."""
_NUMBERED_WORDS: Final = 500
"""Of those that have numbers alone, on average: verses, steps, and the pages of a scan have fewer."""

_WORD: Final = (
    r"chapter|chap\.|kapitel|kapitola|chapitre|cap[íi]tulo|capitolo|cap[íi]tol|capitolul|hoofdstuk|rozdział|глава|розділ|luku|fejezet|poglavlje|bölüm"
)
_ROMAN: Final = r"(?=[IVXLC])C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_ONES: Final = "one|two|three|four|five|six|seven|eight|nine"
_SPELT: Final = (
    rf"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[\s-](?:{_ONES}))?|{_ONES}|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    "|eighteen|nineteen"
)
_BEHIND: Final = r"(?:\s?[.:—–-]+\s*\S.*|\s+(?![^\W\d_]*[a-zà-öø-ÿа-я])\S.*)?"
"""A title: behind a mark, or in capitals."""
_NUMBERED: Final = rf"(?i:{_WORD})\s+(?:\d{{1,3}}|{_ROMAN}|(?i:{_SPELT})){_BEHIND}[.:]?"
_CHAPTER: Final = re.compile(
    rf"{_NUMBERED}|(?i:{_WORD})\s+[^\W\d_]{{3,14}}[.:]?"
    rf"|(?:\d{{1,3}}\.?|[^\W\d_]{{3,14}})\s+(?i:{_WORD})"
    r"|第\s?[一二三四五六七八九十百千零〇两\d０-９]{1,6}\s?[章回節节話话](?:\s.*)?|제\s?\d{1,3}\s?장(?:\s.*)?"
)
_BESIDE: Final = re.compile(
    "prologue|epilogue|foreword|preface|introduction|afterword|prolog|epilog|vorwort|nachwort|einleitung|épilogue|préface|avant-propos|prólogo|epílogo|prologo|"
    "epilogo|prefazione|пролог|эпилог|предисловие|序章|終章|尾声",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(rf"(?:(?P<figures>\d{{1,3}})|(?P<roman>{_ROMAN}))\.?")
_VALUES: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_NAMED: Final = re.compile(_NUMBERED)
_ENDED: Final = frozenset('.,;:!?…—"”’»)。！？」')


def names_chapter(text: str) -> bool:
    """Is that "Chapter One" or the like, perhaps with a title?"""
    return len(text) <= MAX_LINE_CHARS and _NAMED.fullmatch(text) is not None


def chapter_lines(lines: Sequence[str], words: Sequence[int]) -> list[tuple[int, str]]:
    """(which sentence a chapter begins with, its title), in order.

    lines: of each sentence that begins a block of at most MAX_LINE_CHARS that block's text, else empty; words: how many each sentence has.
    """
    before = [0, *accumulate(words)]
    named = _long_enough([at for at, line in enumerate(lines) if _CHAPTER.fullmatch(line)], lines, before)
    if len(named) >= _LEAST:
        beside = _long_enough([at for at, line in enumerate(lines) if _BESIDE.fullmatch(line.strip(" ."))], lines, before)
        return [(at, _titled(lines, at)) for at in sorted({*named, *beside})]
    return [(at, _titled(lines, at)) for at in _counted(lines, before)]


def _long_enough(found: Sequence[int], lines: Sequence[str], before: Sequence[int]) -> list[int]:
    """Without those that stand in a list of chapters: one right above another, and the list's last, which stands once more further on."""
    last = {lines[at].casefold(): at for at in found}
    out: list[int] = []
    listed = False
    for at, following in pairwise([*found, len(before) - 1]):
        short = before[following] - before[at] < _LEAST_WORDS
        if not short and not (listed and last[lines[at].casefold()] > at):
            out.append(at)
        listed = short
    return out


def _counted(lines: Sequence[str], before: Sequence[int]) -> list[int]:
    """Lines that are the numbers from one on, all of them and no other, be they Roman or figures."""
    numbers = [(at, number) for at, line in enumerate(lines) if (number := _NUMBER.fullmatch(line))]
    for kind in ("roman", "figures"):
        found = [(at, _value(number)) for at, number in numbers if number[kind]]
        counts = [value for _, value in found] == list(range(1, len(found) + 1))
        if len(found) >= _LEAST_NUMBERS and counts and before[-1] - before[found[0][0]] >= _NUMBERED_WORDS * len(found):
            return [at for at, _ in found]
    return []


def _value(number: re.Match[str]) -> int:
    if number["figures"]:
        return int(number["figures"])
    values = [_VALUES[letter] for letter in number["roman"]]
    return sum(-value if value < following else value for value, following in pairwise([*values, 0]))


def _titled(lines: Sequence[str], at: int) -> str:
    """The line, and the one below it where that is a title and no text."""
    line, below = lines[at], lines[at + 1] if at + 1 < len(lines) else ""
    if not below or below[-1] in _ENDED or below[0].islower():
        return line
    return f"{line.rstrip('.:')}: {below}"
