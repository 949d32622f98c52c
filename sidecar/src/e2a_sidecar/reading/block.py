"""A block of a document: a paragraph, a heading, a cell or a line as a reader meets it, with its way back to the source; or what stands in the document
and is not for the ear, with the reason."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from e2a_sidecar.model import Break

REASONS: Final[Mapping[str, str]] = {
    "noteref": "the mark of a footnote or endnote, or the way back from one; the raised number of a verse",
    "note": "a footnote or an endnote, each of its paragraphs for itself",
    "pagebreak": "the number of a page or of a line of the printed book, or what stands on each page of a PDF",
    "hidden": "hidden by the book itself (hidden, aria-hidden, display: none, visibility: hidden)",
    "nav": "navigation: table of contents, page list, landmarks",
    "boilerplate": "imprint, copyright page, colophon, list of illustrations, index",
    "halftitle": "a half-title page, which repeats the title",
    "cover": "the cover page",
    "nonlinear": "a document that is not part of the reading order",
    "ruby": "small characters beside others, which say how those are read",
    "fallback": "shown only where a reader cannot show a film, sound, frame or script",
    "ornament": "asterisks, rules and the like: a pause instead",
    "picture": "what a picture among words shows, as the book describes it",
}
"""Code of `model.Skipped.reason` -> what it means."""

WHOLE: Final = frozenset({"note", "nav", "boilerplate", "halftitle", "cover", "nonlinear"})
"""Reasons that take whole documents out."""


@dataclass(frozen=True, slots=True)
class Block:
    """A run of text with white space collapsed. source [start, end): from its first to behind its last character.

    `starts` and `sources` (equal lengths, ascending): from text offset starts[i] on, character t is source offset
    sources[i] + t - starts[i]. heading: 1-6, 0 for none. languages: (text offset, tag) where the tag changes.
    before: what stands between it and the spoken block before. reason: a code of REASONS where it is not said, else empty.
    row: numbers of the table's row and cell it stands in, 0 for none. listed: does it stand in a list? linked: is something of it a link?
    leads: is all of it a link? local: one to a place in the same document?
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
    row: tuple[int, int] = (0, 0)
    listed: bool = False
    linked: bool = False
    leads: bool = False
    local: bool = False

    def source(self, offset: int) -> int:
        """Source offset of the text's character at `offset`."""
        at = bisect_right(self.starts, offset) - 1
        return min(self.sources[at] + offset - self.starts[at], self.end - 1)  # what a picture says has no length there


class NoteMark(NamedTuple):
    """A link in the text that is the mark of a note, or leads back from one. href: as the document has it. offset: of the source.

    apart: does it begin a line, or is it neither raised nor glued to a word, as the letters above a dictionary?
    """

    href: str
    text: str
    offset: int
    apart: bool
