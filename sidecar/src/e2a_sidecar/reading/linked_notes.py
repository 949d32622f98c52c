"""Notes that no element calls so, of any document, by the marks that lead to them: as Word, InDesign, Kindle books and most older EPUBs have them.

A mark stands in the text, raised or glued to a word, and leads to a paragraph further on. That is a note if it begins with the same
mark, leads back to it, or is an item of a list. What stands between two notes is the first one's, if both marks stand before it.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from operator import attrgetter
from typing import Final
from urllib.parse import unquote

from e2a_sidecar.model import Break
from e2a_sidecar.reading.block import Block, NoteMark
from e2a_sidecar.reading.chapters import Place
from e2a_sidecar.reading.notes import is_head, only_notes

_BRACKETS: Final = "[](){}. \u00a0"
_MARK: Final = re.compile(r"[^\W_]{1,10}(?:\.?\s?\d{1,4})?|[*†‡§¶#‖]{1,4}")
_NEAR: Final = 12
"""So many characters of the source may stand between a paragraph's beginning and the anchor that leads to it."""
_BACK: Final = 100
"""... and between a mark and the place to which the way back leads."""
_MARKS: Final = 20
"""So many marks of a note are looked at."""
_BLOCKS: Final = 30
"""A note has no more paragraphs."""
_HEADS: Final = 6
"""Headings above it, one for each level."""
_BETWEEN_CHARS: Final = 3_000
"""Nor is so much of it left behind its first."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A document: its blocks in order, its anchors and, of those that are blocks, their ends, and its marks of notes."""

    name: str
    blocks: Sequence[Block]
    anchors: Mapping[str, int]
    ends: Mapping[str, int]
    marks: Sequence[NoteMark]


@dataclass(frozen=True, slots=True)
class _Note:
    """[first, last] of a document's blocks, and where its mark stands."""

    first: int
    last: int
    mark: Place


def without_linked_notes(documents: Sequence[Linked]) -> list[list[Block]]:
    """The documents' blocks; those of their notes have the reason `note`."""
    places = _Places(documents)
    found: dict[int, dict[int, _Note]] = {}
    for number, document in enumerate(documents):
        for mark in document.marks:
            note = None if mark.apart else _note(places, Place(number, mark.offset), mark)
            if note:
                found.setdefault(note[0], {}).setdefault(note[1].first, note[1])
    return [_marked(number, document.blocks, found.get(number, {})) for number, document in enumerate(documents)]


class _Places:
    """Where links lead to."""

    def __init__(self, documents: Sequence[Linked]) -> None:
        self.documents = documents
        self.starts = [[block.start for block in document.blocks] for document in documents]
        self._apart = [{mark.offset for mark in document.marks if mark.apart} for document in documents]
        self._numbers = {document.name: number for number, document in reversed(list(enumerate(documents)))}

    def target(self, document: int, href: str) -> tuple[Place, str] | None:
        """The place that a link of that document leads to, and the anchor there; None where it leads nowhere, or to a document as a whole."""
        path, _, fragment = href.partition("#")
        name = self.documents[document].name
        if path:
            name = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(path)))
        number = self._numbers.get(name)
        if number is None:
            return None
        for anchor in (fragment, unquote(fragment)):
            if anchor in self.documents[number].anchors:
                return Place(number, self.documents[number].anchors[anchor]), anchor
        return None

    def is_apart(self, document: int, offset: int) -> bool:
        """Does the mark there begin a line?"""
        return offset in self._apart[document]

    def leads_back(self, document: int, start: int, end: int, place: Place) -> bool:
        """Does a mark between these offsets of a document lead to about that place?"""
        marks = self.documents[document].marks
        first = bisect_left(marks, start, key=attrgetter("offset"))
        for mark in marks[first : first + _MARKS]:
            if mark.offset > end:
                return False
            target = self.target(document, mark.href)
            if target and target[0].document == place.document and abs(target[0].offset - place.offset) <= _BACK:
                return True
        return False


def _note(places: _Places, place: Place, mark: NoteMark) -> tuple[int, _Note] | None:
    """(its document, the note) that a mark at that place leads to."""
    target = places.target(place.document, mark.href)
    text = mark.text.strip(_BRACKETS)
    if target is None or target[0] <= place or not _MARK.fullmatch(text):
        return None
    (number, start), anchor = target
    document, starts = places.documents[number], places.starts[number]
    blocks = document.blocks
    first = bisect_left(starts, start)
    if first and start - starts[first - 1] <= _NEAR and blocks[first - 1].end > start and not blocks[first - 1].reason:
        first -= 1
    body = first
    while body < min(len(blocks), first + _MARKS) and blocks[body].reason == "noteref" and places.is_apart(number, starts[body]):
        body += 1
    if body == len(blocks) or blocks[body].reason or blocks[body].heading:
        return None
    last = _last(blocks, body, document.ends.get(anchor, start))
    repeated = any(block.text.strip(_BRACKETS) == text for block in blocks[first:body]) or _begins(blocks[body].text, text)
    if repeated or blocks[body].listed or places.leads_back(number, start, blocks[last].end, place):
        return number, _Note(body, last, place)
    return None


def _begins(text: str, mark: str) -> bool:
    """Does a paragraph begin with that mark? Brackets and full stops count for nothing."""
    text = text.lstrip(_BRACKETS)
    after = text[len(mark) : len(mark) + 1]
    return text.startswith(mark) and not (after.isdigit() if mark.isdigit() else after.isalnum())


def _last(blocks: Sequence[Block], first: int, end: int) -> int:
    """The note's last block: within its element, which ends there, or in its paragraph or row of a table."""
    last = first
    for at in range(first + 1, min(len(blocks), first + _BLOCKS)):
        block = blocks[at]
        if block.heading:
            break
        if block.start < end or (block.before is Break.LINE and blocks[first].before is not Break.LINE and not block.reason):
            last = at
        elif not block.reason:
            break
    return last


def _marked(document: int, blocks: Sequence[Block], found: Mapping[int, _Note]) -> list[Block]:
    out = list(blocks)
    notes = [found[first] for first in sorted(found)]
    for note in notes:
        _mark(out, range(note.first, note.last + 1))
    for note, following in pairwise(notes):
        between = range(note.last + 1, following.first)
        referred = following.mark < Place(document, blocks[note.first].start)
        if referred and sum(len(blocks[at].text) for at in between if not blocks[at].reason) <= _BETWEEN_CHARS:
            _mark(out, between)
    for note in notes:
        _mark(out, islice(_heads(out, note.first), _HEADS))
    return out


def _mark(blocks: list[Block], numbers: Iterable[int]) -> None:
    for at in numbers:
        if not blocks[at].reason:
            blocks[at] = replace(blocks[at], reason="note")


def _heads(blocks: Sequence[Block], first: int) -> Iterator[int]:
    """The headings above a note that stand above nothing else, the innermost first; taken out one by one."""
    for at in range(first - 1, -1, -1):
        block = blocks[at]
        if block.reason == "note":
            break
        if block.reason:
            continue
        if not (is_head(block.text) or (block.heading and only_notes(blocks, at + 1, block.heading))):
            break
        yield at
