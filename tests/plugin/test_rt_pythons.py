"""Which Python the engine gets."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from plugin.commands import Stop
from plugin.engine.pythons import Python, ask, candidates, find_python
from plugin.errors import PluginError


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_real_python_is_asked_who_it_is() -> None:
    python = ask(Path(sys.executable), os.environ)
    assert python is not None
    assert python.version == sys.version_info[:3]
    assert python.tag.startswith(f"cp{sys.version_info[0]}{sys.version_info[1]}-")


def answer(version: str = "[3,12,1]", bits: int = 64, free_threaded: str = "false") -> str:
    """A program that says of itself what a Python says."""
    said = f'{{"version":{version},"executable":"/x","machine":"x","bits":{bits},"implementation":"cpython","free_threaded":{free_threaded}'
    return f'#!/bin/sh\necho \'{said},"venv":true,"pip":true,"ensurepip":true}}\'\n'


USELESS = {
    "stub": "#!/bin/sh\nexit 69\n",
    "no python": "#!/bin/sh\necho hello\n",
    "too old": answer(version="[3,10,1]"),
    "32 bits": answer(bits=32),
    "free-threaded": answer(free_threaded="true"),
}


@pytest.mark.parametrize("text", USELESS.values(), ids=USELESS)
def test_what_cannot_serve_is_passed_over(tmp_path: Path, text: str) -> None:
    assert ask(executable(tmp_path / "python3", text), os.environ) is None


def test_an_answer_like_that_of_a_fitting_one_is_taken(tmp_path: Path) -> None:
    assert ask(executable(tmp_path / "python3", answer()), os.environ) == Python(Path("/x"), (3, 12, 1), "x", True, True)


def test_a_file_that_is_no_program_is_passed_over(tmp_path: Path) -> None:
    assert ask(tmp_path / "missing", os.environ) is None


def asking(usable: Mapping[str, Python]) -> Callable[[Path, Mapping[str, str], Stop], Python | None]:
    return lambda path, env, stopped: usable.get(path.name)


def test_the_best_one_in_the_path_is_taken(tmp_path: Path) -> None:
    for name in ("python3.11", "python3.12", "python3"):
        executable(tmp_path / name, "")
    usable = {name: Python(Path(name), (3, minor, 1), "x86_64") for name, minor in (("python3.11", 11), ("python3.12", 12))}
    assert find_python({"PATH": str(tmp_path)}, asking=asking(usable)).version == (3, 12, 1)


def test_one_with_pip_is_taken_where_pip_is_needed(tmp_path: Path) -> None:
    for name in ("python3.11", "python3.12"):
        executable(tmp_path / name, "")
    usable = {"python3.12": Python(Path("a"), (3, 12, 1), "x86_64", pip=False), "python3.11": Python(Path("b"), (3, 11, 2), "x86_64", pip=True)}
    assert find_python({"PATH": str(tmp_path)}, needs_pip=True, asking=asking(usable)).version == (3, 11, 2)


def test_the_users_choice_has_to_do_and_nothing_else_is_tried(tmp_path: Path) -> None:
    executable(tmp_path / "python3.12", "")
    usable = {"python3.12": Python(Path("a"), (3, 12, 1), "x86_64")}
    with pytest.raises(PluginError) as caught:
        find_python({"PATH": str(tmp_path), "E2A_PYTHON": "/opt/mine"}, asking=asking(usable))
    assert caught.value.code == "engine_install_failed"
    assert "/opt/mine" in caught.value.sentence()


def test_no_python_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(PluginError) as caught:
        find_python({"PATH": str(tmp_path), "HOME": str(tmp_path)}, asking=asking({}))
    assert "Python 3.11 to 3.14" in caught.value.sentence()


def test_apples_stub_is_never_run() -> None:
    assert not [path for path in candidates({"PATH": "/usr/bin:/bin"}, "darwin") if path.parent == Path("/usr/bin")]
