"""A page of contents inside the text: the titles of the table of contents, one below the other. A listener has them as chapters.

Books without EPUB 3's `nav` have such pages as ordinary text, and Calibre puts one behind every MOBI that it makes.
Found by its words: a run of lines (blocks, or rows of a table), nothing between them, of which each is the next title
or one soon after it (a page may leave out a level). Five in a row are never a chapter's text, if they are links or stand
before what they name. Elsewhere no headings count, no title at its own place, and none of a single word, since a
chapter may count to five or name the days.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, takewhile
from typing import Final

from e2a_sidecar.reading.block import Block
from e2a_sidecar.reading.chapters import MAX_TITLE_CHARS, Place

LEAST: Final = 5
_LEAST_LINKS: Final = 3
_OUTLINE: Final = "Document Outline"
"""The heading that Calibre puts above a PDF's own table of contents, at its end."""
_AHEAD: Final = 10
"""How many titles a page may leave out before its next one."""
_LEADER_CHARS: Final = 100
"""A line may be longer than its title by that: dots, and the page's number."""
_HEAD_WORDS: Final = 4
"""A heading of so few words above the list is its own, unless it is a chapter's title itself."""
_WORD: Final = re.compile(r"[^\W_]+")
_PAGE: Final = re.compile(r"\d+|[ivxlc]+")
_HEADS: Final = re.compile(
    "contents|table of contents|list of chapters|inhalt|inhaltsverzeichnis|table des matières|sommaire|índice|índice general|indice|sommario|sumário|conteúdo|"
    "contenido|tabla de contenido|inhoud|inhoudsopgave|spis treści|spis rzeczy|obsah|tartalom|tartalomjegyzék|содержание|оглавление|зміст|innehåll|"
    "innehållsförteckning|indhold|indholdsfortegnelse|innhold|sisällys|sisällysluettelo|cuprins|içindekiler|sadržaj|kazalo|съдържание|περιεχόμενα|目次|目录|目錄"
)


@dataclass(frozen=True, slots=True)
class _Line:
    """A block, or the cells of a table's row: [first, last] of the document's blocks, [start, end) of its source, blanks between the cells."""

    first: int
    last: int
    text: str
    start: int
    end: int
    heading: bool
    linked: bool


class Titles:
    """Of the table of contents, in order, each with the place it leads to, None where that is not known."""

    def __init__(self, titles: Sequence[str], places: Sequence[Place | None]) -> None:
        self._keys = [_key(title) for title in titles]
        self._places = places
        self._longest = max(map(len, titles), default=0) + _LEADER_CHARS
        self._first: dict[str, int] = {}
        for number, key in enumerate(self._keys):
            if key:
                self._first.setdefault(key, number)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, text: str) -> bool:
        return _key(text) in self._first

    def found(self, document: int, line: _Line, behind: int, at: int | None) -> int | None:
        """The number of the title that a line is: of the next few from `at` on, of all where a run begins (None). behind: where the line before it ends."""
        if len(line.text) > min(self._longest, MAX_TITLE_CHARS):
            return None
        for key in _readings(line.text):
            if at is None:
                number = self._first.get(key)
            else:
                number = next((number for number in range(at, min(at + _AHEAD, len(self._keys))) if self._keys[number] == key), None)
            if number is not None and self._is_named(document, line, behind, number):
                return number
        return None

    def is_plain(self, number: int) -> bool:
        """Is that title a single word or figure?"""
        return " " not in self._keys[number]

    def _is_named(self, document: int, line: _Line, behind: int, number: int) -> bool:
        """Does the line name that title, and is neither the title itself nor words of the text?"""
        place = self._places[number]
        if place is not None and Place(document, behind) <= place <= Place(document, line.end):
            return line.linked and not line.heading
        return line.linked or (place is not None and place > Place(document, line.end)) or not (line.heading or self.is_plain(number))


def without_contents(document: int, blocks: Sequence[Block], titles: Titles) -> list[Block]:
    """The document's blocks, those of a page of contents with the reason `nav`. document: its number in the spine."""
    out = _without_list(blocks)
    if len(titles) < LEAST:
        return out
    run: list[_Line] = []
    sure = 0  # lines of the run that could be nothing else
    above: _Line | None = None
    before: _Line | None = None
    at = behind = 0
    for line in [*_lines(out), None]:
        found = titles.found(document, line, behind, at if run else None) if line else None
        if line and found is not None:
            above = above if run else before
            run.append(line)
            sure += line.linked or not titles.is_plain(found)
            at = found + 1
        else:
            head = [above] if run and above and _is_head(above, titles) else []
            if len(run) >= LEAST and (head or sure >= LEAST):
                _mark(out, [*head, *run])
            run, sure = [], 0
        if line:
            before, behind = line, line.end
    return out


def _without_list(blocks: Sequence[Block]) -> list[Block]:
    """Without the list of links into the same document at its beginning, as Calibre puts one before an FB2; behind text such may be choices."""
    out = list(blocks)
    said = [number for number, block in enumerate(out) if not block.reason]
    above = list(takewhile(lambda number: out[number].heading and not out[number].local, said))
    items = list(takewhile(lambda number: out[number].local and out[number].listed, said[len(above) :]))
    if len(items) >= _LEAST_LINKS and len(above) <= 1:
        for number in (*(number for number in above if _HEADS.fullmatch(out[number].text.casefold().strip(" .:"))), *items):
            out[number] = replace(out[number], reason="nav")
    outline = list(takewhile(lambda number: out[number].local and out[number].listed, reversed(said)))
    head = len(said) - len(outline) - 1
    if outline and head >= 0 and out[said[head]].heading and out[said[head]].text == _OUTLINE:
        for number in said[head:]:
            out[number] = replace(out[number], reason="nav")
    return out


def _mark(blocks: list[Block], run: Sequence[_Line]) -> None:
    for line in run:
        for number in range(line.first, line.last + 1):
            if not blocks[number].reason:
                blocks[number] = replace(blocks[number], reason="nav")


def _lines(blocks: Sequence[Block]) -> Iterator[_Line]:
    """What is said, line by line."""
    said = [(number, block) for number, block in enumerate(blocks) if not block.reason]
    for number, members in groupby(said, key=lambda member: member[1].row[0]):
        row = list(members)
        whole = number and len({block.row for _, block in row}) == len(row)  # not where cells hold paragraphs
        for line in [row] if whole else [[member] for member in row]:
            cells = [block for _, block in line]
            text = " ".join(block.text for block in cells)
            heading, linked = any(block.heading for block in cells), any(block.linked for block in cells)
            yield _Line(line[0][0], line[-1][0], text, cells[0].start, cells[-1].end, heading, linked)


def _is_head(line: _Line, titles: Titles) -> bool:
    if line.text in titles:
        return False
    return (line.heading and line.text.count(" ") < _HEAD_WORDS) or _HEADS.fullmatch(line.text.casefold().strip(" .:")) is not None


def _readings(text: str) -> Iterator[str]:
    """The words of a line as a title's: all, without the page's number, without the chapter's, without both."""
    words = _key(text).split()
    yield " ".join(words)
    page = len(words) > 1 and _PAGE.fullmatch(words[-1]) is not None
    chapter = len(words) > 1 and words[0].isdigit() and not "".join(words).isdigit()
    if page:
        yield " ".join(words[:-1])
    if chapter:
        yield " ".join(words[1:])
    if page and chapter:
        yield " ".join(words[1:-1])


def _key(title: str) -> str:
    """The words alone."""
    return " ".join(_WORD.findall(title[:MAX_TITLE_CHARS].casefold()))
