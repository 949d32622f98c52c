"""Folders for a while: private, and gone afterwards whatever happens, hostile books' deep trees too.

Each holds a file with a lock as long as it is used. What a program left that was killed has none that anybody holds; the next one removes it.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

from .. import paths
from ..errors import PluginError
from ..file_lock import lock
from ..wording import translate

ABANDONED_S: Final = 2 * 24 * 3600.0
"""Where no lock can tell."""
BEGUN_S: Final = 60.0
"""In which a folder gets its lock."""
_PREFIX: Final = "audiobook-"
_HELD: Final = ".held"


@contextmanager
def private_folder() -> Iterator[Path]:
    """For the book's copy and the bundle: mode 0700. PluginError `output_unwritable` where there is no room for one."""
    try:
        from calibre.ptempfile import base_dir  # type: ignore[import-not-found]  # minds CALIBRE_TEMP_DIR; emptied when Calibre ends

        try:
            parent = Path(base_dir())
        except OSError as error:
            raise _unwritable(Path(tempfile.gettempdir()), error) from None
        _sweep_once(parent.parent, f"calibre[-_]*/{_PREFIX}*")  # each Calibre has a folder of its own; an old one leaves it when it is killed
    except ImportError:
        parent = Path(tempfile.gettempdir())
        _sweep_once(parent, f"{_PREFIX}*")
    yield from _for_a_while(parent, _PREFIX)


@contextmanager
def work_folder() -> Iterator[Path]:
    """For an audiobook on its way into a library: on the disk of the cache, since a folder for temporary files may be memory."""
    parent = paths.cache_home() / "work"
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(parent, error) from None
    _sweep(parent, "*")
    yield from _for_a_while(parent, "")


def _for_a_while(parent: Path, prefix: str) -> Iterator[Path]:
    if not paths.is_utf8(parent):
        raise PluginError("output_unwritable", path=str(parent), reason=translate(paths.NOT_UTF8))
    try:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    except OSError as error:
        raise _unwritable(parent, error) from None
    with ExitStack() as ends:
        ends.callback(remove, folder)
        try:
            held = ends.enter_context(open(folder / _HELD, "xb"))  # Windows removes no open file: it is closed first
        except OSError as error:
            raise _unwritable(parent, error) from None
        lock(held.fileno())
        yield folder


def _unwritable(folder: Path, error: OSError) -> PluginError:
    return PluginError("output_unwritable", repr(error), path=str(folder), reason=str(error.strerror or error))


@cache
def _sweep_once(parent: Path, pattern: str) -> None:
    _sweep(parent, pattern)


def _sweep(parent: Path, pattern: str) -> None:
    """Remove what a killed program of this user left. Others may be tidying up at the same time."""
    with suppress(OSError):
        for folder in list(parent.glob(pattern)):
            way = (folder, *folder.parents)[: len(folder.relative_to(parent).parts)]
            with suppress(OSError):
                if all(map(_own, way)) and _abandoned(folder):
                    remove(folder)


def _own(folder: Path) -> bool:
    """Is it this user's, and no link? Anybody may put one into a folder for temporary files."""
    about = folder.lstat()
    return stat.S_ISDIR(about.st_mode) and (sys.platform == "win32" or about.st_uid == os.getuid())


def _abandoned(folder: Path) -> bool:
    """Does nobody use it any more?"""
    newest = max(path.stat().st_mtime for path in (folder, *folder.glob("*")))
    with suppress(FileNotFoundError), open(folder / _HELD, "r+b") as f:
        free = lock(f.fileno())
        if free is not None:
            return free and newest < time.time() - BEGUN_S
    return newest < time.time() - ABANDONED_S


def remove(folder: Path) -> None:
    """A whole tree, link by link and not through links; what cannot be removed stays. Not by recursion: a book decides how deep it is."""
    found = [str(folder)]
    for place in found:
        with suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    found.append(entry.path)
                else:
                    with suppress(OSError):
                        os.unlink(entry.path)  # noqa: PTH108
    for place in reversed(found):
        with suppress(OSError):
            os.rmdir(place)  # noqa: PTH106
