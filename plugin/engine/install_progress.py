"""How far an installation is: read from what uv and pip say and from what uv has unpacked, told in megabytes of all that is to come."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..wording import N_, translate

UNPACKED: Final = 3
"""Unpacked, packages take at most about so many times what is fetched; torch's wheels do."""
_HERE: Final = 0.98
"""Of a step, when all is fetched and is being put in its place."""
_COMES: Final = re.compile(
    r"\s*(?P<verb>Downloading|Downloaded|Collecting|\+)\s+(?P<name>[A-Za-z][\w.]*(?:-[A-Za-z][\w.]*)*)[^(]*(?:\((?P<size>[\d.]+) ?(?P<unit>[KMG])i?B\))?"
)
"""A line of uv's or pip's output that says which package comes, and perhaps how big it is."""
_ALL_CAME: Final = re.compile(r"\s*(Prepared \d+ package|Installing collected packages)")
_MB: Final = {"K": 0.001, "M": 1.0, "G": 1000.0}


class Amount(str):
    """`downloading PyTorch, 120 of 345 MB`: what is being done, and how much of all that is to come is here already."""

    what: str
    have_mb: float
    all_mb: float

    def __new__(cls, what: str, have_mb: float, all_mb: float) -> Amount:
        words = N_("{name}, {have} of {all} MB") if what else N_("{have} of {all} MB")
        made = super().__new__(cls, translate(words).format(name=what, have=round(have_mb), all=round(all_mb)))
        made.what, made.have_mb, made.all_mb = what, have_mb, all_mb
        return made


class Coming:
    """Reads an installer's output for how far it is: by size, or where that is not known by packages. It never goes back.

    size_mb: about how much will come. Small packages are not announced with their size, so the last bytes come at the end.
    """

    def __init__(self, packages: int, size_mb: float | None = None) -> None:
        self._packages = packages
        self._size_mb = size_mb
        self._sizes_mb: dict[str, float] = {}
        self._arrived: set[str] = set()
        self._seen: set[str] = set()
        self._sequential = ""
        self._partly_mb = 0.0
        self._have_mb = 0.0
        self._done = 0.0
        self.unpacks = False
        """All has come; putting it in its place may take as long."""

    def heard(self, line: str) -> bool:
        """Whether the line was news. uv says when a download ends; pip fetches one after another, so the next one ends it."""
        if _ALL_CAME.match(line):
            self.unpacks, self._done = True, _HERE
            return True
        match = _COMES.match(line)
        if match is None:
            return False
        name = match["name"].lower()
        self._seen.add(name)
        if match["verb"] == "Downloaded":
            self._arrived.add(name)
            self._partly_mb = 0.0
            self._sequential = ""
        elif match["size"]:
            self._sizes_mb[name] = float(match["size"]) * _MB[match["unit"]]
        if match["verb"] == "+":
            self._arrived.add(name)
            self._partly_mb = 0.0
        if match["verb"] == "Collecting":
            self._arrived |= {self._sequential} - {""}
            self._sequential = name
        self._add_up()
        return True

    def unpacked(self, mb: float) -> bool:
        """uv unpacks while it fetches: how much of what has not arrived is unpacked. Whether that was news."""
        coming_mb = sum(size for name, size in self._sizes_mb.items() if name not in self._arrived)
        before, self._partly_mb = round(self._have_mb), min(mb / UNPACKED, 0.95 * coming_mb)
        self._add_up()
        return round(self._have_mb) != before

    @property
    def sized(self) -> bool:
        """Is it known how much will come?"""
        return self._size_mb is not None

    @property
    def done(self) -> float:
        """0..1, not quite 1 before the installer has ended."""
        return self._done

    def _add_up(self) -> None:
        """What is unpacked is moved away before it is said to have arrived, and sizes are heard late: so the most counts."""
        arrived_mb = sum(size for name, size in self._sizes_mb.items() if name in self._arrived)
        self._have_mb = max(self._have_mb, arrived_mb + self._partly_mb)
        all_mb = max(sum(self._sizes_mb.values()), self._size_mb or 0.0, 1.0)
        done = len(self._seen) / (self._packages + 1) if self._size_mb is None else _HERE * self._have_mb / all_mb
        self._done = max(self._done, done)


def half_unpacked_mb(cache: Path) -> float:
    """What lies in uv's folders of packages that have not wholly come."""
    size_bytes = 0
    for folder in cache.glob(".tmp*"):
        for place, _folders, names in os.walk(folder):
            for name in names:
                with suppress(OSError):  # it has just been moved to its place
                    size_bytes += os.stat(os.path.join(place, name)).st_size  # noqa: PTH116, PTH118  (thousands, each second)
    return size_bytes / 1e6
