"""The built plugin in a real Calibre, from outside: what its command line answers, and the tests that run inside."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from calibre_profile import INSIDE as HERE
from calibre_profile import NAME, Profile
from collection import BOOKS

HOLD = "from calibre.utils.lock import SingleInstance\nwith SingleInstance('db') as alone:\n print('held' if alone else 'taken', flush=True)\n input()"


@pytest.mark.parametrize("file", sorted(path.name for path in HERE.glob("inside_*.py")))
def test_inside(profile: Profile, file: str) -> None:
    ran = profile.inside("-q", "-x", str(HERE / file))
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    assert " passed" in ran.stdout
    assert not [*(profile.root / "engine").iterdir()], "a test put something into the engine's folder of them all"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "BOOK and -o"),
        (["BOOK", "-o", "OUT", "--device", "toaster"], 7, "toaster"),
        (["BOOK", "-o", "OUT", "--voice", "nobody"], 6, "nobody"),
        (["EMPTY", "-o", "OUT", "--voice", "tone"], 3, "the file is empty"),
        (["GARBAGE", "-o", "OUT", "--voice", "tone"], 3, "damaged"),
        (["--library", "NONE", "--book", "1", "--voice", "tone"], 13, "no Calibre library"),
        (["BOOK", "-o", "OUT", "--voice", "tone"], 11, "--setup"),
    ],
)
def test_the_command_lines_exit_code_and_sentence(profile: Profile, tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    from .books import epub

    places = {
        "BOOK": epub(tmp_path / "b.epub"),
        "OUT": tmp_path / "out.m4b",
        "EMPTY": tmp_path / "e.epub",
        "GARBAGE": tmp_path / "g.epub",
        "NONE": tmp_path / "n",
    }
    places["EMPTY"].write_bytes(b"")
    places["GARBAGE"].write_bytes(b"PK garbage")
    ran = profile.convert(*(str(places.get(argument, argument)) for argument in arguments))
    assert ran.returncode == code and says in ran.stderr, ran.stderr
    assert "Traceback" not in ran.stderr + ran.stdout and not places["OUT"].exists()
    assert not list((profile.root / "tmp").rglob("audiobook-*"))


def test_help(profile: Profile) -> None:
    ran = profile.convert("--help")
    assert ran.returncode == 0 and "--library" in ran.stdout


def test_a_library_that_another_calibre_may_write_to_is_refused(profile: Profile, tmp_path: Path) -> None:
    library = tmp_path / "lib"
    assert profile.run("calibredb", "add", "--empty", "--title", "T", "--with-library", str(library)).returncode == 0
    holder = subprocess.Popen(["calibre-debug", "-c", HOLD], env=profile.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdin and holder.stdout and holder.stdout.readline().strip() == b"held"
        ran = profile.convert("--library", str(library), "--book", "1", "--voice", "tone")
        assert ran.returncode == 13 and "Calibre is running" in ran.stderr
    finally:
        holder.communicate(b"\n", timeout=30)
    ran = profile.convert("--library", str(library), "--book", "1", "--voice", "tone")
    assert ran.returncode == 3 and "no format" in ran.stderr


def test_nothing_but_names_is_loaded_by_calibres_other_programs(profile: Profile) -> None:
    code = f"import sys, json; from calibre.customize.ui import find_plugin; p = find_plugin({NAME!r}); print(json.dumps([p.version, sorted(m for m in sys.modules if 'e2a' in m or m.startswith('PyQt'))]))"  # noqa: E501
    ran = profile.run("calibre-debug", "-c", code)
    version, modules = json.loads(ran.stdout.splitlines()[-1])
    assert version == [0, 1, 0] and [m for m in modules if ".plugin" in m or m.startswith("PyQt")] == []


def test_books_of_the_collection_keep_their_bytes(profile: Profile) -> None:
    folder = BOOKS / "dev"
    if not folder.is_dir():
        pytest.skip("the collection of real books is not here")
    ran = profile.run("calibre-debug", "-e", str(HERE / "same_bytes.py"), "--", *map(str, sorted(folder.glob("*.epub"))), timeout=170)
    assert ran.returncode == 0 and ran.stdout.count("same") >= 1, ran.stdout + ran.stderr
