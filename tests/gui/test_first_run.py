"""The first run in the whole Calibre: from a fresh profile to the first book, and what a bad package index leads to."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from harness import VOICE, Book, Desk, another_calibre

SPEAKS_S = 60
"""How long until the first spoken second, by the network however slow before that."""
SETTINGS = ("PIP_", "UV_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT", "REQUESTS_CA")


def test_an_index_that_stalls_cuts_and_lies(desk: Any) -> None:
    one = desk("One")
    result = one.play("bad_index", timeout_s=170, wait_s=60).fine()
    if "not_begun" in result:
        pytest.skip(f"no index is asked here: {result['not_begun']}")
    assert result["kept"] == [True, True], "what was marked in the window that led to a stopped installation"
    assert result["asked"] > 1 and result["stopped_after_s"] < 15
    assert not [window for window in result["windows_after_stop"] if "Error" in window]
    for mode in ("cuts", "lies"):
        happened, what_next, details = result[mode]
        assert "could not be installed" in happened and what_next and details
    assert result["formats"] == ["EPUB"]
    assert not list(Path(one.env["E2A_ENGINE_DIR"]).glob("layers/*/stamp.json"))


def test_from_nothing_to_the_first_book(first_desk: Desk, tmp_path: Path, shelf: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    one = first_desk.copy(tmp_path / "desk")
    one.fill([Book("One", {"EPUB": shelf["good"]})])
    joe = os.environ.get("E2A_JOE_DIR", "")
    if not joe:
        pytest.skip("E2A_JOE_DIR does not name the standard voice")
    if another_calibre():
        pytest.skip("a Calibre runs on this machine, to which another one would hand over")
    shutil.copytree(joe, Path(one.env["E2A_ENGINE_DIR"]) / "voices" / VOICE)
    settings = {name: value for name, value in os.environ.items() if name.upper().startswith(SETTINGS)}
    result = one.play("first_book", network=True, screen=False, timeout_s=300, **settings).fine()
    if "not_installed" in result:
        pytest.skip(f"no package index is reached: {result['not_installed'][:300]}")
    probed = subprocess.run(["ffprobe", "-v", "error", "-show_chapters", result["m4b"]], capture_output=True, text=True, check=True).stdout
    assert [title for title in ("One", "Two", "Three") if f"title={title}\n" in probed] == ["One", "Two", "Three"]
    with capsys.disabled():
        print("\nfrom nothing to the first book:", {name: round(value, 1) for name, value in result.items() if name.endswith("_s")})
    assert result["speaks_after_s"] - result["installed_after_s"] < SPEAKS_S, "once the engine is there"
