"""Money in words: the package's own rules leave the sign out of "$3bn" and "-$5", and give it to a number behind a comma too."""

from __future__ import annotations

import re
from math import gcd
from typing import Final

from e2a_sidecar.speaking.misaki.edits import Rule

SIGNS: Final = "$£€¥₹₩"
NUMBER: Final = r"\d+(?:,\d{3})+(?:\.\d+)?|\d*\.\d+|\d+"
_UNITS: Final = {
    "$": ("dollar", "dollars", "cent", "cents"), "£": ("pound", "pounds", "penny", "pence"), "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen"), "₹": ("rupee", "rupees"), "₩": ("won", "won"),
}  # fmt: skip
_COUNTRIES: Final = {"US": "US ", "A": "Australian ", "C": "Canadian ", "NZ": "New Zealand ", "HK": "Hong Kong "}
_SCALES: Final = {
    "k": "thousand", "m": "million", "mn": "million", "mln": "million", "b": "billion", "bn": "billion", "bln": "billion", "t": "trillion", "tn": "trillion",
    "trn": "trillion",
}  # fmt: skip
_SHORT: Final = "|".join(sorted(_SCALES, key=len, reverse=True))
_SCALE: Final = rf"[ -]?(?:hundred|thousand|million|billion|trillion|[bmt]n)\b|(?:{_SHORT})\b"
_A_THING: Final = r"(?=[ -](?:gold |silver )?(?:bill|note|coin|piece|bet|tip|fine|reward|ticket|cheque|check)s?\b)"
_AMOUNT: Final = re.compile(
    rf"(?:(?<![^\s(“‘”])(?P<minus>[-−–]))?(?<![^\W\d_])(?P<country>{'|'.join(map(re.escape, sorted(_COUNTRIES, key=len, reverse=True)))})?"
    rf"(?P<sign>[{SIGNS}]) ?(?P<number>{NUMBER})(?P<part>[½¼¾])?"
    rf"(?:(?:[-–](?P=sign)?| to (?P=sign)| to (?=\d+(?:{_SCALE})))(?P<up_to>{NUMBER}))?(?P<scale>{_SCALE})?(?P<thing>{_A_THING})?",
    re.IGNORECASE,
)
_AMOUNT_BEFORE: Final = re.compile(rf"(?<![\w.,])(?P<number>{NUMBER}) ?(?P<sign>[{SIGNS}])(?![\w{SIGNS}])")
_CENTS: Final = re.compile(rf"(?<![\w.])({NUMBER}) ?¢")
_SIGN: Final = re.compile(rf"[{SIGNS}]+")
_COMMA_CENTS: Final = re.compile(r"(€ ?\d{1,3}),(\d\d)(?![\d,])")

_COUNT: Final = r"(?:\d{1,2}[½¼¾]?|[½¼¾])"
_STOP: Final = r"\.(?=[\"”’)\]]*(?:\s+[\"“‘]?[A-Z]|\s*$))"  # which ends a sentence too
_POUNDS: Final = r"£(?P<pounds>[\d,]+)[.,]?"
_OLD_MONEY: Final = (
    re.compile(rf"(?:{_POUNDS} ?)?\b(?P<shillings>\d{{1,2}})s\b[.,]{{0,2}} ?(?P<pence>{_COUNT})d\b(?P<stop>{_STOP})?\.?"),
    re.compile(rf"{_POUNDS} (?P<shillings>\d{{1,2}})s\b(?P<stop>{_STOP})?\.?"),
    re.compile(r"(?<![\w.,$£’'-])(?P<shillings>[1-9]|1\d)s\.(?=\s+[a-z]|[,;:])"),
    re.compile(rf"(?:(?<=\bcost )|(?<=\bpaid )|(?<=\bfor ))(?P<shillings>[1-9]|1\d)s(?P<stop>{_STOP})"),
    re.compile(rf"(?<![\w.,$£’'-])(?P<pence>{_COUNT})d(?:(?P<stop>{_STOP})|\.)"),
)
"""Pounds, shillings and pence; "5s." by itself may be other things at the end of a sentence."""
_SHILLINGS_DASH: Final = re.compile(r"(?<![\w./])(\d{1,2})/[-–—](?!\w)")
_SHILLINGS_AND_PENCE: Final = re.compile(r"(?<![\w./])(\d{1,2})/(\d|1[01])(?= (?:each|apiece|per|an?)\b)")


def _amount(found: re.Match[str]) -> str:
    number, up_to, scale, sign = found["number"], found["up_to"], (found["scale"] or "").lower().strip(" -"), found["sign"]
    scale = _SCALES.get(scale, scale)
    start = ("minus " if found["minus"] else "") + _COUNTRIES.get((found["country"] or "").upper(), "")
    if not (scale or up_to or found["part"]):
        return start + (_counted(number, _UNITS[sign][0]) if found["thing"] is not None else _with_small(number, sign))
    much = f"{_plain(number)}{found['part'] or ''}" + (f" to {_plain(up_to)}" if up_to else "") + (f" {scale}" if scale else "")
    return f"{start}{much} {_UNITS[sign][found['thing'] is None]}"


def _with_small(number: str, sign: str) -> str:
    """With cents or pence, where there are two digits of them."""
    large, _, small = number.partition(".")
    large = large or "0"
    one, many, *small_ones = _UNITS[sign]
    if len(small) != 2 or not small_ones:
        return _counted(number, one if number == "1" else many)
    cents = _counted(small.lstrip("0"), small_ones[small != "01"])
    if small != "00" and not large.strip("0,"):
        return cents
    whole = _counted(large, one if large == "1" else many)
    return whole if small == "00" else f"{whole} and {cents}"


def _counted(number: str, unit: str) -> str:
    return f"{_plain(number)} {unit}"


def _plain(number: str) -> str:
    """A number that is no year."""
    return f"{int(number):,}" if number.isascii() and number.isdigit() and len(number) == 4 else number


def _old_money(found: re.Match[str]) -> str:
    groups = found.groupdict("")
    large = [_of(groups.get(name, ""), one, many) for name, one, many in (("pounds", "pound", "pounds"), ("shillings", "shilling", "shillings"))]
    small = _of(groups.get("pence", ""), "penny", "pence")
    return " and ".join(filter(None, (" ".join(filter(None, large)), small))) + groups.get("stop", "")


def _of(number: str, one: str, many: str) -> str:
    return f"{number} {one if number == '1' else many}" if number else ""


AMOUNTS: Final[tuple[Rule, ...]] = (
    *((pattern, _old_money) for pattern in _OLD_MONEY),
    (_SHILLINGS_DASH, lambda m: _of(m[1], "shilling", "shillings")),
    (_SHILLINGS_AND_PENCE, lambda m: m[0] if gcd(int(m[1]), int(m[2])) == 1 and int(m[1]) < int(m[2]) else f"{m[1]} and {m[2]}"),
    (_COMMA_CENTS, lambda m: f"{m[1]}.{m[2]}"),
    (_AMOUNT, _amount),
    (_AMOUNT_BEFORE, lambda m: _with_small(m["number"], m["sign"])),
    (_CENTS, lambda m: _counted(m[1], "cent" if m[1] == "1" else "cents")),
)
BARE_SIGNS: Final[tuple[Rule, ...]] = ((_SIGN, lambda m: " " + " ".join(_UNITS[sign][0] for sign in m[0]) + " "),)
"""For what no other rule has taken: the package's tagger takes a sign for money and says nothing of it."""
