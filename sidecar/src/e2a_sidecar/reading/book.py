"""The order of reading, and the only file of it that knows the whole: bundle -> documents -> blocks -> sentences -> Book.

No text of the book is logged; what was odd is a warning of the book, once for each kind, with a count.
"""

from __future__ import annotations

import logging
import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from e2a_sidecar.model import Book, Break, Chapter, Sentence, Skipped, Source, Warn
from e2a_sidecar.reading import markup
from e2a_sidecar.reading.block import Block, NoteMark
from e2a_sidecar.reading.blocks import BlockReader, Overgrown
from e2a_sidecar.reading.bundle import MAX_COVER_BYTES, MAX_DOCUMENT_BYTES, Bundle, Document, load_bundle, read_capped
from e2a_sidecar.reading.cascade import Cascade
from e2a_sidecar.reading.chapter_lines import MAX_LINE_CHARS
from e2a_sidecar.reading.chapters import Mark, Page, Part, Place, Stretch, find_chapters, part_of, parts, places_of
from e2a_sidecar.reading.contents import Titles, without_contents
from e2a_sidecar.reading.imprint import without_imprints
from e2a_sidecar.reading.language import normalise, primary
from e2a_sidecar.reading.linked_notes import Linked, without_linked_notes
from e2a_sidecar.reading.notes import without_notes
from e2a_sidecar.reading.plain_text import without_brackets
from e2a_sidecar.reading.sentences import is_scene_break, pronounceable, split
from e2a_sidecar.reading.spoken import spoken
from e2a_sidecar.reading.stylesheets import Stylesheets
from e2a_sidecar.reading.verse import without_line_numbers

MAX_BLOCKS: Final = 500_000
MAX_SENTENCES: Final = 500_000
"""Of a book. A hundred long novels; what goes beyond it is left out with a warning, so that memory stays bounded."""

_COVER_WORDS: Final = 60
"""A document with more is not only a cover, whatever the book calls it."""
_NAV_WORDS: Final = 12
"""The same of a table of contents, of words in neither headings, lists nor links."""
_ORNAMENT: Final = 3
"""Fewer characters that are hidden may be the mark of a note."""
_HIDDEN_WORDS: Final = 200
"""Fewer that stylesheets hide are never believed to be a document's text."""

log = logging.getLogger(__name__)


def read_book(folder: Path, go_on: Callable[[], None] = lambda: None) -> Book:
    """What is said of the bundle in `folder`, in order, and what is not and why. go_on: called often; what it raises ends the reading.

    Raises SidecarError `bundle_broken`. A book without a word gives a Book without sentences; whoever speaks says
    `no_text`. Warnings (count, and the name of the first): encoding_guessed, markup_repaired, pages_guessed, text_hidden, spine_file_missing,
    document_not_text, document_too_big (also mb), toc_target_missing (title for name); toc_useless, cover_unreadable.
    """
    bundle = load_bundle(folder)
    odd = _Odd()
    documents: list[_Read] = []
    called = _called(bundle)
    left = MAX_BLOCKS
    sheets = Stylesheets(bundle.folder, go_on)
    for document in bundle.documents:
        documents.append(_read_document(document, called, odd, left, bundle.format == "PDF", sheets))
        left -= len(documents[-1].blocks)
    pages = [_page(document) for document in documents]
    places = places_of(bundle.toc, pages)
    titles = Titles([entry.title for entry in bundle.toc], places)
    listed = bundle.format in ("FB2", "FBZ")
    shown = without_imprints(_without_notes(documents), places)
    documents = [replace(document, blocks=without_contents(number, shown[number], titles, listed)) for number, document in enumerate(documents)]
    reading = _Reading(bundle, documents, go_on)
    for number, document in enumerate(bundle.documents):
        try:
            reading.add_document(number)
        except Overgrown:
            odd.note("document_too_big", name=document.name, mb=_megabytes(document))
    marks, toc_warnings = find_chapters(bundle.toc, pages, reading.said, reading.unsaid, bundle.metadata.title)
    cover = read_capped(bundle.cover, MAX_COVER_BYTES) if bundle.cover else None
    if bundle.cover and not cover:
        odd.note("cover_unreadable")
    book = Book(
        metadata=replace(bundle.metadata, language=reading.language),
        chapters=tuple(Chapter(mark.title, mark.level, mark.first) for mark in marks),
        sentences=reading.sentences(marks),
        skipped=reading.skipped(parts(marks, bundle.toc, pages, reading.said, reading.unsaid)),
        warnings=(*odd.warnings(), *toc_warnings),
        cover=cover or None,
    )
    log.info("read %d documents: %d chapters, %d sentences, %d skipped", len(documents), len(book.chapters), len(book.sentences), len(book.skipped))
    return book


@dataclass(frozen=True, slots=True)
class _Read:
    """A document after reading."""

    name: str
    blocks: Sequence[Block] = ()
    anchors: dict[str, int] = field(default_factory=dict)
    declared: frozenset[str] = frozenset()
    language: str = ""
    ends: dict[str, int] = field(default_factory=dict)
    marks: Sequence[NoteMark] = ()


class _Odd:
    """What was odd, by code: how often, and where first."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, str | int | float]] = {}

    def note(self, code: str, **first: str | int | float) -> None:
        params = self._found.setdefault(code, {"count": 0, **first})
        params["count"] = int(params["count"]) + 1

    def warnings(self) -> list[Warn]:
        return [Warn(code, params) for code, params in self._found.items()]


def _read_document(document: Document, called: Mapping[str, str], odd: _Odd, limit: int, printed: bool, sheets: Stylesheets) -> _Read:
    sheets.go_on()
    name = document.name
    if document.path is None:
        odd.note("spine_file_missing", name=name)
        return _Read(name)
    kind = document.media_type
    if kind and not any(part in kind for part in ("html", "xml", "text/")):  # a picture or a sound in the spine
        odd.note("document_not_text", name=name)
        return _Read(name)
    raw = read_capped(document.path, MAX_DOCUMENT_BYTES)
    if raw is None:
        odd.note("document_too_big", name=name, mb=_megabytes(document))
        return _Read(name)
    text, guessed = markup.decode(raw)
    reason = called.get(name, "")
    doubtful = document.linear and bool(reason)
    try:
        reader, clean = _blocks_of(document, text, "" if doubtful else reason, limit, printed, sheets)
        if _is_hidden(reader):
            odd.note("text_hidden", name=name)
            reader, clean = _blocks_of(document, text, "" if doubtful else reason, limit, printed, sheets, hides=False)
        if doubtful and _is_only_that(reader.blocks, reason):
            reader.leave_out(reason)
    except Overgrown:
        odd.note("document_too_big", name=name, mb=_megabytes(document))
        return _Read(name)
    if guessed:
        odd.note("encoding_guessed", name=name)
    if printed:
        odd.note("pages_guessed", name=name)  # Calibre's markup of a PDF is never clean
    elif not clean and raw.strip():
        odd.note("markup_repaired", name=name)
    return _Read(name, reader.blocks, reader.anchors, frozenset(reader.declared), reader.language, reader.ends, reader.marks)


def _without_notes(documents: Sequence[_Read]) -> Iterator[Sequence[Block]]:
    """The documents' blocks, of which notes and the numbers of lines are not said."""
    linked = without_linked_notes([Linked(read.name, read.blocks, read.anchors, read.ends, read.marks) for read in documents])
    for read, blocks in zip(documents, linked, strict=True):
        marks = {mark.href[1:]: mark for mark in reversed(read.marks) if mark.href.startswith("#") and not mark.apart}
        yield without_line_numbers(without_notes(without_brackets(blocks), read.anchors, marks))


def _blocks_of(document: Document, text: str, reason: str, limit: int, printed: bool, sheets: Stylesheets, hides: bool = True) -> tuple[BlockReader, bool]:
    """(its finished reader, was it well-formed). hides: do stylesheets hide anything? Raises Overgrown."""
    links = markup.stylesheets(text)

    def make() -> BlockReader:
        cascade = Cascade(sheets, document.path.parent if document.path else None, hides)
        for attributes in links:
            cascade.link(attributes)
        return BlockReader(cascade, reason, limit, printed, sheets.go_on)

    reader, clean = markup.parse(text, make)
    reader.finish()
    return reader, clean


def _is_hidden(reader: BlockReader) -> bool:
    """Do stylesheets hide a page or more, and most of the document? That is no ornament: a script would show it, or other e-readers do."""
    if reader.words_hidden < _HIDDEN_WORDS:
        return False
    return reader.words_hidden > 2 * sum(block.text.count(" ") + 1 for block in reader.blocks if not block.reason)


def _called(bundle: Bundle) -> dict[str, str]:
    """Documents that are not to be said, by what the book calls them; none in the reading order that is all of it, or that holds several chapters."""
    linear = {document.name for document in bundle.documents if document.linear}
    called = {document.name: "nonlinear" for document in bundle.documents if linear and not document.linear}
    entries = Counter(entry.name for entry in bundle.toc)
    several = sum(document.path is not None for document in bundle.documents if document.linear) > 1
    for name, reason in [(bundle.cover_page, "cover"), *((name, "nav") for name in bundle.nav)]:
        if name is not None and (name in called or (several and entries[name] < 2)):
            called[name] = reason
    return called


def _is_only_that(blocks: Sequence[Block], reason: str) -> bool:
    """Books call a document their cover, or their navigation, that also holds text."""
    said = [block for block in blocks if not block.reason]
    if reason == "cover":
        return sum(block.text.count(" ") + 1 for block in said) <= _COVER_WORDS
    return sum(block.text.count(" ") + 1 for block in said if not (block.heading or block.listed or block.linked)) <= _NAV_WORDS


def _megabytes(document: Document) -> int:
    return math.ceil(document.path.stat().st_size / 1e6) if document.path else 0


def _page(document: _Read) -> Page:
    return Page(document.name, document.anchors, document.declared)


@dataclass(frozen=True, slots=True)
class _Line:
    """A sentence before it has a number and a chapter."""

    block: Block
    start: int
    end: int
    before: Break
    language: str


class _Reading:
    """Gathers sentences and skipped runs over the documents; `said` and `unsaid` are the same as places, for the chapters."""

    def __init__(self, bundle: Bundle, documents: Sequence[_Read], go_on: Callable[[], None]) -> None:
        self._documents, self._go_on = documents, go_on
        defaults = Counter(primary(document.language) for document in documents if document.blocks)
        usual = defaults.most_common(1)[0][0] if defaults else ""
        self.language = normalise(bundle.metadata.language) or next((document.language for document in documents if primary(document.language) == usual), "")
        # The library says which language a book is in. Converters leave a wrong one on every document of it.
        self._own = {primary(self.language), usual, ""}
        self.said: list[Stretch] = []
        self.unsaid: list[Stretch] = []
        self._lines: list[_Line] = []
        self._skips: list[str] = []  # their texts

    def add_document(self, number: int) -> None:
        """All that is said and not said of a document, or nothing of it and Overgrown."""
        lists: tuple[list[Any], ...] = (self.said, self._lines, self.unsaid, self._skips)
        lengths = [len(gathered) for gathered in lists]
        try:
            self._add_document(number)
        except Overgrown:
            for gathered, length in zip(lists, lengths, strict=True):
                del gathered[length:]
            raise

    def _add_document(self, number: int) -> None:
        carried = Break.NONE  # of ornaments, to the next block that is said
        for block in self._documents[number].blocks:
            if block.reason:
                self._skip(number, block, 0, len(block.text), block.reason)
                if block.reason == "hidden" and len(block.text) >= _ORNAMENT and is_scene_break(block.text):  # a picture stands for it
                    carried = max(carried, Break.SCENE)
                continue
            carried = max(carried, block.before)
            if is_scene_break(block.text) and not block.cell:
                carried = max(carried, Break.SCENE)
            for piece in split(block.text, self._language(block, 0, len(block.text)) or self.language, self._go_on):
                if pronounceable(block.text[piece.start : piece.end]):
                    self._say(number, block, piece.start, piece.end, max(carried, piece.before if piece.start else Break.NONE))
                    carried = Break.NONE
                else:
                    self._skip(number, block, piece.start, piece.end, "ornament")

    def _say(self, number: int, block: Block, start: int, end: int, before: Break) -> None:
        if len(self.said) >= MAX_SENTENCES:
            raise Overgrown
        text = block.text[start:end]
        self._lines.append(_Line(block, start, end, before, self._language(block, start, end)))
        place, place_end = Place(number, block.source(start)), Place(number, block.source(end - 1) + 1)
        line = block.text if start == 0 and len(block.text) <= MAX_LINE_CHARS else ""
        self.said.append(Stretch(place, place_end, text.count(" ") + 1, text if block.heading or start == 0 else "", block.heading, line=line))

    def _skip(self, number: int, block: Block, start: int, end: int, reason: str) -> None:
        if len(self.unsaid) >= MAX_SENTENCES:
            raise Overgrown
        text = block.text[start:end]
        self._skips.append(text)
        place, place_end = Place(number, block.source(start)), Place(number, block.source(end - 1) + 1)
        self.unsaid.append(Stretch(place, place_end, text.count(" ") + 1, text if block.heading else "", block.heading, reason))

    def _language(self, block: Block, start: int, end: int) -> str:
        """The tag of most of the block's [start, end), empty where it is the book's language."""
        first = max(bisect_right(block.languages, start, key=itemgetter(0)) - 1, 0)
        changes = block.languages[first : bisect_left(block.languages, end, key=itemgetter(0))]
        if all(primary(tag) in self._own for _, tag in changes):
            return ""
        lengths = Counter[str]()
        for (at, tag), (until, _) in pairwise([*changes, (end, "")]):
            lengths[tag] += until - max(start, at)
        tag = lengths.most_common(1)[0][0]
        return "" if primary(tag) in self._own or 2 * lengths[tag] <= end - start else tag

    def _source(self, stretch: Stretch) -> Source:
        return Source(self._documents[stretch.start.document].name, stretch.start.offset, stretch.end.offset)

    def sentences(self, marks: Sequence[Mark]) -> tuple[Sentence, ...]:
        """All sentences, numbered, with their chapters and what is said."""
        begins = {mark.first: number for number, mark in enumerate(marks)}  # the last of those that begin together
        chapter: int | None = None
        out = []
        for index, (line, stretch) in enumerate(zip(self._lines, self.said, strict=True)):
            self._go_on()
            chapter = begins.get(index, chapter)
            text = line.block.text[line.start : line.end]
            said, said_map = spoken(text, line.language or self.language, line.block.heading > 0)
            out.append(
                Sentence(
                    index=index,
                    chapter=chapter,
                    source=self._source(stretch),
                    text=text,
                    spoken=said,
                    before=Break.CHAPTER if index in begins else line.before,
                    heading=line.block.heading > 0,
                    language=line.language,
                    spoken_map=said_map,
                )
            )
        return tuple(out)

    def skipped(self, found: Sequence[Part]) -> tuple[Skipped, ...]:
        """All that is not said, in order."""
        return tuple(self._skipped(part_of(found, stretch.start), stretch, text) for text, stretch in zip(self._skips, self.unsaid, strict=True))

    def _skipped(self, part: Part | None, stretch: Stretch, text: str) -> Skipped:
        chapter = part.chapter if part else None
        return Skipped(chapter, self._source(stretch), text, stretch.reason, part.title if part and chapter is None else "")
