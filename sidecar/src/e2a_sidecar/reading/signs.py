"""Signs of arithmetic and small figures in words: most voices say nothing for "<", and a power as if it stood beside its base.

Only where they are surely that, between figures or single letters: elsewhere `<` or `*` is a rest of some markup, and
"File > Open" a path. What a language has no words for here is left to the voice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple


class _Words(NamedTuple):
    less: str
    more: str
    times: str
    power: str
    squared: str
    cubed: str
    about: str
    over: str
    minus: str
    plus: str


_WORDS: Final = {
    language: _Words(*words.split(", "))
    for language, words in {
        "en": "less than, more than, times, to the power of, squared, cubed, about, over, minus, plus",
        "de": "kleiner als, größer als, mal, hoch, hoch 2, hoch 3, etwa, durch, minus, plus",
        "fr": "inférieur à, supérieur à, fois, puissance, au carré, au cube, environ, sur, moins, plus",
        "es": "menor que, mayor que, por, elevado a, al cuadrado, al cubo, unos, sobre, menos, más",
        "it": "minore di, maggiore di, per, elevato a, al quadrato, al cubo, circa, su, meno, più",
        "pt": "menor que, maior que, vezes, elevado a, ao quadrado, ao cubo, cerca de, sobre, menos, mais",
        "nl": "kleiner dan, groter dan, keer, tot de macht, in het kwadraat, tot de derde macht, ongeveer, gedeeld door, min, plus",
        "sv": "mindre än, större än, gånger, upphöjt till, i kvadrat, i kubik, ungefär, genom, minus, plus",
        "da": "mindre end, større end, gange, opløftet til, i anden, i tredje, cirka, over, minus, plus",
        "nb": "mindre enn, større enn, ganger, opphøyd i, i andre, i tredje, omtrent, over, minus, pluss",
        "pl": "mniejsze niż, większe niż, razy, do potęgi, do kwadratu, do sześcianu, około, przez, minus, plus",
        "cs": "menší než, větší než, krát, na, na druhou, na třetí, asi, lomeno, minus, plus",
        "ru": "меньше, больше, умножить на, в степени, в квадрате, в кубе, около, делить на, минус, плюс",
        "uk": "менше, більше, помножити на, у степені, у квадраті, у кубі, близько, поділити на, мінус, плюс",
    }.items()
}
_RAISED: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ"
_LEVEL: Final = str.maketrans(_RAISED + "₀₁₂₃₄₅₆₇₈₉", "0123456789+-ni0123456789")
_FIGURES: Final = re.compile(rf"(?:(?<=[\w)\]])\s)?[{_RAISED}](?:\s?[{_RAISED}])*|[₀-₉]+")
_ANY: Final = re.compile(rf"[<>*^~⁄₀-₉{_RAISED}]")
_FRACTION: Final = re.compile(r"\s?[/⁄]\s?[\d₀-₉]")
_BAR: Final = re.compile(r"\s?⁄\s?")

_TERM: Final = rf"(?:[\d)\]{_RAISED}₀-₉]|(?<![^\W_])[^\W\d_])"  # before a sign: a figure, a letter of its own, a bracket
_NEXT: Final = r"(?:[-−–+]?[\d(\[]|[-−–+]?[^\W\d_](?![^\W_]))"
_NUMBER: Final = r"[-−–+]?\.?\d"
_COMPARED: Final = re.compile(
    rf"(?<![<>=-])(?:(?<=[\d)\]])(\s?)([<>])\1(?=[-−–+]?[\d(\[])|(?<={_TERM})\s([<>])\s(?={_NEXT})"
    rf"|(?<={_TERM})([<>])(?=\d)(?!\d+>)|(?<=\d)([<>])(?=[^\W\d_](?![\w>]))"
    rf"|(?<=\w)\s([<>])\s(?={_NUMBER})|(?<=\d)\s([<>])\s(?=\w)|(?:(?<=[\s(])|^)([<>])\s?(?={_NUMBER}))(?![<>=-])"
)
_MULTIPLIED: Final = re.compile(rf"(?<=[\d)\]])(\s?)\*\1(?=[\d(\[])|(?<={_TERM})\s\*\s(?={_NEXT})")
_TO_THE: Final = re.compile(rf"(?<={_TERM})\s?\^\s?(?:([23])(?![\d.,]*\d)|(?={_NEXT}))")
_ABOUT: Final = re.compile(r"(?:(?<=[\s(])|^)~\s?(?=[$£€]?\d)")


def words(text: str, language: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, what is said for that) of such signs. language: of two letters."""
    if not _ANY.search(text):
        return
    said = _WORDS.get(language)
    if said:
        for found in _COMPARED.finditer(text):
            start, sign = found.start(), found.group().strip()
            yield start, found.end(), f"{'' if text[:start].endswith(('(', ' ')) or not start else ' '}{said.less if sign == '<' else said.more} "
        for found in _MULTIPLIED.finditer(text):
            yield found.start(), found.end(), f" {said.times} "
        for found in _TO_THE.finditer(text):
            yield found.start(), found.end(), f" {_power(found[1], said)}{_gap(text, found.end())}" if found[1] else f" {said.power} "
        for found in _ABOUT.finditer(text):
            yield found.start(), found.end(), f"{said.about} "
    for found in _FIGURES.finditer(text):
        yield found.start(), found.end(), _figures(found.group(), text, found.end(), said)
    for found in _BAR.finditer(text):
        yield found.start(), found.end(), f" {said.over} " if said else "/"


def _figures(figures: str, text: str, end: int, said: _Words | None) -> str:
    """Raised figures behind something are a power; lowered ones, those before something and a fraction's are numbers, kept apart from others.

    A formula has a blank before its exponents, and inside.
    """
    before, after = text[: end - len(figures)], text[end : end + 1]
    level = "".join(figures.translate(_LEVEL).split())
    number = (" " if figures[0] == " " or before[-1:].isdigit() else "") + level
    if figures[0] in "₀₁₂₃₄₅₆₇₈₉":
        return number + (" " if after.isdigit() else "")
    stands_before = after.isalnum() and (figures[0] == " " or not (before[-1:].isalnum() or before.endswith((")", "]"))))
    if stands_before or not before.strip() or _FRACTION.match(text, end):
        return number
    if said is None:
        return figures
    return f" {_power(level, said)}{_gap(text, end)}"


def _power(level: str, said: _Words) -> str:
    if level in ("2", "3"):
        return said.squared if level == "2" else said.cubed
    if level[-1] in "+-":  # a charge
        return f"{level[:-1]} {said.plus if level[-1] == '+' else said.minus}".strip()
    return " ".join(f"{said.power} {level.replace('-', f' {said.minus} ').replace('+', f' {said.plus} ')}".split())


def _gap(text: str, end: int) -> str:
    return " " if text[end : end + 1].isalnum() else ""
