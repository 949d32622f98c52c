"""Notes that no element calls so, by what leads to them, and the headings above notes.

Calibre makes ordinary chapters of an FB2's notes: `1` as a heading, the note below it. What tells them is the marks in
the text, which lead there and are the same numbers.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from e2a_sidecar.reading.block import Block, NoteMark

_ROUND: Final = "[](){}. \u00a0"
_HEAD_WORDS: Final = 6
_HEAD_CHARS: Final = 40
_HEADS: Final = re.compile(
    "notes?|foot ?notes|end ?notes|anmerkung(?:en)?|fußnoten|endnoten|notes de bas de page|notas|note|noten|voetnoten|eindnoten|przypisy|poznámky|"
    "примечани[ея]|сноски|комментарии|примітки|fotnoter|slutnoter|noter|alaviitteet|jegyzetek|notlar|注释|註釋|脚注|注"
)


def without_notes(blocks: Sequence[Block], anchors: Mapping[str, int], marks: Mapping[str, NoteMark]) -> list[Block]:
    """A document's blocks, in order; those of its notes have the reason `note`. marks: anchor that a note's mark leads to -> the first such."""
    out = list(blocks)
    heads = _heads(out, anchors, marks)
    if heads:
        _take_out(out, heads)
    for number, block in enumerate(out):
        if block.heading and not block.reason and is_head(block.text) and only_notes(out, number + 1, block.heading):
            out[number] = replace(block, reason="note")
    return out


def is_head(text: str) -> bool:
    """Does it say that notes follow?"""
    return len(text) <= _HEAD_CHARS and _HEADS.fullmatch(text.casefold().strip(" .:*")) is not None


def _heads(blocks: Sequence[Block], anchors: Mapping[str, int], marks: Mapping[str, NoteMark]) -> set[int]:
    """Numbers of the headings that are a mark once more, which leads to it; none where those marks stand among them, as a game's sections lead to others."""
    starts = [block.start for block in blocks]
    heads: dict[int, int] = {}
    for anchor, mark in marks.items():
        number = bisect_left(starts, anchors.get(anchor, blocks[-1].end))
        if number < len(blocks) and blocks[number].heading and not blocks[number].reason and blocks[number].text.strip(_ROUND) == mark.text.strip(_ROUND):
            heads[number] = mark.offset
    among = sum(offset > starts[min(heads)] for offset in heads.values())
    return set() if 4 * among > len(heads) else set(heads)


def _take_out(blocks: list[Block], heads: set[int]) -> None:
    """Each note up to the next heading; headings directly above the first where the notes reach the document's end."""
    inside = False
    for number in range(min(heads), len(blocks)):
        block = blocks[number]
        if block.heading and not block.reason:
            inside = number in heads
        if inside and not block.reason:
            blocks[number] = replace(block, reason="note")
    above = min(heads) - 1
    if not inside or any(not block.reason for block in blocks[above + 1 :]):
        return
    while above > 0 and (blocks[above].reason or (blocks[above].heading and blocks[above].text.count(" ") < _HEAD_WORDS)):
        if not blocks[above].reason:
            blocks[above] = replace(blocks[above], reason="note")
        above -= 1


def only_notes(blocks: Sequence[Block], first: int, level: int) -> bool:
    """Stands nothing but notes up to the next heading of that level?"""
    found = False
    for block in blocks[first:]:
        if block.heading and block.heading <= level and not block.reason:
            break
        if not block.reason:
            return False
        found = found or block.reason == "note"
    return found
