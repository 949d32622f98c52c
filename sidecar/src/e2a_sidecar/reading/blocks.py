"""Tags and text to blocks: paragraphs, headings, cells and lines of text as a reader meets them, each with its way back to
the source, and what stands in the document but is not for the ear, with the reason.

Nothing visible is lost here: each visible character that is not white space is in exactly one block, in order, and a
block with a `reason` is one that is not said. What is a sentence, a chapter or an ornament is decided later.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from e2a_sidecar.model import Break
from e2a_sidecar.reading import letterspacing, marks, pages, runs, scripts, verse
from e2a_sidecar.reading.block import Block, NoteMark
from e2a_sidecar.reading.cascade import Cascade, Style
from e2a_sidecar.reading.frame import Frame
from e2a_sidecar.reading.language import normalise
from e2a_sidecar.reading.scripts import LINE as _LINE
from e2a_sidecar.reading.scripts import Piece as _Piece
from e2a_sidecar.reading.soup import names
from e2a_sidecar.reading.stylesheets import Stylesheets

_SILENT: Final = names("head title script style template desc metadata annotation annotation-xml")
"""Not visible text: neither said nor reported."""
_BLOCKS: Final = names(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header "
    "hgroup html legend li main menu nav ol optgroup option p pre section summary table tbody td text tfoot th thead tr ul"
)
_LINES: Final = names("br hr wbr")
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}

_MATH_TOKENS: Final = names("mi mn mo mtext ms")
_EXPONENTS: Final = {"msup": 2, "msubsup": 3}
"""Element of MathML -> which of its children is the exponent."""
_LARGE_OPERATORS: Final = tuple("∑∏∐∫∮⋃⋂⋁⋀⨁⨂")  # what is raised beside them is where they end
_MAX_PIECES: Final = 100_000
"""Runs of text in a block; where there are more it ends, so that memory stays bounded."""
_MARK_PIECES: Final = 8
"""More runs of text than this in a link are no mark; bounds the work where thousands of links are nested."""


class Overgrown(Exception):
    """More blocks or sentences than any book has: the document is left out."""


@dataclass(slots=True)
class BlockReader:
    """A `soup.Handler` that gathers a document's blocks.

    cascade: its styles. reason: takes the whole document out. limit: of blocks; more raise Overgrown. printed: it is a PDF's pages, line by line
    with a rule below each. go_on: see `read_book`. After `finish`: `blocks` in order;
    `words_hidden`: by stylesheets; `anchors`: id -> source offset where it stands (the heading's beginning where it stands in a heading); `declared`:
    reasons that elements gave, text or not; `language`: of the root elements; `marks`: of notes; `ends`: id of a block -> where that ends.
    """

    cascade: Cascade = field(default_factory=lambda: Cascade(Stylesheets()))
    reason: str = ""
    limit: int = 1_000_000
    printed: bool = False
    go_on: Callable[[], None] = lambda: None
    blocks: list[Block] = field(default_factory=list)
    anchors: dict[str, int] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    language: str = ""
    marks: list[NoteMark] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)
    length: int = 0
    words_hidden: int = 0
    _style: list[str] = field(default_factory=list)  # the text of the <style> that is open
    _style_attributes: dict[str, str] = field(default_factory=dict)
    _stack: list[Frame] = field(default_factory=list)
    _pieces: list[_Piece] = field(default_factory=list)
    _aside: list[_Piece] = field(default_factory=list)
    _aside_reason: str = ""
    _pending: Break = Break.PARAGRAPH
    _first: int = -1  # source offset of the first text that was gathered for the block
    _block: int = 0
    _raised: int = 0  # <sup> seen so far
    _raised_before: int = 0  # ... when the last link began
    _rows: int = 0  # <tr> seen so far
    _cells: int = 0  # <td> and <th>
    _held: bool = False  # has a block with the first letter of the next one ended?
    _term: bool = False  # has something been said of a formula that goes on?
    _row_y: str = ""  # where the last <tspan> of a picture's text stands
    _sign: str = ""  # what comes in it by its layout, before its next character

    def __post_init__(self) -> None:
        self._stack.append(Frame("", reason=self.reason))
        if self.reason:
            self.declared.add(self.reason)

    # ---- the handler ----

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        outer = self._stack[-1]
        style = self.cascade.start(tag, attributes)
        if tag == "link":
            self.cascade.link(attributes)
        elif tag == "style":
            self._style, self._style_attributes = [], attributes
        if outer.silent or tag in _SILENT:
            self._stack.append(Frame(tag, silent=True))
            return
        if tag in _BLOCKS:
            self._boundary(tag)
        reason = "" if outer.unseen else outer.reason
        frame = Frame(tag, reason, False, outer.language, _HEADINGS.get(tag, outer.heading), outer.pre or tag == "pre", outer.cell, outer.raised)
        frame.script, frame.linked, frame.row, frame.dropped, frame.href = outer.script, outer.linked, outer.row, outer.dropped, outer.href
        if tag in ("td", "th"):
            self._cells += 1
            frame.cell, frame.row = True, (frame.row[0], self._cells)
        frame.listed = outer.listed or tag == "li"
        frame.labelled = outer.labelled and tag not in _BLOCKS
        if tag == "sup":
            self._raise(frame, "sup")
        elif tag == "sub":
            frame.script = "sub"
        elif tag == "tr":
            self._rows += 1
            frame.row = (self._rows, 0)
        if attributes:
            self._read_place(tag, attributes, frame)
        if frame.reason:
            frame.by_sheet = outer.by_sheet
        else:
            self._judge(tag, attributes, style, outer, frame)
        if not frame.reason:
            self._read_look(tag, attributes, style, frame)
        self._stack.append(frame)
        if tag[:1] == "m" and not frame.reason:
            self._start_math(tag, outer, frame)
        if tag == "img" and not frame.reason and (words := marks.picture_words(attributes.get("alt", ""))):
            self._pieces.append(_Piece(words, self.length, frame.language, "alt", frame.linked))
        if tag == "br" and not frame.reason:
            if not (style.gone and self._begins_line()):
                self._pieces.append(_LINE)
        elif tag == "tspan" and not frame.reason:
            self._start_row(attributes)
        elif tag == "hr" and self.printed:
            self._pieces.append(pages.PAGE)
        elif tag == "hr":
            self._flush()
            self._pending = max(self._pending, Break.SCENE)

    def end(self, tag: str) -> None:
        self.cascade.end()
        frame = self._stack[-1]
        if frame.silent and tag == "style":
            self.cascade.text("".join(self._style), self._style_attributes)
            self._style = []
        if not frame.silent:
            if frame.mark and frame.mark[0] == self._block:
                self._take_note_mark(frame)
            if frame.page and frame.page[0] == self._block:
                self._take_page_number(frame.page[1])
            if frame.line and not (self._begins_line() or self._is_initial()):
                self._pieces.append(_LINE)
            if frame.anchor:
                self.ends.setdefault(frame.anchor, self.length)
            if tag in _BLOCKS:
                self._held = self._held or (frame.dropped and self._is_initial())
                self._boundary(tag)
            if tag in _MATH_TOKENS:
                self._term = True
            elif tag == "math":
                self._term, self._sign = False, ""
        self._stack.pop()

    def data(self, text: str) -> None:
        start = self.length
        self.length += len(text)
        frame = self._stack[-1]
        if frame.silent:
            if frame.tag == "style":
                self._style.append(text)
            return
        if frame.reason:
            if frame.by_sheet:
                self.words_hidden += len(text.split())
            if self._aside_reason != frame.reason:
                self._flush_aside()
                self._aside_reason = frame.reason
            self._aside.append(_Piece(text, start, frame.language))
            if len(self._aside) >= _MAX_PIECES:
                self._flush_aside()
            return
        if self._is_hidden_initial(text):
            self._first = self._first if self._first >= 0 else self._aside[0].source
            self._pieces += self._aside
            self._aside = []
        elif self._aside:
            self._flush_aside()
        if self._held:
            if text.isspace():
                return
            self._held = False
            if not text[0].islower() or text[0].upper() in self._gathered():  # "A" above "abbey" is an index
                self._flush()
        if len(self._pieces) >= _MAX_PIECES:
            self._flush()
        if self._first < 0 and not text.isspace():
            self._first = start
        if frame.pre and "\n" in text:
            self._add_lines(text, start, frame)
        else:
            piece = _Piece(text, start, frame.language, frame.script, frame.linked, frame.href[:1] == "#")
            if self._sign and not text.isspace():
                self._pieces += scripts.signed(self._sign, piece)
                self._sign = ""
            else:
                self._pieces.append(piece)

    def finish(self) -> None:
        """After the document's last tag: what was still gathered is a block too, and all stand in order."""
        self._flush()
        self.blocks.sort(key=lambda block: block.start)

    def leave_out(self, reason: str) -> None:
        """Nothing of the finished document is said."""
        self.blocks = [replace(block, reason=reason) for block in self.blocks]
        self.declared.add(reason)

    # ---- attributes ----

    def _read_place(self, tag: str, attributes: dict[str, str], frame: Frame) -> None:
        for anchor in (attributes.get("id"), attributes.get("xml:id"), attributes.get("name") if tag == "a" else None):
            if anchor:
                in_heading = self._stack[-1].heading and self._first >= 0
                self.anchors.setdefault(anchor, self._first if in_heading else self.length)
                frame.anchor = anchor if tag in _BLOCKS else ""
        language = attributes.get("xml:lang") or attributes.get("lang")
        if language:
            frame.language = normalise(language) or frame.language
            if tag in ("html", "body"):
                self.language = frame.language

    def _judge(self, tag: str, attributes: dict[str, str], style: Style, outer: Frame, frame: Frame) -> None:
        """Is it said?"""
        frame.reason = marks.reason(tag, attributes, tag in _BLOCKS, frame.labelled)
        if not frame.reason:
            gone = style.gone and tag not in _LINES
            frame.unseen = not gone and (outer.unseen if style.visible is None else not style.visible)
            if gone or frame.unseen:
                frame.reason = "hidden"
                frame.by_sheet = outer.by_sheet if frame.unseen and style.visible is None else not style.own
        if frame.reason:
            self.declared.add(frame.reason)

    def _read_look(self, tag: str, attributes: dict[str, str], style: Style, frame: Frame) -> None:
        block = tag in _BLOCKS
        if style.block and not (block or style.apart or tag == "img" or tag in _LINES or marks.is_dropped(attributes)):
            frame.line = True
            if not self._begins_line():
                self._pieces.append(_LINE)
        if not attributes and not style.script and not style.apart:
            return
        if style.apart and not block and not frame.script:
            frame.script = style.apart
        classes = set(attributes.get("class", "").lower().split())
        script = "" if block else style.script or marks.script_of(classes)
        if script:
            self._raise(frame, script)
        if classes & marks.PAGE_CLASSES:
            frame.page = (self._block, len(self._pieces))
        frame.dropped = frame.dropped or (block and (style.apart == "float" or marks.is_dropped(attributes)))
        frame.labelled = frame.labelled or (bool(attributes.get("aria-label")) and (not block or tag in _HEADINGS or tag == "p"))
        if tag == "a" and attributes.get("href"):
            frame.linked = True
            frame.mark = (self._block, len(self._pieces))
            frame.href = attributes["href"]
            frame.away = "#" not in frame.href
            frame.raised = frame.raised or bool(marks.NOTEREF_CLASSES & classes)
            self._raised_before = self._raised

    def _start_row(self, attributes: dict[str, str]) -> None:
        """Lines of a picture's text differ in y; words may be parted in x alone, within them."""
        y = attributes.get("y", self._row_y)
        if (y != self._row_y or attributes.get("dy", "0").strip("0.") not in ("", "px", "pt", "em")) and not self._begins_line():
            self._pieces.append(_LINE)
        self._row_y = y

    def _begins_line(self) -> bool:
        """Is nothing yet in the block's line?"""
        return next((piece for piece in reversed(self._pieces[-_MARK_PIECES:]) if piece is _LINE or not piece.text.isspace()), _LINE) is _LINE

    def _raise(self, frame: Frame, script: str) -> None:
        frame.script = script
        if script == "sup":
            frame.raised = True
            self._raised += 1

    def _take_page_number(self, first: int) -> None:
        """What calls itself the number of a page is one if it is a number at all."""
        pieces = self._pieces[first : first + _MARK_PIECES + 1]
        if len(pieces) <= _MARK_PIECES and marks.is_page_number("".join(piece.text for piece in pieces).strip()):
            del self._pieces[first:]
            self._flush_aside()
            self._add_block(pieces, "pagebreak")

    def _take_note_mark(self, frame: Frame) -> None:
        """A link that only holds a raised, bracketed or glued number or sign is the mark of a note: not said."""
        assert frame.mark is not None
        if len(self._pieces) - frame.mark[1] > _MARK_PIECES:
            return
        pieces = self._pieces[frame.mark[1] :]
        text = "".join(piece.text for piece in pieces).strip()
        before = self._pieces[frame.mark[1] - 1].text[-12:] if frame.mark[1] else ""
        raised = frame.raised or self._raised > self._raised_before
        if marks.is_note_mark(text, before, raised, frame.away):
            del self._pieces[frame.mark[1] :]
            self._flush_aside()
            self._add_block(pieces, "noteref")
            apart = self._begins_line() or not (raised or marks.ends_word(before))
            self.marks.append(NoteMark(frame.href, text, self.blocks[-1].start, apart))

    # ---- blocks ----

    def _start_math(self, tag: str, outer: Frame, frame: Frame) -> None:
        """A formula's parts never run into one another, and what its layout says is written: a fraction's bar, a root, an exponent."""
        outer.children += 1
        if tag in _EXPONENTS:
            frame.base = (self._block, len(self._pieces))
        if outer.base and outer.children == _EXPONENTS[outer.tag] and not self._is_large_operator(outer.base):
            frame.script = "power"
        elif outer.tag == "mfrac" and outer.children == 2:
            self._sign = "⁄"
        if tag in ("msqrt", "mroot"):
            self._sign += "√"
        elif tag in _MATH_TOKENS and self._term and frame.script != "power":
            self._pieces.append(_Piece(" ", self.length, frame.language, frame.script))

    def _is_large_operator(self, base: tuple[int, int]) -> bool:
        return base[0] == self._block and "".join(piece.text for piece in self._pieces[base[1] : base[1] + 4]).strip().startswith(_LARGE_OPERATORS)

    def _is_initial(self) -> bool:
        """Is all that was gathered one capital letter?"""
        return len(self._pieces) <= _MARK_PIECES and len(self._gathered()) == 1 and self._gathered().isupper()

    def _is_hidden_initial(self, text: str) -> bool:
        """Is what was just hidden the first letter of the word that now goes on? Readers see it in a picture."""
        if len(self._aside) != 1 or self._aside_reason != "hidden" or len(self._aside[0].text) > 1:
            return False
        alone = not self._pieces or self._pieces[-1] is _LINE or self._pieces[-1].text[-1:].isspace()
        return alone and self._aside[0].text.isupper() and text[0].islower()

    def _gathered(self) -> str:
        return "".join(piece.text for piece in self._pieces).strip()

    def _add_lines(self, text: str, start: int, frame: Frame) -> None:
        for number, line in enumerate(text.split("\n")):
            if number:
                self._pieces.append(_LINE)
            if line:
                self._pieces.append(_Piece(line, start, frame.language, frame.script, frame.linked))
            start += len(line) + 1

    def _boundary(self, tag: str) -> None:
        """The edge of a block: what was gathered is one; what comes is another."""
        if not self._held:
            self._flush()
        if tag in _HEADINGS:
            self._pending = max(self._pending, Break.HEADING)
        elif tag not in ("td", "th"):
            self._pending = max(self._pending, Break.PARAGRAPH)

    def _flush(self) -> None:
        self.go_on()
        self._flush_aside()
        pieces, self._pieces = self._pieces, []
        self._first = -1
        self._block += 1
        self._held = False
        if not pieces:
            return
        if _LINE in pieces and not self.printed:
            pieces, of_lines = verse.numbers_behind_lines(pieces)
            for piece in of_lines:
                self._add_block([piece], "pagebreak")
        pieces, unsaid = scripts.settled(pieces, self._stack[-1].heading > 0)
        for reason, run in unsaid:
            self._add_block(run, reason)
        if self.printed and pages.PAGE in pieces:
            lines, own = pages.read_pages(pieces)
            for run in own:
                self._add_block(run, "pagebreak")
        elif _LINE in pieces:
            lines = runs.joined_lines(letterspacing.closed(pieces, self._stack[-1].heading > 0) or pieces)
        else:
            lines = [pieces]
        for number, line in enumerate(lines):
            if number:
                self._pending = Break.LINE
            self._add_block(line)

    def _flush_aside(self) -> None:
        pieces, self._aside = self._aside, []
        if pieces:
            self._add_block(pieces, self._aside_reason)

    def _add_block(self, pieces: list[_Piece], reason: str = "") -> None:
        text, starts, sources, languages = runs.collapse(pieces)
        if not text:
            return
        if len(self.blocks) >= self.limit:
            raise Overgrown
        frame = self._stack[-1]
        if not reason and (apart := letterspacing.closed(pieces, frame.heading > 0)):
            pieces = apart
            text, starts, sources, languages = runs.collapse(pieces)
        last = bisect_right(starts, len(text) - 1) - 1
        end = sources[last] + (1 if pieces[-1].script == "alt" else len(text) - starts[last])
        before = Break.NONE
        if not reason:
            before = self._pending
            self._pending = Break.HEADING if frame.heading else Break.LINE
        linked = any(piece.linked for piece in pieces)
        leads = linked and all(piece.linked for piece in pieces if piece.text.strip())
        local = leads and all(piece.local for piece in pieces if piece.text.strip())
        at = (text, sources[0], end, tuple(starts), tuple(sources))
        self.blocks.append(Block(*at, before, frame.heading, frame.cell, tuple(languages), reason, frame.row, frame.listed, linked, leads, local))
