"""Where the engine and the clips lie, by table."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from plugin import paths
from plugin.converting import report
from plugin.engine import engine_care, pythons, runtime
from plugin.resources import from_folder
from plugin.speaking import clones, voices

ROOT = Path(__file__).resolve().parents[2]

TABLE = [
    ("linux", {"HOME": "/home/u"}, "/home/u/.cache/convert-to-audiobook"),
    ("linux", {"HOME": "/home/u", "XDG_CACHE_HOME": "/data/cache"}, "/data/cache/convert-to-audiobook"),
    ("linux", {"HOME": "/home/u", "XDG_CACHE_HOME": "relative"}, "/home/u/.cache/convert-to-audiobook"),
    ("darwin", {"HOME": "/Users/u", "XDG_CACHE_HOME": "/data/cache"}, "/Users/u/Library/Caches/convert-to-audiobook"),
    ("win32", {"USERPROFILE": "/Users/u", "LOCALAPPDATA": "/Users/u/AppData/Local"}, "/Users/u/AppData/Local/convert-to-audiobook"),
]


@pytest.mark.parametrize(("platform", "env", "folder"), TABLE)
def test_the_engine_lies_in_the_users_cache(platform: str, env: dict[str, str], folder: str) -> None:
    assert paths.engine_dir(env, platform) == Path(folder)
    assert paths.clips_dir(env, platform) == Path(folder) / "clips"


def test_variables_move_engine_and_clips_each_for_itself() -> None:
    env = {"HOME": "/home/u", "E2A_ENGINE_DIR": "/big/engine", "E2A_CACHE_DIR": "/big/clips"}
    assert paths.engine_dir(env, "linux") == Path("/big/engine")
    assert paths.clips_dir(env, "linux") == Path("/big/clips")
    assert paths.clips_dir({"HOME": "/home/u", "E2A_ENGINE_DIR": "/big/engine"}, "linux") == Path("/home/u/.cache/convert-to-audiobook/clips")


def test_an_engine_that_was_moved_is_found_unless_a_variable_says_otherwise(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path)}
    usual = paths.engine_dir(env, "linux")
    paths.pointer(env, "linux").parent.mkdir(parents=True)
    paths.pointer(env, "linux").write_text(f"{tmp_path / 'disk'}\n")
    assert paths.engine_dir(env, "linux") == tmp_path / "disk" and paths.clips_dir(env, "linux") == usual / "clips"
    assert paths.engine_dir({**env, "E2A_ENGINE_DIR": "/big"}, "linux") == Path("/big")
    for nonsense in (b"", b"relative/folder", b"\xff\xfe", b"\0", b"/" + b"x" * 300, b"/x" * 3000):
        paths.pointer(env, "linux").write_bytes(nonsense)
        assert paths.engine_dir(env, "linux") == usual


def resources(name: str) -> bytes:
    """The checkout's, with a wheel of the sidecar that is known by its hash alone."""
    if name == "plugin/wheels/index.json":
        return json.dumps({"name": "e2a_sidecar.whl", "sha256": "ab" * 32}).encode()
    return from_folder(ROOT)(name)


@pytest.mark.parametrize("how", ["closed", "no name that a system takes", "a link that leads to itself", "a file"])
def test_where_one_may_not_look_there_is_nothing_and_nothing_is_raised(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / ("x" * 300 if how == "no name that a system takes" else "place")
    if how == "closed":
        if getattr(os, "geteuid", lambda: 0)() == 0:
            pytest.skip("may look everywhere")
        place.mkdir(mode=0)
    elif how == "a link that leads to itself":
        place.symlink_to(place)
    elif how == "a file":
        place.write_text("x")
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA", "APPDATA", "USERPROFILE", "E2A_ENGINE_DIR", "E2A_CACHE_DIR", "E2A_CLONES_DIR"):
        monkeypatch.setenv(name, str(place))
    assert runtime.find_layer("core", resources) is None and not runtime.is_outdated("core", resources)
    assert {layer.state for layer in engine_care.state(resources).layers} == {"missing"} and not engine_care.begun_bytes(["x"])
    assert voices.bytes_on_disk("en_US-joe-medium") == 0 and voices.for_language("en", resources) == ("heart", None)
    assert not clones.all_of_them() and report.latest_for("lib-1") is None and not list(report.all_but("lib-1"))
    assert not [path for path in pythons.candidates({"PATH": str(place), "HOME": str(place)}, "linux") if path.is_relative_to(place)]
