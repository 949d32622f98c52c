"""Words that a book spaces out by blanks between their letters, "C H A P T E R  O N E", back to words; read as they stand they would be spelt.

Only what can be nothing else: a whole block of single letters with wider gaps between its words, or of one word alone; in
other text a run of small letters, as German once emphasised ("s e h r"). Initials, abbreviations and lists of letters stay.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from e2a_sidecar.reading.scripts import Piece

_LIKELY: Final = re.compile(r"(?<!\S)[^\w\s]*[^\W\d_](?: [^\W\d_]){2}(?![\w'’])")
_TOKEN: Final = re.compile(r"\S+")
_LETTER: Final = re.compile(r"(?P<open>[\"'“‘«„»(\[]*)(?P<letter>[^\W\d_])(?P<close>[.,:;!?…\"'”’«»)\]]*)")
_BESIDE: Final = re.compile(r"[\d\W]+|[IVXLC]+\W?")
"""What may stand in such a block beside words: the number of a chapter, a dash."""
_VOWELS: Final = frozenset("aeiouyäöüàâáåãæèéêëìíîïòóôõøœùúûýаеёиоуыэюяіїєαεηιουωάέήίόύώ")
_NOTES: Final = frozenset("abcdefg")
_BASES: Final = frozenset("acgtu")
"""Of DNA and RNA."""
_WORDS_OF_ONE: Final = tuple(map(frozenset, ("aàáeéèiíoóòuyỳ", "aiouwz", "aikosuvz", "авикосуэюя", "авеєзійоуя")))
"""Small letters that are words: in Romance languages, Polish, Czech and Slovak, Russian, Ukrainian; books on grammar list them."""
_SPELT: Final = re.compile(r"\b(?:spel[lt]|letters?\b|points?\b|buchstab|épel|delet?rea|буквы?\b)", re.IGNORECASE)
"""What is said of letters that are meant as such."""
_LEAST: Final = 3
"""Different letters of a word; a game of noughts and crosses has two."""
_HYPHENED: Final = re.compile(r"(?<!\S)[^\W\d_][-‐‑][^\W\d_]?(?!\S)")
"""Where a spaced word goes on behind a hyphen, "w i d e-o p e n": better all of it is spelt than a part."""
_INLINE: Final = 4
_ALONE: Final = 5
"""So many letters a word has at least that stands in other text, or is all of its block: "S O S" and "R I P" are not."""
_LONGEST: Final = 20
"""... and at most, where it is all of its block, for then its end may be hidden in it."""
_HEAD: Final = re.compile(
    r"(the)(?:end|beginning)|(chapter|part|book|section|volume|act|scene|canto|letter)(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|[ivxlc]+)",
    re.IGNORECASE,
)
"""Two words that stand in a book where no gap parts them any more: converters make all gaps one blank."""


@dataclass(frozen=True, slots=True)
class _Word:
    """Letters at one distance. spans: where each token stands in the text."""

    letters: str
    spans: tuple[tuple[int, int], ...]

    def is_word(self) -> bool:
        """Has it a vowel, and is neither part of an alphabet nor of notes or answers, which have A to G, nor a row of short words?"""
        small = self.letters.lower()
        if _VOWELS.isdisjoint(small) or _NOTES.issuperset(small) or _BASES.issuperset(small) or len(set(small)) < _LEAST:
            return False
        alphabet = sorted(set(small))
        return list(small) not in (alphabet, alphabet[::-1]) and not (self.letters == small and any(map(set(small).issubset, _WORDS_OF_ONE)))

    def parts(self) -> list[_Word]:
        """It, or the two words that it is."""
        found = _HEAD.fullmatch(self.letters)
        if found is None:
            return [self]
        at = len(found.group(1) or found.group(2))
        return [_Word(self.letters[:at], self.spans[:at]), _Word(self.letters[at:], self.spans[at:])]


def closed(pieces: Sequence[Piece], heading: bool) -> list[Piece] | None:
    """The pieces of a block, or of one of its lines, without the blanks inside such words; None where there are none."""
    whole = "".join(piece.text for piece in _with_limits(pieces))
    if not _LIKELY.search(" ".join(whole.split())) or any(piece.linked for piece in pieces) or _is_formula(pieces):  # links: the letters above an index
        return None
    gaps = [gap for word in _spaced_words(whole, heading) for gap in _gaps(word)]
    return list(_without(pieces, gaps)) if gaps else None


def _with_limits(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """As long as they are; a blank between two elements that hold several letters each is another one than those inside them."""
    for number, piece in enumerate(pieces):
        beside = pieces[number - 1 : number + 2] if number else ()
        limit = len(beside) == 3 and piece.text == " " and all(len(other.text.split()) > 1 and other.text == other.text.strip() for other in beside[::2])
        yield piece._replace(text="\u2003") if limit else piece


def _is_formula(pieces: Sequence[Piece]) -> bool:
    """Do blanks stand in it that are not in the source, as between the letters of a formula?"""
    return any(before.text == " " and before.source == after.source for before, after in pairwise(pieces))


def _spaced_words(text: str, heading: bool) -> list[_Word]:
    tokens = list(_TOKEN.finditer(text))
    gap = _usual_gap(text, tokens)
    words = list(_words(text, tokens, gap)) if gap else []
    letters = sum(len(word.spans) for word in words)
    others = [token.group() for token in tokens if not _LETTER.fullmatch(token.group())]
    if letters + len(others) == len(tokens) and all(map(_BESIDE.fullmatch, others)):
        longer = [word for word in words if len(word.letters) > 1]
        if len(words) > 1 and any(len(word.letters) > 2 and word.is_word() for word in longer) and letters >= _INLINE:
            return longer
        return [part for word in longer if len(words) == 1 and _ALONE <= len(word.letters) <= _LONGEST and word.is_word() for part in word.parts()]
    if _SPELT.search(text) or _HYPHENED.search(text):
        return []
    return [word for word in words if word.is_word() and _stands_out(word.letters, heading)]


def _stands_out(letters: str, heading: bool) -> bool:
    return (len(letters) >= _INLINE and letters[1:].islower()) or (heading and len(letters) >= _ALONE and letters.isupper())


def _usual_gap(text: str, tokens: Sequence[re.Match[str]]) -> str:
    """The commonest gap between two single letters, the narrower of equally common ones; empty where that is a line's end, as between elements."""
    gaps = Counter(
        text[before.end() : after.start()] for before, after in pairwise(tokens) if _LETTER.fullmatch(before.group()) and _LETTER.fullmatch(after.group())
    )
    gap = min(gaps, key=lambda gap: (-gaps[gap], len(gap)), default="")
    return "" if "\n" in gap else gap


def _words(text: str, tokens: Sequence[re.Match[str]], gap: str) -> Iterator[_Word]:
    """Single letters that stand at that distance, together; what stands further away, or is parted by a mark, is another word."""
    letters, spans, ended = "", list[tuple[int, int]](), False
    for token in tokens:
        found = _LETTER.fullmatch(token.group())
        if letters and (found is None or ended or found["open"] or text[spans[-1][1] : token.start()] != gap):
            yield _Word(letters, tuple(spans))
            letters, spans = "", []
        if found:
            letters += found["letter"]
            spans.append(token.span())
            ended = bool(found["close"])
    if letters:
        yield _Word(letters, tuple(spans))


def _gaps(word: _Word) -> Iterator[tuple[int, int]]:
    for before, after in pairwise(word.spans):
        yield before[1], after[0]


def _without(pieces: Sequence[Piece], gaps: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    """The pieces without [start, end) of each gap of their common text; gaps ascend."""
    begin, number = 0, 0
    for piece in pieces:
        end, at = begin + len(piece.text), begin
        while number < len(gaps) and gaps[number][0] < end:
            start, stop = gaps[number]
            if start > at:
                yield _part(piece, at - begin, start - begin)
            at = max(at, min(stop, end))
            if stop > end:
                break  # it goes on in the next piece
            number += 1
        if at < end:
            yield _part(piece, at - begin, end - begin)
        begin = end


def _part(piece: Piece, start: int, end: int) -> Piece:
    return piece if end - start == len(piece.text) else piece._replace(text=piece.text[start:end], source=piece.source + start)
