"""A page of contents inside the text: the titles of the table of contents, one below the other. A listener has them as chapters.

Books without EPUB 3's `nav` have such pages as ordinary text, and Calibre puts one behind every MOBI that it makes.
Found by its words alone: a run of blocks, nothing between them, of which each is the next title or one soon after it
(a page may leave out a level). Five in a row are never a chapter's text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from e2a_sidecar.reading.blocks import Block

LEAST: Final = 5
_AHEAD: Final = 10
"""How many titles a page may leave out before its next one."""
_HEAD_WORDS: Final = 4
"""A line of so few words above the list is its heading, unless it is a chapter's title itself."""
_LEADERS: Final = re.compile(r"[\s.…·]*\d*$")  # a printed page's dots and number behind the title


def without_contents(blocks: Sequence[Block], titles: Sequence[str]) -> list[Block]:
    """The document's blocks, those of a page of contents with the reason `nav`. titles: of the table of contents, in order."""
    out = list(blocks)
    wanted = [_plain(title) for title in titles]
    places: dict[str, int] = {}
    for number, title in enumerate(wanted):
        places.setdefault(title, number)
    run: list[int] = []
    at = 0
    for number, block in [*enumerate(out), (len(out), None)]:
        if block is not None and block.reason:
            continue
        found = None if block is None or len(wanted) < LEAST else _next(_plain(block.text), wanted, places, at if run else None)
        if found is not None:
            run.append(number)
            at = found + 1
            continue
        if len(run) >= LEAST:
            head = run[0] - 1
            if head >= 0 and not out[head].reason and out[head].text.count(" ") < _HEAD_WORDS and _plain(out[head].text) not in places:
                run.insert(0, head)
            for member in run:
                out[member] = replace(out[member], reason="nav")
        run = []
    return out


def _next(text: str, wanted: Sequence[str], places: dict[str, int], at: int | None) -> int | None:
    """The number of the title that `text` is: any where a run begins, else one of the next few."""
    if at is None:
        return places.get(text)
    return next((number for number in range(at, min(at + _AHEAD, len(wanted))) if wanted[number] == text), None)


def _plain(text: str) -> str:
    collapsed = " ".join(text.split()).casefold()
    return _LEADERS.sub("", collapsed) or collapsed
