"""What plain text has in brackets: notes ("[Footnote 1: ...]", or "[1] ..." where "[1]" is glued to a word of the text before it), and pictures.

So those who typed books in wrote them, and a text file that Calibre converts has nothing else. Of an RTF's notes it makes the same, but
calls them notes. Lines of which many begin so without a mark before them are the text's own, as a judgment's paragraphs are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from e2a_sidecar.model import Break
from e2a_sidecar.reading.block import Block

_MARK: Final = r"\d{1,3}|[A-Z]|\*{1,3}"
_NAMED: Final = re.compile(rf"\[(?:foot|end)note:?\s?(?P<mark>{_MARK})?\s?[:.\]]", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"\[(?P<mark>\d{1,3}|[A-Z])\]\s+\S")
_GLUED: Final = re.compile(rf"(?<=[^\s\[(])\[(?P<mark>{_MARK})\]")
_BRACKET: Final = re.compile(r"[\[\]]")
_PICTURE: Final = re.compile(r"\[(?:illustration|image|decoration|music)\.?\]", re.IGNORECASE)
"""One without a word of its own."""
_BLOCKS: Final = 10
"""A note in brackets has no more paragraphs."""


def without_brackets(blocks: Sequence[Block]) -> list[Block]:
    """A document's blocks: notes with the reason `note`, their marks apart with the reason `noteref`, and what stands for pictures."""
    referred: set[str] = set()
    marks: set[str] = set()
    notes: set[int] = set()
    numbered: dict[int, str] = {}
    own = 0
    for at, block in enumerate(blocks):
        if block.reason == "note" and (called := _NUMBERED.match(block.text)) and called["mark"] in referred:
            marks.add(called["mark"])
        if block.reason or at in notes:
            continue
        line = _NUMBERED.match(block.text)
        if (named := _NAMED.match(block.text)) and (note := _in_brackets(blocks, at)):
            notes.update(note)
            marks.add(named["mark"] or "")
        elif line and line["mark"] in referred:
            numbered[at] = line["mark"]
        else:
            own += line is not None
            referred.update(glued["mark"] for glued in _GLUED.finditer(block.text))
    if 4 * own <= len(numbered):
        notes.update(numbered)
        marks.update(numbered.values())
    out: list[Block] = []
    for at, block in enumerate(blocks):
        if at in notes:
            out.append(replace(block, reason="note"))
        elif not block.reason and _PICTURE.fullmatch(block.text):
            out.append(replace(block, reason="picture"))
        elif block.reason or not marks:
            out.append(block)
        else:
            out += _without_marks(block, [glued.span() for glued in _GLUED.finditer(block.text) if glued["mark"] in marks])
    return out


def _in_brackets(blocks: Sequence[Block], first: int) -> list[int]:
    """The note's paragraphs up to that which closes its bracket; the first alone where none does; none where text goes on behind the bracket."""
    said = [at for at in range(first, min(len(blocks), first + _BLOCKS)) if not blocks[at].reason]
    depth = 0
    for number, at in enumerate(said):
        for bracket in _BRACKET.finditer(blocks[at].text):
            depth += 1 if bracket.group() == "[" else -1
            if depth == 0:
                named_alone = number == 0 and _NAMED.fullmatch(blocks[at].text, 0, bracket.end()) is not None
                return said[: number + 1] if named_alone or not any(map(str.isalnum, blocks[at].text[bracket.end() :])) else []
    return said[:1]


def _without_marks(block: Block, spans: Sequence[tuple[int, int]]) -> Iterator[Block]:
    """The block without these stretches of its text, and each of them."""
    if not spans:
        yield block
        return
    kept = [(end, start) for (_, end), (start, _) in pairwise([(0, 0), *spans, (len(block.text), 0)]) if end < start]
    starts, sources, languages = list[int](), list[int](), list[tuple[int, str]]()
    length = 0
    for start, end in kept:
        for at, source in _segments(block, start, end):
            starts.append(length + at - start)
            sources.append(source)
        languages += [(length + max(at, start) - start, tag) for at, tag in _tags(block, start, end)]
        length += end - start
    text = "".join(block.text[start:end] for start, end in kept)
    yield replace(
        block, text=text, end=block.source(kept[-1][1] - 1) + 1, starts=tuple(starts), sources=tuple(sources), languages=tuple(dict.fromkeys(languages))
    )
    for start, end in spans:
        source = block.source(start)
        place = (block.text[start:end], source, block.source(end - 1) + 1, (0,), (source,))
        yield Block(*place, before=Break.NONE, cell=block.cell, reason="noteref", row=block.row)


def _segments(block: Block, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(text offset, source) from which on these run along, of [start, end)."""
    yield start, block.source(start)
    yield from ((at, source) for at, source in zip(block.starts, block.sources, strict=True) if start < at < end)


def _tags(block: Block, start: int, end: int) -> Iterator[tuple[int, str]]:
    """The changes of language that hold in [start, end)."""
    for (at, tag), (until, _) in pairwise([*block.languages, (len(block.text), "")]):
        if at < end and until > start:
            yield at, tag
