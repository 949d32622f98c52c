"""How speech is spelt: cries drawn out ("NOOO!") and letters left out ("th’", "’ave", "mornin’"), whose marks are no quotation marks. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from typing import Final

from e2a_sidecar.speaking.misaki.edits import Rule

ELISION: Final = "ʼ"
"""A letter to the package's tokenizer: such a word stays one, and is asked for (`elided`)."""
DROPPED: Final = "\u2060"
"""An invisible character, which is taken out."""

_MARK: Final = re.compile("['’‘]")
_BEFORE: Final = frozenset("\"“‘”'([{—–-/")
_WORD_BEHIND: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_WORD_BEFORE: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*\Z")
_LONGEST: Final = 40  # letters that are looked back over
_NO_QUOTATION: Final = frozenset((
    "tis", "tisn't", "twas", "twasn't", "twere", "tweren't", "twill", "twould", "twon't", "tain't", "em", "bout", "cos", "coz", "cuz", "til", "nuff",
    "neath", "mongst", "gainst", "pon", "scuse", "e", "im", "er", "ave", "aven't", "adn't", "un", "uns", "ere", "ow", "ouse", "ead", "eard", "ome", "ell",
    "ope", "arf", "appen", "eaven",
))  # fmt: skip
"""Behind a mark that may be a quotation's too."""
_APART: Final = r" (?=(?:is|was|were|will|would)(?:n['’]t)?\b)"
_IT_APART: Final = re.compile(f"(?<={ELISION}[Tt]){_APART}")
_CUT_SHORT: Final = frozenset((
    "th", "t", "o", "an", "wi", "ol", "lil", "jus", "mos", "fo", "po", "tho", "thro", "altho", "wha", "las", "nex", "ev", "mo", "agin", "owd",
))  # fmt: skip
_SAID: Final = {"thʼ": "ðə", "tʼ": "t", "oʼ": "ə", "ʼnʼ": "ən", "ʼn": "ən", "nʼ": "ən", "iʼ": "ɪ", "wiʼ": "wɪ", "dʼ": "d", "ʼtis": "tɪz"}
_WITHOUT_LAST: Final = {"anʼ": "and", "jusʼ": "just", "lasʼ": "last", "mosʼ": "most", "nexʼ": "next", "olʼ": "old", "whaʼ": "what"}
_NO_H: Final = frozenset(("a", "i", "one", "are", "our", "or", "us"))
_IN: Final = re.compile(r"[^\W\d_]{2,}in\Z", re.IGNORECASE)

_CRY: Final = re.compile(rf"(?<![\w’'{ELISION}])(?=[^\W\d_]{{3,{_LONGEST}}}(?!\w))[^\W\d_]*?([^\W\d_])\1\1[^\W\d_]*", re.IGNORECASE)
_LONG_VOWEL: Final = re.compile(r"([aeiou])\1\1")
_RUN: Final = re.compile(r"(.)\1*", re.DOTALL)
_ROMAN: Final = re.compile("[ivxlcdm]+")
_VOWEL_ALONE: Final = {"a": "ah", "o": "oh", "e": "ee", "u": "ooh"}
_CRIED: Final = frozenset(("go", "no", "so", "stop"))  # with "stoop" and the like beside them
_MOST_RUNS: Final = 5


def marked(text: str, known: Callable[[str], bool]) -> str:
    """The text, as long as it was: `ELISION` and `DROPPED` stand for marks that belong to a word, ‘ for those that open a quotation.

    known: is it a word?
    """
    marks = [found.start() for found in _MARK.finditer(text)]
    written = list(text)
    opened = False
    for number, at in enumerate(marks):
        before, behind = text[at - 1 : at], text[at + 1 : at + 2]
        if (not before or before.isspace() or before in _BEFORE) and behind.isalnum():
            if _begins_word(text, at):
                written[at] = DROPPED if behind.isdigit() else ELISION
            else:
                opened = True
                written[at] = "‘"
        elif before.isalpha() and not behind.isalnum() and behind not in ("'", "’"):
            word = _WORD_BEFORE.search(text, max(0, at - _LONGEST), at)
            if word is None:
                continue
            quoted = text[max(0, word.start() - 1)] in "'‘" and written[word.start() - 1] == text[word.start() - 1]
            if quoted:
                opened = False
            elif _is_cut(word[0], opened, known) or (word[0].lower() == "n" and written[word.start() - 1 : word.start()] == [ELISION]):
                written[at] = ELISION
            elif not opened or _closed_later(text, marks[number + 1 :], at):
                written[at] = DROPPED
            else:
                opened = False
        elif not behind.isalnum():
            opened = False
    return "".join(written)


def elided(word: str, looked_up: Callable[[str], str]) -> str:
    """Phonemes of a word with `ELISION`; empty where nothing is known of it."""
    small = word.lower()
    if small in _WITHOUT_LAST:
        return looked_up(_WITHOUT_LAST[small])[:-1]
    if said := _SAID.get(small) or looked_up(small.replace(ELISION, "'")):
        return said
    if small.endswith(f"in{ELISION}") and (whole := looked_up(small[:-1].lstrip(ELISION) + "g")).endswith("ŋ"):
        return whole[:-1] + "n"
    bare = small.strip(ELISION)
    with_h = looked_up("h" + bare) if small[0] == ELISION and bare not in _NO_H else ""
    return with_h.replace("h", "", 1) if with_h.lstrip("ˈˌ").startswith("h") else looked_up(bare)


def cries(known: Callable[[str], bool]) -> Rule:
    """A word with a letter three times in a row is drawn out: as it is found in a dictionary, in small letters."""

    def replace(found: re.Match[str]) -> str:
        word, small = found[0], found[0].lower()
        if len(set(small)) == 1:
            return _VOWEL_ALONE.get(small[0], word) if len(word) > 3 else word
        if _ROMAN.fullmatch(small) or len(word) != len(small) or (known(small) and not word.isupper()):
            return word
        if word.isupper() and not _LONG_VOWEL.search(small) and "!" not in found.string:
            return word  # initials
        runs = [run[0] for run in _RUN.finditer(small)]
        if sum(len(run) > 2 for run in runs) > _MOST_RUNS:
            return small
        forms = ["".join(form) for form in product(*((run[:2], run[0]) if len(run) > 2 else (run,) for run in runs))]
        forms.sort(key=lambda form: form not in _CRIED)
        return next(filter(known, forms), small if known(small) else forms[0])

    return _CRY, replace


TOGETHER: Final[tuple[Rule, ...]] = ((_IT_APART, lambda m: ""),)
"""Behind `marked`: "’T was" is one word."""


def _begins_word(text: str, at: int) -> bool:
    """Is the mark in a word's beginning for letters, or for a century ("’45")?"""
    if text[at] == "’":
        return True
    if text[at + 1].isdigit():
        return text[at] == "'" and re.match(r"\d\ds?\b", text[at + 1 :]) is not None
    word = _WORD_BEHIND.match(text, at + 1, at + 1 + _LONGEST)
    if word is None:
        return False
    small = word[0].lower().replace("’", "'")
    if small == "t":
        return re.match(_APART, text[word.end() : word.end() + _LONGEST]) is not None
    return small in _NO_QUOTATION or (small == "n" and text[word.end() : word.end() + 1] in ("'", "’", " "))


def _is_cut(word: str, opened: bool, known: Callable[[str], bool]) -> bool:
    small = word.lower()
    return small in _CUT_SHORT or (word == "i" and not opened) or (_IN.match(small) is not None and known(small + "g") and not (opened and known(small)))


def _closed_later(text: str, marks: list[int], at: int) -> bool:
    """Does another mark close what was opened, so that this one is a word's ("the dogs’ dinner’")?"""
    if not re.match(r"\s+[^\W\d_A-Z]", text[at + 1 : at + 4]):
        return False
    following = next((mark for mark in marks if not text[mark + 1 : mark + 2].isalnum()), None)
    opening = next((mark for mark in marks if not text[mark - 1].isalnum() and text[mark + 1 : mark + 2].isalnum()), len(text))
    return following is not None and following < opening
