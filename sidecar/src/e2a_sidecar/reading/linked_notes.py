"""Notes that no element calls so, of any document, by the marks that lead to them: as Word, InDesign, Kindle books and most older EPUBs have them.

A mark stands in the text, raised or glued to a word, and leads to a paragraph further on. That is a note if it begins with the same
mark, leads back to it, or is an item of a list of nothing but notes. What stands between two notes is the first one's, if both marks
stand before it, and below the last one of a page of notes as much as between others. Notes that mostly lead to one another are none but
sections, of a game say.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice, pairwise, takewhile
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
_OTHERS: Final = 4
"""A list of notes has at most one item in so many that is none."""
_HEADS: Final = 6
"""Headings above it, one for each level."""
_BETWEEN_CHARS: Final = 3_000
"""Nor is so much of it left behind its first."""
_ENDED: Final = (".", "!", "?", "…", "”", "’", '"', ")", "]", "»", "。")


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
    """[first, last] of a document's blocks, and where its mark stands. doubtful: nothing else tells it but that it is an item of a list."""

    first: int
    last: int
    mark: Place
    doubtful: bool


def without_linked_notes(documents: Sequence[Linked]) -> list[list[Block]]:
    """The documents' blocks; those of their notes have the reason `note`."""
    places = _Places(documents)
    found: dict[int, dict[int, _Note]] = {}
    for number, document in enumerate(documents):
        for mark in document.marks:
            note = None if mark.apart else _note(places, Place(number, mark.offset), mark)
            if note:
                found.setdefault(note[0], {}).setdefault(note[1].first, note[1])
    out = [_marked(number, document, _believed(number, document.blocks, found.get(number, {}))) for number, document in enumerate(documents)]
    for above, below in pairwise(out):
        _mark_head(above, below)
    return out


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
    while body < min(len(blocks), first + _MARKS) and _is_mark(blocks[body], places.is_apart(number, starts[body])):
        body += 1
    if body == len(blocks) or blocks[body].reason or blocks[body].heading:
        return None
    last = _last(blocks, body, document.ends.get(anchor, start))
    repeated = any(block.text.strip(_BRACKETS) == text for block in blocks[first:body]) or _begins(blocks[body].text, text)
    sure = repeated or places.leads_back(number, start, blocks[last].end, place)
    return (number, _Note(first, last, place, not sure)) if sure or blocks[body].listed else None


def _is_mark(block: Block, apart: bool) -> bool:
    """Is it a mark that begins a line, or the brackets around one?"""
    return (block.reason == "noteref" and apart) or not (block.reason or any(map(str.isalnum, block.text)))


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


def _believed(document: int, blocks: Sequence[Block], found: Mapping[int, _Note]) -> list[_Note]:
    """Those that are notes, in order."""
    notes = [found[first] for first in sorted(found)]
    within = {at for note in notes for at in range(note.first, note.last + 1)}
    starts = [block.start for block in blocks]
    chained = sum(note.mark.document == document and bisect_right(starts, note.mark.offset) - 1 in within for note in notes)
    if 2 * chained > len(notes):
        return []
    mixed = {at for run in _lists(blocks) if _OTHERS * len(set(run) - within) > len(run) for at in run}
    return [note for note in notes if not (note.doubtful and mixed.intersection(range(note.first, note.last + 1)))]


def _lists(blocks: Sequence[Block]) -> Iterator[list[int]]:
    """Blocks of lists, with nothing said between."""
    said = [at for at, block in enumerate(blocks) if not block.reason]
    return (list(run) for listed, run in groupby(said, key=lambda at: blocks[at].listed) if listed)


def _marked(number: int, document: Linked, notes: Sequence[_Note]) -> list[Block]:
    out = list(document.blocks)
    for note in notes:
        _mark(out, range(note.first, note.last + 1))
    most = 0
    for note, following in pairwise(notes):
        between = [at for at in range(note.last + 1, following.first) if not out[at].reason]
        if following.mark < Place(number, out[note.first].start) and _is_of_note(document, note, following, [out[at] for at in between]):
            most = max(most, sum(not out[at].heading for at in between))
            _mark(out, between)
    if notes and most:
        _mark(out, _below(out, notes[-1], most))
    for note in notes:
        _mark(out, islice(_heads(out, note.first), _HEADS))
    return out


def _is_of_note(document: Linked, note: _Note, following: _Note, between: Sequence[Block]) -> bool:
    """Is what stands between two notes the first one's, or a heading above the other? Not text below a heading, nor with marks of its own, as a chapter."""
    offset = attrgetter("offset")
    first = bisect_left(document.marks, document.blocks[note.last].end, key=offset)
    marks = document.marks[first : bisect_left(document.marks, document.blocks[following.first].start, key=offset)]
    marked = any(not mark.apart and _MARK.fullmatch(mark.text.strip(_BRACKETS)) for mark in marks)
    headed = any(block.heading and not below.heading for block, below in pairwise(between))
    return not (headed or marked) and sum(len(block.text) for block in between) <= _BETWEEN_CHARS


def _below(blocks: Sequence[Block], note: _Note, most: int) -> list[int]:
    """What stands below the last note up to a heading or the end, if that is no more than so many sentences, and nothing but notes stand above."""
    above = next((block for block in reversed(blocks[: note.first]) if not block.reason), None)
    below = list(takewhile(lambda at: not blocks[at].heading or blocks[at].reason, range(note.last + 1, len(blocks))))
    said = [at for at in below if not blocks[at].reason]
    sentences = all(blocks[at].text.endswith(_ENDED) for at in said)
    return said if len(said) <= most and sentences and (above is None or above.heading) else []


def _mark_head(blocks: list[Block], below: Sequence[Block]) -> None:
    """The heading that is a document's last, where the document below holds nothing but notes, as Calibre divides them."""
    last = next((at for at in range(len(blocks) - 1, -1, -1) if not blocks[at].reason), None)
    if last is not None and blocks[last].heading and is_head(blocks[last].text) and below and {block.reason for block in below} <= {"note", "noteref"}:
        _mark(blocks, [last])


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
