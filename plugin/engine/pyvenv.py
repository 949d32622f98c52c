"""How an environment names the Python that it was made with: by its place, in `pyvenv.cfg` and in links. Nothing of Calibre here."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Final

from ..commands import Stop
from ..errors import Stopped

CONFIG: Final = "pyvenv.cfg"


def base_is_there(folder: Path, platform: str = sys.platform) -> bool:
    """Is the Python still there that the environment at `folder` was made with? Told of Windows alone, where the environment's own python.exe stays
    when that one is uninstalled; elsewhere it is a link."""
    if platform != "win32":
        return True
    with suppress(OSError, ValueError):
        for line in (folder / CONFIG).read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            if name.strip() == "home":
                return os.path.lexists(Path(value.strip()) / "python.exe")  # the Store's is no file that could be opened
    return True


def moved(path: str, olds: Sequence[PurePath], new: PurePath) -> str:
    """The same place below `new`, for a path in one of `olds`; else the path as it is."""
    named = type(new)(path.removeprefix("\\\\?\\"))
    for old in olds if ".." not in named.parts else ():
        if named.is_relative_to(old):
            return str(new / named.relative_to(old))
    return path


def config_moved(text: str, olds: Sequence[PurePath], new: PurePath) -> str:
    """A `pyvenv.cfg` that names what was in one of `olds` by its place below `new`."""
    rows = [line.partition("=") for line in text.split("\n")]
    return "\n".join(f"{name.rstrip()} = {moved(value.strip(), olds, new)}" if equals else name for name, equals, value in rows)


def repoint(folder: Path, old: Path, new: Path, stays: Sequence[str], stopped: Stop) -> None:
    """In what was copied from `old` to `new`, of which `folder` is a part: links and environments name what came along by its new place.
    A link to what stays behind (names in `old`) becomes what it names. Raises OSError; `Stopped`."""
    olds = (old, Path(os.path.realpath(old)))
    for link in _links(folder, stopped):
        named = str(link.readlink())
        to = Path(moved(named, olds, new))
        if str(to) == named or not to.is_absolute():
            continue
        behind = to.relative_to(new).parts[:1] in [(name,) for name in stays]
        if behind and not os.path.exists(named):  # noqa: PTH110
            continue
        link.unlink()
        if not behind:
            link.symlink_to(to, target_is_directory=to.is_dir())
        elif os.path.isdir(named):  # noqa: PTH112
            shutil.copytree(named, link)
        else:
            shutil.copy2(named, link)
    for config in folder.glob(f"*/{CONFIG}"):
        text = config.read_text(encoding="utf-8", errors="surrogateescape")
        config.write_text(config_moved(text, olds, new), encoding="utf-8", errors="surrogateescape")


def _links(folder: Path, stopped: Stop) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        if stopped():
            raise Stopped
        for name in (*folders, *names):
            path = f"{parent}{os.sep}{name}"
            if os.path.islink(path):  # noqa: PTH114
                yield Path(path)
