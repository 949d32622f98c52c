"""Folders for the time of one conversion: private, and gone afterwards whatever happens, hostile books' deep trees too."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from .. import paths
from ..errors import PluginError

ABANDONED_S: Final = 2 * 24 * 3600.0


@contextmanager
def private_folder() -> Iterator[Path]:
    """For the book's copy and the bundle: mode 0700. PluginError `output_unwritable` where there is no room for one."""
    try:
        from calibre.ptempfile import base_dir  # type: ignore[import-not-found]  # minds CALIBRE_TEMP_DIR; emptied when Calibre ends

        parent = Path(base_dir())
    except ImportError:
        parent = Path(tempfile.gettempdir())
    yield from _for_a_while(parent, "audiobook-")


@contextmanager
def work_folder() -> Iterator[Path]:
    """For an audiobook on its way into a library: on the disk of the cache, since a folder for temporary files may be memory."""
    parent = paths.cache_home() / "work"
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(parent, error) from None
    _sweep(parent)
    yield from _for_a_while(parent, "")


def _for_a_while(parent: Path, prefix: str) -> Iterator[Path]:
    try:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    except OSError as error:
        raise _unwritable(parent, error) from None
    try:
        yield folder
    finally:
        remove(folder)


def _unwritable(folder: Path, error: OSError) -> PluginError:
    return PluginError("output_unwritable", repr(error), path=str(folder), reason=str(error.strerror or error))


def _sweep(parent: Path) -> None:
    """Remove what a killed Calibre left: nothing in it was written to for two days. Others may be tidying up at the same time."""
    with suppress(OSError):
        for folder in list(parent.iterdir()):
            with suppress(OSError):
                newest = max(path.stat().st_mtime for path in (folder, *folder.glob("*")))
                if newest < time.time() - ABANDONED_S:
                    remove(folder)


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
