"""How one check ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """ok: as it should be; None: not tried. words: for the table. figures: for the file."""

    ok: bool | None
    words: str
    figures: Mapping[str, Any] = field(default_factory=dict)


class Skipped(Exception):
    """A check that cannot be made here; says why."""
