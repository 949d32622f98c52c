"""In Calibre's interpreter: an engine with the voice Heart, or one for which she could not be had."""

from __future__ import annotations

from pathlib import Path

import pytest
from calibre_plugins.e2a.plugin.engine import runtime  # type: ignore[import-not-found]

WHY = "no matching distribution found"


class Core:
    """The basic part of the engine."""

    name, folder = "core", Path("core-0")

    def stamp(self) -> dict[str, str]:
        return {}


def without_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    """She could not be had."""
    monkeypatch.setattr(runtime, "standing", lambda resources: (Core(),))
    monkeypatch.setattr(runtime, "students_layer", lambda resources: None)
    monkeypatch.setattr(runtime, "students_missed", lambda resources: WHY)


def with_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    """She is here."""
    monkeypatch.setattr(runtime, "standing", lambda resources: (Core(),))
    monkeypatch.setattr(runtime, "students_layer", lambda resources: Core())
    monkeypatch.setattr(runtime, "students_missed", lambda resources: "")
