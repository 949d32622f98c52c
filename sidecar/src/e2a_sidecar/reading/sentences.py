"""Blocks to sentences: sentencex finds them, block by block, and a sentence too long for an engine is cut into pieces.

All is linear in the text, whatever stands in it. A piece with nothing to pronounce goes with its neighbour in the block.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final, NamedTuple

import sentencex  # type: ignore[import-untyped]

from e2a_sidecar.model import Break
from e2a_sidecar.reading import abbreviations
from e2a_sidecar.reading.language import primary

MAX_CHARS: Final = 400
"""Of one piece. Longer ones cost an engine memory and give a worse melody."""
WINDOW_CHARS: Final = 8_000
"""sentencex 1.0 takes quadratic time where quotes and brackets pile up; few real paragraphs are as long as this."""
_SHORTEST: Final = 60
_CUTS: Final = (
    re.compile(r"[;:；：][\"”’»)\]]*(?=\s)|[；：。！？।॥။។៕]"),
    re.compile(r"[,，、،][\"”’»)\]]*(?=\s)|[，、၊]|[—–](?=\w)|\s[—–-](?=\s)"),
    re.compile(r"\s"),
)
"""Where a long sentence may be cut, the best first."""
_BEFORE_ANOTHER: Final = frozenset("เแโใไເແໂໃໄ\u17d2\u1039\u200d")
_BEHIND_ANOTHER: Final = frozenset("ะาำๅๆฯະາຳໆ")
"""Vowels and the like that stand before or behind the letter that they belong to, where words are not parted by blanks: nothing is cut beside it."""
_ORNAMENT: Final = re.compile(r"[*⁂•·~#=_—–\-+✻✼❦❧☙◆◇○●★☆†‡§⁎⁕∗◦▪■□♦✽❖\s]+")

_EXCLAIMED: Final = re.compile(r"[!?…]$")
_BEHIND: Final = 40
"""Characters before a cut that say whether it is one."""
_OPENING: Final = re.compile(r"(?<=\S)\s+([\"'’“‘«»„‚¿¡(\[]{1,4})\Z")
_GOES_ON: Final = re.compile(r"[a-zà-öø-ÿа-яα-ω]")


class Piece(NamedTuple):
    """[start, end) of the block's text, without white space at its ends."""

    start: int
    end: int
    before: Break  # NONE or SENTENCE; the block knows what is before its first


def pronounceable(text: str) -> bool:
    """Is there a letter or a digit?"""
    return any(character.isalnum() for character in text)


def is_scene_break(text: str) -> bool:
    """Asterisks, a printer's ornament or a rule made of characters, alone in its block."""
    return _ORNAMENT.fullmatch(text) is not None


def split(text: str, language: str, go_on: Callable[[], None] = lambda: None) -> list[Piece]:
    """The pieces of a block's text, in order, covering all of it but white space. go_on: see `read_book`.

    In some nothing may be pronounceable: the whole block, or more marks in a row than a piece can hold.
    """
    pieces: list[Piece] = []
    for start, end in _attached(text, _sentences(text, language, go_on), primary(language) or "en", go_on):
        go_on()
        before = Break.SENTENCE
        for cut_start, cut_end in _capped(text, start, end):
            pieces.append(Piece(cut_start, cut_end, before))
            before = Break.NONE
    return pieces


def _sentences(text: str, language: str, go_on: Callable[[], None]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    start = 0
    while start < len(text):
        go_on()
        end = _window_end(text, start)
        at = start
        for sentence in sentencex.segment(primary(language) or "en", text[start:end]):
            if not text.startswith(sentence, at):  # it promises to lose nothing; where it does, the rest is one sentence
                break
            spans.append(_stripped(text, at, at + len(sentence)))
            at += len(sentence)
        if at < end:
            spans.append(_stripped(text, at, end))
        start = end
    return _opened(text, [span for span in spans if span[0] < span[1]])


def _opened(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Quotation marks and apostrophes that stand glued before a sentence ("’Tis true.") in that, where sentencex left them at the one before."""
    out: list[tuple[int, int]] = []
    for start, end in spans:
        if out and out[-1][1] == start and (opening := _OPENING.search(text, *out[-1])):
            out[-1], start = (out[-1][0], opening.start()), opening.start(1)
        out.append((start, end))
    return out


def _window_end(text: str, start: int) -> int:
    """End of what is given to sentencex at once: all, or behind the last full stop (else white space) of WINDOW_CHARS."""
    end = start + WINDOW_CHARS
    if end >= len(text):
        return len(text)
    for mark in (". ", " "):
        found = text.rfind(mark, start + WINDOW_CHARS // 2, end)
        if found >= 0:
            return found + len(mark)
    return end


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _attached(text: str, spans: list[tuple[int, int]], language: str = "", go_on: Callable[[], None] = lambda: None) -> list[tuple[int, int]]:
    """Spans with nothing to pronounce joined to the one before, else to the one after; "Oh! but he was" joined again, and what was cut behind a full stop
    that ends no sentence of that language.

    Never to more than MAX_CHARS: what fits nowhere stays alone.
    """
    out: list[tuple[int, int]] = []
    silent = False  # is there nothing to pronounce in out[-1]?
    for start, end in spans:
        go_on()
        mute = not pronounceable(text[start:end])
        exclaimed = bool(out) and _GOES_ON.match(text, start) and _EXCLAIMED.search(text, out[-1][0], out[-1][1])
        cut_wrongly = bool(out and language) and abbreviations.goes_on(text[max(out[-1][0], out[-1][1] - _BEHIND) : out[-1][1]], text[start:end], language)
        if out and (mute or silent or exclaimed or cut_wrongly) and end - out[-1][0] <= MAX_CHARS:
            out[-1] = (out[-1][0], end)
            silent = silent and mute
        else:
            out.append((start, end))
            silent = mute
    return out


def _capped(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """A sentence as pieces of at most MAX_CHARS; a stretch without anything to pronounce stays with a neighbour, if it fits."""
    cuts: list[tuple[int, int]] = []
    while end - start > MAX_CHARS:
        cut = _cut(text, start, end)
        cuts.append(_stripped(text, start, cut))
        start = _stripped(text, cut, end)[0]
    if start < end:
        cuts.append((start, end))
    return cuts if len(cuts) == 1 else _attached(text, cuts)


def _cut(text: str, start: int, end: int) -> int:
    """Where to cut [start, end), which is too long: behind the last good place that leaves two pieces worth saying."""
    last = min(start + MAX_CHARS, max(end - _SHORTEST, start + MAX_CHARS // 2))
    for number, pattern in enumerate(_CUTS):
        places = [found.end() for found in pattern.finditer(text, start + (_SHORTEST if number < 2 else 1), last)]
        if places:
            return places[-1]
    cut = start + MAX_CHARS
    while cut > start + MAX_CHARS // 2 and (unicodedata.category(text[cut])[0] == "M" or text[cut] in _BEHIND_ANOTHER or text[cut - 1] in _BEFORE_ANOTHER):
        cut -= 1
    return cut
