"""Books of which something was spoken and that are not finished: with which voice they go on, and who is told once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin import paths
from plugin.converting import begun
from plugin.converting.begun import Begun, Queued


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(paths, "cache_home", lambda: tmp_path / "cache")
    yield tmp_path / "cache"
    calibre_starts_again()


def calibre_starts_again() -> None:
    begun._known = None, {}


def voice_of(key: str, usual: str) -> str:
    """With which it goes on by itself; empty where with the usual one."""
    found = begun.of(key, usual)
    return found.voice if found is not None and found.goes_on else ""


def queued(key: str, voice: str = "joe", usual: str = "joe", title: str = "T") -> None:
    begun.begin({key: Queued(voice, usual, title)})


def test_a_book_of_which_something_is_spoken_goes_on_with_its_voice_until_it_is_finished() -> None:
    queued("lib-1", "joe", "alba")
    queued("lib-2", "paola", "riccardo")
    begun.speaks("lib-1")
    begun.halt("lib-1")
    calibre_starts_again()
    assert voice_of("lib-1", "alba") == "joe"
    assert voice_of("lib-2", "riccardo") == "" == voice_of("lib-3", "joe"), "of which nothing is spoken"
    begun.over("lib-1")
    assert voice_of("lib-1", "alba") == ""


def test_the_users_last_word_counts() -> None:
    queued("lib-1", "joe", "joe")
    begun.speaks("lib-1")
    begun.halt("lib-1")
    assert voice_of("lib-1", "joe") == "joe"
    assert begun.of("lib-1", "espeak", 1.0, "espeak") == Begun("joe", 1.0, False, True, False), "another voice was made the usual one since"
    assert begun.of("lib-1", "joe", 1.0, "joe") == Begun("joe", 1.0, True, False, False), "who was usual already was only confirmed"
    begun.begin({"lib-2": Queued("espeak", "espeak", "T", word="espeak")})
    begun.speaks("lib-2")
    begun.halt("lib-2")
    assert begun.of("lib-2", "joe") == Begun("espeak", 1.0, False, True, False), "the choice was taken back since"


def test_a_book_half_spoken_keeps_its_voice_where_the_plugin_alone_came_to_propose_another(cache: Path) -> None:
    for key, voice, now in (("lib-1", "joe", "heart"), ("lib-2", "en_GB-alba-medium", "emma"), ("lib-3", "de_DE-thorsten-medium", "de_DE-newer-high")):
        queued(key, voice, voice)
        begun.speaks(key)
        begun.halt(key)
        calibre_starts_again()
        assert begun.of(key, now) == Begun(voice, 1.0, True, True, False)
        assert begun.of(key, now, 1.0, now) == Begun(voice, 1.0, False, True, False), "the user made it the usual voice"
        assert begun.of(key, now, 1.1) == Begun(voice, 1.0, False, True, True)
    begun.begin({"lib-1": Queued("joe", "heart", "T")}, unasked=True)
    begun.halt("lib-1")
    assert begun.of("lib-1", "heart", 1.0, "heart") == Begun("joe", 1.0, False, True, False), "however often it went on unasked"
    begun.begin({"lib-2": Queued("en_GB-alba-medium", "en_GB-alba-medium", "T", word="en_GB-alba-medium")}, unasked=True)
    begun.halt("lib-2")
    assert begun.of("lib-2", "emma") == Begun("en_GB-alba-medium", 1.0, True, True, False), "a choice that came and went since changes nothing"


def test_a_file_of_an_earlier_plugin_is_nobodys_word(cache: Path) -> None:
    queued("lib-1")
    begun.speaks("lib-1")
    begun.halt("lib-1")
    text = (cache / "begun.json").read_text("utf-8")
    (cache / "begun.json").write_text(text.replace(', "word": ""', ""), "utf-8")
    calibre_starts_again()
    assert '"word"' in text and begun.of("lib-1", "heart") == Begun("joe", 1.0, True, True, False)


def test_a_speed_that_was_chosen_for_a_book_is_kept_with_it() -> None:
    begun.begin({"lib-1": Queued("joe", "joe", "T", 1.2, 1.0)})
    begun.speaks("lib-1")
    begun.halt("lib-1")
    calibre_starts_again()
    assert begun.of("lib-1", "joe", 1.0) == Begun("joe", 1.2, True, False, True)
    assert begun.of("lib-1", "joe", 1.1) == Begun("joe", 1.2, False, False, True), "another speed was made the usual one since"
    queued("lib-1")
    begun.halt("lib-1")
    assert begun.of("lib-1", "joe") == Begun("joe", 1.2, True, False, True), "what was only queued takes nothing away"
    queued("lib-1")
    begun.speaks("lib-1")
    begun.halt("lib-1")
    assert begun.of("lib-1", "joe") == Begun("joe", 1.0, True, False, False)


def test_a_job_that_was_stopped_before_it_spoke_leaves_no_trace() -> None:
    queued("lib-1", "espeak", "joe", "Stopped while it waited")
    begun.halt("lib-1")
    assert voice_of("lib-1", "joe") == ""
    calibre_starts_again()
    assert begun.interrupted() == []


def test_what_was_spoken_before_counts_when_the_same_voice_goes_on_and_not_when_another_does() -> None:
    queued("lib-1", "joe", "alba")
    begun.speaks("lib-1")
    queued("lib-1", "joe", "alba")
    begun.halt("lib-1")
    assert voice_of("lib-1", "alba") == "joe"
    queued("lib-1", "paola", "alba")
    begun.speaks("lib-1")
    begun.halt("lib-1")
    assert voice_of("lib-1", "alba") == "paola"


def test_a_voice_that_was_only_queued_does_not_hide_the_one_that_spoke() -> None:
    queued("lib-1", "joe", "alba")
    begun.speaks("lib-1")
    begun.halt("lib-1")
    queued("lib-1", "paola", "alba")
    calibre_starts_again()
    begun.halt("lib-1")
    assert voice_of("lib-1", "alba") == "joe", "Paola was stopped before she spoke"
    queued("lib-1", "paola", "alba")
    begun.speaks("lib-1")
    begun.halt("lib-1")
    assert voice_of("lib-1", "alba") == "paola"


def test_without_kept_sentences_there_is_nothing_to_go_on_with_but_who_was_interrupted_is_still_told() -> None:
    for key in ("lib-1", "lib-2"):
        queued(key, title=key)
        begun.speaks(key)
    begun.halt("lib-1")
    begun.forget()
    calibre_starts_again()
    assert voice_of("lib-1", "joe") == voice_of("lib-2", "joe") == ""
    assert begun.interrupted() == ["lib-2"]


def test_what_ran_when_calibre_ended_is_told_once_and_what_the_user_ended_is_not() -> None:
    for number, title in enumerate(("Stopped", "Running", "Waiting", "Taken from the list")):
        queued(f"lib-{number}", title=title)
        begun.speaks(f"lib-{number}")
    begun.halt("lib-0")
    begun.leave(["lib-1", "lib-2"])
    calibre_starts_again()
    assert begun.interrupted() == ["Running", "Waiting"]
    calibre_starts_again()
    assert begun.interrupted() == [] and voice_of("lib-1", "joe") == "joe"


def test_a_calibre_that_was_killed_said_nothing_and_all_is_told() -> None:
    queued("lib-1", title="Killed")
    calibre_starts_again()
    assert begun.interrupted() == ["Killed"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"lib-1": 3}', '{"lib-1": {"voice": 7, "usual": "joe", "spoken": 1, "title": null, "open": true}}', "\x00"])
def test_a_damaged_file_is_as_none(text: str, cache: Path) -> None:
    cache.mkdir()
    (cache / "begun.json").write_text(text, "utf-8")
    assert voice_of("lib-1", "joe") == "" and begun.interrupted() == []
    queued("lib-9")
    begun.speaks("lib-9")
    assert voice_of("lib-9", "joe") == "joe"


def test_only_the_last_books_are_remembered_and_others_may_not_read_their_titles(cache: Path) -> None:
    begun.begin({f"lib-{number}": Queued("joe", "joe", str(number)) for number in range(begun.MOST + 5)})
    calibre_starts_again()
    assert begun.interrupted() == [str(number) for number in range(5, begun.MOST + 5)]
    assert (cache / "begun.json").stat().st_mode & 0o077 == 0


def test_the_file_is_read_once_and_written_once_for_a_whole_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    queued("lib-0")
    calibre_starts_again()
    touched: list[str] = []
    for name in ("read_text", "write_text"):
        own = getattr(Path, name)
        monkeypatch.setattr(Path, name, lambda path, *given, name=name, own=own: (touched.append(name), own(path, *given))[1])
    begun.begin({f"lib-{number}": Queued("joe", "joe", "T") for number in range(1000)})
    assert [voice_of(f"lib-{number}", "joe") for number in range(1000)] == [""] * 1000
    assert touched == ["read_text", "write_text"]
