"""Pages about a book's rights that no element calls so: copyright pages, and what Project Gutenberg puts before and behind its books.

Known by their words alone, since older EPUBs, Kindle books and texts have nothing else. A copyright page is a short document, or a short
section of one that holds the whole book, in which somebody claims the rights, at the beginning of a line, and says that they are reserved
or gives the book's number. Of it is left out what lies between the first and the last of its lines, so that a title above or a dedication
is said. Where that is more than those lines themselves it is a text, and they alone are left out.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from e2a_sidecar.reading.block import Block
from e2a_sidecar.reading.chapters import Place

_CLAIM: Final = re.compile(
    r"(?i:.{0,60}(?:©|\(c\)\s?\d{4}))"
    r"|(?:[^\W\d_]+\s){0,4}(?i:copyright)\b[\s:,]*(?:(?i:by)\b|\d{4}|(?:[^\W\d_][\w.’'-]*,?\s){1,6}\d{4}\b)"
)
"""With a name or a year: a story may begin a line with "Copyright", too."""
_RESERVED: Final = re.compile(
    r"all rights (?:are )?reserved(?=\s*(?:[^\s\w]|$|\d|(?:under|by|in|worldwide|throughout|no part|published)\b))"
    r"|no part of this (?:book|publication|work|e-?book) (?:may|shall|can|must|should|is)\b|alle rechte (?:vorbehalten|voorbehouden)"
    r"|tous droits (?:\w+ ){0,4}réservés|todos (?:los|os) (?:derechos|direitos) reservados|reservados todos los derechos"
    r"|tutti i diritti (?:sono )?riservati|wszelkie prawa zastrzeżone|все права защищены|版权所有|版權所有|無断転載",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(
    r"\b(?:e-?)?ISBN\b\D{0,20}\d|library of congress (?:catalog|control|cip)|british library catalog|catalogu?ing[- ]in[- ]publication"
    r"|deutsche nationalbibliothek|dépôt légal|dep[óo]sito legal",
    re.IGNORECASE,
)
_BESIDE: Final = re.compile(
    r"\W*(?:(?:first|originally|simultaneously)\s)?(?:re-?)?(?:published|printed|manufactured|typeset|set in)"
    r"|\W*(?:cover|jacket|book)\s(?:design|art|photo|image|illustration)"
    r"|.*(?:first (?:edition|printing)|www\.|https?:|\w@\w|work of fiction|resemblance to|be reproduced|been asserted|permission|trade ?mark)"
    r"|.*(?:impressum|\bimprint\b|licen[cs]e notes|licen[cs]ed for your|re-?sold\b|the scanning)"
    r"|[\d\s]+$",
    re.IGNORECASE,
)
"""What else stands on such a page."""
_HOUSE: Final = re.compile(r"publish(?:ed|er|ing)|\bpress\b|\bverlag|\béditions?\b|\bedizioni\b|\beditorial\b|\be-?books?\b", re.IGNORECASE)
"""The same in a line that is no sentence."""
_ENDED: Final = (".", "!", "?", "…", "”", "’", '"')
_QUOTED: Final = ("“", '"', "«", "„", "‘", "—", "–")
_DEDICATED: Final = re.compile(
    r"(?i:to|for|à|pour|für|para|per|a)\s(?i:my|our|ma|mon|mes|mein|meine|meinen|mi|mis|mia|mio|all who)\s"
    r"|(?i:to|for|à|pour|für|para|per)\s[A-Z][a-zà-ü]+(?:,|\.?$)"
    r"|(?i:in (?:loving )?memory of|dedicated to)\s"
)
_DEDICATION_WORDS: Final = 20
_PAGE_WORDS: Final = 700
_PLAIN_WORDS: Final = 80
"""Where a paragraph of more without any of these words stands between, it is no such page."""

_START: Final = re.compile(r"\*{3}\s?START OF (?:THE|THIS) PROJECT GUTENBERG E-?(?:BOOK|TEXT)\b|\*END\s?\*?\s?THE SMALL PRINT", re.IGNORECASE)
_END: Final = re.compile(r"\*{3}\s?END OF (?:THE|THIS) PROJECT GUTENBERG E-?(?:BOOK|TEXT)\b", re.IGNORECASE)
_ENDS: Final = re.compile(r"end of (?:the |this )?project gutenberg\b", re.IGNORECASE)
"""The line above that."""
_OWN: Final = re.compile(r"gutenberg|licen[cs]e", re.IGNORECASE)
"""What stands above and below speaks of that."""
_HEAD_WORDS: Final = 3_000
_LICENCE_WORDS: Final = 6_000
"""Where more stands between these lines, it is a book."""

_At = tuple[int, int]
"""A document and one of its blocks; or the first of its blocks, and the one behind its last."""


def without_imprints(documents: Iterable[Sequence[Block]], places: Iterable[Place | None]) -> list[list[Block]]:
    """A book's blocks, document by document; those about its rights have the reason `boilerplate`. places: where its table of contents leads."""
    out = [list(blocks) for blocks in documents]
    for number, at in _project_gutenberg(out):
        out[number][at] = replace(out[number][at], reason="boilerplate")
    named = {place for place in places if place}
    for number, blocks in enumerate(out):
        for first, end in _sections(blocks, {place.offset for place in named if place.document == number}):
            for at in _copyright_page(blocks[first:end]):
                blocks[first + at] = replace(blocks[first + at], reason="boilerplate")
    return out


def _sections(blocks: Sequence[Block], places: Iterable[int]) -> list[_At]:
    """[first, end) of a short document's blocks, or of those of each section of a long one: from a heading, or an entry of the table of contents, on."""
    if _words(block.text for block in blocks if not block.reason) <= _PAGE_WORDS:
        return [(0, len(blocks))]
    starts = [block.start for block in blocks]
    firsts = {bisect_left(starts, place) for place in places} | {at for at, block in enumerate(blocks) if block.heading and not block.reason}
    return list(pairwise(sorted({0, *firsts, len(blocks)})))


def _words(texts: Iterable[str]) -> int:
    return sum(text.count(" ") + 1 for text in texts)


def _project_gutenberg(documents: Sequence[Sequence[Block]]) -> list[_At]:
    said = [(number, at) for number, blocks in enumerate(documents) for at, block in enumerate(blocks) if not block.reason]
    texts = [documents[number][at].text for number, at in said]
    starts = [line for line, text in enumerate(texts) if _START.match(text)]
    out: list[_At] = []
    if starts:
        out += said[0 if _is_own(texts[: starts[0]], _HEAD_WORDS) else starts[0] : starts[0] + 1]
    for line, text in enumerate(texts):
        if _END.match(text):
            until = next((start + 1 for start in starts if start > line), len(said))
            last = until if _is_own(texts[line + 1 : until], _LICENCE_WORDS) else line + 1
            out += said[line - (line > 0 and _ENDS.match(texts[line - 1]) is not None) : last]
    return out


def _is_own(texts: Sequence[str], words: int) -> bool:
    """Is that not more than so many words, and of Project Gutenberg?"""
    return _words(texts) <= words and any(_OWN.search(text) for text in texts)


def _copyright_page(blocks: Sequence[Block]) -> Sequence[int]:
    """Numbers of its blocks; none where the document is none."""
    texts = {at: block.text for at, block in enumerate(blocks) if not block.reason and not block.text.startswith(_QUOTED)}
    if not texts or _words(block.text for block in blocks if not block.reason) > _PAGE_WORDS:
        return ()
    signs = [{at for at, text in texts.items() if found(text)} for found in (_CLAIM.match, _RESERVED.search, _NUMBER.search)]
    if not (signs[0] and (signs[1] or signs[2])):
        return ()
    lines = sorted(set().union(*signs, (at for at, text in texts.items() if _is_beside(text))))
    between = [at for at in texts if lines[0] < at < lines[-1] and at not in lines and not _is_dedication(texts[at])]
    if any(_words([texts[at]]) > _PLAIN_WORDS for at in between):
        return ()
    return sorted([*lines, *between]) if _words(texts[at] for at in between) <= _words(texts[at] for at in lines) else lines


def _is_beside(text: str) -> bool:
    return _BESIDE.match(text) is not None or (_HOUSE.search(text) is not None and not text.endswith(_ENDED))


def _is_dedication(text: str) -> bool:
    return _words([text]) <= _DEDICATION_WORDS and _DEDICATED.match(text) is not None
