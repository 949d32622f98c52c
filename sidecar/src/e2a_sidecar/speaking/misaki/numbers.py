"""Numbers that the package's lexicon reads wrong as they are written: broken, raised and long ones, those that begin with 0, and telephone numbers."""

from __future__ import annotations

import re
import unicodedata
from math import gcd
from typing import Final

from e2a_sidecar.speaking.misaki.edits import Rule
from e2a_sidecar.speaking.misaki.money import SIGNS

_PARTS: Final = {
    2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth", 10: "tenth", 12: "twelfth", 16: "sixteenth",
    20: "twentieth", 32: "thirty-second", 64: "sixty-fourth", 100: "hundredth",
}  # fmt: skip
_VULGAR: Final = re.compile(r"(?:(\d)\s?)?([¼½¾⅐-⅞↉])")
_FRACTION: Final = re.compile(r"(?<![\w./,-])(?:(\d{1,3})[ -])?(\d{1,3})/(\d{1,3})(?![\w/]|\.\d)")
_DOUBTFUL: Final = re.compile(r"(?<![\w./,-])(0\d)/(\d\d)(?![\w/]|\.\d)")

_RAISED: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
_LOWERED: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋", "0123456789+-")
_RAISED_LETTERS: Final = re.compile("[ªºʰʲˡʳˢʷˣʸᵃ-ᵛᶜᶠᶻⁱ]+|ⁿ(?=ᵈ)")  # "1ˢᵗ"; ⁿ is a power
_AREA: Final = re.compile(r"(?:(?<=\d)\s?|(?<!\w))(km|cm|mm|m|ft|in|yd|mi)\.?([²³])(?!\w)")
_AREAS: Final = {
    "km": "kilometers", "cm": "centimeters", "mm": "millimeters", "m": "meters", "ft": "feet", "in": "inches", "yd": "yards", "mi": "miles",
}  # fmt: skip
_POWER: Final = re.compile(r"((?<!\w)[^\W\d_⁰¹²³⁴⁵⁶⁷⁸⁹]|(?<!\d)\d{1,3}|\)|(?<=[\d,.])\d|[^\W\d_⁰¹²³⁴⁵⁶⁷⁸⁹](?=⁻))([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+|[⁺⁻]?ⁿ)(?![⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ])")
_YEAR: Final = re.compile(r"(?<![\d,.])(1\d{3}|20\d\d)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_NOTE: Final = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_LOW: Final = re.compile("[₀₁₂₃₄₅₆₇₈₉]+")
_FORMULA: Final = re.compile("(?<![A-Z])[A-Z]{2,}(?=[₀₁₂₃₄₅₆₇₈₉])")  # "CO₂"
_SIGNED: Final = {"+": "plus ", "-": "minus "}

_CODE: Final = r"\+\d{1,3}(?:[ -]\(?\d{1,4}\)?){2,}|\(0[1-9]\d{0,4}\) ?\d{3,8}(?:[ -]\d{3,4})?|0[1-9]\d{1,3}(?:[ -]\d{3,8}){1,2}"
_PHONE: Final = re.compile(rf"(?<![\w.,/-])(?:{_CODE}|(?:1-)?\(?\d{{3}}\)?[ -]\d{{3}}-\d{{4}}|\d{{3}}-\d{{4}})(?![\w/-]|[.,]\d)")
_THOUSANDS: Final = re.compile(r"(?<![\w.,/-])(?<!\d )(\d{1,3})((?:[ \u00a0\u2009\u202f]\d{3})+)(?![\w/-]| \d|,\d{3})", re.ASCII)
_COMMAS: Final = re.compile(rf"(?<![\d,{SIGNS}])(?<![{SIGNS}] )\d+(?:,\d+)+", re.ASCII)
_ONE_NUMBER: Final = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d\d)+,\d{3}", re.ASCII)  # the latter as it is written in India
_MINUS: Final = re.compile(r"(?<![^\s(“‘])–(?=\.?\d)")
_MONTH: Final = re.compile(r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? \Z")
_FROM_NOUGHT: Final = re.compile(r"(?<![\w.,:-])(?:0\d+(?![\w:]|[.,]\d)|00\d*(?=\.\d+(?![\w:]|[.,]\d)))", re.ASCII)
_TO_NOUGHT: Final = re.compile(r"(?<![\w.])(\d[\d,]*)\.(\d*?)(0+)(?![\w]|[.,]\d)", re.ASCII)
_CLOCK: Final = re.compile(
    r"(?:(?<=\bat )|(?<=\buntil )|(?<=\btill )|(?<=\bthe )(?=\S+ (?:train|bus|express|from|for|to)\b)|(?<![\w.,$£€¥])(?=\S+ ?(?:[ap]\.?m\b|o['’]clock)))"
    r"([1-9]|1\d|2[0-3])\.([0-5][05])(?![\w%]|[.,]\d| ?(?:per|each|an?|times|million|billion|percent|dollars|pounds)\b)"
)
"""A time as the British write it."""


def _vulgar(found: re.Match[str]) -> str:
    one, _, many = unicodedata.normalize("NFKC", found[2]).partition("⁄")
    return f"{found[1]} and {_part(int(one), int(many), after=True)}" if found[1] else _part(int(one), int(many), after=False)


def _part(one: int, many: int, after: bool) -> str:
    """after: a whole number stands before it."""
    if many not in _PARTS:
        return f"{one} over {many}"
    name = _PARTS[many]
    if one == 1:
        return f"{('an' if name[0] == 'e' else 'a') if after else 'one'} {name}"
    return f"{one} {'halves' if many == 2 else name + 's'}"


def _fraction(found: re.Match[str]) -> str:
    whole, one, many = found.groups()
    a, b = int(one), int(many)
    if one[0] != "0" and many[0] != "0" and a < b and b in _PARTS and (b <= 10 or gcd(a, b) == 1):
        return f"{whole} and {_part(a, b, after=True)}" if whole else _part(a, b, after=False)
    before = f"{whole} " if whole else ""
    return f"{before}{one} over {many}" if len(one) == 3 or len(many) == 3 else f"{before}{one} {many}"


def _power(found: re.Match[str]) -> str:
    base, power = found[1], found[2].translate(_RAISED)
    if power in ("2", "3"):
        return f"{base} {'squared' if power == '2' else 'cubed'}"
    return f"{base} to the power of {_SIGNED.get(power[0], power[0])}{power[1:]}"


def _note(found: re.Match[str]) -> str:
    return f" {found[0].translate(_RAISED)} "


def _thousands(found: re.Match[str]) -> str:
    if found[1][0] == "0" or _MONTH.search(found.string, max(0, found.start() - 11), found.start()):
        return found[0]
    return found[1] + "".join("," + group for group in re.findall(r"\d{3}", found[2]))


def _commas(found: re.Match[str]) -> str:
    return found[0] if _ONE_NUMBER.fullmatch(found[0]) else found[0].replace(",", ", ")


def _digits(text: str) -> str:
    """One by one, with a pause between groups."""
    groups = re.findall(r"\d+", text)
    return ("plus " if text[0] == "+" else "") + ", ".join(" ".join(group) for group in groups)


RAISED: Final[tuple[Rule, ...]] = (
    (_RAISED_LETTERS, lambda m: unicodedata.normalize("NFKC", m[0])),
    (_FORMULA, lambda m: " ".join(m[0])),
    (_LOW, lambda m: m[0].translate(_LOWERED)),
    (_AREA, lambda m: f" {'square' if m[2] == '²' else 'cubic'} {_AREAS[m[1]]}"),
    (_YEAR, lambda m: f"{m[1]} {m[2].translate(_RAISED)} "),
    (_POWER, _power),
    (_NOTE, _note),
)
"""Powers behind a figure or a single letter; behind a word, a year or a mark it is a note's number."""
LONG: Final[tuple[Rule, ...]] = (
    (_PHONE, lambda m: _digits(m[0])),
    (_THOUSANDS, _thousands),
    (_COMMAS, _commas),
    (_MINUS, lambda m: "minus "),
    (_CLOCK, lambda m: f"{m[1]}:{m[2]}"),
)
"""Before all others: what is one number, and what is several ("1,2,3"), which the lexicon would take for one."""
BROKEN: Final[tuple[Rule, ...]] = ((_VULGAR, _vulgar), (_DOUBTFUL, lambda m: f"{m[1]}, {m[2]}"), (_FRACTION, _fraction))
NOUGHTS: Final[tuple[Rule, ...]] = (
    (_FROM_NOUGHT, lambda m: " ".join(m[0])),
    (_TO_NOUGHT, lambda m: f"{m[1]}{'.' if m[2] else ' point '}{m[2]} {' '.join(m[3])}"),
)
