"""Books of which something was spoken and that are not finished: with which voice they go on, and about which is asked until it is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin import paths
from plugin.converting import begun
from plugin.converting.begun import Begun, Interrupted, Queued


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(paths, "cache_home", lambda: tmp_path / "cache")
    yield tmp_path / "cache"
    calibre_starts_again()


def calibre_starts_again() -> None:
    begun._known = None, {}


def voice_of(key: str) -> str:
    """With which it goes on; empty where with the usual one."""
    found = begun.of(key)
    return found.voice if found is not None else ""


def untold() -> list[tuple[str, str]]:
    """(title, the voice that spoke a part of it) of those about which there is to ask."""
    return [(book.title, book.left.name if book.left is not None and not book.left.waits else "") for book in begun.interrupted().values()]


def queued(key: str, voice: str = "joe", title: str = "T", speed: float = 1.0, chosen: bool = True) -> None:
    begun.begin({key: Queued(voice, title, speed, voice.capitalize(), chosen)})


def test_a_book_of_which_something_is_spoken_goes_on_with_its_voice_until_it_is_finished() -> None:
    queued("lib-1", "joe")
    queued("lib-2", "paola", chosen=False)
    begun.speaks("lib-1", 0.22)
    begun.halt("lib-1")
    calibre_starts_again()
    assert begun.of("lib-1") == Begun("joe", 1.0, 0.22, True, False, "Joe")
    assert voice_of("lib-2") == "" == voice_of("lib-3"), "of which nothing is spoken"
    begun.over("lib-1")
    assert voice_of("lib-1") == ""


def test_books_that_are_stopped_together_are_written_once_and_asked_about_where_calibre_is_killed_before(cache: Path) -> None:
    for key in ("lib-1", "lib-2"):
        queued(key)
        begun.speaks(key, 0.3)
    before = (cache / "begun.json").read_bytes()
    left = begun.stop("lib-1", at_once=False)
    assert left == begun.stop("lib-2", at_once=False) and left is not None and left.percent == 30 and not untold()
    assert (cache / "begun.json").read_bytes() == before
    calibre_starts_again()
    assert untold() == [("T", "Joe"), ("T", "Joe")]
    for key in ("lib-1", "lib-2"):
        queued(key)
        begun.stop(key, at_once=False)
    begun.write()
    calibre_starts_again()
    assert not untold() and voice_of("lib-1") == voice_of("lib-2") == "joe"


def test_a_file_of_an_earlier_plugin_is_understood(cache: Path) -> None:
    cache.mkdir()
    told = '{"lib-1": {"voice": "joe", "usual": "anna", "title": "T", "speed": 1.2, "usual_speed": 1.0, "word": "anna", "open": false, "spoken": true}}'
    (cache / "begun.json").write_text(told, "utf-8")
    assert begun.of("lib-1") == Begun("joe", 1.2, 0.0, True, True), "and how much is spoken, nobody knows"


def test_a_speed_that_was_chosen_for_a_book_is_kept_with_it() -> None:
    queued("lib-1", speed=1.2)
    begun.speaks("lib-1", 0.5)
    begun.halt("lib-1")
    calibre_starts_again()
    assert begun.of("lib-1", 1.0) == Begun("joe", 1.2, 0.5, True, True, "Joe")
    assert begun.of("lib-1", 1.2) == Begun("joe", 1.2, 0.5, True, False, "Joe")
    queued("lib-1")
    begun.halt("lib-1")
    assert begun.of("lib-1", 1.0) == Begun("joe", 1.2, 0.5, True, True, "Joe"), "what was only queued takes nothing away"
    queued("lib-1")
    begun.speaks("lib-1", 0.01)
    begun.halt("lib-1")
    assert begun.of("lib-1", 1.0) == Begun("joe", 1.0, 0.01, True, False, "Joe")


@pytest.mark.parametrize("share", [0.01, 0.22, 0.99, 1.0])
def test_how_much_is_spoken_is_known_after_any_end_and_nearly_so_after_a_crash(share: float) -> None:
    for key, ends in (("lib-1", lambda: begun.halt("lib-1")), ("lib-2", lambda: begun.leave(["lib-2"])), ("lib-3", lambda: None)):
        queued(key)
        for hundredth in range(1, round(100 * share) + 1):
            begun.speaks(key, hundredth / 100)
        ends()
        calibre_starts_again()
        found = begun.of(key)
        assert found is not None and share - begun.TOLD < found.share <= share and (key == "lib-3" or found.share == share)


def test_a_job_that_was_stopped_before_it_spoke_leaves_no_trace() -> None:
    queued("lib-1", "espeak", "Stopped while it waited")
    begun.halt("lib-1")
    assert voice_of("lib-1") == ""
    calibre_starts_again()
    assert not untold()


def test_what_was_spoken_before_counts_when_the_same_voice_goes_on_and_not_when_another_does() -> None:
    queued("lib-1", "joe")
    begun.speaks("lib-1", 0.5)
    queued("lib-1", "joe")
    begun.halt("lib-1")
    assert voice_of("lib-1") == "joe"
    queued("lib-1", "paola")
    begun.speaks("lib-1", 0.5)
    begun.halt("lib-1")
    assert voice_of("lib-1") == "paola"


def test_a_voice_that_was_only_queued_does_not_hide_the_one_that_spoke() -> None:
    queued("lib-1", "joe")
    begun.speaks("lib-1", 0.5)
    begun.halt("lib-1")
    queued("lib-1", "paola")
    begun.halt("lib-1")
    calibre_starts_again()
    assert voice_of("lib-1") == "joe", "Paola was stopped before she spoke"
    queued("lib-1", "paola")
    begun.speaks("lib-1", 0.5)
    begun.halt("lib-1")
    assert voice_of("lib-1") == "paola"


def test_without_kept_sentences_there_is_nothing_to_go_on_with_but_who_was_interrupted_is_still_told() -> None:
    for key in ("lib-1", "lib-2"):
        queued(key, title=key, chosen=False)
        begun.speaks(key, 0.5)
    begun.halt("lib-1")
    begun.forget()
    calibre_starts_again()
    assert voice_of("lib-1") == voice_of("lib-2") == ""
    assert untold() == [("lib-2", "")]
    begun.forget()
    assert untold() == [("lib-2", "")], "an answer is still to come"


def test_about_what_ran_when_calibre_ended_is_asked_until_it_is_answered_and_about_what_the_user_ended_it_is_not() -> None:
    for number, title in enumerate(("Stopped", "Running", "Waiting", "Taken from the list")):
        queued(f"lib-{number}", title=title)
        begun.speaks(f"lib-{number}", 0.5)
    begun.halt("lib-0")
    begun.leave(["lib-1", "lib-2"])
    for _start in range(2):
        calibre_starts_again()
        assert untold() == [("Running", "Joe"), ("Waiting", "Joe")]
        assert begun.interrupted()["lib-1"] == Interrupted("Running", Begun("joe", 1.0, 0.5, True, False, "Joe"))
    queued("lib-9")
    begun.answered(["lib-1"])
    assert untold() == [("Waiting", "Joe")]
    calibre_starts_again()
    assert untold() == [("Waiting", "Joe"), ("T", "")] and voice_of("lib-1") == "joe"


def test_a_book_that_is_started_again_is_asked_about_no_more_however_that_ends() -> None:
    for key in ("lib-1", "lib-2", "lib-3"):
        queued(key, title=key)
        begun.speaks(key, 0.5)
    calibre_starts_again()
    for key in ("lib-1", "lib-2"):
        queued(key, title=key)
    assert untold() == [("lib-3", "Joe")]
    begun.stop("lib-1")
    begun.over("lib-2")
    calibre_starts_again()
    assert untold() == [("lib-3", "Joe")] and voice_of("lib-1") == "joe"
    queued("lib-1", "heart")
    begun.halt("lib-1")
    assert voice_of("lib-1") == "joe" and untold() == [("lib-3", "Joe")]


def test_what_this_calibre_converts_was_not_interrupted() -> None:
    queued("lib-1", title="Before")
    calibre_starts_again()
    queued("lib-2", title="Now")
    assert untold() == [("Before", "")], "it was queued before anybody looked"
    begun.halt("lib-2")
    assert untold() == [("Before", "")]


def test_where_a_books_audiobook_goes_beside_one_from_elsewhere_is_kept_with_it(cache: Path) -> None:
    for key, place in (("lib-1", ("record", "")), ("lib-2", ("folder", "/Listen"))):
        begun.begin({key: Queued("joe", "T", 1.0, "Joe", True, *place)})
    begun.speaks("lib-1", 0.5)
    for _start in range(2):
        calibre_starts_again()
        kept = [(found.foreign, found.folder) for key in ("lib-1", "lib-2") if (found := begun.of(key)) is not None]
        assert kept == [("record", ""), ("folder", "/Listen")]
    for foreign, folder in (("replace", "/x"), ("folder", ""), ("folder", 3), (None, None)):
        calibre_starts_again()
        (cache / "begun.json").write_text(json.dumps({"lib-1": {"voice": "joe", "speed": 1.0, "spoken": True, "foreign": foreign, "folder": folder}}), "utf-8")
        assert begun.of("lib-1") == Begun("joe")


def test_what_was_chosen_for_a_book_that_only_waited_when_calibre_was_closed_comes_back_with_it() -> None:
    queued("lib-1", "joe", "Poetry", 1.2)
    queued("lib-2", "heart", "Stopped while it waited")
    begun.halt("lib-2")
    begun.leave(["lib-1"])
    calibre_starts_again()
    assert untold() == [("Poetry", "")]
    begun.answered(["lib-1"])
    for _start in range(2):
        calibre_starts_again()
        assert not untold()
        assert begun.of("lib-1") == Begun("joe", 1.2, 0.0, True, True, "Joe", waits=True) and begun.of("lib-2") is None
    begun.forget()
    assert voice_of("lib-1") == "joe", "though no kept sentence is"
    queued("lib-1", "heart", "Poetry")
    begun.halt("lib-1")
    assert begun.of("lib-1") is None, "it was given up"


def test_what_was_chosen_for_a_book_that_was_stopped_while_it_waited_is_kept_unless_something_is_spoken() -> None:
    queued("lib-1", "joe", "Poetry", 0.9)
    assert begun.stop("lib-1") == Begun("joe", 0.9, 0.0, True, True, "Joe", waits=True)
    calibre_starts_again()
    assert voice_of("lib-1") == "joe" and not untold()
    queued("lib-2", "joe", chosen=False)
    assert begun.stop("lib-2") is None
    queued("lib-3", "joe")
    begun.speaks("lib-3", 0.3)
    queued("lib-3", "heart")
    assert begun.stop("lib-3") == Begun("joe", 1.0, 0.3, True, False, "Joe"), "who stops it may have been sorry to begin anew"
    assert begun.stop("lib-4") is None


def test_for_a_book_that_only_waited_and_for_which_nobody_chose_nothing_comes_back() -> None:
    queued("lib-1", "joe", "Begun by Joe")
    begun.speaks("lib-1", 0.3)
    for key, voice in (("lib-1", "heart"), ("lib-2", "heart")):
        queued(key, voice, key, chosen=False)
    queued("lib-3", "heart", "lib-3", 1.2)
    calibre_starts_again()
    assert untold() == [("Begun by Joe", "Joe"), ("lib-2", ""), ("lib-3", "")]
    assert voice_of("lib-1") == "joe" and begun.of("lib-2") is None and voice_of("lib-3") == "heart"
    queued("lib-3", "heart", "lib-3", 1.2, chosen=False)
    calibre_starts_again()
    assert voice_of("lib-3") == "heart", "it was converted at once as it had been chosen"
    begun.answered(["lib-1", "lib-2", "lib-3"])
    calibre_starts_again()
    assert not untold() and (voice_of("lib-1"), voice_of("lib-2"), voice_of("lib-3")) == ("joe", "", "heart")


def test_a_book_that_was_to_begin_anew_when_calibre_was_closed_still_is_until_that_is_given_up() -> None:
    queued("lib-1", "joe", "Begun by Joe")
    begun.speaks("lib-1", 0.3)
    begun.halt("lib-1")
    queued("lib-1", "heart", "Begun by Joe")
    calibre_starts_again()
    assert untold() == [("Begun by Joe", "")] and voice_of("lib-1") == "heart"
    queued("lib-1", "heart", "Begun by Joe")
    begun.halt("lib-1")
    assert begun.of("lib-1") == Begun("joe", 1.0, 0.3, True, False, "Joe")


def test_a_calibre_that_was_killed_said_nothing_and_all_is_told() -> None:
    queued("lib-1", title="Killed")
    calibre_starts_again()
    assert untold() == [("Killed", "")], "of which nothing is spoken"


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "\x00", "\ufeff{}", "[" * 100_000, '{"lib-1": {}}' + " " * begun.MOST_BYTES])
def test_a_file_that_makes_no_sense_is_as_none_and_put_aside(text: str, cache: Path) -> None:
    cache.mkdir()
    (cache / "begun.json").write_text(text, "utf-8")
    assert voice_of("lib-1") == "" and not untold()
    queued("lib-9")
    begun.speaks("lib-9", 0.5)
    assert voice_of("lib-9") == "joe" and (cache / "begun.damaged").read_text("utf-8") == text


def test_a_folder_in_the_place_of_the_file_keeps_nothing_from_being_remembered(cache: Path) -> None:
    (cache / "begun.json" / "something").mkdir(parents=True)
    queued("lib-9")
    begun.speaks("lib-9", 0.5)
    calibre_starts_again()
    assert voice_of("lib-9") == "joe" and (cache / "begun.damaged" / "something").is_dir()


ODD = (None, 7, 10**400, True, "", "x", "\ud800", float("nan"), float("inf"), -1.0, [], ["x"], {}, {"voice": 7, "former": [1]})
NOTED = ("voice", "title", "speed", "name", "chosen", "foreign", "folder", "open", "spoken", "share", "untold", "waits", "former")


@pytest.mark.parametrize("name", NOTED)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
def test_whatever_is_noted_of_a_book_it_can_be_queued_spoken_and_asked_about_and_the_others_stay(name: str, odd: object, cache: Path) -> None:
    usual = {"voice": "amy", "title": "T", "speed": 1.0, "name": "Amy", "chosen": True, "open": True, "spoken": False, "share": 0.0}
    cache.mkdir()
    noted = {**usual, "former": {**usual, "spoken": True}, name: odd}
    (cache / "begun.json").write_text(json.dumps({"lib-1": noted, "lib-2": {**usual, "spoken": True, "share": 0.5}}), "utf-8")
    assert begun.of("lib-2") == Begun("amy", 1.0, 0.5, name="Amy")
    left = begun.of("lib-1")
    assert left is None or (isinstance(left.voice, str) and isinstance(left.name, str) and 0.5 <= left.speed <= 2.0 and 0 <= left.percent <= 100)
    assert isinstance(begun.interrupted(), dict) and isinstance(begun.stopped(), dict)
    queued("lib-1")
    begun.speaks("lib-1", 0.5)
    begun.halt("lib-1")
    calibre_starts_again()
    assert voice_of("lib-1") == "joe" and voice_of("lib-2") == "amy"


def test_what_a_newer_plugin_notes_of_a_book_stays(cache: Path) -> None:
    cache.mkdir()
    (cache / "begun.json").write_text(json.dumps({"lib-1": {"voice": "joe", "speed": 1.0, "spoken": True, "title": "T", "mood": ["calm"]}}), "utf-8")
    queued("lib-2")
    assert json.loads((cache / "begun.json").read_text("utf-8"))["lib-1"]["mood"] == ["calm"]


def test_long_titles_and_folders_of_any_name_are_remembered(cache: Path) -> None:
    begun.begin({f"lib-{number}": Queued("joe", "長" * 10_000, chosen=True, foreign="folder", folder="/books/\udcff") for number in range(500)})
    calibre_starts_again()
    asked = begun.interrupted()
    assert len(asked) == 500 and asked["lib-0"].title == "長" * begun.MOST_TITLE
    assert asked["lib-0"].left is not None and asked["lib-0"].left.folder == "/books/\udcff"


def test_only_the_last_books_are_remembered_and_others_may_not_read_their_titles(cache: Path) -> None:
    begun.begin({f"lib-{number}": Queued("joe", str(number)) for number in range(begun.MOST + 5)})
    calibre_starts_again()
    assert untold() == [(str(number), "") for number in range(5, begun.MOST + 5)]
    assert (cache / "begun.json").stat().st_mode & 0o077 == 0


def test_the_file_is_read_once_and_written_once_for_a_whole_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    queued("lib-0")
    calibre_starts_again()
    touched: list[str] = []
    for name in ("read_text", "write_text"):
        own = getattr(Path, name)
        monkeypatch.setattr(Path, name, lambda path, *given, name=name, own=own: (touched.append(name), own(path, *given))[1])
    begun.begin({f"lib-{number}": Queued("joe", "T") for number in range(1000)})
    assert [voice_of(f"lib-{number}") for number in range(1000)] == [""] * 1000
    assert touched == ["read_text", "write_text"]


def test_what_ran_or_waited_when_the_library_was_switched_is_asked_about_where_it_is_opened_again() -> None:
    for number, (spoken, chosen) in enumerate(((0.5, False), (0.0, True), (0.0, False)), 1):
        queued(f"lib-{number}", "joe", f"Book {number}", chosen=chosen)
        if spoken:
            begun.speaks(f"lib-{number}", spoken)
    queued("lib-4", "joe", "Another library's")
    begun.put_off(["lib-1", "lib-2", "lib-3", "lib-9"])
    assert [(book.title, book.left and (book.left.percent, book.left.waits)) for book in begun.interrupted().values()] == [
        ("Book 1", (50, False)), ("Book 2", (0, True)), ("Book 3", None),
    ]  # fmt: skip
    queued("lib-2", "joe", "Book 2")
    assert list(begun.interrupted()) == ["lib-1", "lib-3"]
