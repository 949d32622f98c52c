"""In Calibre's interpreter: a real library gives a book and gets its audiobook, the engine played by a scripted sidecar."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from calibre.ebooks.metadata.book.base import Metadata  # type: ignore[import-not-found]
from calibre.utils.config import prefs  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.book import library, placing  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError, Stopped  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parent))
from shelves import Shelf  # type: ignore[import-not-found]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    made = Shelf(tmp_path, monkeypatch)
    yield made
    made.db.close()


def test_the_audiobook_is_in_the_library_and_the_report_kept(shelf: Shelf) -> None:
    result = shelf.convert()
    assert result.outcome == "written" and set(shelf.api.formats(shelf.id)) == {"EPUB", "M4B"}
    assert shelf.m4b is not None and shelf.m4b.read_bytes().startswith(b"ours")
    assert json.loads(result.report.read_text("utf-8"))["path"] == str(shelf.m4b)
    assert result.title == "Title of the library"


def test_a_second_time_nothing_is_done(shelf: Shelf) -> None:
    shelf.convert()
    before = shelf.m4b.stat().st_mtime_ns if shelf.m4b else 0
    assert shelf.convert().outcome == "unchanged"
    assert shelf.m4b is not None and shelf.m4b.stat().st_mtime_ns == before


def test_who_had_spoken_what_was_replaced_is_known_by_its_report(shelf: Shelf) -> None:
    first = shelf.convert()
    assert first.replaced == "" == shelf.convert().replaced, "at first there is none, and then nothing has changed"
    told = json.loads(first.report.read_text("utf-8"))
    first.report.write_text(json.dumps({**told, "voice": "amy", "voice_name": "Amy"}), "utf-8")
    shelf.script = "again"
    again = shelf.convert()
    assert (again.outcome, again.replaced) == ("written", "Amy")
    assert shelf.convert(foreign="replace").replaced == "", "then it was anybody's"


def test_a_bought_audiobook_is_not_replaced_unless_told_to(shelf: Shelf) -> None:
    bought = shelf.folder / "bought.m4b"
    bought.write_bytes(b"bought")
    shelf.api.add_format(shelf.id, "M4B", str(bought), run_hooks=False)
    with pytest.raises(PluginError) as caught:
        shelf.convert()
    assert caught.value.exit == 10 and shelf.m4b is not None and shelf.m4b.read_bytes() == b"bought"
    shelf.convert(replace=True)
    assert shelf.m4b.read_bytes().startswith(b"ours")


@pytest.mark.parametrize(("script", "code"), [("dies", "engine_died"), ("refuses", "disk_full"), ("garbage", "protocol")])
def test_a_failure_leaves_the_library_as_it_was(shelf: Shelf, script: str, code: str) -> None:
    shelf.script = script
    with pytest.raises(PluginError) as caught:
        shelf.convert()
    assert caught.value.code == code and set(shelf.api.formats(shelf.id)) == {"EPUB"}


def test_a_stop_leaves_the_library_as_it_was(shelf: Shelf) -> None:
    shelf.script = "polite"
    asked = iter([False] * 40)
    with pytest.raises(Stopped):
        shelf.convert(lambda: next(asked, True))
    assert set(shelf.api.formats(shelf.id)) == {"EPUB"}


def test_a_book_that_was_removed_meanwhile_is_not_added_to(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    real = library.add_audiobook

    def removed_first(api: Any, book: Any, *rest: Any) -> str:
        api.remove_books((book.id,))
        return str(real(api, book, *rest))

    monkeypatch.setattr(library, "add_audiobook", removed_first)
    with pytest.raises(PluginError) as caught:
        shelf.convert()
    assert caught.value.code == "book_removed" and "“Title of the library” was removed" in caught.value.what()


@pytest.mark.parametrize("before", [False, True])
def test_an_audiobook_that_came_during_the_conversion_is_not_replaced(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, before: bool) -> None:
    if before:
        shelf.convert()
        shelf.api.set_field("title", {shelf.id: "Another title"})
    real, bought = library.add_audiobook, shelf.folder / "bought.m4b"
    bought.write_bytes(b"bought")

    def bought_first(api: Any, *rest: Any) -> str:
        api.add_format(shelf.id, "M4B", str(bought), run_hooks=False)
        return str(real(api, *rest))

    monkeypatch.setattr(library, "add_audiobook", bought_first)
    shelf.script = "convert" if not before else "again"
    with pytest.raises(PluginError) as caught:
        shelf.convert()
    assert caught.value.code == "exists_foreign" and shelf.m4b is not None and shelf.m4b.read_bytes() == b"bought"
    shelf.convert(replace=True)
    assert shelf.m4b.read_bytes().startswith(b"ours")


def test_a_disk_too_full_for_the_new_one_leaves_the_old_one_whole(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.convert()
    assert shelf.m4b is not None
    before = shelf.m4b.read_bytes()
    shelf.script = "again"
    monkeypatch.setattr(placing.shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    with pytest.raises(PluginError) as caught:
        shelf.convert()
    assert caught.value.code == "disk_full" and shelf.m4b.read_bytes() == before


def test_a_library_that_may_not_be_written_to_is_said_before_any_work(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library.os, "access", lambda path, mode: False)
    shelf.script = "dies"
    with pytest.raises(PluginError) as caught:
        shelf.convert()
    assert caught.value.exit == 8 and "library" in caught.value.sentence()


@pytest.mark.parametrize(("what", "reason"), [("folder", "it is a folder, not a file"), ("pipe", "it is not a file"), ("unreadable", "may not be read")])
def test_a_format_that_is_no_file_is_said_of_the_book_and_not_waited_for(shelf: Shelf, what: str, reason: str) -> None:
    place = Path(shelf.api.format_abspath(shelf.id, "EPUB"))
    place.unlink()
    {"folder": place.mkdir, "pipe": lambda: os.mkfifo(place), "unreadable": lambda: place.symlink_to("/proc/self/mem")}[what]()
    with pytest.raises(PluginError) as caught:
        shelf.convert()
    assert caught.value.code == "book_unreadable" and reason in caught.value.what()


def test_a_format_whose_file_is_gone_is_not_called_none_and_a_library_whose_drive_is_gone_is_named(shelf: Shelf) -> None:
    place = Path(shelf.api.format_abspath(shelf.id, "EPUB"))
    place.rename(shelf.folder / "b.epub")
    with pytest.raises(PluginError) as caught:
        shelf.convert()
    assert caught.value.code == "book_unreadable" and "(EPUB) is not where Calibre had put it" in caught.value.what()
    (shelf.folder / "lib").rename(shelf.folder / "unplugged")
    with pytest.raises(PluginError) as caught:
        shelf.convert()
    assert caught.value.code == "library_unreadable" and "its drive is not connected" in caught.value.what()
    (shelf.folder / "unplugged").rename(shelf.folder / "lib")


def test_where_no_file_can_stand_it_is_said_before_any_work(shelf: Shelf) -> None:
    place = placing._destination(shelf.api, shelf.id, "M4B")
    shelf.script = "dies"
    place.symlink_to(shelf.folder / "gone" / "a.m4b")
    with pytest.raises(PluginError) as caught:
        shelf.convert()
    assert caught.value.code == "output_unwritable" and "a place that is not there" in caught.value.what() and place.is_symlink()
    place.unlink()
    (place / "the user's").mkdir(parents=True)
    for how in ({"replace": True}, {"foreign": "replace"}):
        with pytest.raises(PluginError) as caught:
            shelf.convert(**how)
        assert caught.value.code == "output_unwritable" and "it is a folder" in caught.value.what() and (place / "the user's").is_dir()


def test_where_a_librarys_drive_was_nothing_is_put(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    lib, real = shelf.folder / "lib", library.add_audiobook

    def unplugged(*given: Any) -> str:
        lib.rename(shelf.folder / "unplugged")
        lib.mkdir()
        return str(real(*given))

    monkeypatch.setattr(library, "add_audiobook", unplugged)
    with pytest.raises(PluginError) as caught:
        shelf.convert()
    assert caught.value.code == "output_unwritable" and str(lib) in caught.value.what() and not list(lib.iterdir())
    lib.rmdir()
    (shelf.folder / "unplugged").rename(lib)
    monkeypatch.undo()
    assert set(shelf.api.formats(shelf.id)) == {"EPUB"}


def test_a_book_is_no_record_of_ours_whatever_identifier_came_to_it_by_merging_or_pasting(shelf: Shelf) -> None:
    bought, uuid = shelf.folder / "bought.m4b", shelf.api.field_for("uuid", shelf.id)
    bought.write_bytes(b"bought")
    other = shelf.api.create_book_entry(Metadata("Another", ["First Author"]))
    shelf.api.add_format(other, "EPUB", shelf.api.format_abspath(shelf.id, "EPUB"), run_hooks=False)
    shelf.api.add_format(shelf.id, "M4B", str(bought), run_hooks=False)
    for book in (shelf.id, other):
        shelf.api.set_field("identifiers", {book: {library.AUDIOBOOK_OF: uuid}})
    assert library.own_record(shelf.api, shelf.id) is None and library.original_of(shelf.api, other) is None
    record = shelf.convert(foreign="record").record
    assert record not in (shelf.id, other) and shelf.m4b is not None and shelf.m4b.read_bytes() == b"bought"
    assert set(shelf.api.formats(other)) == {"EPUB"} and set(shelf.api.formats(record)) == {"M4B"}
    assert library.own_record(shelf.api, shelf.id) == record and library.original_of(shelf.api, record) == shelf.id


def test_no_room_for_temporary_files_is_said(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed() -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("calibre.ptempfile.base_dir", closed)
    with pytest.raises(PluginError) as caught:
        shelf.convert()
    assert caught.value.code == "output_unwritable" and "Permission denied" in caught.value.what()


def test_what_is_no_database_is_no_library(shelf: Shelf) -> None:
    folder = shelf.folder / "other"
    folder.mkdir()
    (folder / "metadata.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(PluginError) as caught, library.opened(folder):
        pass
    assert (caught.value.code, caught.value.exit) == ("library_unreadable", 13) and (folder / "metadata.db").read_bytes() == b"garbage" * 1000


@pytest.mark.skipif(sys.platform != "linux", reason="names are text there")
def test_a_library_whose_folder_has_no_name_in_utf_8_is_said(shelf: Shelf) -> None:
    folder = shelf.folder / os.fsdecode(b"B\xfccher")
    shutil.copytree(shelf.folder / "lib", folder)
    with pytest.raises(PluginError) as caught, library.opened(folder):
        pass
    assert caught.value.code == "library_unreadable" and "not written in UTF-8" in caught.value.sentence()


def test_what_a_crash_left_half_written_is_rolled_back_as_calibre_does_it(shelf: Shelf) -> None:
    left = shelf.folder / "left"
    writing = sqlite3.connect(shelf.folder / "lib" / "metadata.db", isolation_level=None)
    for statement in ("PRAGMA cache_size = 1", "BEGIN IMMEDIATE", "UPDATE library_id SET uuid = 'half'", "CREATE TABLE more (text)"):
        writing.execute(statement)
    writing.executemany("INSERT INTO more VALUES (?)", [("x" * 4000,)] * 100)  # more than it keeps in memory, so the file is changed
    shutil.copytree(shelf.folder / "lib", left)
    writing.execute("ROLLBACK")
    writing.close()
    assert (left / "metadata.db-journal").stat().st_size
    with library.opened(left) as api:
        assert library.key_of(api, shelf.id) == library.key_of(shelf.api, shelf.id) and api.field_for("title", shelf.id) == "Title of the library"


def test_another_programs_lock_on_the_database_is_waited_for(shelf: Shelf) -> None:
    other = sqlite3.connect(shelf.folder / "lib" / "metadata.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    (release := threading.Timer(0.3, other.execute, ("ROLLBACK",))).start()
    with library.opened(shelf.folder / "lib") as api:
        assert api.has_id(shelf.id)
    release.join()
    other.close()


def test_what_the_library_knows_goes_into_the_bundle(shelf: Shelf) -> None:
    book = library.look_up(shelf.api, shelf.id)
    assert book.metadata["authors"] == ["First Author", "Second Author"] and book.metadata["language"] == "en"
    assert (book.metadata["series"], book.metadata["series_index"], book.metadata["tags"]) == ("Lamps", 3.0, ["light"])
    assert book.metadata["comments"] == "One.\nTwo & three."
    assert book.format == "EPUB" and book.existing is None


def test_the_format_is_chosen_by_the_users_own_order_and_is_never_sound(shelf: Shelf) -> None:
    other = shelf.folder / "x"
    other.write_bytes(b"words")
    for fmt in ("TXT", "M4B", "MP3", "ORIGINAL_EPUB"):
        shelf.api.add_format(shelf.id, fmt, str(other), run_hooks=False)
    before = prefs["input_format_order"]
    try:
        for order, chosen in ((["M4B", "MP3", "TXT", "EPUB"], "TXT"), (["EPUB", "TXT"], "EPUB")):
            prefs["input_format_order"] = order
            assert library.look_up(shelf.api, shelf.id).format == chosen
    finally:
        prefs["input_format_order"] = before
    shelf.api.remove_formats({shelf.id: ("TXT", "EPUB")})
    with pytest.raises(PluginError) as caught:
        library.look_up(shelf.api, shelf.id)
    assert caught.value.code == "no_usable_format" and "MP3" in caught.value.sentence()


def test_no_such_book_and_no_such_library(shelf: Shelf) -> None:
    with pytest.raises(PluginError) as caught:
        library.look_up(shelf.api, 4711)
    assert caught.value.exit == 13
    with pytest.raises(PluginError) as caught, library.opened(shelf.folder / "none"):
        pass
    assert caught.value.code == "no_such_library" and not (shelf.folder / "none").exists()
