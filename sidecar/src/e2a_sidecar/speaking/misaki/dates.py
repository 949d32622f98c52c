"""Dates in figures: American ones by the package, British ones and those with dots by the day first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from e2a_sidecar.speaking.misaki.edits import Rule

_MONTHS: Final = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_SLASHED: Final = re.compile(r"(?<![\w./-])(\d{1,2})/(\d{1,2})/(\d{4}|\d\d)(?![\w/])")
_HYPHENED: Final = re.compile(r"(?<![\w./-])(\d{1,2})-(\d{1,2})-(\d{4})(?![\w/-])")
_DOTTED: Final = re.compile(r"(?<![\w./-])(\d{1,2})\.(\d{1,2})\.(\d{4})(?![\w/-]|\.\d)")


def dates(british: bool, package: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of an accent. package: `package.Package.rules`."""
    of_accent = _day_first if british else package["_date_us"]
    return (package["RE_DATE_ISO"], package["_date_iso"]), (_SLASHED, of_accent), (_HYPHENED, of_accent), (_DOTTED, _day_first)


def _day_first(found: re.Match[str]) -> str:
    day, month, year = int(found[1]), int(found[2]), found[3]
    if month > 12:
        day, month = month, day
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return found[0]
    if len(year) == 2:
        year = ("19" if int(year) > 30 else "20") + year
    ending = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"the {day}{ending} of {_MONTHS[month - 1]}, {year}"
