"""Where a line that is too long for a voice is cut: behind clauses, else between words. Pure; for alphabets with one id a sign."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from e2a_sidecar.speaking.phonemes import Encoded

PAD: Final = 0
"""Stands at both ends of what a voice is given, and nowhere else."""


def cut(encoded: Encoded, longest: int, space: int, clause_ends: AbstractSet[int], closing: AbstractSet[int] = frozenset()) -> tuple[Encoded, ...]:
    """The same in pieces of at most `longest` ids, each with pads of its own. closing: marks that may stand behind a clause's end, as quotation marks do.

    A word that is longer by itself is cut too, and counts for the piece that it begins in.
    """
    if len(encoded.ids) <= longest:
        return (encoded,)
    inner, room = encoded.ids[1:-1], max(1, longest - 2)
    inside = bytearray(len(inner) + 1)  # cutting before these would cut a word
    for word in encoded.words:
        inside[word.first_id : word.last_id - 1] = b"\1" * (word.last_id - word.first_id - 1)
    pieces: list[Encoded] = []
    start = 0
    while start < len(inner):
        stop = start + room
        if stop < len(inner):
            places = [i for i in range(start + 1, stop + 1) if not inside[i]]
            clauses = [i for i in places if inner[i] == space and _last(inner, i, closing) in clause_ends]
            stop = max(clauses or [i for i in places if inner[i] == space] or places, default=stop)
        else:
            stop = len(inner)
        words = tuple(
            replace(word, first_id=word.first_id - start, last_id=min(word.last_id, stop + 1) - start)
            for word in encoded.words
            if start < word.first_id <= stop
        )
        pieces.append(Encoded((PAD, *inner[start:stop], PAD), words))
        start = stop
        while start < len(inner) and inner[start] == space:
            start += 1
    return tuple(pieces)


def _last(ids: tuple[int, ...], end: int, closing: AbstractSet[int]) -> int:
    """The last of ids[:end] that is not in `closing`, else the first."""
    while end > 1 and ids[end - 1] in closing:
        end -= 1
    return ids[end - 1]
