"""Pages about a book's rights that no element calls so: copyright pages, and what Project Gutenberg puts before and behind its books.

Known by their words alone, since older EPUBs, Kindle books and texts have nothing else. A copyright page is a short document in which
two of three things stand: who has the rights (at the beginning of a line), that they are reserved, the book's number. Of it is left
out what lies between the first and the last of its lines, so that a title above or a dedication below is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from e2a_sidecar.reading.block import Block

_SIGNS: Final = tuple(
    re.compile(words, re.IGNORECASE)
    for words in (
        r"©|\(c\)\s?\d{4}|\bcopyright\b",
        r"all rights (?:are )?reserved|no part of this (?:book|publication|work|e-?book)|alle rechte (?:vorbehalten|voorbehouden)"
        r"|tous droits (?:\w+ ){0,4}réservés|todos (?:los|os) (?:derechos|direitos) reservados|reservados todos los derechos"
        r"|tutti i diritti (?:sono )?riservati|wszelkie prawa zastrzeżone|все права защищены|版权所有|版權所有|無断転載",
        r"\bISBN\b|library of congress|british library|catalogu?ing[- ]in[- ]publication|deutsche nationalbibliothek|dépôt légal|dep[óo]sito legal",
    )
)
_LEAST: Final = 2
_BEGINNING: Final = 60
"""Characters of a line; behind more, in a preface say, rights are only spoken of."""
_BESIDE: Final = re.compile(
    r"published|first (?:edition|printing)|printed|publish(?:er|ing)|\bpress\b|\bverlag|\béditions?\b|\bedizioni\b|\beditorial\b|\be-?books?\b"
    r"|www\.|https?:|\w@\w|\bcover\b|typeset|work of fiction|resemblance|reproduced|asserted|permission|trade ?mark|impressum|\bimprint\b|^[\d\s]+$",
    re.IGNORECASE,
)
"""What else stands on such a page."""
_PAGE_WORDS: Final = 700
_PLAIN_WORDS: Final = 80
"""A paragraph of more without any of these words is no part of it."""

_START: Final = re.compile(r"\*{3}\s?START OF (?:THE|THIS) PROJECT GUTENBERG E-?(?:BOOK|TEXT)\b|\*END\s?\*?\s?THE SMALL PRINT", re.IGNORECASE)
_END: Final = re.compile(r"\*{3}\s?END OF (?:THE|THIS) PROJECT GUTENBERG E-?(?:BOOK|TEXT)\b", re.IGNORECASE)
_ENDS: Final = re.compile(r"end of (?:the |this )?project gutenberg\b", re.IGNORECASE)
"""The line above that."""
_HEAD_WORDS: Final = 3_000
_LICENCE_WORDS: Final = 6_000
"""Where more stands between these lines, it is a book."""

_At = tuple[int, int]
"""A document and one of its blocks."""


def without_imprints(documents: Iterable[Sequence[Block]]) -> list[list[Block]]:
    """A book's blocks, document by document; those about its rights have the reason `boilerplate`."""
    out = [list(blocks) for blocks in documents]
    for number, at in _project_gutenberg(out):
        out[number][at] = replace(out[number][at], reason="boilerplate")
    for blocks in out:
        for at in _copyright_page(blocks):
            blocks[at] = replace(blocks[at], reason="boilerplate")
    return out


def _words(blocks: Iterable[Block]) -> int:
    return sum(block.text.count(" ") + 1 for block in blocks)


def _project_gutenberg(documents: Sequence[Sequence[Block]]) -> list[_At]:
    said = [(number, at) for number, blocks in enumerate(documents) for at, block in enumerate(blocks) if not block.reason]
    texts = [documents[number][at].text for number, at in said]
    starts = [line for line, text in enumerate(texts) if _START.match(text)]
    out: list[_At] = []
    if starts and sum(text.count(" ") + 1 for text in texts[: starts[0]]) <= _HEAD_WORDS:
        out += said[: starts[0] + 1]
    for line, text in enumerate(texts):
        if _END.match(text):
            until = next((start + 1 for start in starts if start > line), len(said))
            if sum(text.count(" ") + 1 for text in texts[line:until]) <= _LICENCE_WORDS:
                out += said[line - (line > 0 and _ENDS.match(texts[line - 1]) is not None) : until]
    return out


def _copyright_page(blocks: Sequence[Block]) -> Sequence[int]:
    """Numbers of its blocks; none where the document is none."""
    said = [at for at, block in enumerate(blocks) if not block.reason]
    if not said or _words(blocks[at] for at in said) > _PAGE_WORDS:
        return ()
    claimed = any(_SIGNS[0].search(blocks[at].text, 0, _BEGINNING) for at in said)
    if not claimed or sum(any(sign.search(blocks[at].text) for at in said) for sign in _SIGNS) < _LEAST:
        return ()
    lines = [at for at in said if _BESIDE.search(blocks[at].text) or any(sign.search(blocks[at].text) for sign in _SIGNS)]
    page = [at for at in said if lines[0] <= at <= lines[-1]]
    return () if any(_words([blocks[at]]) > _PLAIN_WORDS for at in page if at not in lines) else page
