"""Preferences in the whole Calibre: each button leads somewhere and back, and what is chosen holds."""

from __future__ import annotations

from typing import Any

LEADS = {
    "voice: Only those on this computer": ["[x] Only those on this &computer"],
    "voice: Play": ["it speaks"],
    "voice: Clone a voice…": ["Clone a voice", "Choose a &recording…"],
    "voice: Import a clone…": ["choose_files"],
    "voice: A voice of your own…": ["A voice of your own", "Choose a file…", "Choose a folder…"],
    "device: Test all": ["Speaks 21.0 times as fast as one listens."],
    "sound: Play": ["it speaks"],
    "sound: Speed and pauses back to 1.00": ["1.00 ×", "1.00 ×"],
    "sound: Ask before each conversion": ["[ ] Ask &before each conversion"],
    "engine: Repair": ["Installed."],
    "engine: Remove…": ["Remove: Basic part", "&Yes", "&No"],
    "engine: Install…": ["Install the extra part?", "&Yes", "&No"],
    "engine: Open the folder": ["engine"],
    "engine: Show the log…": ["Log of Convert to Audiobook", "&Copy"],
    "engine: Add the entry to the right-click menu": ["Right-click menu"],
}
"""Each button that can be pressed, by page, and what is read then: titles of windows, their buttons, what changes in the page, and choosers of the system."""


def test_every_button_leads_somewhere_and_back(desk: Any) -> None:
    result = desk("One").play("presses", timeout_s=170).fine()
    pressed = result["pressed"]
    assert sorted(pressed) == sorted(LEADS)
    for name, expected in LEADS.items():
        seen = list(pressed[name])
        for text in expected:
            found = next((one for one in seen if one == text or (text == "engine" and one.endswith("/engine"))), None)
            assert found is not None, (name, text, pressed[name])
            seen.remove(found)
    assert result["refused_where_typed"] == 2.0
    assert result["kept"] == {"speed": 1.25, "device": "cpu", "pauses": 2.0, "voices": {"en": "en_US-joe-medium"}}
