"""Flags of a take that name places of its line: the words of which something could not be said.

    words_unspoken      there are such words
    unspoken:10-11      one of them, [start, end) of Line.text; at most MOST_UNSPOKEN

A clip is kept with its flags, and so with places alone and none of the book's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

WORDS_UNSPOKEN: Final = "words_unspoken"
MOST_UNSPOKEN: Final = 20
_PLACE: Final = re.compile(r"unspoken:(\d{1,9})-(\d{1,9})")


def unspoken_flags(places: Iterable[tuple[int, int]]) -> tuple[str, ...]:
    """None for no places."""
    told = [f"unspoken:{start}-{end}" for start, end in places]
    return (WORDS_UNSPOKEN, *told[:MOST_UNSPOKEN]) if told else ()


def without_places(flags: Iterable[str]) -> tuple[list[str], list[tuple[int, int]]]:
    """The other flags, and the places."""
    others, places = list[str](), list[tuple[int, int]]()
    for flag in flags:
        if match := _PLACE.fullmatch(flag):
            places.append((int(match[1]), int(match[2])))
        else:
            others.append(flag)
    return others, places
