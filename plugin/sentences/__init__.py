"""The sentences of every error and warning: what happened, what it means for this book, what to do next.

The tables are closed and hold all codes of the sidecar too (`sidecar/.../errors.py`; a test holds the two equal), so that every
sentence can be translated in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .books import BOOKS
from .engine import ENGINE
from .entry import BUTTONS, Entry
from .voices import OF_A_STRETCH, SAMPLE_REASONS, VOICES
from .warnings import WARNINGS

__all__ = ("BUTTONS", "ERRORS", "OF_A_STRETCH", "PARTS", "SAMPLE_REASONS", "WARNINGS", "Entry")

PARTS: Final = (BOOKS, ENGINE, VOICES)
"""No code stands in two of them."""
ERRORS: Final[Mapping[str, Entry]] = {code: entry for part in PARTS for code, entry in part.items()}
"""Code -> Entry; closed."""
