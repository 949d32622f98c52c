"""Where chapters begin: from the table of contents, with anchors inside documents, else from headings, from lines, from documents.

Works on places, (document's number in the spine, source offset), and on what is said and skipped there; knows no markup.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import accumulate, groupby, pairwise, takewhile
from typing import Final, NamedTuple
from urllib.parse import unquote

from e2a_sidecar.model import Warn
from e2a_sidecar.reading.block import WHOLE
from e2a_sidecar.reading.bundle import TocEntry
from e2a_sidecar.reading.chapter_lines import chapter_lines

OPENING_WORDS: Final = 200
"""Text before the first entry that is at least this long gets a chapter of its own, with the book's title."""
MAX_TITLE_CHARS: Final = 1000
_HEADING_LEVELS: Final = (2, 3, 6)
"""Without a table of contents: headings down to h2 are chapters; where these do not divide the book, to h3; else to h6."""
_UNDIVIDED: Final = 0.9
"""Of a book's words, in one chapter: a title page's headings divide nothing."""


_FEW: Final = 3
_MANY: Final = 8
"""Not more entries than these, and so many headings for each: the table of contents leaves out the chapters."""

_ENDED: Final = (".", "!", "?", "…", ":", "。", "！", "？")

_NOTE: Final = re.compile(r"[\[(]?(?:\d{1,4}|[*†‡§]{1,3})[\])]?\.?")
"""Title of an entry that Calibre makes of the mark of a note, where a book has no table of contents."""

_NOTHING: Final = ("", "start", "begin", "beginning", "text", "untitled", "unknown", "unbekannt", "inconnu", "inconnu(e)", "desconocido", "desconhecido")
"""Titles of entries that programs make."""


class Place(NamedTuple):
    document: int
    offset: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A sentence, or a skipped run, and where it stands. heading: 1-6, 0 for none; words are blank-separated.

    line: its block's text where it begins a short one.
    """

    start: Place
    end: Place
    words: int
    text: str = ""
    heading: int = 0
    reason: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A document of the spine: its anchors, and the reasons for not saying that its elements declare."""

    name: str
    anchors: Mapping[str, int]
    declared: frozenset[str]


@dataclass(frozen=True, slots=True)
class Mark:
    """A chapter: from `place` on, the first sentence being number `first`."""

    title: str
    level: int
    place: Place
    first: int = 0


class Part(NamedTuple):
    """From `place` on. chapter: its number in the audiobook, from 0; None where it is none."""

    place: Place
    title: str
    chapter: int | None = None


def find_chapters(
    toc: Sequence[TocEntry], pages: Sequence[Page], said: Sequence[Stretch], skipped: Sequence[Stretch], book_title: str
) -> tuple[list[Mark], list[Warn]]:
    """The chapters in the order of the text, entries at the same place in the order of the table, and warnings.

    An entry without words of its own stays (a part's page, a container); one at the end of the book, and one that only
    names something that is not said (an imprint, the cover, a note), does not.
    """
    if not said:
        return [], []
    marks, missing = _from_toc(toc, pages)
    if missing and marks:
        marks = sorted([*marks, *_unmarked(marks, said)], key=lambda mark: mark.place)
    warnings = [Warn("toc_target_missing", {"count": len(missing), "title": missing[0]})] if missing else []
    marks = _worth_keeping(marks, pages, said, skipped)
    headed = _from_headings(said)
    if not _divided(headed, said):
        headed = max(headed, _from_lines(said), key=len)
    if _useless(marks, headed, said):
        if toc:
            warnings.append(Warn("toc_useless"))
        found = max(headed, _from_documents(said), key=lambda marks: min(len(marks), 2))
        if len(found) > len(marks):
            marks = _joined([mark for mark in marks if not _is_nothing(mark.title, book_title)], _numbered(found, said))
    if len(marks) == 1 and book_title and marks[0].title.casefold() in _NOTHING:
        marks = [replace(marks[0], title=book_title[:MAX_TITLE_CHARS])]
    opening = _opening(marks, said, book_title)
    return [*opening, *(mark if mark.title or mark.first == len(said) else replace(mark, title=_beginning(said[mark.first])) for mark in marks)], warnings


def parts(marks: Sequence[Mark], toc: Sequence[TocEntry], pages: Sequence[Page], said: Sequence[Stretch], skipped: Sequence[Stretch]) -> list[Part]:
    """All that something skipped can stand in, in the order of the text: the chapters, and what is none because nothing of it is said.

    That are entries of the table of contents, and documents that no entry leads into and that begin with a heading.
    """
    chapters = [Part(mark.place, mark.title, number) for number, mark in enumerate(marks)]
    silent = [Part(mark.place, mark.title) for mark in _from_toc(toc, pages)[0]]
    known = {stretch.start.document for stretch in said} | {part.place.document for part in (*silent, *chapters)}
    firsts = (next(stretches) for document, stretches in groupby(skipped, key=lambda stretch: stretch.start.document) if document not in known)
    silent += [Part(Place(first.start.document, 0), first.text[:MAX_TITLE_CHARS]) for first in firsts if first.heading]
    taken = {part.place for part in chapters}
    return sorted([*chapters, *(part for part in silent if part.place not in taken)], key=lambda part: part.place)


def part_of(found: Sequence[Part], place: Place) -> Part | None:
    """The one in which something skipped at that place stands; None before the first."""
    at = bisect_right(found, place, key=lambda part: part.place)
    return found[at - 1] if at else None


def places_of(toc: Sequence[TocEntry], pages: Sequence[Page]) -> list[Place | None]:
    """Where each entry of the table of contents leads; None for one that leads nowhere."""
    number = {page.name: at for at, page in reversed(list(enumerate(pages)))}
    places: list[Place | None] = []
    targeted: set[int] = set()
    for entry in toc:
        place = _place(entry, number, pages, targeted)
        places.append(place)
        if place is not None:
            targeted.add(place.document)
    return places


def _from_toc(toc: Sequence[TocEntry], pages: Sequence[Page]) -> tuple[list[Mark], list[str]]:
    """(marks in the order of the text, titles of entries whose target is not there)."""
    places = places_of(toc, pages)
    missing = [entry.title[:MAX_TITLE_CHARS] for entry, place in zip(toc, places, strict=True) if place is None and entry.name is not None]
    marks = []
    below: dict[int, Place] = {}  # level -> place of the nearest following entry of that level, within the same parent
    for entry, place in zip(reversed(toc), reversed(places), strict=True):
        if place is None and entry.name is None:  # a container: it begins where its first child does
            place = below.get(entry.level + 1)
        below = {level: known for level, known in below.items() if level <= entry.level}
        if place is not None:
            below[entry.level] = place
            marks.append(Mark(entry.title[:MAX_TITLE_CHARS], entry.level, place))
    marks.reverse()
    return sorted(marks, key=lambda mark: mark.place), missing


def _unmarked(marks: Sequence[Mark], said: Sequence[Stretch]) -> list[Mark]:
    """Where entries lead nowhere: documents that no entry leads into and that begin with a heading, which is the title then."""
    marked = {mark.place.document for mark in marks}
    level = min(mark.level for mark in marks)
    out = []
    for document, stretches in groupby(said, key=lambda stretch: stretch.start.document):
        headings = [] if document in marked else list(takewhile(lambda stretch: stretch.heading, stretches))
        if headings:
            out.append(Mark(reduce(_title, (heading.text for heading in headings))[:MAX_TITLE_CHARS], level, headings[0].start))
    return out


def _place(entry: TocEntry, number: Mapping[str, int], pages: Sequence[Page], targeted: set[int]) -> Place | None:
    document = number.get(entry.name) if entry.name is not None else None
    if document is None:
        return None
    if entry.frag is None:
        return Place(document, 0)
    anchors = pages[document].anchors
    for name in (entry.frag, unquote(entry.frag)):
        if name in anchors:
            return Place(document, anchors[name])
    # The anchor is gone. The first entry of a document most likely meant its beginning; a second one cannot be placed.
    return None if document in targeted else Place(document, 0)


def _numbered(marks: Sequence[Mark], said: Sequence[Stretch]) -> list[Mark]:
    """With `first`: the sentence in which the place lies, or the next one."""
    ends = [stretch.end for stretch in said]
    return [replace(mark, first=bisect_right(ends, mark.place)) for mark in marks]


def _worth_keeping(marks: Sequence[Mark], pages: Sequence[Page], said: Sequence[Stretch], skipped: Sequence[Stretch]) -> list[Mark]:
    marks = _numbered(marks, said)
    starts = [stretch.start for stretch in skipped]
    spoken_pages = {stretch.start.document for stretch in said}
    out: list[Mark] = []
    above: list[tuple[int, bool]] = []  # the entries that this one stands below: their levels, and whether they were kept
    for at, mark in enumerate(marks):
        while above and above[-1][0] >= mark.level:
            above.pop()
        level = 1 + sum(kept for _level, kept in above)  # what stood below an entry that is not kept would hang below its neighbour
        above.append((mark.level, False))
        following = marks[at + 1] if at + 1 < len(marks) else None
        if (following.first if following else len(said)) == mark.first:  # no words of its own
            end = following.place if following else Place(len(pages), 0)
            unsaid = skipped[bisect_left(starts, mark.place) : bisect_left(starts, end)]
            not_said = any(stretch.reason in WHOLE for stretch in unsaid)
            nothing_there = mark.place.document not in spoken_pages and bool(pages[mark.place.document].declared & WHOLE)
            if not_said or nothing_there or mark.first == len(said):
                continue
        elif _NOTE.fullmatch(mark.title) and any(stretch.reason == "note" for stretch in _above(mark, said, skipped, starts)):
            if not said[mark.first].heading:
                continue
            mark = replace(mark, title=said[mark.first].text[:MAX_TITLE_CHARS])
        above[-1] = (mark.level, True)
        out.append(replace(mark, level=level))
    return out


def _above(mark: Mark, said: Sequence[Stretch], skipped: Sequence[Stretch], starts: Sequence[Place]) -> Sequence[Stretch]:
    """What is not said between an entry's place and its first words."""
    return skipped[bisect_left(starts, mark.place) : bisect_left(starts, said[mark.first].start)]


def _useless(marks: Sequence[Mark], headed: Sequence[Mark], said: Sequence[Stretch]) -> bool:
    """No entry leads anywhere, or a single one ("Start") in a book of many documents or, at its beginning, of headings; or few in a book of very many headings.

    Calibre gives a text file one, and converters give a book "Title Page" and "Start". headed: chapters by the headings.
    """
    if not marks:
        return True
    places = {mark.first for mark in marks}
    if len(places) == 1:
        begins = sum(mark.place < marks[0].place for mark in headed) <= 1  # one: the book's title
        return (len(headed) > 1 and begins) or (len(marks) == 1 and len({stretch.start.document for stretch in said}) >= 4)
    return len(places) <= _FEW and len(headed) >= _MANY * len(places)


def _is_nothing(title: str, book_title: str) -> bool:
    """Does an entry say no more than that a book begins?"""
    return title.casefold() in (*_NOTHING, book_title.casefold())


def _joined(kept: Sequence[Mark], found: Sequence[Mark]) -> list[Mark]:
    """Entries of the table of contents, and headings where none of those leads."""
    firsts = {mark.first for mark in kept}
    return sorted([*kept, *(mark for mark in found if mark.first not in firsts)], key=lambda mark: mark.first)


def _from_headings(said: Sequence[Stretch]) -> list[Mark]:
    for deepest in _HEADING_LEVELS:
        marks: list[Mark] = []
        last: int | None = None  # number of the sentence before, where that is of a heading that began a chapter
        for at, stretch in enumerate(said):
            if not 0 < stretch.heading <= max(deepest, 3 if last == at - 1 else 0):
                continue
            if last is not None and last == at - 1 and said[last].start.document == stretch.start.document:
                marks[-1] = replace(marks[-1], title=_title(marks[-1].title, stretch.text)[:MAX_TITLE_CHARS])
            elif stretch.heading <= deepest:
                marks.append(Mark(stretch.text[:MAX_TITLE_CHARS], stretch.heading, stretch.start))
            last = at
        if _divided(marks, said):
            break
    lowest = min((mark.level for mark in marks), default=1)
    return [replace(mark, level=mark.level - lowest + 1) for mark in marks]


def _from_lines(said: Sequence[Stretch]) -> list[Mark]:
    found = chapter_lines([stretch.line for stretch in said], [stretch.words for stretch in said])
    marks = [Mark(title[:MAX_TITLE_CHARS], 1, said[at].start) for at, title in found]
    return marks if _divided(marks, said) else []


def _divided(marks: Sequence[Mark], said: Sequence[Stretch]) -> bool:
    """Are there several, and none of them nearly the whole book?"""
    if len(marks) < 2:
        return False
    words = list(accumulate((stretch.words for stretch in said), initial=0))
    firsts = [*(mark.first for mark in _numbered(marks, said)), len(said)]
    return max(words[end] - words[first] for first, end in pairwise(firsts)) < _UNDIVIDED * words[-1]


def _title(heading: str, following: str) -> str:
    """Of two headings, or of two sentences of one, that follow each other."""
    return f"{heading}{' ' if heading.endswith(_ENDED) else ': '}{following}"


def _from_documents(said: Sequence[Stretch]) -> list[Mark]:
    marks = []
    for _, stretches in groupby(said, key=lambda stretch: stretch.start.document):
        first = next(stretches)
        marks.append(Mark(_beginning(first), 1, first.start))
    return marks


def _beginning(first: Stretch) -> str:
    """The title of a chapter that has none."""
    words = first.text.split()
    return (" ".join(words[:8]) + ("…" if len(words) > 8 else ""))[:MAX_TITLE_CHARS]


def _opening(marks: Sequence[Mark], said: Sequence[Stretch], book_title: str) -> list[Mark]:
    before = said[: marks[0].first] if marks else []
    if sum(stretch.words for stretch in before) < OPENING_WORDS:
        return []
    heading = next((stretch.text for stretch in before if stretch.heading), "")
    return [Mark((book_title or heading or before[0].text)[:MAX_TITLE_CHARS], 1, before[0].start)]
