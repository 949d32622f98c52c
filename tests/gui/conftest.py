"""A whole Calibre for each test: the profile is made once and copied."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "calibre"), str(HERE.parents[1])]
import books  # type: ignore[import-not-found]  # noqa: E402 -- after its folder is on the path
from harness import PROGRAMS, SPOKEN, Book, Desk  # noqa: E402

MakeDesk = Callable[..., Desk]


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files of books: `good`, `broken`, `bought`, an audiobook that nobody here has made, and `spoken`, what the scripted engine gives."""
    folder = tmp_path_factory.mktemp("books")
    found = {"good": books.epub(folder / "good.epub"), "broken": folder / "broken.epub", "bought": folder / "bought.m4b", "spoken": folder / "spoken.m4b"}
    found["broken"].write_bytes(b"PK garbage")
    audiobook(found["bought"], ())
    audiobook(found["spoken"], SPOKEN)
    return found


def audiobook(path: Path, chapters: Sequence[str]) -> None:
    """Silence: a second for each chapter, or one second without any."""
    told = path.with_suffix(".txt")
    parts = [f"[CHAPTER]\nTIMEBASE=1/1\nSTART={n}\nEND={n + 1}\ntitle={title}\n" for n, title in enumerate(chapters)]
    told.write_text(";FFMETADATA1\n" + "".join(parts), "utf-8")
    silence = ["-f", "lavfi", "-t", str(len(chapters) or 1), "-i", "anullsrc=r=22050:cl=mono"]
    subprocess.run(["ffmpeg", "-v", "error", *silence, "-i", str(told), "-map", "0:a", "-f", "ipod", str(path)], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def first_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The plugin installed, no book, no engine."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)} here")
    plugin = os.environ.get("E2A_TEST_ZIP", "")
    if not plugin:
        pytest.skip("E2A_TEST_ZIP does not name a plugin to install")
    root = tmp_path_factory.mktemp("desk")
    yield Desk.made(root / "first", Path(plugin), [])
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def desk(first_desk: Desk, tmp_path: Path, shelf: dict[str, Path]) -> MakeDesk:
    """Makes a Calibre whose library holds books of these titles, their files by `shelf`; the standard voice is there, the engine is scripted."""
    made = 0

    def make(*titles: str, **files: str) -> Desk:
        """files: a book of `shelf` that is not `good`, by title."""
        nonlocal made
        made += 1
        new = first_desk.copy(tmp_path / f"desk-{made}")
        new.fill([Book(title, {"EPUB": shelf[files.get(title, "good")]}) for title in (*titles, *files)])
        new.give_voice()
        new.env["E2A_SCRIPT_M4B"] = str(shelf["spoken"])
        return new

    return make
