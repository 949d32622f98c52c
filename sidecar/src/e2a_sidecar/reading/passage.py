"""A text of no book, read as a book's paragraph would be: to try a voice with."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from e2a_sidecar.model import Break
from e2a_sidecar.reading.runs import plain
from e2a_sidecar.reading.sentences import pronounceable, split
from e2a_sidecar.reading.spoken import spoken


@dataclass(frozen=True, slots=True)
class Part:
    """What is said, and what stands before it."""

    spoken: str
    before: Break


def passage(text: str, language: str, most_characters: int) -> list[Part]:
    """The sentences of `text` in that language, as many as fit whole into so many characters, but one at least; none where nothing can be said."""
    whole = plain(text)
    pieces = [piece for piece in split(whole, language) if pronounceable(whole[piece.start : piece.end])]
    first = pieces[0].start if pieces else 0
    fitting = itertools.takewhile(lambda piece: piece is pieces[0] or piece.end - first <= most_characters, pieces)
    return [Part(spoken(whole[piece.start : piece.end], language)[0], piece.before) for piece in fitting]
