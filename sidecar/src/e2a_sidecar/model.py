"""What the stages hand to one another: frozen records, no behaviour.

    reading   -> Book (Chapter, Sentence, Skipped)
    speaking  -> Take (Word)
    mastering -> Spoken (a sentence's place on the book's time line), ChapterMark

Offsets are code points. A `Source` counts them over the document's text nodes in document order, all of them (the
title's and a script's too, CDATA included, comments and processing instructions not), entities expanded and newlines
normalised as XML does, so that a later step can find the very characters in the book's own bytes again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
"""Mono PCM, 1-D, full scale 32767."""


class Break(IntEnum):
    """What stands between a sentence and the one before it; the greater, the longer the pause."""

    NONE = 0  # a piece of one long sentence that was cut
    SENTENCE = 1
    LINE = 2  # a line of verse, a table cell
    PARAGRAPH = 3
    HEADING = 4  # before or after a heading
    SCENE = 5  # a rule, a row of asterisks
    CHAPTER = 6


@dataclass(frozen=True, slots=True)
class Source:
    """Where a text stands in the book: document name as in the bundle's spine, [start, end) over its text nodes."""

    document: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing to say.

    `text` is the book's own text with white space collapsed; `spoken` what the engine is given;
    `spoken_map` maps spoken to text: tuple of (spoken_start, spoken_end, text_start, text_end) pieces in order,
    covering both strings; empty means that the two are equal, character by character.
    """

    index: int
    chapter: int | None
    source: Source
    text: str
    spoken: str
    before: Break
    heading: bool = False
    language: str = ""
    """BCP 47 tag of the element it stands in where that differs from the book's, else empty."""
    spoken_map: tuple[tuple[int, int, int, int], ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter mark: it begins at sentence number `first` (== number of the next chapter's first where it has no words)."""

    title: str
    level: int
    first: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """Text that stands in the book and is not said, and why: reason is a short code (see reading.block.REASONS).

    part: title of what it stands in where that is no chapter of the audiobook, since nothing of it is said; then chapter is None.
    """

    chapter: int | None
    source: Source
    text: str
    reason: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Warn:
    """A warning for the report; the plugin owns the sentence."""

    code: str
    params: dict[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Of the book, from the library where there is one (design rule 11). Texts are plain, not HTML."""

    title: str
    authors: tuple[str, ...] = ()
    language: str = ""
    series: str = ""
    series_index: float | None = None
    publisher: str = ""
    date: str = ""
    identifiers: tuple[tuple[str, str], ...] = ()
    comments: str = ""
    tags: tuple[str, ...] = ()
    rights: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """What reading makes of a bundle."""

    metadata: Metadata
    chapters: tuple[Chapter, ...]
    sentences: tuple[Sentence, ...]
    skipped: tuple[Skipped, ...]
    warnings: tuple[Warn, ...] = ()
    cover: bytes | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence for an engine: `key` is its clip's key (hex) and seeds the noise together with `take`."""

    index: int
    text: str
    key: str
    take: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    """A word's time inside its clip, and its [start, end) in Line.text."""

    start_s: float
    end_s: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Take:
    """What an engine gives for a Line. `words` is None where the engine has no clock of its own (rule 13)."""

    index: int
    samples: Samples
    words: tuple[Word, ...] | None
    take: int = 0
    flags: tuple[str, ...] = ()
    """Short codes of what was odd: nan, cpu (spoken on the CPU after the device failed), halved ..."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who spoke a clip: kept with the clip, so that a later run reports who really spoke."""

    engine: str
    device: str
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """A spoken sentence as the clip store keeps it."""

    key: str
    rate_hz: int
    samples: Samples
    words: tuple[Word, ...] | None
    take: int
    flags: tuple[str, ...]
    speaker: Speaker


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence's place in the finished book, seconds from its start."""

    sentence: Sentence
    start_s: float
    end_s: float
    words: tuple[Word, ...] | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChapterMark:
    """A chapter's place in the finished book, seconds from its start; it ends where the next begins."""

    title: str
    level: int
    start_s: float
    end_s: float
