"""Runs of text, as they stand between tags, to a block's text and its way back to the source, and to its lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from e2a_sidecar.reading.scripts import LINE, Piece

_ODD: Final = re.compile(r"\s{2,}|[^\S ]|[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]+")
"""White space that is not one plain space, and characters that are not text: soft hyphens, marks of direction, controls."""
_PARTED: Final = re.compile(r"[^\W\d_]{2}[-‐]\Z")
_LISTED: Final = re.compile(r"(?:and|or|to|und|oder|bis|sowie|et|ou|y|o|e|en|of|och|i|и|или)\b")
"""Words behind a hyphen that stands for a part of a word, as "two- or three-year"."""
_ENDS: Final = 4
"""Pieces at the end of a line that say whether it parts a word."""
_ENDED: Final = frozenset(".!?…:;。！？」』”")


def collapse(pieces: list[Piece]) -> tuple[str, list[int], list[int], list[tuple[int, str]]]:
    """(text with white space collapsed and stripped, starts, sources, languages) of a block's pieces; see `blocks.Block`."""
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

    for text, source, language, *_ in pieces:
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


def plain(text: str) -> str:
    """A run of text as a block's text would be: white space collapsed, without what is no character to be read."""
    return collapse([Piece(text, 0, "")])[0]


def joined_lines(pieces: list[Piece]) -> list[list[Piece]]:
    """The lines of a block with forced breaks. A line that plainly goes on in the next (no stop, and a small letter
    follows) is joined to it: a poem's enjambed line, or prose that some converter broke by hand. A word that is parted there stands
    with its hyphen and without a blank: nothing says whether it is a compound.
    """
    lines: list[list[Piece]] = [[]]
    for piece in pieces:
        if piece is LINE:
            lines.append([])
        else:
            lines[-1].append(piece)
    out: list[list[Piece]] = []
    last = ""
    for line in lines:
        text = "".join(piece.text for piece in line).strip()
        if not text:
            last = last and "."  # an empty line parts
            continue
        if out and last not in _ENDED and text[0].islower():
            if _PARTED.search("".join(piece.text for piece in out[-1][-_ENDS:]).rstrip()) and not _LISTED.match(text):
                close(out[-1], False)
                out[-1].extend(opened(line))
            else:
                out[-1].append(Piece(" ", line[0].source, line[0].language))
                out[-1].extend(line)
        else:
            out.append(line)
        last = text[-1]
    return out


def close(pieces: list[Piece], hyphen: bool) -> None:
    """Take the white space at the end away, and the hyphen before it."""
    while pieces and not pieces[-1].text.strip():
        pieces.pop()
    text = pieces[-1].text.rstrip()
    pieces[-1] = pieces[-1]._replace(text=text[:-1] if hyphen else text)


def opened(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Without white space at the beginning."""
    begun = False
    for piece in pieces:
        blank = 0 if begun else len(piece.text) - len(piece.text.lstrip())
        if blank < len(piece.text):
            begun = True
            yield piece._replace(text=piece.text[blank:], source=piece.source + blank)
