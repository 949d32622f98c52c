"""Lines of printed pages to text, for a PDF, which knows neither words parted at the end of a line nor paragraphs.

What is guessed: a line of nearly full width goes on in the next; a word parted by a hyphen is one, unless the book writes
it so elsewhere; a number that counts with the pages, and a line that stands on several at the same edge, are not text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from e2a_sidecar.reading.runs import close, opened
from e2a_sidecar.reading.scripts import LINE, Piece

PAGE: Final = Piece("\f", -1, "")
"""Where a page ends."""

_FULL: Final = 0.8
"""Of the width that one line in ten reaches or exceeds."""
_SHORT: Final = 0.6
_BLANK: Final = " \t\n\r\f\u00a0\u200b\u2060\ufeff"
_HYPHENS: Final = "-\u2010\u00ad"
_PARTED: Final = re.compile(rf"[^\W\d_]+[{_HYPHENS}]$")
_GLUED: Final = re.compile(r"\w-$|—$")
_HYPHENED: Final = re.compile(r"(?<![\w-])[^\W\d_]+-[^\W\d_]+(?![\w-])")
_WORD: Final = re.compile(r"(?<![\w-])[^\W\d_]+(?![\w-])")
_FIRST_WORD: Final = re.compile(r"[^\W\d_]+")
_BULLETS: Final = frozenset("•●▪◦‣■□")
_ENDED: Final = frozenset(".!?…:;。！？」』”\"’")
_REFRAIN: Final = _ENDED | frozenset(",—")
_SMALL_ROMAN: Final = r"(?=[ivxl])(?:xl|l?x{0,3})(?:ix|iv|v?i{0,3})"
"""As a foreword's pages are numbered; capitals number poems."""
_NUMBER: Final = re.compile(rf"[\s\[(|–—-]*(?:(?P<figure>\d{{1,4}})|(?P<roman>{_SMALL_ROMAN}))[\s\])|–—-]*")
_NUMBERED: Final = re.compile(r"(?P<head>\D{3,80}?)\s+(?P<last>\d{1,4})|(?P<first>\d{1,4})\s+(?P<foot>\D{3,80})")
_LONGEST: Final = 120
"""A word, or a page's own line, has no more characters."""
_NUMBERS: Final = 3
_HEADS: Final = 5
"""On so many pages a number, or a line, is the page's own."""


@dataclass(slots=True)
class _Line:
    """One line. page: its number, from 0. text: stripped."""

    page: int
    pieces: list[Piece]
    text: str
    own: bool = False  # the page's own: no text


def read_pages(pieces: Sequence[Piece]) -> tuple[list[list[Piece]], list[list[Piece]]]:
    """(blocks in order, what is the pages' own) of a document whose lines end with LINE and whose pages end with PAGE."""
    lines = list(_lines(pieces))
    for find in (_numbered, _repeated):  # a head may stand below its number
        _take_out(lines, find)
    return _joined([line for line in lines if not line.own]), [line.pieces for line in lines if line.own]


def _lines(pieces: Sequence[Piece]) -> Iterator[_Line]:
    page = 0
    gathered: list[Piece] = []
    for piece in [*pieces, PAGE]:
        if piece not in (LINE, PAGE):
            gathered.append(piece)
            continue
        text = "".join(part.text for part in gathered).strip(_BLANK)
        if text:
            yield _Line(page, gathered, text)
        gathered = []
        page += piece == PAGE


def _take_out(lines: Sequence[_Line], find: Callable[[Sequence[_Line]], Iterator[_Line]]) -> None:
    edges: dict[int, list[_Line]] = {}
    for line in lines:
        if not line.own:
            ends = edges.setdefault(line.page, [line, line])
            ends[1] = line
    for side in (0, 1):
        at_edge = [ends[side] for ends in edges.values()]
        for line in list(find(at_edge)):
            line.own = True


def _numbered(lines: Sequence[_Line]) -> Iterator[_Line]:
    """Those that count with the pages."""
    numbers: dict[tuple[str, int], list[_Line]] = {}
    for line in lines:
        if len(line.text) > _LONGEST:
            continue
        if found := _NUMBER.fullmatch(line.text):
            roman = found["roman"]
            numbers.setdefault(("", (_value(roman) if roman else int(found["figure"])) - line.page), []).append(line)
        elif found := _NUMBERED.fullmatch(line.text):
            words, number = found["head"] or found["foot"], found["last"] or found["first"]
            numbers.setdefault((words.strip().casefold(), int(number) - line.page), []).append(line)
    for (words, _), members in numbers.items():
        if len(members) >= (_HEADS if words else _NUMBERS):
            yield from members


def _value(roman: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10, "l": 50}[letter] for letter in roman]
    return sum(-value if value < following else value for value, following in pairwise([*values, 0]))


def _repeated(lines: Sequence[_Line]) -> Iterator[_Line]:
    """Those that stand on several pages, but for the first, which may be the title. A refrain is a sentence, or a part of one."""
    same: dict[str, list[_Line]] = {}
    for line in lines:
        if len(line.text) <= _LONGEST and line.text[-1] not in _REFRAIN and not line.text[0].islower():
            same.setdefault(line.text.casefold(), []).append(line)
    for members in same.values():
        if len(members) >= _HEADS:
            yield from members[1:]


def _joined(lines: Sequence[_Line]) -> list[list[Piece]]:
    lengths = sorted(len(line.text) for line in lines)
    width = lengths[len(lengths) * 9 // 10] if lengths else 0
    hyphened = Counter(word.casefold() for line in lines for word in _HYPHENED.findall(line.text))
    plain = {word.casefold() for line in lines for word in _WORD.findall(line.text)}
    parts = _parts_words(lines, plain)
    out: list[list[Piece]] = []
    before: _Line | None = None
    for line in lines:
        if before and (parted := _PARTED.search(before.text[-_LONGEST:])) and line.text[0].islower():
            stem, rest = parted.group(), _FIRST_WORD.match(line.text)
            whole = stem[:-1] + (rest.group() if rest else "")
            written = hyphened[f"{stem[:-1]}-{rest.group() if rest else ''}".casefold()] > 0 or not (parts or stem[-1] == "\u00ad")
            keep = written and whole.casefold() not in plain
            close(out[-1], not keep)
            out[-1] += opened(line.pieces)
        elif before and _goes_on(before, line, width):
            if _GLUED.search(before.text[-2:]) or line.text[0] == "—":
                close(out[-1], False)
                out[-1] += opened(line.pieces)
            else:
                out[-1].append(Piece(" ", line.pieces[0].source, line.pieces[0].language))
                out[-1] += line.pieces
        else:
            out.append(list(line.pieces))
        before = line
    return out


def _parts_words(lines: Sequence[_Line], plain: Set[str]) -> bool:
    """Does the book part words, or do its lines end behind the hyphens of compounds alone, whose parts are words of it?"""
    halves = [
        (parted.group()[:-1], rest.group())
        for before, line in pairwise(lines)
        if (parted := _PARTED.search(before.text[-_LONGEST:])) and line.text[0].islower() and (rest := _FIRST_WORD.match(line.text))
    ]
    return 2 * sum(stem.casefold() not in plain or rest.casefold() not in plain for stem, rest in halves) > len(halves)


def _goes_on(before: _Line, line: _Line, width: int) -> bool:
    ended = before.text[-1] in _ENDED
    if line.text[0] in _BULLETS or (ended and line.page != before.page):
        return False
    if line.text[0].islower() and not ended:
        return True
    if len(before.text) < _FULL * width:
        return False
    return not (ended and len(line.text) < _SHORT * width and line.text[-1] not in _ENDED)  # a heading below a paragraph
