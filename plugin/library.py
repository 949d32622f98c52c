"""The book's library: which format is read, what is known of the book, and the one way our audiobook gets into it.

Takes `db.new_api` (thread safe; add_format copies under the write lock, so it is called from the job's thread). Never
replaces a format itself: whoever calls `add_audiobook` has the sidecar's word that the target may be written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .errors import PluginError
from .metadata import describe

FORMAT: Final = "M4B"
AUDIO_FORMATS: Final = frozenset({"M4B", "M4A", "MP3", "AAC", "OGG", "OGA", "OPUS", "FLAC", "WAV", "WMA", "AAX", "AA", "DAISY", "AUDIOBOOK"})


@dataclass(frozen=True)
class LibraryBook:
    """What the library knows: format that is to be read (upper case), metadata and cover for the bundle, its M4B's path.

    key: names the book among all libraries, fit for a file's name.
    """

    id: int
    key: str
    title: str
    format: str
    metadata: Mapping[str, Any]
    cover: bytes | None
    existing: Path | None


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
    )


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
        raise
    return path


def add_audiobook(api: Any, book_id: int, audiobook: Path) -> str:
    """Put the finished M4B into the library; gives its place there. No hooks: Calibre's import hooks may store another file as another format."""
    if not api.has_id(book_id):
        raise PluginError("no_such_book", book=book_id)
    try:
        added = api.add_format(book_id, FORMAT, str(audiobook), replace=True, run_hooks=False)
    except OSError as error:
        place = api.format_abspath(book_id, FORMAT) or str(audiobook)
        raise PluginError("output_unwritable", repr(error), path=str(place), reason=str(error.strerror or error)) from None
    if not added:
        raise PluginError("internal", "add_format refused")
    return str(api.format_abspath(book_id, FORMAT))


@contextmanager
def opened(folder: Path) -> Iterator[Any]:
    """The library in `folder`, for a while: `new_api`. PluginError `no_such_library`, `library_in_use`.

    Holds the lock that Calibre's own programs hold while they may write ('db'), so that neither they nor we start
    while the other works; keep it short.
    """
    from calibre.db.legacy import LibraryDatabase  # type: ignore[import-not-found]
    from calibre.utils.lock import SingleInstance  # type: ignore[import-not-found]

    if not (folder / "metadata.db").is_file():
        raise PluginError("no_such_library", path=str(folder))
    with SingleInstance("db") as alone:
        if not alone:
            raise PluginError("library_in_use")
        database = LibraryDatabase(str(folder))
        with closing(database):
            yield database.new_api
