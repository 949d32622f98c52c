"""Books that were begun and not finished: with which voice, and who is told once."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin import paths
from plugin.converting import begun


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "cache_home", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_a_book_goes_on_with_its_voice_until_it_is_finished() -> None:
    begun.begin("lib-1", "joe", "First")
    begun.begin("lib-2", "paola", "Second")
    begun.halt("lib-1")
    assert (begun.voice_of("lib-1"), begun.voice_of("lib-2"), begun.voice_of("lib-3")) == ("joe", "paola", "")
    begun.over("lib-1")
    assert (begun.voice_of("lib-1"), begun.voice_of("lib-2")) == ("", "paola")


def test_what_ran_when_calibre_ended_is_told_once_and_what_the_user_ended_is_not() -> None:
    for number, title in enumerate(("Stopped", "Running", "Waiting", "Taken from the list")):
        begun.begin(f"lib-{number}", "joe", title)
    begun.halt("lib-0")
    begun.leave(["lib-1", "lib-2"])
    assert begun.interrupted() == ["Running", "Waiting"]
    assert begun.interrupted() == [] and begun.voice_of("lib-1") == "joe"


def test_a_calibre_that_was_killed_said_nothing_and_all_is_told() -> None:
    begun.begin("lib-1", "joe", "Killed")
    assert begun.interrupted() == ["Killed"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"lib-1": 3}', '{"lib-1": {"voice": 7, "title": null, "open": true}}', "\x00"])
def test_a_damaged_file_is_as_none(text: str, cache: Path) -> None:
    cache.mkdir()
    (cache / "begun.json").write_text(text, "utf-8")
    assert begun.voice_of("lib-1") in ("", "7") and begun.interrupted() == []
    begun.begin("lib-9", "joe", "Ninth")
    assert begun.voice_of("lib-9") == "joe"


def test_only_the_last_books_are_remembered_and_others_may_not_read_their_titles(cache: Path) -> None:
    for number in range(begun.MOST + 5):
        begun.begin(f"lib-{number}", "joe", "T")
    assert begun.voice_of("lib-4") == "" and begun.voice_of("lib-5") == "joe"
    assert (cache / "begun.json").stat().st_mode & 0o077 == 0
