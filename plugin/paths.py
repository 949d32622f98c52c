"""Where the engine, the voices, the clips and the cloned voices lie on the user's machine, and how much room is there. Of all that it writes the
pointer alone.

`E2A_ENGINE_DIR` and `E2A_CACHE_DIR` move the engine and the clips; else they are in the folder that the system gives for caches,
since all of it can be fetched or made again. Cloned voices cannot: they are the user's own, so they lie where the system keeps
programs' data (`E2A_CLONES_DIR` moves them), and nothing that removes, moves or repairs the engine touches them. A user who moved the
engine has a file in the cache folder that names its folder (`engine_move` writes it); it stands beside the engine's usual place, so that
command line and window read the same.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from .wording import N_

APP: Final = "convert-to-audiobook"
NOT_UTF8: Final = N_("its name is not written in UTF-8")
MOST_PATH: Final = 4000
MOST_NAME: Final = 255
"""Characters of a path, and bytes of a name in it, that a system takes."""


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
    if given:
        return Path(given).expanduser().absolute()
    return moved_to(pointer(env, platform)) or cache_home(env, platform)


def pointer(env: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """The file that names the engine's folder where it was moved."""
    return cache_home(env, platform) / "engine-folder.txt"


def moved_to(pointer: Path) -> Path | None:
    """The folder that the file names; None where there is no such file, or nothing in it that could be the path of a folder."""
    try:
        text = pointer.read_text(encoding="utf-8-sig", errors="surrogateescape").removesuffix("\n")
    except OSError:
        return None
    named = Path(text)
    fits = len(text) <= MOST_PATH and all(len(os.fsencode(part)) <= MOST_NAME for part in named.parts)
    return named if named.is_absolute() and "\0" not in text and fits else None


def point_at(pointer: Path, folder: Path) -> None:
    """Name the engine's folder in that file, all or nothing. Raises OSError."""
    pointer.parent.mkdir(parents=True, exist_ok=True)
    part = pointer.with_name(pointer.name + ".part")
    with open(part, "w", encoding="utf-8", errors="surrogateescape") as f:
        f.write(f"{folder}\n")
        f.flush()
        os.fsync(f.fileno())  # where the engine was is removed next
    part.replace(pointer)


def sync_folder(folder: Path) -> None:
    """So that a renaming in it outlasts a power cut, where the system can do that. It has been done: whatever fails here is no failure any more."""
    if sys.platform == "win32":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def clips_dir(env: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """The folder of spoken sentences."""
    env = os.environ if env is None else env
    given = env.get("E2A_CACHE_DIR", "")
    return Path(given).expanduser().absolute() if given else cache_home(env, platform) / "clips"


def clones_dir(env: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """The folder of the user's cloned voices."""
    env = os.environ if env is None else env
    given = env.get("E2A_CLONES_DIR", "")
    if given:
        return Path(given).expanduser().absolute()
    home = Path(env.get("USERPROFILE") or Path.home()) if platform == "win32" else Path(env.get("HOME") or Path.home())
    if platform == "win32":
        base = Path(env.get("APPDATA") or home / "AppData" / "Roaming")
    elif platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        data = env.get("XDG_DATA_HOME", "")
        base = Path(data) if data.startswith("/") else home / ".local" / "share"
    return base / APP / "clones"


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


def is_utf8(path: Path | str) -> bool:
    """Can it be said to other programs? The names of some old disks cannot."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def is_file(path: Path) -> bool:
    """Is it a file? No where one may not look, as on a drive that the system keeps from Calibre; there Path's own raises."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """The same of a folder."""
    return os.path.isdir(path)  # noqa: PTH112


def is_there(path: Path) -> bool:
    """The same of anything."""
    return os.path.exists(path)  # noqa: PTH110


def named(folder: Path, pattern: str) -> list[Path]:
    """What lies in a folder by such names, in order; nothing where one may not look."""
    with suppress(OSError):
        return sorted(folder.glob(pattern))
    return []


def drive_is_gone() -> bool:
    """Was the engine moved to a folder that is not there now?"""
    moved = None if os.environ.get("E2A_ENGINE_DIR") else moved_to(pointer())
    return moved is not None and not is_folder(moved)


def standing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    while not is_there(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def free_bytes(folder: Path) -> int:
    """At the folder, or where it would be made; -1 where nobody can say, as on a drive that is not connected."""
    try:
        return shutil.disk_usage(standing(folder)).free
    except OSError:
        return -1


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


def half_fetched(id: str) -> Path:
    """A voice, or what a converter needs, as long as it is not whole."""
    return downloads_dir() / f"voice-{id}"
