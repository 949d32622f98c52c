"""Preferences in the whole Calibre: each button leads somewhere and back, and what is chosen holds."""

from __future__ import annotations

from typing import Any


def test_every_button_leads_somewhere_and_back(desk: Any) -> None:
    result = desk("One").play("presses", timeout_s=170).fine()
    pressed = result["pressed"]
    for page, least in (("voice", 4), ("device", 1), ("sound", 2), ("engine", 6)):
        assert sum(name.startswith(f"{page}: ") for name in pressed) >= least, pressed
    assert result["refused_where_typed"] == 2.0
    assert result["kept"] == {"speed": 1.25, "device": "cpu", "pauses": 2.0}
