"""Preferences in the whole Calibre: each button leads somewhere and back, and what is chosen holds."""

from __future__ import annotations

from typing import Any

import pytest

LEADS = {
    "voice: Only those on this computer": ["[x] Only those on this &computer"],
    "voice: Play": ["it speaks"],
    "voice: Clone a voice…": ["Clone a voice", "Choose a &recording…"],
    "voice: Import a clone…": ["choose_files"],
    "voice: Voice from a file…": ["A voice from a file", "Choose a file…", "Choose a folder…"],
    "device: Test all": ["Heart speaks 21 times as fast as one listens."],
    "sound: Play": ["it speaks"],
    "sound: Speed and pauses back to 1.00": ["1.00 ×", "1.00 ×"],
    "sound: Choose folder…": ["Folder for the new audiobooks", "&Choose"],
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
    silent = {f"{page}: {button} details" for page in ("voice", "sound") for button in ("Show", "Copy")}
    assert sorted(pressed.keys() - silent) == sorted(LEADS), "the others are of what Play says where there is no sound output"
    for name, expected in LEADS.items():
        seen = list(pressed[name])
        for text in expected:
            found = next((one for one in seen if one == text or (text == "engine" and one.endswith("/engine"))), None)
            assert found is not None, (name, text, pressed[name])
            seen.remove(found)
    assert result["refused_where_typed"] == 2.0
    assert result["kept"] == {"speed": 1.25, "device": "cpu", "pauses": 2.0, "voices": {"en": "en_US-joe-medium"}}


def test_the_card_that_is_chosen_speaks_also_where_no_window_asks(desk: Any) -> None:
    result = desk("One").play("card", screen=False).fine()
    assert result["asked_for"] == "cuda:0" and "on graphics card" in result["details"], result


def test_what_is_being_installed_is_seen_joined_and_stopped_from_preferences(desk: Any) -> None:
    result = desk("One").play("installs", timeout_s=150, wait_s=60).fine()
    if "not_begun" in result:
        pytest.skip(f"no index is asked here: {result['not_begun']}")
    assert result["said"].startswith("Install the basic part of the speech engine: ") and not any(result["live"])
    assert result["state"] == "It is being installed now."
    assert result["asked"] == [] and result["jobs"] == ["Install the basic part of the speech engine (Convert to Audiobook)"], "the book joins it"
    assert "being installed" not in result["after"] and result["formats"] == ["EPUB"]
