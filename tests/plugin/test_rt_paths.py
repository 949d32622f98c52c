"""Where the engine and the clips lie, by table."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin import paths

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
    for nonsense in (b"", b"relative/folder", b"\xff\xfe", b"\0"):
        paths.pointer(env, "linux").write_bytes(nonsense)
        assert paths.engine_dir(env, "linux") == usual
