"""Numbers of a poem's lines that are paragraphs of their own, or stand behind a line with a gap before them: 5, 10, 15 with just so many
lines between them.

Nothing else is believed to be one: chapters, years, and figures of a table neither count by fives or tens nor have that many short
lines between them, each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from e2a_sidecar.reading.block import Block
from e2a_sidecar.reading.scripts import LINE, Piece

_STEPS: Final = (5, 10)
_LEAST: Final = 3
"""Numbers, one after another."""
_LINE_CHARS: Final = 100
"""A line of verse has no more."""
_NUMBER: Final = re.compile(r"\d{1,4}", re.ASCII)
_BEHIND: Final = re.compile(r"(?<=\S)[ \t\u00a0\u2002-\u200a]{3,}([1-9]\d{0,3})\s*\Z", re.ASCII)
_TAIL: Final = 80
_LINES: Final = 3
"""So many lines a number behind one of them stands for at least: in a list of figures each line has one."""


@dataclass(frozen=True, slots=True)
class _Numbered:
    """at: which block. lines: of verse since the number before, -1 where something else stands there too."""

    at: int
    value: int
    lines: int


def numbers_behind_lines(pieces: Sequence[Piece]) -> tuple[list[Piece], list[Piece]]:
    """(a block's pieces without the numbers of its lines that stand behind them, these)."""
    found: list[tuple[int, int, int]] = []  # which piece, its line, the number at its end
    lines = last = 0
    text = ""
    for at, piece in enumerate([*pieces, LINE]):
        if piece is not LINE:
            text = (text + piece.text)[-_TAIL:]
            last = last if piece.text.isspace() else at
            continue
        lines += bool(text.strip())
        number = _BEHIND.search(text)
        if number and pieces[last].text.rstrip().endswith(number[1]):
            found.append((last, lines, int(number[1])))
        text = ""
    by_fives = all(value % _STEPS[0] == 0 for _, _, value in found)
    counts = all(after - before == line - above for (_, above, before), (_, line, after) in pairwise(found))
    if not (found and by_fives and counts and len(found) * _LINES <= lines):
        return list(pieces), []
    out, numbers = list(pieces), list[Piece]()
    for at, _, value in found:
        start = pieces[at].text.rindex(str(value))
        out[at] = pieces[at]._replace(text=pieces[at].text[:start])
        numbers.append(pieces[at]._replace(text=pieces[at].text[start:], source=pieces[at].source + start))
    return out, numbers


def without_line_numbers(blocks: Sequence[Block]) -> list[Block]:
    """A document's blocks; the numbers of lines have the reason `pagebreak`."""
    out = list(blocks)
    for at in _of_lines(list(_numbers(blocks))):
        out[at] = replace(out[at], reason="pagebreak")
    return out


def _numbers(blocks: Sequence[Block]) -> Iterator[_Numbered]:
    lines, only = 0, True
    for at, block in enumerate(blocks):
        if block.reason or block.heading:
            continue
        if _NUMBER.fullmatch(block.text) and not (block.cell or block.listed or block.linked):
            yield _Numbered(at, int(block.text), lines if only else -1)
            lines, only = 0, True
        else:
            lines += 1
            only = only and not block.cell and len(block.text) <= _LINE_CHARS


def _of_lines(numbers: Sequence[_Numbered]) -> Iterator[int]:
    """Those in runs of `_LEAST` at least, that count as the lines between them do."""
    run: list[_Numbered] = []
    step = 0
    for before, number in pairwise(numbers):
        apart = number.value - before.value
        if apart == number.lines and apart in _STEPS and number.value % apart == 0:
            if apart != step:
                yield from _long(run)
                run, step = [before], apart
            run.append(number)
        else:
            yield from _long(run)
            run, step = [], 0
    yield from _long(run)


def _long(run: Sequence[_Numbered]) -> Iterator[int]:
    if len(run) >= _LEAST:
        yield from (number.at for number in run)
