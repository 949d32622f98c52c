"""Where the engine, the voices and the clips lie on the user's machine. Knows names only: it makes and removes nothing.

`E2A_ENGINE_DIR` and `E2A_CACHE_DIR` move them; else they are in the folder that the system gives for caches, since all
of it can be fetched or made again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

APP: Final = "convert-to-audiobook"


def cache_home(env: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """The user's cache folder for this program."""
    env = os.environ if env is None else env
    home = Path(env.get("USERPROFILE") or Path.home()) if platform == "win32" else Path(env.get("HOME") or Path.home())
    if platform == "win32":
        base = Path(env.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        given = env.get("XDG_CACHE_HOME", "")
        # The XDG specification says that a relative path there is to be ignored.
        base = Path(given) if given.startswith("/") else home / ".cache"
    return base / APP


def engine_dir(env: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """The folder of layers, voices and tools."""
    env = os.environ if env is None else env
    given = env.get("E2A_ENGINE_DIR", "")
    return Path(given).expanduser().absolute() if given else cache_home(env, platform)


def clips_dir(env: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """The folder of spoken sentences."""
    env = os.environ if env is None else env
    given = env.get("E2A_CACHE_DIR", "")
    return Path(given).expanduser().absolute() if given else cache_home(env, platform) / "clips"


def given(path: Path) -> Path:
    """A path as the user typed it, made absolute: `~` is a home where there is such a user, else a name like others."""
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        return path.absolute()


def same(one: Path, other: Path) -> bool:
    """Are these one file, by whatever names and links?"""
    with suppress(OSError, RuntimeError, ValueError):  # not there; links that go round
        return one.resolve() == other.resolve() or one.samefile(other)
    return False


def layers_dir() -> Path:
    """`<name>-<key>/` for each installed layer."""
    return engine_dir() / "layers"


def voices_dir() -> Path:
    """`<id>/` for each fetched voice."""
    return engine_dir() / "voices"


def tools_dir() -> Path:
    """Programs that installing needs and the machine lacks (uv)."""
    return engine_dir() / "tools"


def downloads_dir() -> Path:
    """What is half fetched, and uv's cache."""
    return engine_dir() / "downloads"
