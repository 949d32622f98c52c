"""What is said for a text, changed by rules that look at it, with the way back to the text. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Final, NamedTuple

Replace = Callable[["re.Match[str]"], str]
Rule = tuple["re.Pattern[str]", Replace]

_PIECE: Final = re.compile(r"\d+|[^\W\d_]+|\s+|.", re.DOTALL)
_MOST_PAIRS: Final = 2_500  # `difflib` has no bound of its own


class Said(NamedTuple):
    """What is said for a text. places: of each of its characters, [start, end) in the text it was made from; starts and ends never decrease."""

    text: str
    places: list[tuple[int, int]]


def applied(said: Said, pattern: re.Pattern[str], replace: Replace) -> Said:
    """With all that the pattern finds replaced."""
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    at = 0
    for found in pattern.finditer(said.text):
        start, end = found.span()
        by = replace(found)
        if by != found[0]:
            parts += (said.text[at:start], by)
            places += said.places[at:start]
            places += _places(said, start, end, by)
            at = end
    return Said("".join([*parts, said.text[at:]]), places + said.places[at:]) if parts else said


def _places(said: Said, start: int, end: int, by: str) -> list[tuple[int, int]]:
    """Those of `by`, said for [start, end): what stands in both keeps its own, the rest has that of what it stands for."""
    old, new = _PIECE.findall(said.text[start:end]), _PIECE.findall(by)
    if len(old) * len(new) > _MOST_PAIRS:
        return [_whole(said, start, end)] * len(by)
    places: list[tuple[int, int]] = []
    same = SequenceMatcher(None, [piece.casefold() for piece in old], [piece.casefold() for piece in new], autojunk=False)
    for kind, a, b, c, d in same.get_opcodes():
        here = start + sum(map(len, old[:a]))
        there = here + sum(map(len, old[a:b]))
        length = sum(map(len, new[c:d]))
        if kind == "equal" and length == there - here:
            places += said.places[here:there]
        else:
            places += [_whole(said, here, there)] * length
    return places


def _whole(said: Said, start: int, end: int) -> tuple[int, int]:
    """The place of [start, end) of what is said; an empty one lies behind what stands before it."""
    if start < end:
        return said.places[start][0], said.places[end - 1][1]
    at = said.places[start - 1][1] if start else 0
    return at, at
