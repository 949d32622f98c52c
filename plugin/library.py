"""The book's library: which format is read, what is known of the book, and the one way our audiobook gets into it.

Takes `db.new_api` (thread safe; add_format copies under the write lock, so it is called from the job's thread). Never
replaces a format itself: whoever calls `add_audiobook` has the sidecar's word that the target may be written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .errors import N_, PluginError, translate
from .metadata import describe

FORMAT: Final = "M4B"
AUDIO_FORMATS: Final = frozenset({"M4B", "M4A", "MP3", "AAC", "OGG", "OGA", "OPUS", "FLAC", "WAV", "WMA", "AAX", "AA", "DAISY", "AUDIOBOOK"})


FileState = tuple[int, int]
"""Size and time of the last change: another file, or the same one changed, has another."""


@dataclass(frozen=True)
class LibraryBook:
    """What the library knows: format that is to be read (upper case), metadata and cover for the bundle, its M4B's path.

    key: names the book among all libraries, fit for a file's name. existing_is: how that M4B was when it was looked at.
    """

    id: int
    key: str
    title: str
    format: str
    metadata: Mapping[str, Any]
    cover: bytes | None
    existing: Path | None
    existing_is: FileState | None = None


def look_up(api: Any, book_id: int) -> LibraryBook:
    """Of a book in a library; PluginError `no_such_book`, `no_usable_format`."""
    if not api.has_id(book_id):
        raise PluginError("no_such_book", book=book_id)
    mi = api.get_metadata(book_id)
    existing = api.format_abspath(book_id, FORMAT)
    return LibraryBook(
        id=book_id,
        key=f"{api.backend.library_id}-{book_id}",
        title=str(mi.title or ""),
        format=_source_format(api, book_id, str(mi.title or "")),
        metadata=describe(mi),
        cover=api.cover(book_id),
        existing=Path(existing) if existing else None,
        existing_is=_state(existing),
    )


def _state(path: str | None) -> FileState | None:
    if not path:
        return None
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def check_writable(api: Any) -> None:
    """May the audiobook be added at all? Asked before hours of work; PluginError `output_unwritable`."""
    folder = str(api.backend.library_path)
    for path in (folder, api.backend.dbpath):
        if not os.access(path, os.W_OK):
            raise PluginError("output_unwritable", path=folder, reason=translate(N_("you may not write to this library")))


def _source_format(api: Any, book_id: int, title: str) -> str:
    """The first readable format by the user's own order of input formats; sound is never a source."""
    from calibre.ebooks.conversion.config import sort_formats_by_preference  # type: ignore[import-not-found]
    from calibre.ebooks.conversion.plumber import supported_input_formats  # type: ignore[import-not-found]
    from calibre.utils.config import prefs  # type: ignore[import-not-found]

    there = sorted({str(fmt).upper() for fmt in api.formats(book_id)})
    readable = {str(fmt).upper() for fmt in supported_input_formats()} - AUDIO_FORMATS
    usable = [fmt for fmt in there if fmt in readable]
    if not usable:
        raise PluginError("no_usable_format", title=title, formats=", ".join(there) or "–")
    return str(sort_formats_by_preference(usable, prefs["input_format_order"])[0])


def copy_source(api: Any, book: LibraryBook, folder: Path) -> Path:
    """A copy of the format that is to be read, in the private `folder`."""
    path = folder / f"book.{book.format.lower()}"
    try:
        api.copy_format_to(book.id, book.format, str(path))
    except Exception as error:
        if type(error).__name__ in ("NoSuchFormat", "NoSuchBook"):  # both went meanwhile; named alike in all versions
            raise PluginError("no_such_book", str(error), book=book.id) from None
        if isinstance(error, OSError):
            raise PluginError("output_unwritable", repr(error), path=str(folder), reason=_why(error)) from None
        raise
    return path


def add_audiobook(api: Any, book: LibraryBook, audiobook: Path, replace: bool) -> str:
    """Put the finished M4B into the library; gives its place there. No hooks: Calibre's import hooks may store another file as another format.

    The sidecar has judged the M4B that was there at the beginning; what came in its place since then is not ours to
    replace, unless `replace` says so. Raises PluginError `no_such_book`, `exists_foreign`, `output_unwritable`.
    """
    if not api.has_id(book.id):
        raise PluginError("no_such_book", book=book.id)
    place = api.format_abspath(book.id, FORMAT)
    if place and not replace and _state(place) != book.existing_is:
        raise PluginError("exists_foreign", "it came during the conversion", path=str(place))
    import apsw  # type: ignore[import-not-found]

    try:
        added = api.add_format(book.id, FORMAT, str(audiobook), replace=bool(place), run_hooks=False)
    except (apsw.Error, OSError) as error:
        raise PluginError("output_unwritable", repr(error), path=str(place or audiobook), reason=_why(error)) from None
    if not added:
        raise PluginError("exists_foreign", "it came while ours was being added", path=str(api.format_abspath(book.id, FORMAT)))
    return str(api.format_abspath(book.id, FORMAT))


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or str(error).rpartition("Error: ")[2])  # apsw's texts begin with the error's name


@contextmanager
def opened(folder: Path) -> Iterator[Any]:
    """The library in `folder`, for a while: `new_api`. PluginError `no_such_library`, `library_in_use`,
    `library_unreadable`.

    Holds the lock that Calibre's own programs hold while they may write ('db'), so that neither they nor we start
    while the other works; keep it short.
    """
    import apsw  # type: ignore[import-not-found]
    from calibre.db.legacy import LibraryDatabase  # type: ignore[import-not-found]
    from calibre.utils.lock import SingleInstance  # type: ignore[import-not-found]

    if not os.path.isfile(folder / "metadata.db"):  # noqa: PTH113  (Path's raises where the folder may not be looked into)
        raise PluginError("no_such_library", path=str(folder))
    with SingleInstance("db") as alone:
        if not alone:
            raise PluginError("library_in_use")
        try:
            database = LibraryDatabase(str(folder))
        except (apsw.Error, OSError) as error:  # not a database, damaged, read-only: Calibre writes as it opens
            raise PluginError("library_unreadable", repr(error), path=str(folder), reason=_why(error)) from None
        with closing(database):
            yield database.new_api
