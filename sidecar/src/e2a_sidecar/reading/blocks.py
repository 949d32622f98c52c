"""Tags and text to blocks: paragraphs, headings, cells and lines of text as a reader meets them, each with its way back to
the source, and what stands in the document but is not for the ear, with the reason.

Nothing visible is lost here: each visible character that is not white space is in exactly one block, in order, and a
block with a `reason` is one that is not said. What is a sentence, a chapter or an ornament is decided later.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from e2a_sidecar.model import Break
from e2a_sidecar.reading.language import normalise
from e2a_sidecar.reading.soup import names

REASONS: Final[Mapping[str, str]] = {
    "noteref": "the mark of a footnote or endnote, or the way back from one",
    "note": "a footnote or an endnote",
    "pagebreak": "the number of a page of the printed book",
    "hidden": "hidden by the book itself (hidden, aria-hidden, display: none)",
    "nav": "navigation: table of contents, page list, landmarks",
    "boilerplate": "imprint, copyright page, colophon, list of illustrations, index",
    "halftitle": "a half-title page, which repeats the title",
    "cover": "the cover page",
    "nonlinear": "a document that is not part of the reading order",
    "ruby": "small characters beside others, which say how those are read",
    "fallback": "shown only where a reader cannot show a film, sound, frame or script",
    "ornament": "asterisks, rules and the like: a pause instead",
}
"""Code of `model.Skipped.reason` -> what it means."""

_TYPES: Final = {
    **dict.fromkeys(("noteref", "doc-noteref", "backlink", "doc-backlink", "referrer"), "noteref"),
    **dict.fromkeys(names("footnote footnotes endnote endnotes rearnote rearnotes doc-footnote doc-endnote doc-endnotes"), "note"),
    **dict.fromkeys(("pagebreak", "doc-pagebreak"), "pagebreak"),
    **dict.fromkeys(names("toc toc-brief landmarks page-list doc-toc doc-pagelist"), "nav"),
    **dict.fromkeys(names("copyright-page imprint colophon doc-colophon loi lot loa lov index doc-index"), "boilerplate"),
    "halftitlepage": "halftitle",
    "cover": "cover",
    "doc-cover": "cover",
}
"""epub:type or role -> reason. A title page, a dedication, thanks and a bibliography are said."""
WHOLE: Final = frozenset({"note", "nav", "boilerplate", "halftitle", "cover", "nonlinear"})
"""Reasons that take whole documents out."""
_NOTE_CLASSES: Final = names("footnote footnotes endnote endnotes rearnote rearnotes")
_NOTEREF_CLASSES: Final = names("noteref footnoteref footnote-ref fnref endnote-ref footnote-back")
_TAGS: Final = {
    "nav": "nav",
    **dict.fromkeys(("rt", "rp", "rtc"), "ruby"),
    **dict.fromkeys(names("audio video iframe canvas noscript object case"), "fallback"),
}

_SILENT: Final = names("head title script style template desc metadata annotation annotation-xml")
"""Not visible text: neither said nor reported."""
_BLOCKS: Final = names(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header "
    "hgroup html legend li main menu nav ol optgroup option p pre section summary table tbody td text tfoot th thead tr ul"
)
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_NO_NOTE_BLOCKS: Final = frozenset({"body", "html"})

_ODD: Final = re.compile(r"\s{2,}|[^\S ]|[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]+")
"""White space that is not one plain space, and characters that are not text: soft hyphens, marks of direction, controls."""
_INVISIBLE: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NOTE_MARK: Final = re.compile(r"[\[(]?(?:\d{1,4}|[ivxlc]{1,6}|[a-zA-Z]|[*†‡§¶#]{1,4})[\])]?")
_PLAIN_MARK: Final = re.compile(r"\(?(?:\d{1,4}|[ivxlc]{1,6}|[a-zA-Z])\)?")  # may be a reference that is part of the sentence: "by (3)"
_MAX_PIECES: Final = 100_000
"""Runs of text in a block; where there are more it ends, so that memory stays bounded."""
_MARK_PIECES: Final = 8
"""More runs of text than this in a link are no mark; bounds the work where thousands of links are nested."""
_ENDED: Final = frozenset(".!?…:;。！？」』”")


class Overgrown(Exception):
    """More blocks or sentences than any book has: the document is left out."""


@dataclass(frozen=True, slots=True)
class Block:
    """A run of text with white space collapsed. source [start, end): from its first to behind its last character.

    `starts` and `sources` (equal lengths, ascending): from text offset starts[i] on, character t is source offset
    sources[i] + t - starts[i]. heading: 1-6, 0 for none. languages: (text offset, tag) where the tag changes.
    before: what stands between it and the spoken block before. reason: a code of REASONS where it is not said, else empty.
    """

    text: str
    start: int
    end: int
    starts: tuple[int, ...]
    sources: tuple[int, ...]
    before: Break = Break.PARAGRAPH
    heading: int = 0
    cell: bool = False
    languages: tuple[tuple[int, str], ...] = ()
    reason: str = ""

    def source(self, offset: int) -> int:
        """Source offset of the text's character at `offset`."""
        at = bisect_right(self.starts, offset) - 1
        return self.sources[at] + offset - self.starts[at]


class _Piece(NamedTuple):
    text: str
    source: int
    language: str


_LINE: Final = _Piece("\n", -1, "")  # a forced line break inside a block


@dataclass(slots=True)
class _Frame:
    """An open element's say in what is inside it."""

    tag: str
    reason: str = ""
    silent: bool = False
    language: str = ""
    heading: int = 0
    pre: bool = False
    cell: bool = False
    raised: bool = False
    mark: tuple[int, int] | None = None  # of a link to a note: (block number, pieces before it)


@dataclass(slots=True)
class BlockReader:
    """A `soup.Handler` that gathers a document's blocks.

    reason: takes the whole document out. limit: of blocks; more raise Overgrown. After `finish`: `blocks` in order;
    `anchors`: id -> source offset where it stands (the heading's beginning where it stands in a heading); `declared`:
    reasons that elements gave, text or not; `language`: of the root elements.
    """

    reason: str = ""
    limit: int = 1_000_000
    blocks: list[Block] = field(default_factory=list)
    anchors: dict[str, int] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    language: str = ""
    length: int = 0
    _stack: list[_Frame] = field(default_factory=list)
    _pieces: list[_Piece] = field(default_factory=list)
    _aside: list[_Piece] = field(default_factory=list)
    _aside_reason: str = ""
    _pending: Break = Break.PARAGRAPH
    _first: int = -1  # source offset of the first text that was gathered for the block
    _block: int = 0
    _raised: int = 0  # <sup> seen so far
    _raised_before: int = 0  # ... when the last link began

    def __post_init__(self) -> None:
        self._stack.append(_Frame("", reason=self.reason))
        if self.reason:
            self.declared.add(self.reason)

    # ---- the handler ----

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        outer = self._stack[-1]
        if outer.silent or tag in _SILENT:
            self._stack.append(_Frame(tag, silent=True))
            return
        if tag in _BLOCKS:
            self._boundary(tag)
        frame = _Frame(tag, outer.reason, False, outer.language, _HEADINGS.get(tag, outer.heading), outer.pre or tag == "pre", outer.cell, outer.raised)
        frame.cell = frame.cell or tag in ("td", "th")
        if tag == "sup":
            frame.raised = True
            self._raised += 1
        if attributes:
            self._read_attributes(tag, attributes, frame)
        if not frame.reason and tag in _TAGS:
            frame.reason = _TAGS[tag]
            self.declared.add(frame.reason)
        self._stack.append(frame)
        if tag == "br" and not frame.reason:
            self._pieces.append(_LINE)
        elif tag == "hr":
            self._flush()
            self._pending = max(self._pending, Break.SCENE)

    def end(self, tag: str) -> None:
        frame = self._stack[-1]
        if not frame.silent:
            if frame.mark and frame.mark[0] == self._block:
                self._take_note_mark(frame)
            if tag in _BLOCKS:
                self._boundary(tag)
        self._stack.pop()

    def data(self, text: str) -> None:
        start = self.length
        self.length += len(text)
        frame = self._stack[-1]
        if frame.silent:
            return
        if frame.reason:
            if self._aside_reason != frame.reason:
                self._flush_aside()
                self._aside_reason = frame.reason
            self._aside.append(_Piece(text, start, frame.language))
            if len(self._aside) >= _MAX_PIECES:
                self._flush_aside()
            return
        if self._aside:
            self._flush_aside()
        if len(self._pieces) >= _MAX_PIECES:
            self._flush()
        if self._first < 0 and not text.isspace():
            self._first = start
        if frame.pre and "\n" in text:
            self._add_lines(text, start, frame.language)
        else:
            self._pieces.append(_Piece(text, start, frame.language))

    def finish(self) -> None:
        """After the document's last tag: what was still gathered is a block too, and all stand in order."""
        self._flush()
        self.blocks.sort(key=lambda block: block.start)

    # ---- attributes ----

    def _read_attributes(self, tag: str, attributes: dict[str, str], frame: _Frame) -> None:
        for anchor in (attributes.get("id"), attributes.get("xml:id"), attributes.get("name") if tag == "a" else None):
            if anchor:
                in_heading = self._stack[-1].heading and self._first >= 0
                self.anchors.setdefault(anchor, self._first if in_heading else self.length)
        language = attributes.get("xml:lang") or attributes.get("lang")
        if language:
            frame.language = normalise(language) or frame.language
            if tag in ("html", "body"):
                self.language = frame.language
        if not frame.reason:
            frame.reason = _reason(tag, attributes)
            if frame.reason:
                self.declared.add(frame.reason)
            elif tag == "a" and "#" in attributes.get("href", ""):
                frame.mark = (self._block, len(self._pieces))
                frame.raised = frame.raised or bool(_NOTEREF_CLASSES & set(attributes.get("class", "").lower().split()))
                self._raised_before = self._raised

    def _take_note_mark(self, frame: _Frame) -> None:
        """A link that only holds a raised, bracketed or glued number or sign is the mark of a note: not said."""
        assert frame.mark is not None
        if len(self._pieces) - frame.mark[1] > _MARK_PIECES:
            return
        pieces = self._pieces[frame.mark[1] :]
        text = "".join(piece.text for piece in pieces).strip()
        if not text or not _NOTE_MARK.fullmatch(text):
            return
        before = self._pieces[frame.mark[1] - 1] if frame.mark[1] else _LINE
        raised = frame.raised or self._raised > self._raised_before
        glued = text.isdigit() and before.source >= 0 and not before.text[-1:].isspace() and before.text[-1:] not in "([-–—/"
        if raised or glued or not _PLAIN_MARK.fullmatch(text):
            del self._pieces[frame.mark[1] :]
            self._flush_aside()
            self._add_block(pieces, "noteref")

    # ---- blocks ----

    def _add_lines(self, text: str, start: int, language: str) -> None:
        for number, line in enumerate(text.split("\n")):
            if number:
                self._pieces.append(_LINE)
            if line:
                self._pieces.append(_Piece(line, start, language))
            start += len(line) + 1

    def _boundary(self, tag: str) -> None:
        """The edge of a block: what was gathered is one; what comes is another."""
        self._flush()
        if tag in _HEADINGS:
            self._pending = max(self._pending, Break.HEADING)
        elif tag not in ("td", "th"):
            self._pending = max(self._pending, Break.PARAGRAPH)

    def _flush(self) -> None:
        self._flush_aside()
        pieces, self._pieces = self._pieces, []
        self._first = -1
        self._block += 1
        if not pieces:
            return
        if _LINE not in pieces:
            self._add_block(pieces)
            return
        for number, line in enumerate(_joined_lines(pieces)):
            if number:
                self._pending = Break.LINE
            self._add_block(line)

    def _flush_aside(self) -> None:
        pieces, self._aside = self._aside, []
        if pieces:
            self._add_block(pieces, self._aside_reason)

    def _add_block(self, pieces: list[_Piece], reason: str = "") -> None:
        text, starts, sources, languages = _collapse(pieces)
        if not text:
            return
        if len(self.blocks) >= self.limit:
            raise Overgrown
        frame = self._stack[-1]
        last = bisect_right(starts, len(text) - 1) - 1
        end = sources[last] + len(text) - starts[last]
        before = Break.NONE
        if not reason:
            before = self._pending
            self._pending = Break.HEADING if frame.heading else Break.LINE
        self.blocks.append(Block(text, sources[0], end, tuple(starts), tuple(sources), before, frame.heading, frame.cell, tuple(languages), reason))


def _reason(tag: str, attributes: Mapping[str, str]) -> str:
    """Why an element is not said, empty where nothing speaks against it."""
    if "hidden" in attributes or attributes.get("aria-hidden") == "true" or _INVISIBLE.search(attributes.get("style", "")):
        return "hidden"
    for name in ("epub:type", "role"):
        for word in attributes.get(name, "").split():
            if word in _TYPES:
                return _TYPES[word]
    if tag in _BLOCKS and tag not in _NO_NOTE_BLOCKS and _NOTE_CLASSES & set(attributes.get("class", "").split()):
        return "note"
    return ""


def _joined_lines(pieces: list[_Piece]) -> list[list[_Piece]]:
    """The lines of a block with forced breaks. A line that plainly goes on in the next (no stop, and a small letter
    follows) is joined to it: a poem's enjambed line, or prose that some converter broke by hand.
    """
    lines: list[list[_Piece]] = [[]]
    for piece in pieces:
        if piece is _LINE:
            lines.append([])
        else:
            lines[-1].append(piece)
    out: list[list[_Piece]] = []
    last = ""
    for line in lines:
        text = "".join(piece.text for piece in line).strip()
        if not text:
            last = last and "."  # an empty line parts
            continue
        if out and last not in _ENDED and text[0].islower():
            out[-1].append(_Piece(" ", line[0].source, line[0].language))
            out[-1].extend(line)
        else:
            out.append(line)
        last = text[-1]
    return out


def plain(text: str) -> str:
    """A run of text as a block's text would be: white space collapsed, without what is no character to be read."""
    return _collapse([_Piece(text, 0, "")])[0]


def _collapse(pieces: list[_Piece]) -> tuple[str, list[int], list[int], list[tuple[int, str]]]:
    """(text with white space collapsed and stripped, starts, sources, languages) of a block's pieces; see `Block`."""
    parts: list[str] = []
    starts: list[int] = []
    sources: list[int] = []
    languages: list[tuple[int, str]] = []
    length, spaced, drift = 0, True, -1

    def add(text: str, source: int, language: str) -> None:
        nonlocal length, spaced, drift
        if spaced and text[0] == " ":
            text, source = text[1:], source + 1
            if not text:
                return
        if source - length != drift:
            drift = source - length
            starts.append(length)
            sources.append(source)
        if (languages[-1][1] if languages else "") != language:
            languages.append((length, language))
        parts.append(text)
        length += len(text)
        spaced = text[-1] == " "

    for text, source, language in pieces:
        at = 0
        for odd in _ODD.finditer(text):
            if odd.start() > at:
                add(text[at : odd.start()], source + at, language)
            if odd.group()[0].isspace():
                add(" ", source + odd.start(), language)
            at = odd.end()
        if at < len(text):
            add(text[at:] if at else text, source + at, language)
    joined = "".join(parts).rstrip(" ")
    while starts and starts[-1] >= max(len(joined), 1):
        starts.pop()
        sources.pop()
    return joined, starts, sources, [change for change in languages if change[0] < len(joined)]
