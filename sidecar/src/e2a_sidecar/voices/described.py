"""Strangers' descriptions of voices, read within bounds: a file of a bounded size, and in it texts, lists and tables of bounded length. No torch.

Every bound is far beyond what published voices have. Who takes a value out of a description says how long it may be
(`text`, `listed`, `table`: ValueError); the whole is looked over once, since other code reads what we do not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from e2a_sidecar.errors import SidecarError

LARGEST: Final = 8 * 1024 * 1024
MOST_SYMBOLS: Final = 8192
"""Of an alphabet or a phoneme table; Chinese characters are the most that anybody has."""
MOST_SPEAKERS: Final = 100_000
LONGEST_NAME: Final = 200
_LONGEST_TEXT: Final = 100_000
_MOST_ENTRIES: Final = 100_000
_DEEPEST: Final = 50


def read(path: Path, voice: str) -> dict[str, Any]:
    """The JSON object of a file; `voice` names it in errors. SidecarError `voice_broken` for what is none, or beyond bounds."""
    try:
        if path.stat().st_size > LARGEST:
            raise SidecarError("voice_broken", "too large", voice=voice, reason=f"{path.name} is too large to be a description")
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SidecarError("voice_broken", repr(error), voice=voice, reason=f"{path.name}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SidecarError("voice_broken", type(error).__name__, voice=voice, reason=f"{path.name} is not JSON") from None
    if not isinstance(raw, dict):
        raise SidecarError("voice_broken", type(raw).__name__, voice=voice, reason=f"{path.name} is no description")
    if not _is_within_bounds(raw):
        raise SidecarError("voice_broken", "bounds", voice=voice, reason=f"{path.name} holds more than a description does")
    return raw


def text(raw: Any, most: int = LONGEST_NAME) -> str:
    """A text of at most so many characters."""
    if not isinstance(raw, str) or len(raw) > most:
        raise ValueError(f"{type(raw).__name__} for a text of at most {most} characters")
    return raw


def listed(raw: Any, most: int) -> list[Any]:
    """A list of at most so many entries."""
    if not isinstance(raw, list | tuple) or len(raw) > most:
        raise ValueError(f"{type(raw).__name__} for a list of at most {most}")
    return list(raw)


def table(raw: Any, most: int) -> Mapping[str, Any]:
    """A table of at most so many entries."""
    if not isinstance(raw, Mapping) or len(raw) > most:
        raise ValueError(f"{type(raw).__name__} for a table of at most {most}")
    return raw


def _is_within_bounds(raw: Any) -> bool:
    """Are all texts, lists and tables in it as long, and as deep in each other, as those of a description can be?"""
    level = [raw]
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for value in level:
            if isinstance(value, str):
                if len(value) > _LONGEST_TEXT:
                    return False
            elif isinstance(value, dict | list):
                if len(value) > _MOST_ENTRIES:
                    return False
                below += (*value, *value.values()) if isinstance(value, dict) else value
        if not below:
            return True
        level = below
    return False
