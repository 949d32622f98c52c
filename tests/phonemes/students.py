"""Our phonemes for the students of Kokoro beside those of hibari-tts's own `G2P`, its normaliser included, on what reading gives an engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from e2a_sidecar.speaking.misaki.front_end import MisakiFrontEnd
from hibari.g2p import G2P
from hibari.g2p.normalize import normalize

SAME, MARKS, QUOTED, WORDS, UNKNOWN, LEFT_OUT, FAILED, UNEXPLAINED = "same", "marks", "quoted", "words", "unknown", "left out", "failed", "unexplained"
KINDS: Final = {
    SAME: "the very same phonemes",
    MARKS: "but for quotation marks, brackets and the full stop behind an abbreviation, which are given to the voice here",
    QUOTED: "the package takes a quotation mark for a noun or a verb: the word behind it is guessed, or has another part of speech",
    WORDS: "the package's normaliser takes a word for an abbreviation or a Roman number, or has another rule of its own",
    UNKNOWN: "a word that the lexicon does not have: its parts are looked up before they are guessed, and what cannot be guessed whole is said by espeak",
    LEFT_OUT: "the package leaves a sign or a figure out because of its part of speech",
    FAILED: "the package ends in an error",
    UNEXPLAINED: "not known",
}
_MARKS: Final = str.maketrans("", "", '“”"() ')


@dataclass
class Compared:
    """How many sentences were of which kind, and some of each: (sentence, theirs, ours)."""

    kinds: Counter[str] = field(default_factory=Counter)
    some: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)


class Students:
    """Both front ends of one accent."""

    def __init__(self, british: bool) -> None:
        self.ours = MisakiFrontEnd(british)
        self._asked: list[str] = []
        said_of = self.ours._unknown

        def unknown(text: str, tag: str) -> str:
            self._asked.append(text)
            return str(said_of(text, tag))

        self.ours._unknown = unknown  # type: ignore[assignment]
        self._letters = {number: letter for letter, number in self.ours._ids.items()}
        self.theirs: Any = G2P(british=british)
        self._told: Any = G2P(british=british)  # the same, told what marks are
        self._told.tagger.tagdict = self.ours._package._g2p.tagger.tagdict

    def said(self, text: str) -> str:
        """Our phonemes."""
        self._asked.clear()
        return "".join(self._letters[number] for number in self.ours.encode(text).ids[1:-1])

    def kind(self, text: str) -> tuple[str, str, str]:
        """(kind of the difference, theirs, ours)"""
        ours = self.said(text)
        try:
            theirs = self.theirs(text)
        except (ArithmeticError, LookupError, ValueError) as error:
            return FAILED, repr(error), ours
        bare, figures = _bare(ours), self.ours._figures.said(text).text
        curly = figures.translate(str.maketrans("", "", "“”"))
        if ours == theirs:
            kind = SAME
        elif bare == _bare(theirs):
            kind = MARKS
        elif bare in (self._plain(self._told, normalize(text)), self._plain(self._told, normalize(figures)), self._plain(self.theirs, normalize(curly))):
            kind = QUOTED
        elif not self._asked and bare == self._plain(self._told, figures):
            kind = WORDS
        elif self._asked:
            kind = UNKNOWN
        else:
            kind = LEFT_OUT if _holds(bare, _bare(theirs)) else UNEXPLAINED
        return kind, theirs, ours

    @staticmethod
    def _plain(g2p: Any, text: str) -> str:
        return _bare(str(g2p(text, normalize_text=False)))


def _bare(phonemes: str) -> str:
    return phonemes.translate(_MARKS).rstrip(".!?…")


def _holds(longer: str, shorter: str) -> bool:
    """All of the shorter in the longer, in order?"""
    letters = iter(longer)
    return all(letter in letters for letter in shorter)


def compared(british: bool, texts: Iterable[str], examples: int = 5) -> Compared:
    """Sentence by sentence; at most `examples` of a kind are kept."""
    result, both = Compared(), Students(british)
    for text in texts:
        kind, theirs, ours = both.kind(text)
        result.kinds[kind] += 1
        kept = result.some.setdefault(kind, [])
        if kind != SAME and len(kept) < examples:
            kept.append((text, theirs, ours))
    return result
