"""In Calibre's interpreter: what becomes of an audiobook that somebody else made, by each choice that the user has."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from calibre.db.legacy import LibraryDatabase  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.book import library  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.cli import installed_resources  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.clicked import Clicked  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.converting import audiobooks, job  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parent))
from shelves import Shelf  # type: ignore[import-not-found]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A book with a bought audiobook."""
    made = Shelf(tmp_path, monkeypatch)
    (tmp_path / "bought.m4b").write_bytes(b"bought")
    made.api.add_format(made.id, "M4B", str(tmp_path / "bought.m4b"), run_hooks=False)
    yield made
    made.db.close()


def of(shelf: Shelf, book_id: int, fmt: str = "M4B") -> bytes:
    return Path(shelf.api.format_abspath(book_id, fmt)).read_bytes()


def clicked(shelf: Shelf) -> Any:
    return Clicked(shelf.api, installed_resources())


def with_its_formats(shelf: Shelf) -> int:
    """Another book of the same title and author, with a bought audiobook too."""
    other = int(shelf.api.create_book_entry(shelf.api.get_metadata(shelf.id)))
    for fmt in ("EPUB", "M4B"):
        shelf.api.add_format(other, fmt, shelf.api.format_abspath(shelf.id, fmt), run_hooks=False)
    return other


def test_both_are_kept_ours_in_a_record_of_its_own(shelf: Shelf) -> None:
    result = shelf.convert(foreign="record")
    assert of(shelf, shelf.id) == b"bought" and result.record not in (None, shelf.id)
    assert of(shelf, result.record).startswith(b"ours") and result.place == shelf.api.format_abspath(result.record, "M4B")
    mi = shelf.api.get_metadata(result.record)
    assert "Title of the library" in mi.title and list(mi.authors) == ["First Author", "Second Author"] and mi.series == "Lamps"
    assert shelf.api.field_for("uuid", result.record) != shelf.api.field_for("uuid", shelf.id)


def test_the_next_time_that_record_is_gone_on_with_unasked(shelf: Shelf) -> None:
    record = shelf.convert(foreign="record").record
    assert shelf.convert().outcome == "unchanged" and shelf.convert(foreign="record").outcome == "unchanged"
    shelf.script = "again"
    again = shelf.convert()
    assert (again.outcome, again.record) == ("written", record) and of(shelf, shelf.id) == b"bought"
    assert len(shelf.api.all_book_ids()) == 2


def test_what_was_answered_last_is_done_unasked_only_where_it_is_needed(shelf: Shelf) -> None:
    result = shelf.convert(otherwise="record")
    assert result.record not in (None, shelf.id) and of(shelf, shelf.id) == b"bought" and of(shelf, result.record).startswith(b"ours")
    again = shelf.convert(otherwise="record")
    assert (again.outcome, again.record) == ("unchanged", result.record), "and it is known where ours stands"
    folder = shelf.folder / "audiobooks"
    folder.mkdir()
    shelf.api.remove_books((result.record,), permanent=True)
    assert shelf.convert(otherwise="folder", folder=folder).path in folder.iterdir()
    shelf.api.remove_formats({shelf.id: ("M4B",)})
    assert shelf.convert(otherwise="record").record == shelf.id, "nothing stands in the way"


def test_the_entries_of_the_menu_speak_of_our_audiobook_at_both_records(shelf: Shelf) -> None:
    assert clicked(shelf).from_elsewhere([shelf.id]), "somebody has to be asked"
    result = shelf.convert(foreign="record")
    for book_id in (shelf.id, result.record):
        assert audiobooks.audiobook(shelf.api, book_id) == result.place and audiobooks.report_of(shelf.api, book_id) == result.report
    assert audiobooks.is_apart(shelf.api, shelf.id) and not audiobooks.is_apart(shelf.api, result.record)
    assert not clicked(shelf).from_elsewhere([shelf.id])


def test_the_entries_of_the_menu_speak_of_our_audiobook_in_a_folder_as_long_as_it_is_there(shelf: Shelf) -> None:
    (folder := shelf.folder / "audiobooks").mkdir()
    path = shelf.convert(foreign="folder", folder=folder).path
    assert audiobooks.audiobook(shelf.api, shelf.id) == str(path) and audiobooks.is_apart(shelf.api, shelf.id)
    path.unlink()
    assert audiobooks.audiobook(shelf.api, shelf.id) == shelf.api.format_abspath(shelf.id, "M4B") and not audiobooks.is_apart(shelf.api, shelf.id)


def test_a_record_of_ours_leads_to_the_book_that_it_was_made_for(shelf: Shelf) -> None:
    record = shelf.convert(foreign="record").record
    assert library.original_of(shelf.api, record) == shelf.id and library.original_of(shelf.api, shelf.id) is None
    shelf.api.remove_books((shelf.id,), permanent=True)
    assert library.original_of(shelf.api, record) is None


def test_a_record_that_cannot_be_filled_is_not_left_empty(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> str:
        raise PluginError("output_unwritable", path="x", reason="full")

    monkeypatch.setattr(library, "add_audiobook", full)
    with pytest.raises(PluginError):
        shelf.convert(foreign="record")
    assert set(shelf.api.all_book_ids()) == {shelf.id} and of(shelf, shelf.id) == b"bought"


def test_ours_goes_into_a_folder(shelf: Shelf) -> None:
    folder = shelf.folder / "audiobooks"
    folder.mkdir()
    shelf.api.set_field("title", {shelf.id: "../What? A: *title*/"})
    result = shelf.convert(foreign="folder", folder=folder)
    (made,) = folder.iterdir()
    assert result.left_out == {"Page and line numbers of the printed book": 1}
    assert result.path == made and made.read_bytes().startswith(b"ours") and made.suffix == ".m4b" and "First Author" in made.name
    assert of(shelf, shelf.id) == b"bought" and shelf.convert(foreign="folder", folder=folder).outcome == "unchanged"


def test_what_lies_in_a_folder_is_gone_on_with_there_unasked_and_the_end_says_what_it_replaced(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder := shelf.folder / "audiobooks").mkdir()
    first = shelf.convert(foreign="folder", folder=folder)
    monkeypatch.setattr(audiobooks, "speaker_in", lambda head: ("tone", "Joe"))
    assert shelf.convert().path == first.path and shelf.convert().outcome == "unchanged"
    shelf.script = "again"
    for options in ({}, {"otherwise": "record"}, {"foreign": "folder", "folder": folder}):
        again = shelf.convert(**options)
        assert (again.outcome, again.path, again.replaced) == ("written", first.path, "Joe")
    assert of(shelf, shelf.id) == b"bought" and len(list(folder.iterdir())) == 1 and len(shelf.api.all_book_ids()) == 1
    faster = shelf.convert(speed=1.2)
    assert (again.replaced_speed, faster.replaced_speed) == (None, 1.0) and audiobooks.head_of_report(shelf.api, shelf.id)["speed"] == 1.2
    (other := shelf.folder / "other").mkdir()
    moved = shelf.convert(foreign="folder", folder=other)
    assert moved.path.parent == other and not moved.replaced, "another folder was chosen for it"


def test_where_the_books_name_is_free_in_a_folder_it_has_no_number(shelf: Shelf) -> None:
    (folder := shelf.folder / "audiobooks").mkdir()
    assert shelf.convert(foreign="folder", folder=folder).path.name == "Title of the library - First Author.m4b"


def test_a_name_that_another_book_goes_on_with_is_not_free_though_its_audiobook_was_moved_away(shelf: Shelf) -> None:
    (folder := shelf.folder / "audiobooks").mkdir()
    first, its = shelf.id, shelf.convert(foreign="folder", folder=folder).path
    its.rename(shelf.folder / "moved away.m4b")
    shelf.id = with_its_formats(shelf)
    others = shelf.convert(foreign="folder", folder=folder).path
    assert others.name == f"Title of the library - First Author ({shelf.id}).m4b" and audiobooks.in_a_folder(shelf.api, first) is None
    before, shelf.id, shelf.script = others.read_bytes(), first, "again"
    assert shelf.convert(foreign="folder", folder=folder).path == its and others.read_bytes() == before, "and its own name is free for it"


@pytest.mark.parametrize("how", ["copied", "linked"])
def test_what_stands_at_the_book_in_a_copy_of_the_library_is_no_folder_of_the_users(shelf: Shelf, how: str) -> None:
    shelf.api.remove_formats({shelf.id: ("M4B",)})
    shelf.convert()
    original, other = shelf.m4b, shelf.folder / "elsewhere"
    before = original.read_bytes()
    shutil.copytree(shelf.folder / "lib", other) if how == "copied" else other.symlink_to(shelf.folder / "lib", target_is_directory=True)
    shelf.db.close()
    shelf.db = LibraryDatabase(str(other))
    shelf.api, shelf.script = shelf.db.new_api, "again"
    assert audiobooks.report_of(shelf.api, shelf.id) is not None and audiobooks.in_a_folder(shelf.api, shelf.id) is None
    again = shelf.convert()
    assert (again.outcome, again.path, again.place) == ("written", None, str(shelf.m4b)) and shelf.m4b.is_relative_to(other)
    assert shelf.m4b.read_bytes() != before and (original.read_bytes() == before) is (how == "copied")


@pytest.mark.parametrize("how", ["record", "folder", "stop"])
def test_a_look_that_fails_after_the_audiobook_stands_fails_no_conversion(shelf: Shelf, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder := shelf.folder / "audiobooks").mkdir()
    if how == "stop":
        shelf.api.remove_formats({shelf.id: ("M4B",)})

    def gone(*args: object) -> bool:
        raise OSError("the library's drive is gone")

    monkeypatch.setattr(library, "is_as_told", gone)
    result = shelf.convert(foreign=how, folder=folder if how == "folder" else None)
    assert result.outcome == "written" and Path(result.place).read_bytes().startswith(b"ours") and not any("were changed" in said for said in result.warnings)


@pytest.mark.parametrize("how", ["record", "folder", "replace"])
def test_a_book_that_is_renamed_while_it_is_converted_says_how_its_audiobook_gets_the_new_title(
    shelf: Shelf, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder := shelf.folder / "audiobooks").mkdir()
    own, options = job.Job._convert, {"foreign": how, "folder": folder if how == "folder" else None}

    def renamed(self: Any, *given: Any) -> Any:
        shelf.api.set_field("title", {shelf.id: "Another"})
        return own(self, *given)

    monkeypatch.setattr(job.Job, "_convert", renamed)
    assert any("details were changed during the conversion" in warning for warning in shelf.convert(**options).warnings)
    monkeypatch.setattr(job.Job, "_convert", own)
    shelf.script = "again"
    assert not any("were changed" in warning for warning in shelf.convert(**{**options, "foreign": "stop" if how == "replace" else how}).warnings)


def test_books_of_one_name_do_not_take_each_others_place_in_a_folder(shelf: Shelf) -> None:
    folder = shelf.folder / "audiobooks"
    folder.mkdir()
    shelf.convert(foreign="folder", folder=folder)
    shelf.id = with_its_formats(shelf)
    assert shelf.convert(foreign="folder", folder=folder).outcome == "written" and len(list(folder.iterdir())) == 2


def test_a_title_longer_than_a_files_name_may_be(shelf: Shelf) -> None:
    folder = shelf.folder / "audiobooks"
    folder.mkdir()
    shelf.api.set_field("title", {shelf.id: "山月記" * 60})
    assert shelf.convert(foreign="folder", folder=folder).outcome == "written"
    (made,) = folder.iterdir()
    assert made.name.startswith("山月記") and len(made.name.encode()) < 220


def test_a_folder_that_is_gone_is_said_before_any_work(shelf: Shelf) -> None:
    shelf.script = "dies"
    with pytest.raises(PluginError) as caught:
        shelf.convert(foreign="folder", folder=shelf.folder / "gone")
    assert caught.value.code == "output_unwritable"


def test_it_is_replaced_after_a_copy_that_calibre_can_restore(shelf: Shelf) -> None:
    shelf.convert(foreign="replace")
    assert of(shelf, shelf.id).startswith(b"ours") and of(shelf, shelf.id, "ORIGINAL_M4B") == b"bought"
    shelf.api.restore_original_format(shelf.id, "ORIGINAL_M4B")
    assert of(shelf, shelf.id) == b"bought"


def test_an_older_copy_is_never_overwritten(shelf: Shelf) -> None:
    older = shelf.folder / "older"
    older.write_bytes(b"older")
    shelf.api.add_format(shelf.id, "ORIGINAL_M4B", str(older), run_hooks=False)
    shelf.script = "dies"
    with pytest.raises(PluginError) as caught:
        shelf.convert(foreign="replace")
    assert caught.value.code == "copy_there" and of(shelf, shelf.id) == b"bought" and of(shelf, shelf.id, "ORIGINAL_M4B") == b"older"


def test_a_copy_of_the_same_audiobook_is_no_obstacle(shelf: Shelf) -> None:
    shelf.api.save_original_format(shelf.id, "M4B")
    shelf.convert(foreign="replace")
    assert of(shelf, shelf.id).startswith(b"ours") and of(shelf, shelf.id, "ORIGINAL_M4B") == b"bought"


def test_one_that_came_during_the_conversion_is_copied_too(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.api.remove_formats({shelf.id: ("M4B",)})
    real = library.add_after_copy

    def bought_first(api: Any, *rest: Any) -> str:
        api.add_format(shelf.id, "M4B", str(shelf.folder / "bought.m4b"), run_hooks=False)
        return str(real(api, *rest))

    monkeypatch.setattr(library, "add_after_copy", bought_first)
    shelf.convert(foreign="replace")
    assert of(shelf, shelf.id).startswith(b"ours") and of(shelf, shelf.id, "ORIGINAL_M4B") == b"bought"


def test_what_cannot_be_added_leaves_it_and_no_copy(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> str:
        raise PluginError("output_unwritable", path="x", reason="full")

    monkeypatch.setattr(library, "add_audiobook", full)
    with pytest.raises(PluginError):
        shelf.convert(foreign="replace")
    assert set(shelf.api.formats(shelf.id)) == {"EPUB", "M4B"} and of(shelf, shelf.id) == b"bought"


def test_a_conversion_that_fails_leaves_it_and_no_copy(shelf: Shelf) -> None:
    shelf.script = "refuses"
    with pytest.raises(PluginError):
        shelf.convert(foreign="replace")
    assert set(shelf.api.formats(shelf.id)) == {"EPUB", "M4B"} and of(shelf, shelf.id) == b"bought"
