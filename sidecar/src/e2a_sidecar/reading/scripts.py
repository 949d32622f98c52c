"""Raised and lowered characters (Unicode's own ones too) and words that are pictures: what of them is said in a block, and how.

Whoever sees a small number knows whether it is a power, a part of a fraction or the mark of a note. Run on with its
neighbours it would be another number: 10⁵ 105, 1½ 11/2, a note behind 1944 19443. So a power keeps its place by Unicode's
raised digits, one for one, which `spoken` puts into words; a mark is none of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from e2a_sidecar.reading.chapter_lines import names_chapter


class Piece(NamedTuple):
    """A run of text inside a block. source: offset of its first character, -1 for a forced line break (LINE).

    script: `sup`, `sub`, `power` (an exponent of MathML), `alt` (what a picture says: it stands between two characters of the source), `float` or `placed`
    (beside the line), else empty.
    linked: does it stand in a link? local: in one to a place in the same document?
    """

    text: str
    source: int
    language: str
    script: str = ""
    linked: bool = False
    local: bool = False


LINE: Final = Piece("\n", -1, "")

_RAISED: Final = str.maketrans("0123456789+-−–ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻ⁿⁱ")
_LOWERED: Final = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LEVEL: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_RAISED_FIGURES: Final = re.compile("([⁺⁻]?[⁰¹²³⁴-⁹]+(?:[,⁻–-][⁰¹²³⁴-⁹]+)*[⁺⁻]?)")
_ASIDE: Final = ("float", "placed")
_PRINTED_PAGE: Final = re.compile(r"(\[(?:Pg|pg|Page)\.? ?(?:\d{1,5}|[ivxlcdm]{1,10})\])")
"""In the text itself, as scans have it."""
_PAGE: Final = re.compile(r"[\[({]\s*(?:p|pg|pag|page|s|seite|l|line)\.?\s*(?:\d{1,5}|[ivxlcdm]{1,10})\s*[\])}]", re.IGNORECASE)
_IN_BRACKETS: Final = re.compile(r"[\[{]\s*(?:\d{1,5}|[ivxlcdm]{1,10})\s*[\]}]", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d{1,3}")
_LINES: Final = 5
"""Numbers of lines are those that this divides."""
_BESIDE: Final = 40
"""So many characters before small ones, and a dozen behind them, say what they are."""

_POWER: Final = re.compile(r"[+\-−–]?\d{1,3}|[ni]")
_CHARGE: Final = re.compile(r"\d?[+\-−–]")
_MARK: Final = re.compile(
    r"[\[({]?\s?(?:(?i:note|fn)\.?\s?)?\d{1,3}(?:\s?[,;–-]\s?\d{1,3})*\s?[\])}]?|[\[({][a-z][\])}]|[*†‡§¶#‖]{1,4}|[\s,;–-]+",
)
_FRACTION: Final = re.compile(r"\s?[/⁄]\s?[\d₀-₉]")
_YEAR: Final = re.compile(r"(?<![\d.,:/-])(?:1[1-9]\d\d|20\d\d)$|(?<=\d\d\d\d[–-])\d\d(?:\d\d)?$")
_LETTER: Final = r"[^\W\d_⁰¹²³⁴-⁹₀-₉]"  # a raised figure is alphanumeric, and no digit
_NUMBERED: Final = re.compile(rf"{_LETTER}{{2}}\.?\s\d+$")
_PRICE: Final = re.compile(r"[$£€¥]\s?\d+$")
_HOUR: Final = re.compile(r"\s?(?:[Uu]hr|h|[AaPp]\.?[Mm])\b")
_VARIABLE: Final = re.compile(rf"(?<!{_LETTER})(?<![’'.]){_LETTER}$")
_UNIT: Final = re.compile(rf"(?<!{_LETTER})(?:[mcdkhnµμ]m|ft|yd|mi|mc|CO|SO|(?<=\d)in|(?<=\d )in)$")
_ION: Final = re.compile(r"[A-Z][a-z]?[\d₀-₉]*\)?$")
_TERM: Final = re.compile(rf"\((?:(?!{_LETTER}{{3}})[^()])+\)$")
_ISOTOPE: Final = re.compile(r"(?:He|Li|Na|Cl|Ca|Fe|Co|Kr|Sr|Tc|Xe|Cs|Ba|Pb|Po|Rn|Ra|Th|Pa|Np|Pu|Am|[HCNOFPSKIU])(?![^\W_])")
_INITIAL: Final = re.compile(r"[\"“‘«„]?[^\W\d_]")
_NEW: Final = (".", "!", "?", "…", "”", '"', "’", "»")


def settled(pieces: Sequence[Piece], heading: bool) -> tuple[list[Piece], list[tuple[str, list[Piece]]]]:
    """(what of a block's pieces is said, [(reason, pieces) of what is not]). heading: do they stand in one?"""
    if not any(piece.script or _RAISED_FIGURES.search(piece.text) or _PRINTED_PAGE.search(piece.text) for piece in pieces):
        return list(pieces), []
    pieces = [part for piece in pieces for part in _apart(piece)]
    worded = any(piece.script != "alt" and any(map(str.isalnum, piece.text)) for piece in pieces)
    lined = any(piece.script not in _ASIDE and any(map(str.isalnum, piece.text)) for piece in pieces)  # picture books place each word
    runs = [list(run) for _, run in groupby(pieces, key=attrgetter("script"))]
    verse = LINE in pieces and _counts_lines(runs)
    said: list[Piece] = []
    unsaid: list[tuple[str, list[Piece]]] = []
    before = ""
    for number, run in enumerate(runs):
        script, text = run[0].script, "".join(piece.text for piece in run)
        after = _beginning(runs, number + 1) if script else ""
        if script == "alt":
            run, reason = _pictured(run, before, after, not worded and (heading or names_chapter(text)), worded)
        elif script == "sub":
            lowered = text.isdigit() and (before[-1:].isdigit() or after[:1].isdigit())
            run, reason = (_translated(run, _LOWERED) if lowered else run), ""
        elif script == "page":
            reason = "pagebreak"
        elif script == "power":
            run, reason = _exponent(run), ""
        elif script in _ASIDE:
            reason = "pagebreak" if lined and _is_number_aside(runs, number, verse, heading) else ""
            run = run if reason else _parted(run, before, after)
        elif script:
            run, reason = _raised(run, before, after, heading)
        else:
            reason = ""
        if reason:
            unsaid.append((reason, run))
        else:
            said.extend(run)
            before = (before + "".join(piece.text for piece in run))[-_BESIDE:]
    return said, unsaid


def _is_number_aside(runs: Sequence[Sequence[Piece]], number: int, verse: bool, heading: bool) -> bool:
    """Is what stands beside the line the number of a page ("[Pg 7]", or a bare one that is placed) or of a verse's line (one that floats behind it)?

    A number that begins a line is said, be it a paragraph's, a verse's, a year in the margin or a large first figure ("5 men"); so is one of a heading.
    """
    text = "".join(piece.text for piece in runs[number]).strip()
    if _PAGE.fullmatch(text):
        return True
    if heading or not text or _is_edge(piece for at in range(number - 1, -1, -1) for piece in reversed(runs[at])):
        return False
    if _IN_BRACKETS.fullmatch(text):
        return True
    if not _NUMBER.fullmatch(text) or _beginning(runs, number + 1)[:1].isalnum():
        return False
    if runs[number][0].script == "placed":
        return True
    return verse and _is_edge(piece for at in range(number + 1, len(runs)) for piece in runs[at])


def _counts_lines(runs: Sequence[Sequence[Piece]]) -> bool:
    """Can the numbers that float be those of lines? Of prices one is none."""
    texts = ["".join(piece.text for piece in run).strip() for run in runs if run[0].script == "float"]
    return all(int(text) % _LINES == 0 for text in texts if _NUMBER.fullmatch(text))


def _parted(run: list[Piece], before: str, after: str) -> list[Piece]:
    """A number beside the line with blanks where it is glued to a word ("1485In that year"), but not to the rest of it ("5th")."""
    if run[0].text[:1].isdigit() and before[-1:].isalpha():
        run = _with_blank(run)
    last = run[-1]
    if last.text[-1:].isdigit() and after[:1].isupper():
        run = [*run, Piece(" ", last.source + len(last.text), last.language)]
    return run


def _is_edge(pieces: Iterator[Piece]) -> bool:
    """Does a line end, or its block, before the first of these that is not white space?"""
    return next((piece for piece in pieces if piece is LINE or not piece.text.isspace()), LINE) is LINE


def _apart(piece: Piece) -> Iterator[Piece]:
    """The piece, Unicode's raised figures and the numbers of printed pages as pieces of their own."""
    for part in _split(piece, _PRINTED_PAGE, "page"):
        if part.script in ("", *_ASIDE):
            yield from _split(part, _RAISED_FIGURES, "figures")
        else:
            yield part


def _split(piece: Piece, pattern: re.Pattern[str], script: str) -> Iterator[Piece]:
    """The piece, what the pattern's group finds in it apart."""
    if not pattern.search(piece.text):
        yield piece
        return
    at = piece.source
    for number, text in enumerate(pattern.split(piece.text)):
        if text:
            yield piece._replace(text=text, source=at, script=script if number % 2 else piece.script)
        at += len(text)


def _beginning(runs: Sequence[Sequence[Piece]], number: int) -> str:
    """The first dozen characters from that run on."""
    text = ""
    while number < len(runs) and len(text) < 12:
        for piece in runs[number]:
            text += piece.text
            if len(text) >= 12:
                break
        number += 1
    return text


def _raised(run: list[Piece], before: str, after: str, heading: bool) -> tuple[list[Piece], str]:
    """Raised characters: a power (by Unicode's raised digits), a mark (with its reason), a number of its own (with a blank before it), else as they are."""
    text = "".join(piece.text for piece in run).translate(_LEVEL).strip()
    figures = text.isdigit()
    if figures and _FRACTION.match(after):
        return (_with_blank(run) if before[-1:].isdigit() else run), ""
    if figures and len(text) == 2 and (_PRICE.search(before) or (before[-1:].isdigit() and _HOUR.match(after))):
        return _with_blank(run), ""
    if heading and figures and before[-1:].isspace() and not _is_isotope(before.rstrip(), after):  # a mark is glued to its word
        return run, ""
    not_raised = figures and (_YEAR.search(before) or _PRICE.search(before) or (heading and _NUMBERED.search(before)))  # "Chapter 5"
    if not not_raised and _is_power(text, before):
        return _translated(run, _RAISED), ""
    if figures and before.strip() and before[-1:] in " (-" and _is_isotope(before.rstrip(), after):
        return run, ""
    if _MARK.fullmatch(text) and (before.strip() or after.strip()):
        return run, "noteref"
    return run, ""


def _is_power(text: str, before: str) -> bool:
    if _POWER.fullmatch(text):
        if before[-1:].isdigit():
            return True
        if _VARIABLE.search(before):
            return text != "1" and (len(text) <= 2 or not text.isdigit())
        if text.lstrip("+-−–") in ("1", "2", "3"):
            return bool(_UNIT.search(before) or _TERM.search(before))
    return bool(_CHARGE.fullmatch(text) and _ION.search(before))


def _is_isotope(before: str, after: str) -> bool:
    """Does an element's sign follow, where no sentence or verse begins? "He" and "I" begin many."""
    element = _ISOTOPE.match(after)
    return element is not None and not before.endswith(_NEW) and not (before.endswith((",", ";", ":")) and element.group() in ("He", "I"))


def _exponent(run: list[Piece]) -> list[Piece]:
    """A formula's exponent: figures raised, anything else behind `^`, but for a prime and its like. Its blanks stay, as all that a formula's layout says."""
    text = "".join("".join(piece.text for piece in run).split())
    if _POWER.fullmatch(text):
        return _translated(run, _RAISED)
    if not any(map(str.isalnum, text)):
        return run
    first = next(number for number, piece in enumerate(run) if not piece.text.isspace())
    return [*run[:first], *signed("^", run[first]), *run[first + 1 :]]


def signed(sign: str, piece: Piece) -> list[Piece]:
    """The piece, not all of it white space, with a sign that only its layout says in front of its first character."""
    text = piece.text.lstrip()
    blank = len(piece.text) - len(text)
    source = piece.source + blank
    return [*([piece._replace(text=piece.text[:blank])] if blank else []), piece._replace(text=sign, source=source), piece._replace(text=text, source=source)]


def _pictured(run: list[Piece], before: str, after: str, said: bool, worded: bool) -> tuple[list[Piece], str]:
    """What pictures say: said where one is the first letter of a word, or where they are all that is there and `said`; missing where they stand among words."""
    letter = run[0].text if len(run) == 1 and _INITIAL.fullmatch(run[0].text) else ""
    initial = letter and (after[:1].islower() or (not before.strip() and _begins(letter[-1], after)))
    apart = [part for piece in run for part in (piece._replace(text=" "), piece)]
    if initial or said:
        return apart, ""
    return (apart, "picture") if worded else ([], "")


def _begins(letter: str, after: str) -> bool:
    """Is a picture's letter the first of a paragraph that goes on in capitals ("T" above "HE day"), or its first word ("I saw")? It may be there once more."""
    if after[:1].isspace():
        return letter in "AIO" and after.lstrip()[:1].isalpha() and not after.lstrip().startswith(letter)
    return after[:2].isupper() and after[:2].isalpha() and after[0] != letter


def _translated(run: list[Piece], table: dict[int, int]) -> list[Piece]:
    return [piece._replace(text=piece.text.translate(table)) for piece in run]


def _with_blank(run: list[Piece]) -> list[Piece]:
    return [Piece(" ", run[0].source, run[0].language), *run]
