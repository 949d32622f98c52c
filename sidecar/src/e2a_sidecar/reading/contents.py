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
from dataclasses import dataclass, field, replace
from itertools import groupby, takewhile
from typing import Final

from e2a_sidecar.reading.block import Block
from e2a_sidecar.reading.chapters import MAX_TITLE_CHARS, Place

LEAST: Final = 5
_LEAST_LINKS: Final = 3
_FRONT: Final = 60
"""Among so many paragraphs of a document stands the name of its list."""
_NAME_CHARS: Final = 40
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

_WAY: Final = re.compile(
    r"(?:(?:back|return|go|go back) )?(?:to )?(?:the )?(?:toc|contents|table of contents|top)(?: of (?:the )?(?:page|book|chapter))?"
    r"|(?:next|previous|prev)(?: (?:chapter|page|section|topic))?"
    r"|(?:zurück )?(?:zum inhalt|zum inhaltsverzeichnis|nach oben|zum seitenanfang)|(?:nächstes|voriges) kapitel"
    r"|(?:retour )?(?:au sommaire|à la table des matières|en haut|haut de page)|(?:volver )?(?:al índice|arriba)|(?:torna )?(?:all’indice|all'indice|su)"
)
"""What a paragraph says that is a link alone, and leads about in the book."""


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
    leads: bool


@dataclass(slots=True)
class _Run:
    """Lines that may be a page of contents. above: the line before it. sure: how many titles could be nothing else.

    links: lines between titles that are links and no titles, since a page may word one otherwise; behind: the same behind the last title.
    """

    titles: list[_Line] = field(default_factory=list)
    links: list[_Line] = field(default_factory=list)
    behind: list[_Line] = field(default_factory=list)
    above: _Line | None = None
    sure: int = 0

    def add(self, line: _Line, sure: bool) -> None:
        self.titles.append(line)
        self.links += self.behind
        self.behind = []
        self.sure += sure

    def contents(self, titles: Titles) -> list[_Line]:
        """All lines of the page of contents, with the heading above; none where it is none. A short one is called so, and is all links."""
        head = [self.above] if self.above and self.titles and _is_head(self.above, titles) else []
        named = any(_is_name(line.text) for line in head)
        if len(self.titles) >= LEAST:
            found = bool(head) or self.sure >= LEAST
        else:
            found = named and len(self.titles) >= _LEAST_LINKS and all(line.linked for line in self.titles)
        return [*head, *self.titles, *self.links, *(self.behind if named else ())] if found else []


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


def without_contents(document: int, blocks: Sequence[Block], titles: Titles, listed: bool) -> list[Block]:
    """The document's blocks, those of a page of contents with the reason `nav`. document: its number in the spine. listed: did Calibre put a list there?"""
    out = _without_list([replace(block, reason="nav") if block.leads and not block.reason and _is_way(block.text) else block for block in blocks])
    for number in _list_of_headings(out) if listed else ():
        out[number] = replace(out[number], reason="nav")
    if len(titles) < _LEAST_LINKS:
        return out
    run = _Run()
    before: _Line | None = None
    at = behind = 0
    for line in [*_lines(out), None]:
        found = titles.found(document, line, behind, at if run.titles else None) if line else None
        if line and found is not None:
            run.above = run.above if run.titles else before
            run.add(line, line.linked or not titles.is_plain(found))
            at = found + 1
        elif line and run.titles and line.leads and not line.heading and len(line.text) <= _LEADER_CHARS and len(run.behind) < _AHEAD:
            run.behind.append(line)
        else:
            _mark(out, run.contents(titles))
            run = _Run()
        if line:
            before, behind = line, line.end
    return out


def _without_list(blocks: Sequence[Block]) -> list[Block]:
    """Without the list of links into the same document at its beginning, as Calibre puts one before an FB2, or below its name.

    Behind other text such may be choices.
    """
    out = list(blocks)
    said = [number for number, block in enumerate(out) if not block.reason]
    above = list(takewhile(lambda number: out[number].heading and not out[number].local, said))
    items = list(takewhile(lambda number: out[number].local and out[number].listed, said[len(above) :]))
    if len(items) >= _LEAST_LINKS and len(above) <= 1:
        for number in (*(number for number in above if _is_name(out[number].text)), *items):
            out[number] = replace(out[number], reason="nav")
    named = next((at for at, number in enumerate(said[:_FRONT]) if not out[number].reason and _is_name(out[number].text)), None)
    if named is not None:
        items = list(takewhile(lambda number: out[number].local, said[named + 1 :]))
        for number in (said[named], *items) if len(items) >= _LEAST_LINKS else ():
            out[number] = replace(out[number], reason="nav")
    outline = list(takewhile(lambda number: out[number].local and out[number].listed, reversed(said)))
    head = len(said) - len(outline) - 1
    if outline and head >= 0 and out[said[head]].heading and out[said[head]].text == _OUTLINE:
        for number in said[head:]:
            out[number] = replace(out[number], reason="nav")
    return out


def _list_of_headings(blocks: Sequence[Block]) -> list[int]:
    """The first list of links into the same document, if they are headings further on, in order, from the next heading on: Calibre's, behind an annotation."""
    said = [number for number, block in enumerate(blocks) if not block.reason]
    runs = groupby(said, key=lambda number: blocks[number].local and blocks[number].listed)
    items = next((list(run) for listed, run in runs if listed), [])
    texts = [blocks[number].text for number in items]
    behind = [block.text for block in blocks[items[-1] :] if block.heading] if items else []
    if not items or behind[:1] != texts[:1]:
        return []
    headings = iter(behind)
    return items if all(text in headings for text in texts) else []


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
            yield _Line(line[0][0], line[-1][0], text, cells[0].start, cells[-1].end, heading, linked, all(block.leads for block in cells))


def _is_name(text: str) -> bool:
    return len(text) <= _NAME_CHARS and _HEADS.fullmatch(text.casefold().strip(" .:")) is not None


def _is_way(text: str) -> bool:
    return len(text) <= _NAME_CHARS and _WAY.fullmatch(text.casefold().strip(" .:|[](){}<>«»‹›←→↑▲^*")) is not None


def _is_head(line: _Line, titles: Titles) -> bool:
    return _is_name(line.text) or (line.heading and line.text not in titles and line.text.count(" ") < _HEAD_WORDS)


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
