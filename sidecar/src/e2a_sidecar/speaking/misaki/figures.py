"""Figures, signs and odd spellings in words, by rules in their order, with the way back to the text.

What the package reads well is asked of its own rules, one by one. Not of those for abbreviations, titles and Roman numbers, which take "no." for
a number, "Sun." for a day and "the King I served" for a king: these are `reading.spoken`'s, for all voices. Plain numbers, years and ordinals
are left to the lexicon.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Final

from e2a_sidecar.speaking.misaki import money, numbers
from e2a_sidecar.speaking.misaki.dates import dates
from e2a_sidecar.speaking.misaki.edits import Rule, Said, applied
from e2a_sidecar.speaking.misaki.speech import TOGETHER, cries, marked

_APOSTROPHES: Final = str.maketrans({"ʼ": "’", "＇": "'"})
_AS_TRAINED: Final = str.maketrans({"’": "'", "‒": "-", "‐": "-", "‑": "-", "―": "—", "\u00a0": " ", "\u202f": " ", "⁄": "/", "İ": "I"})
"""İ is two letters to Python when it is made small, which the package does not reckon with."""
_INVISIBLE: Final = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ff]+")
_CONTROL: Final = re.compile("[\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
_ACCENTED: Final = re.compile(r"[^\W_][^\w\s!-~]+|[\u1100-\u11ff]{2,}")
_OPENING: Final = re.compile(r'(?<![^\s(\[{‘—–-])"(?=\S)')
_NOTE: Final = re.compile(r"(?<=[.!?,;:”])(?=[\[(])")  # the package takes "note.[1]" for one word and its mark for nothing
_CLOSED_UP: Final = re.compile(r" +([,.;:!?](?!\d)|”(?!\w))")  # not ".5"
_FEET: Final = re.compile(r"(?<![\w.])(\d{1,2})['′] ?(\d{1,2})(?:[”″]|''|′′)?(?!\w)")
_NUMERO: Final = re.compile(r"\bN[º°]\.? ?(?=\d)")
_PARTS_AT_ONCE, _PARTS_WITHOUT_END, _LETTERS_AT_ONCE = 9, 3, 60
_WITHOUT_END: Final = 200  # characters: no word, and no address either
_LONG_RUN: Final = re.compile(r"\S{24,}")
_RUN_PART: Final = re.compile(rf"[^\W_]{{1,{_LETTERS_AT_ONCE}}}|.", re.DOTALL)
_ASKED_FOR: Final = "=<>~"  # only between two things, as the package has it


class Figures:
    """The rules, compiled once. rules: `package.Package.rules`; known: is it a word of the lexicon?"""

    def __init__(self, rules: Mapping[str, Any], british: bool, known: Callable[[str], bool]) -> None:
        self._known = known
        symbols: Mapping[str, str] = rules["SYMBOLS"]
        self._cries = cries(known)
        self._rules: list[Rule] = [
            (_NUMERO, lambda m: "number "),
            *numbers.RAISED,
            *numbers.LONG,
            (rules["RE_TIME"], rules["_time"]),
            *dates(british, rules),
            *money.AMOUNTS,
            (rules["RE_CURRENCY"], rules["_currency"]),
            (rules["RE_DEG"], rules["_deg"]),
            (rules["RE_UNIT"], rules["_unit"]),
            (rules["RE_MONTH_DAY"], rules["_month_day"]),
            (rules["RE_DAY_MONTH"], rules["_day_month"]),
            (rules["RE_HASH"], lambda m: "number "),
            *numbers.BROKEN,
            *numbers.NOUGHTS,
            (rules["RE_RANGE"], lambda m: f"{m[1]} to {m[2]}"),
            (rules["RE_PLUS"], lambda m: "plus "),
            (_FEET, lambda m: f"{m[1]} foot {m[2]}"),
            *(_symbol(symbol, word) for symbol, word in symbols.items()),
            *money.BARE_SIGNS,
        ]
        self._spaces: list[Rule] = [(_NOTE, lambda m: " "), (re.compile(r"\s{2,}"), lambda m: " "), (_CLOSED_UP, lambda m: m[1])]
        self._worth_it = re.compile(f"[\\d{re.escape(''.join(symbols))}{money.SIGNS}¼-¾⅐-⅞↉⁰-₟ʰ-ˣᵃ-ᶻªº¹]")

    def said(self, text: str) -> Said:
        written = marked(text.translate(_APOSTROPHES), self._known).translate(_AS_TRAINED)
        if '"' in written:
            written = _OPENING.sub("“", written).replace('"', "”")
        said = Said(written, [(i, i + 1) for i in range(len(text))])
        if not said.text.isascii() or not said.text.isprintable():
            said = _composed(applied(applied(said, _CONTROL, lambda m: " "), _INVISIBLE, lambda m: ""))
        for pattern, replace in [*TOGETHER, self._cries, *(self._rules if self._worth_it.search(said.text) else ()), *self._spaces]:
            said = applied(said, pattern, replace)
        return _parted(said)


def _symbol(symbol: str, word: str) -> Rule:
    pattern = re.escape(symbol)
    return re.compile(rf"(?<=\S) ?{pattern} ?(?=\S)" if symbol in _ASKED_FOR else pattern), lambda m: f" {word} " if word else " "


def _composed(said: Said) -> Said:
    """Letters and their accents in one, as the lexicon has them."""
    if unicodedata.is_normalized("NFC", said.text):
        return said
    return applied(said, _ACCENTED, lambda m: unicodedata.normalize("NFC", m[0]))


def _parted(said: Said) -> Said:
    """The package looks at each pair of a run's parts, and its tokenizer at the run once for each mark: what has no end gets spaces."""
    cuts: list[int] = []
    for run in _LONG_RUN.finditer(said.text):
        parts, length = 0, 0
        most = _PARTS_AT_ONCE if len(run[0]) < _WITHOUT_END else _PARTS_WITHOUT_END
        for part in _RUN_PART.finditer(said.text, *run.span()):
            if parts == most or length + len(part[0]) > _LETTERS_AT_ONCE:
                cuts.append(part.start())
                parts = length = 0
            parts, length = parts + 1, length + len(part[0])
    if not cuts:
        return said
    text: list[str] = []
    places: list[tuple[int, int]] = []
    for start, end in pairwise([0, *cuts, len(said.text)]):
        text.append(said.text[start:end])
        places += [*said.places[start:end], (said.places[end - 1][1],) * 2]
    return Said(" ".join(text), places[:-1])
