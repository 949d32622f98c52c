"""In Calibre's interpreter: whatever goes wrong while an audiobook is added, nothing that stood in the library is cut or lost."""

from __future__ import annotations

import builtins
import errno
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw  # type: ignore[import-not-found]
import pytest
from calibre.db import backend  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.book import library, placing  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.errors import PluginError, Stopped  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parent))
from shelves import Shelf  # type: ignore[import-not-found]

BOUGHT = b"bought " * 1000
OURS = b"ours " * 2000
Fault = Callable[[pytest.MonkeyPatch], None]


def never() -> bool:
    return False


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    made = Shelf(tmp_path, monkeypatch)
    (tmp_path / "bought.m4b").write_bytes(BOUGHT)
    (tmp_path / "ours.m4b").write_bytes(OURS)
    yield made
    made.db.close()


def buy(shelf: Shelf) -> None:
    shelf.api.add_format(shelf.id, "M4B", str(shelf.folder / "bought.m4b"), run_hooks=False)


def add(shelf: Shelf, keep_both: bool = False, replace: bool = False, stopped: Callable[[], bool] = never) -> str:
    book, ours = library.look_up(shelf.api, shelf.id), shelf.folder / "ours.m4b"
    if keep_both:
        return str(library.add_after_copy(shelf.api, book, ours, stopped))
    return str(library.add_audiobook(shelf.api, book, ours, replace, stopped))


def stands(shelf: Shelf) -> dict[str, bytes]:
    """What there is of sound at the book, by what Calibre itself has written down; sizes and names must be true, and nothing may lie beside it."""
    db = sqlite3.connect(shelf.folder / "lib" / "metadata.db")
    rows = db.execute("SELECT format, name, uncompressed_size FROM data WHERE book = ? AND format LIKE '%M4B'", (shelf.id,)).fetchall()
    db.close()
    folder = Path(shelf.api.format_abspath(shelf.id, "EPUB")).parent
    found = {fmt: (folder / f"{name}.{fmt.lower()}").read_bytes() for fmt, name, _size in rows}
    assert {fmt: size for fmt, _name, size in rows} == {fmt: len(data) for fmt, data in found.items()}
    assert {fmt for fmt in shelf.api.formats(shelf.id) if fmt != "EPUB"} == set(found)
    assert not list((shelf.folder / "lib").rglob("*.part")) and len([p for p in folder.iterdir() if p.suffix.endswith("m4b")]) == len(found)
    return found


def quota(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a share on which this user may write no more: some of it is written."""

    class Cut:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Cut:
            return self

        def __exit__(self, *what: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> None:
            self.file.write(data[:1000])
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    def opened(path: Path, mode: str) -> Any:
        file = builtins.open(path, mode)  # noqa: SIM115
        return Cut(file) if "x" in mode else file

    monkeypatch.setattr(placing, "open", opened, raising=False)


def broken_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(placing.os, "fsync", refuse)


def held_by_a_player(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "The process cannot access the file")

    monkeypatch.setattr(Path, "replace", refuse)


def test_windows_gets_patience_where_somebody_holds_the_file_and_calibre_is_not_kept_waiting(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    buy(shelf)
    waits: list[float] = []
    real = Path.replace

    def held(self: Path, target: Path) -> Path:
        if len(waits) < 3:
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        return real(self, target)

    def sleep(seconds: float) -> None:
        assert not shelf.api.write_lock.owns_lock()
        waits.append(seconds)

    monkeypatch.setattr(placing, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(placing, "time", SimpleNamespace(time=time.time, sleep=sleep))
    monkeypatch.setattr(Path, "replace", held)
    add(shelf, replace=True)
    assert len(waits) == 3 and stands(shelf) == {"M4B": OURS}


FAULTS = [quota, broken_disk, held_by_a_player]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("keep_both", [True, False])
def test_whatever_fails_the_audiobook_that_stands_there_stays_whole(shelf: Shelf, fault: Fault, keep_both: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    buy(shelf)
    with monkeypatch.context() as patch:
        fault(patch)
        with pytest.raises(PluginError) as caught:
            add(shelf, keep_both=keep_both, replace=True)
    assert caught.value.code == "output_unwritable" and stands(shelf) == {"M4B": BOUGHT}
    add(shelf, keep_both=keep_both, replace=True)
    assert stands(shelf) == {"M4B": OURS, **({"ORIGINAL_M4B": BOUGHT} if keep_both else {})}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_fails_after_the_copy_was_made_takes_the_copy_away_again(shelf: Shelf, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    buy(shelf)
    real = library.add_audiobook

    def failing(*args: Any) -> str:
        assert stands(shelf) == {"M4B": BOUGHT, "ORIGINAL_M4B": BOUGHT}
        fault(monkeypatch)
        return str(real(*args))

    monkeypatch.setattr(library, "add_audiobook", failing)
    with pytest.raises(PluginError):
        add(shelf, keep_both=True)
    assert stands(shelf) == {"M4B": BOUGHT}


def test_a_copy_is_never_taken_away_where_something_else_became_of_the_audiobook(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    buy(shelf)

    def cut(api: Any, *args: Any) -> str:
        api.add_format(shelf.id, "M4B", str(shelf.folder / "b.epub"), run_hooks=False)
        raise PluginError("output_unwritable", path="x", reason="a stick was pulled out")

    monkeypatch.setattr(library, "add_audiobook", cut)
    with pytest.raises(PluginError):
        add(shelf, keep_both=True)
    assert stands(shelf)["ORIGINAL_M4B"] == BOUGHT


def test_one_that_takes_its_place_while_it_is_copied_is_kept_beside_the_copy(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    buy(shelf)
    real = library._save_copy

    def then_another(api: Any, *args: Any) -> None:
        real(api, *args)
        api.add_format(shelf.id, "M4B", str(shelf.folder / "b.epub"), run_hooks=False)

    monkeypatch.setattr(library, "_save_copy", then_another)
    with pytest.raises(PluginError) as caught:
        add(shelf, keep_both=True)
    assert caught.value.code == "exists_foreign"
    assert stands(shelf) == {"M4B": (shelf.folder / "b.epub").read_bytes(), "ORIGINAL_M4B": BOUGHT}


def test_calibre_itself_copies_nothing_and_can_be_read_meanwhile(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    buy(shelf)
    looked: list[bool] = []

    def refuse(*args: object) -> None:
        raise AssertionError("Calibre copied")

    def look() -> bool:
        reader = threading.Thread(target=shelf.api.all_book_ids, daemon=True)
        reader.start()
        reader.join(10)
        looked.append(not reader.is_alive())
        return False

    monkeypatch.setattr(backend.shutil, "copyfileobj", refuse)
    add(shelf, keep_both=True, stopped=look)
    assert stands(shelf) == {"M4B": OURS, "ORIGINAL_M4B": BOUGHT} and looked == [True, True]


def test_a_stop_while_it_is_copied_leaves_everything_as_it_was(shelf: Shelf) -> None:
    buy(shelf)
    for keep_both, asked in ((True, [True]), (True, [False, True]), (False, [True])):
        answers = iter(asked)
        with pytest.raises(Stopped):
            add(shelf, keep_both=keep_both, replace=True, stopped=lambda answers=answers: next(answers))
        assert stands(shelf) == {"M4B": BOUGHT}


def test_where_calibres_database_is_full_no_format_comes_half_and_one_that_stands_is_replaced_whole(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    table = type(shelf.api.fields["formats"].table)
    real = table.update_fmt

    def full(self: Any, book_id: int, fmt: str, fname: str, size: int, db: Any) -> None:
        class Full:
            def execute(self, *args: object) -> None:
                raise apsw.FullError("FullError: database or disk is full")

        real(self, book_id, fmt, fname, size, Full())

    with monkeypatch.context() as patch:
        patch.setattr(table, "update_fmt", full)
        with pytest.raises(PluginError) as caught:
            add(shelf)
    assert caught.value.code == "output_unwritable" and "full" in caught.value.sentence() and stands(shelf) == {}
    buy(shelf)
    with monkeypatch.context() as patch:
        patch.setattr(table, "update_fmt", full)
        place = add(shelf, replace=True)
    assert Path(place).read_bytes() == OURS and Path(shelf.api.format_abspath(shelf.id, "M4B")) == Path(place)


def test_a_file_that_has_another_name_than_calibre_would_give_it_now_is_replaced_all_the_same(shelf: Shelf) -> None:
    buy(shelf)
    place = Path(shelf.api.format_abspath(shelf.id, "M4B"))
    place.rename(place.with_name("Name of an older version.m4b"))
    shelf.api.fields["formats"].table.set_fname(shelf.id, "M4B", "Name of an older version", shelf.api.backend)
    assert add(shelf, replace=True) == str(place) and stands(shelf) == {"M4B": OURS}


@pytest.mark.parametrize("bought", [True, False])
def test_should_calibre_choose_another_place_it_is_whole_there_and_nowhere_else(shelf: Shelf, bought: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if bought:
        buy(shelf)
    real = placing._destination
    monkeypatch.setattr(placing, "_destination", lambda *args: real(*args).with_name("Elsewhere.m4b"))
    add(shelf, replace=True)
    assert stands(shelf) == {"M4B": OURS}


def test_a_link_of_the_users_stays_one(shelf: Shelf) -> None:
    buy(shelf)
    place, disk = Path(shelf.api.format_abspath(shelf.id, "M4B")), shelf.folder / "other disk"
    disk.mkdir()
    place.replace(disk / "x.m4b")
    place.symlink_to(disk / "x.m4b")
    add(shelf, replace=True)
    assert place.is_symlink() and (disk / "x.m4b").read_bytes() == OURS and stands(shelf) == {"M4B": OURS}


def test_a_link_that_leads_to_itself_gives_way_to_the_audiobook(shelf: Shelf) -> None:
    place = placing._destination(shelf.api, shelf.id, "M4B")
    place.symlink_to(place)
    add(shelf)
    assert not place.is_symlink() and stands(shelf) == {"M4B": OURS}


def test_a_file_that_calibre_does_not_know_of_is_not_overwritten_either(shelf: Shelf) -> None:
    buy(shelf)
    place = Path(shelf.api.format_abspath(shelf.id, "M4B"))
    shelf.api.remove_formats({shelf.id: ("M4B",)}, db_only=True)
    with pytest.raises(PluginError) as caught:
        shelf.convert()
    assert caught.value.code == "exists_foreign" and place.read_bytes() == BOUGHT
    shelf.convert(foreign="replace")
    found = stands(shelf)
    assert found["M4B"].startswith(b"ours") and found["ORIGINAL_M4B"] == BOUGHT


def test_ours_that_a_power_cut_left_unknown_to_calibre_is_known_after_the_next_conversion(shelf: Shelf) -> None:
    shelf.convert()
    (whole,) = stands(shelf).values()
    shelf.api.remove_formats({shelf.id: ("M4B",)}, db_only=True)
    assert shelf.convert().outcome == "unchanged" and stands(shelf) == {"M4B": whole}


def test_a_record_of_its_own_is_as_safe_and_is_not_left_empty(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    buy(shelf)
    book, ours = library.look_up(shelf.api, shelf.id), shelf.folder / "ours.m4b"
    with pytest.raises(Stopped):
        library.add_to_own_record(shelf.api, book, ours, False, lambda: True)
    assert shelf.api.all_book_ids() == {shelf.id}
    record, place = library.add_to_own_record(shelf.api, book, ours, False, never)
    assert Path(place).read_bytes() == OURS
    (shelf.folder / "ours.m4b").write_bytes(b"newer")
    with monkeypatch.context() as patch:
        quota(patch)
        with pytest.raises(PluginError):
            library.add_to_own_record(shelf.api, library.at_own_record(shelf.api, book), ours, False, never)
    assert Path(shelf.api.format_abspath(record, "M4B")).read_bytes() == OURS and stands(shelf) == {"M4B": BOUGHT}


def test_a_new_record_is_not_taken_away_with_what_somebody_else_put_into_it(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    real = library.add_audiobook

    def bought_first(api: Any, book: Any, *rest: Any) -> str:
        api.add_format(book.id, "M4B", str(shelf.folder / "bought.m4b"), run_hooks=False)
        return str(real(api, book, *rest))

    monkeypatch.setattr(library, "add_audiobook", bought_first)
    with pytest.raises(PluginError) as caught:
        library.add_to_own_record(shelf.api, library.look_up(shelf.api, shelf.id), shelf.folder / "ours.m4b", False, never)
    (record,) = shelf.api.all_book_ids() - {shelf.id}
    assert caught.value.code == "exists_foreign" and Path(shelf.api.format_abspath(record, "M4B")).read_bytes() == BOUGHT


def test_what_a_program_that_was_killed_left_half_goes_with_the_next_one(shelf: Shelf) -> None:
    old, fresh = (shelf.folder / "lib" / f"{placing.PREFIX}{name}.part" for name in ("old", "fresh"))
    for part in (old, fresh):
        part.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * placing.STALE_S,) * 2)
    add(shelf)
    assert not old.exists() and fresh.exists(), "another program may be writing to it"
    fresh.unlink()
    assert stands(shelf) == {"M4B": OURS}
