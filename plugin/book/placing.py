"""A finished file becomes a format of a book in one step: whatever fails, what stood there stays whole, and nothing half stands anywhere.

Calibre's own `add_format` opens what stands there and writes over it. So the file is copied to a hidden one in the
library first, then renamed to where the format stands, and then `add_format` is given a stream that is named like that
place: Calibre (6.13 to 9) compares the two, copies nothing, and notes name and size. The lock under which nobody else
can read the library is held for that moment alone, and not while a long file goes to a slow disk.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..errors import PluginError, Stopped
from ..paths import is_file, sync_folder

log = logging.getLogger(__name__)

PREFIX: Final = ".convert-to-audiobook-"
STALE_S: Final = 3600.0
"""A hidden file that nobody has written to for so long was left by a program that ended."""
PIECE: Final = 1 << 20
"""Bytes that are copied between two questions whether to stop."""
RETRIES: Final = 8
_CANNOT_SYNC: Final = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
"""What file systems say that have no such thing."""


def standing(api: Any, book_id: int, fmt: str) -> Path | None:
    """The file of a format. Also one that Calibre does not know of, but would write over: left by hand, or by a program that ended in the last step."""
    known = api.format_abspath(book_id, fmt)
    place = Path(known) if known else _destination(api, book_id, fmt)
    return place if place is not None and os.path.lexists(place) else None


def put(api: Any, book_id: int, fmt: str, file: Path, may: Callable[[Path | None], None], stopped: Callable[[], bool]) -> Path:
    """Copy `file` to where the format `fmt` of the book stands, or will; gives that place.

    may: called with what stands there, before anything is copied and again when nobody else can change the library any
    more; raises where that must not be replaced. Raises what it does, PluginError `disk_full`, OSError, apsw.Error,
    Stopped: then nothing has changed.
    """
    if not is_file(Path(api.backend.dbpath)):  # its drive is gone: nothing is put into the place where it is to be connected
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    may(standing(api, book_id, fmt))
    with _hidden(api, book_id, fmt, file) as part:
        _copied(file, part, stopped)
        for attempt in range(RETRIES):
            try:
                with api.write_lock:
                    place = _put(api, book_id, fmt, file, part, may)
            except PermissionError:  # Windows: a player, a virus scanner or an indexer holds it open, perhaps for a moment
                if sys.platform != "win32" or attempt == RETRIES - 1:
                    raise
                time.sleep(0.1 * (attempt + 1))
            else:
                break
    sync_folder(place.parent)
    return place


def note(api: Any, book_id: int, fmt: str, file: Path) -> None:
    """Tell Calibre of a format's file that stands in its place already."""
    with api.write_lock:
        _noted(api, book_id, fmt, file, file)


def _put(api: Any, book_id: int, fmt: str, file: Path, part: Path, may: Callable[[Path | None], None]) -> Path:
    known, there, new = api.format_abspath(book_id, fmt), standing(api, book_id, fmt), _destination(api, book_id, fmt)
    may(there)
    if new is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    place = there or new
    place.parent.mkdir(parents=True, exist_ok=True)
    part.replace(_real(place))
    try:
        _noted(api, book_id, fmt, file, new)
    except Exception as error:
        if known:  # Calibre knows of it: that it has the former one's size there undoes nothing
            log.warning("the size of a replaced format could not be noted: %s", type(error).__name__)
            return Path(api.format_abspath(book_id, fmt) or place)
        with suppress(Exception):  # its tables in memory may have it already
            api.remove_formats({book_id: (fmt,)}, db_only=True)
        if there is None:
            place.unlink(missing_ok=True)
        raise
    found = Path(api.format_abspath(book_id, fmt) or place)
    if there is None and found != place and not found.samefile(place):
        place.unlink()
    return found


def _noted(api: Any, book_id: int, fmt: str, file: Path, place: Path) -> None:
    """place: where Calibre will look for it; it renames what has another name by now. Should it look elsewhere all the same, it copies `file` there."""
    with io.FileIO(file) as stream:
        stream.name = str(place)
        api.add_format(book_id, fmt, stream, replace=True, run_hooks=False)


def _destination(api: Any, book_id: int, fmt: str) -> Path | None:
    """Where Calibre would put a new file of that format, as its `Cache._do_add_format` reckons; None where there is no such book."""
    folder = api.field_for("path", book_id)
    if not folder:
        return None
    author = next(iter(api.field_for("authors", book_id) or ()), "Unknown")
    extension = f".{fmt.lower()}"
    name = api.backend.construct_file_name(book_id, api.field_for("title", book_id) or "Unknown", author, len(extension))
    return Path(api.backend.library_path, *folder.split("/"), name + extension)


def _real(place: Path) -> Path:
    """Where a link leads to; else the place as it is named, since Windows knows a drive by other names, too."""
    return Path(os.path.realpath(place)) if place.is_symlink() else place


@contextmanager
def _hidden(api: Any, book_id: int, fmt: str, file: Path) -> Iterator[Path]:
    """A name for the copy of `file`: in the library's own folder, so that no edit of the book's title moves it meanwhile, if it can be renamed from there."""
    library, place = Path(api.backend.library_path), standing(api, book_id, fmt) or _destination(api, book_id, fmt)
    near = library if place is None else _real(place).parent
    folder = library if not near.is_dir() or near.stat().st_dev == library.stat().st_dev else near
    for old in folder.glob(f"{PREFIX}*.part"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > STALE_S:
                old.unlink()
    check_room(folder, file.stat().st_size)
    part = folder / f"{PREFIX}{uuid.uuid4().hex}.part"
    try:
        yield part
    finally:
        with suppress(OSError):  # the next one sweeps it
            part.unlink(missing_ok=True)


def check_room(folder: Path, need: int) -> None:
    """PluginError `disk_full` where fewer than `need` bytes are free; where nobody says how many are, it is tried."""
    with suppress(OSError):
        free = shutil.disk_usage(folder).free
        if need > free:
            raise PluginError("disk_full", path=str(folder), need_mb=-(-need // 10**6), have_mb=free // 10**6)


def _copied(file: Path, part: Path, stopped: Callable[[], bool]) -> None:
    with open(file, "rb") as source, open(part, "xb") as out:
        while piece := source.read(PIECE):
            if stopped():
                raise Stopped
            out.write(piece)
        out.flush()
        _sync(out)


def _sync(file: BinaryIO) -> None:
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
