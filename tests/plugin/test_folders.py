"""Folders for a while: private, gone afterwards however deep, and never more than themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.converting import folders
from plugin.errors import PluginError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_private_folder_is_the_users_alone_and_goes_also_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), folders.private_folder() as folder:
        assert (folder.stat().st_mode & 0o077) == 0 or sys.platform == "win32"
        (folder / "book").write_bytes(b"x")
        raise ZeroDivisionError
    assert not folder.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX may be this long")
def test_a_book_decides_how_deep_its_tree_is_and_it_goes_all_the_same(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    place = str(tree)
    while len(place) < 3500:
        place += "/a"
        Path(place).mkdir()
    folders.remove(tree)
    assert not tree.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_are_removed_and_what_they_point_at_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_bytes(b"x")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "out").symlink_to(tmp_path / "mine")
    (tmp_path / "tree" / "round").symlink_to(tmp_path / "tree")
    folders.remove(tmp_path / "tree")
    assert (tmp_path / "mine" / "letter").exists() and not (tmp_path / "tree").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="names are text there")
def test_a_folder_whose_name_other_programs_cannot_be_told_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / os.fsdecode(b"M\xfcller")
    place.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    with pytest.raises(PluginError) as caught, folders.work_folder():
        pass
    assert caught.value.code == "output_unwritable" and "not written in UTF-8" in caught.value.what()


def test_what_a_killed_calibre_left_goes_and_what_is_in_use_stays() -> None:
    with folders.work_folder() as mine:
        old = mine.parent / "old"
        old.mkdir()
        (old / "audiobook.m4b").write_bytes(b"x")
        for path in (old / "audiobook.m4b", old):
            os.utime(path, (1, 1))
        (mine.parent / "dangling").symlink_to(mine.parent / "nothing")
        with folders.work_folder():
            assert not old.exists() and mine.exists()
    assert not mine.exists()


def killed(make: str) -> Path:
    """A program that was killed while it had a folder; gives that folder."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    program = subprocess.Popen([sys.executable, "-c", KILLED.format(make=make)], stdout=subprocess.PIPE, text=True, env=env)
    assert program.stdout is not None
    folder = Path(program.stdout.readline().strip())
    assert folder.is_dir() and program.poll() is None
    program.kill()
    program.communicate()
    return folder


KILLED = """
import time
from plugin.converting import folders
with folders.{make}() as folder:
    (folder / "book.epub").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("make", ["private_folder", "work_folder"])
def test_what_a_killed_program_left_goes_at_the_next_start_but_never_what_another_one_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: str
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    left, young = killed(make), killed(make)
    folders._sweep_once.cache_clear()
    with getattr(folders, make)() as mine:
        for old in (left, mine):
            for path in (*old.iterdir(), old):
                os.utime(path, (1, 1))
        folders._sweep_once.cache_clear()
        with getattr(folders, make)():
            assert not left.exists() and mine.exists() and young.exists()
    assert not mine.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_what_somebody_else_puts_among_temporary_files_leads_to_no_removal(tmp_path: Path) -> None:
    mine = tmp_path / "home" / "audiobook-of-mine"
    mine.mkdir(parents=True)
    os.utime(mine, (1, 1))
    shared = tmp_path / "temporary"
    (shared / "calibre_a").mkdir(parents=True)
    (shared / "calibre_a" / "audiobook-x").symlink_to(mine)
    (shared / "calibre_b").symlink_to(mine.parent)
    left = (shared / "calibre_6.13.0_tmp_c" / "audiobook-y", shared / "calibre-c" / "audiobook-z")
    for folder in left:
        folder.mkdir(parents=True)
        os.utime(folder, (1, 1))
    folders._sweep(shared, "calibre[-_]*/audiobook-*")
    assert mine.exists() and not any(folder.exists() for folder in left)


def test_no_room_for_a_folder_is_said(home: Path) -> None:
    home.write_bytes(b"a file")
    with pytest.raises(PluginError) as caught, folders.work_folder():
        pass
    assert caught.value.exit == 8
