"""The book's library: which format is read, what is known of the book, and the one way our audiobook gets into it.

Takes `db.new_api` (thread safe; a long file takes its time to be copied, so it is called from the job's thread). Never
replaces a format itself: whoever calls `add_audiobook` has the sidecar's word that the target may be written.
"""

from __future__ import annotations

import dataclasses
import filecmp
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .. import paths
from ..errors import PluginError
from ..wording import N_, translate
from . import placing
from .export import check_readable
from .metadata import describe
from .unpack import CODE

FORMAT: Final = "M4B"
COPY: Final = "ORIGINAL_M4B"
AUDIOBOOK_OF: Final = "audiobook-of"
"""Identifier of a record that holds nothing but our audiobook of another book: that book's uuid."""
NAME_BYTES: Final = 180
"""Of a file's name; file systems allow 255, and what writes it needs a few for its own."""
_WAIT_MS: Final = 10_000
"""For another program's lock on the database; Calibre itself waits as long."""
AUDIO_FORMATS: Final = frozenset({"M4B", "M4A", "MP3", "AAC", "OGG", "OGA", "OPUS", "FLAC", "WAV", "WMA", "AAX", "AA", "DAISY", "AUDIOBOOK"})


FileState = tuple[int, int]
"""Size and time of the last change: another file, or the same one changed, has another."""


@dataclass(frozen=True)
class LibraryBook:
    """What the library knows: format that is to be read (upper case), metadata and cover for the bundle, its M4B's path.

    key: names the book among all libraries, fit for a file's name. existing_is: how that M4B was when it was looked at.
    noted: Calibre knows of it; a program that ended in the last step of adding one leaves a whole file that it does not.
    """

    id: int
    key: str
    title: str
    format: str
    metadata: Mapping[str, Any]
    cover: bytes | None
    existing: Path | None
    existing_is: FileState | None = None
    noted: bool = True


def look_up(api: Any, book_id: int, with_cover: bool = True) -> LibraryBook:
    """Of a book in a library; PluginError `no_such_book`, `no_usable_format`, `book_unreadable`, `library_unreadable`."""
    folder = Path(api.backend.library_path)
    if not paths.is_folder(folder):
        raise PluginError("library_unreadable", path=str(folder), reason=translate(N_("its folder is not there; perhaps its drive is not connected")))
    if not api.has_id(book_id):
        raise PluginError("no_such_book", book=book_id)
    mi = api.get_metadata(book_id)
    existing = placing.standing(api, book_id, FORMAT)
    return LibraryBook(
        id=book_id,
        key=key_of(api, book_id),
        title=str(mi.title or ""),
        format=_source_format(api, book_id, str(mi.title or "")),
        metadata=describe(mi),
        cover=api.cover(book_id) if with_cover else None,
        existing=existing,
        existing_is=_state(existing),
        noted=_is_noted(api, book_id, existing),
    )


def key_of(api: Any, book_id: int) -> str:
    """Names a book among all libraries."""
    return f"{api.backend.library_id}-{book_id}"


def book_of(api: Any, key: str) -> int | None:
    """The book of this library that has that key; None where it is another library's, or gone."""
    number = key.rpartition("-")[2]
    return int(number) if is_of(api, key) and number.isdecimal() and api.has_id(int(number)) else None


def is_of(api: Any, key: str) -> bool:
    """Is, or was, the book that has that key one of this library?"""
    return key.rpartition("-")[0] == str(api.backend.library_id)


def is_closed(api: Any) -> bool:
    """Was this library closed, since another one is shown? Then nothing can be asked of it."""
    return bool(getattr(api, "close_called", False)) or getattr(api, "backend", None) is None


def language_of(api: Any, book_id: int) -> str:
    """The first language of a book, as Calibre has it (ISO 639-2); empty where it names none."""
    return str(next(iter(api.field_for("languages", book_id) or ()), ""))


def _state(path: Path | None) -> FileState | None:
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _is_noted(api: Any, book_id: int, existing: Path | None) -> bool:
    return existing is None or bool(api.format_abspath(book_id, FORMAT))


def check_writable(api: Any) -> None:
    """May the audiobook be added at all? Asked before hours of work; PluginError `output_unwritable`."""
    folder = str(api.backend.library_path)
    for path in (folder, api.backend.dbpath):
        if not os.access(path, os.W_OK):
            raise PluginError("output_unwritable", path=folder, reason=translate(N_("you may not write to this library")))


def check_place(existing: Path | None, replaces: bool) -> None:
    """Can a file stand where this does? Also asked before that work. replaces: also in the place of what we did not make. PluginError `output_unwritable`."""
    if existing is None:
        return
    if replaces and paths.is_folder(existing):
        raise PluginError("output_unwritable", path=str(existing), reason=translate(N_("it is a folder")))
    if not paths.is_folder(Path(os.path.realpath(existing)).parent):
        raise PluginError("output_unwritable", path=str(existing), reason=translate(N_("it is a link to a place that is not there")))


def source_formats(api: Any, book_id: int, there: bool = True) -> list[str]:
    """The formats that can be read aloud, by the user's own order of input formats; sound is never a source, nor is a program. there: only those whose files
    are."""
    from calibre.ebooks.conversion.config import sort_formats_by_preference  # type: ignore[import-not-found]
    from calibre.ebooks.conversion.plumber import supported_input_formats  # type: ignore[import-not-found]
    from calibre.utils.config import prefs  # type: ignore[import-not-found]

    readable = {str(fmt).upper() for fmt in supported_input_formats()} - AUDIO_FORMATS - {fmt.upper() for fmt in CODE}
    known = api.formats(book_id) if there else api.formats(book_id, verify_formats=False)
    usable = sorted({str(fmt).upper() for fmt in known} & readable)
    return [str(fmt) for fmt in sort_formats_by_preference(usable, prefs["input_format_order"])]


def _source_format(api: Any, book_id: int, title: str) -> str:
    usable = source_formats(api, book_id)
    if not usable and (lost := source_formats(api, book_id, there=False)):
        raise PluginError("book_unreadable", reason=translate(N_("its file ({format}) is not where Calibre had put it")).format(format=lost[0]))
    if not usable:
        there = ", ".join(sorted({str(fmt).upper() for fmt in api.formats(book_id)}))
        raise PluginError("no_usable_format", title=title, formats=there or "–")
    return usable[0]


def copy_source(api: Any, book: LibraryBook, folder: Path) -> Path:
    """A copy of the format that is to be read, in the private `folder`. PluginError `book_removed`, `book_unreadable`, `output_unwritable`."""
    path, original = folder / f"book.{book.format.lower()}", api.format_abspath(book.id, book.format)
    if original:
        check_readable(Path(original))  # what fails after that is the copy
    try:
        api.copy_format_to(book.id, book.format, str(path))
    except Exception as error:
        if type(error).__name__ in ("NoSuchFormat", "NoSuchBook"):  # both went meanwhile; named alike in all versions
            raise PluginError("book_removed", str(error), title=book.title) from None
        if isinstance(error, OSError):
            raise PluginError("output_unwritable", repr(error), path=str(folder), reason=_why(error)) from None
        raise
    return path


def add_audiobook(api: Any, book: LibraryBook, audiobook: Path, replace: bool, stopped: Callable[[], bool]) -> str:
    """Put the finished M4B into the library; gives its place there. No hooks: Calibre's import hooks may store another file as another format.

    The sidecar has judged the M4B that was there at the beginning; what came in its place since then is not ours to
    replace, unless `replace` says so. Raises PluginError `book_removed`, `exists_foreign`, `disk_full`, `output_unwritable`; Stopped.
    """

    def may(there: Path | None) -> None:
        if not api.has_id(book.id):
            raise PluginError("book_removed", title=book.title)
        if there is not None and not replace and _state(there) != book.existing_is:
            raise PluginError("exists_foreign", "it came during the conversion", path=str(there))

    with _told(book.existing or Path(api.backend.library_path)):
        return str(placing.put(api, book.id, FORMAT, audiobook, may, stopped))


def note_audiobook(api: Any, book_id: int, audiobook: Path) -> None:
    """Calibre learns of an M4B that stands at the book already (`LibraryBook.noted`). PluginError `output_unwritable`."""
    with _told(audiobook):
        placing.note(api, book_id, FORMAT, audiobook)


def check_copy(api: Any, book: LibraryBook) -> bool:
    """Has the book's M4B its copy already? PluginError `copy_there` where ORIGINAL_M4B is a copy of something else."""
    copy, there = api.format_abspath(book.id, COPY), placing.standing(api, book.id, FORMAT)
    if not copy or there is None:
        return bool(copy)
    with _told(there):
        if not filecmp.cmp(copy, there, shallow=False):
            raise PluginError("copy_there", title=book.title)
    return True


def add_after_copy(api: Any, book: LibraryBook, audiobook: Path, stopped: Callable[[], bool]) -> str:
    """As `add_audiobook`, but the M4B that stands there now is kept as ORIGINAL_M4B, which Calibre can restore. Also `copy_there`."""
    standing = placing.standing(api, book.id, FORMAT)
    if standing is None:
        return add_audiobook(api, book, audiobook, False, stopped)
    as_it_is = dataclasses.replace(book, existing=standing, existing_is=_state(standing))  # only what was copied is replaced
    had_copy = check_copy(api, book)
    if not had_copy:
        _save_copy(api, book, standing, audiobook, stopped)
    try:
        return add_audiobook(api, as_it_is, audiobook, False, stopped)
    except BaseException:
        if not had_copy:
            _drop_copy(api, book)
        raise


def _save_copy(api: Any, book: LibraryBook, standing: Path, audiobook: Path, stopped: Callable[[], bool]) -> None:
    def may(there: Path | None) -> None:
        if there is not None and not filecmp.cmp(there, standing, shallow=False):
            raise PluginError("copy_there", title=book.title)

    with _told(standing):
        placing.check_room(Path(api.backend.library_path), standing.stat().st_size + audiobook.stat().st_size)
        placing.put(api, book.id, COPY, standing, may, stopped)


def _drop_copy(api: Any, book: LibraryBook) -> None:
    """Remove the copy if nothing is lost with it: the same stands as M4B, to the last byte."""
    copy, there = api.format_abspath(book.id, COPY), api.format_abspath(book.id, FORMAT)
    with suppress(Exception):  # it stays, and what went wrong before is what the user is told
        if copy and there and filecmp.cmp(copy, there, shallow=False):
            api.remove_formats({book.id: (COPY,)})


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What Calibre's database and the system refuse, as PluginError `output_unwritable`."""
    import apsw  # type: ignore[import-not-found]

    try:
        yield
    except (apsw.Error, OSError) as error:
        raise PluginError("output_unwritable", repr(error), path=str(path), reason=_why(error)) from None


def own_record(api: Any, book_id: int) -> int | None:
    """The record that was made for our audiobook of this book, beside one from elsewhere; None where there is none. Merging books and pasting details carry
    an identifier to others: what holds a text to be read is a book."""
    uuid = api.field_for("uuid", book_id)
    found = [book for book in api.books_for_field("identifiers", AUDIOBOOK_OF) if api.field_for("identifiers", book).get(AUDIOBOOK_OF) == uuid]
    return min((book for book in found if book != book_id and not source_formats(api, book)), default=None)


def original_of(api: Any, book_id: int) -> int | None:
    """The book whose audiobook this record was made for; None where it was made for none, or that book is gone."""
    uuid = (api.field_for("identifiers", book_id) or {}).get(AUDIOBOOK_OF)
    return None if not uuid or source_formats(api, book_id) else api.lookup_by_uuid(uuid)


def add_to_own_record(api: Any, book: LibraryBook, audiobook: Path, replace: bool, stopped: Callable[[], bool]) -> tuple[int, str]:
    """Put the finished M4B into a record of its own, made where there is none yet; gives the record and the M4B's place. Raises as `add_audiobook`."""
    if not api.has_id(book.id):
        raise PluginError("book_removed", title=book.title)
    record = own_record(api, book.id)
    made = record is None
    if record is None:
        mi = api.get_metadata(book.id, get_cover=True, cover_as_data=True)
        mi.title = translate(N_("{title} (audiobook)")).format(title=mi.title)
        mi.set_identifiers({AUDIOBOOK_OF: api.field_for("uuid", book.id)})
        with _told(Path(api.backend.library_path)):
            record = int(api.create_book_entry(mi))
    try:
        return record, add_audiobook(api, _target(api, book, record), audiobook, replace, stopped)
    except BaseException:
        if made and not api.formats(record):
            api.remove_books((record,), permanent=True)
        raise


def at_own_record(api: Any, book: LibraryBook) -> LibraryBook:
    """The same book, but its M4B is the one of its own record, if there is one."""
    record = own_record(api, book.id)
    there = None if record is None else placing.standing(api, record, FORMAT)
    return dataclasses.replace(book, existing=there, existing_is=_state(there), noted=record is None or _is_noted(api, record, there))


def _target(api: Any, book: LibraryBook, record: int) -> LibraryBook:
    """The record as the place for the audiobook: what stands in it is what was looked at before."""
    return dataclasses.replace(at_own_record(api, book), id=record, existing_is=book.existing_is)


def is_as_told(api: Any, book: LibraryBook) -> bool:
    """Are its title, cover and other details still those of the time when it was looked up? True where it is gone."""
    return not api.has_id(book.id) or (describe(api.get_metadata(book.id)), api.cover(book.id)) == (book.metadata, book.cover)


def place_in(folder: Path, book: LibraryBook, taken: Callable[[Path], bool]) -> Path:
    """Where a new audiobook goes in a folder of the user's: `Title - Author.m4b`; where something stands there already, or it is `taken` all the same,
    `Title - Author (12).m4b`, which is no other book's of the library. The name fits any file system."""
    from calibre.utils.filenames import sanitize_file_name  # type: ignore[import-not-found]

    author = next(iter(book.metadata.get("authors") or ()), "")
    stem = " - ".join(part for part in (book.title, str(author)) if part).encode("utf-8", "replace")[:NAME_BYTES].decode("utf-8", "ignore")
    plain, numbered = (folder / f"{sanitize_file_name(name)}.m4b" for name in (stem.strip() or "audiobook", f"{stem.strip() or 'audiobook'} ({book.id})"))
    return numbered if os.path.lexists(plain) or taken(plain) else plain


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or str(error).rpartition("Error: ")[2])  # apsw's texts begin with the error's name


@contextmanager
def opened(folder: Path) -> Iterator[Any]:
    """The library in `folder`, for a while: `new_api`. PluginError `no_such_library`, `library_in_use`,
    `library_unreadable`.

    Holds the lock that Calibre's own programs hold while they may write ('db'), so that neither they nor we start
    while the other works; keep it short.
    """
    import apsw
    from calibre.db.legacy import LibraryDatabase  # type: ignore[import-not-found]
    from calibre.utils.lock import SingleInstance  # type: ignore[import-not-found]

    if not paths.is_file(folder / "metadata.db"):
        raise PluginError("no_such_library", path=str(folder))
    with SingleInstance("db") as alone:
        if not alone:
            raise PluginError("library_in_use")
        try:
            with closing(apsw.Connection(str(folder / "metadata.db"), flags=apsw.SQLITE_OPEN_READWRITE)) as looked_at:  # may roll back what a crash left
                looked_at.setbusytimeout(_WAIT_MS)
                looked_at.execute("SELECT count(*) FROM sqlite_master").fetchone()  # some builds of Calibre 9 end in C where this fails
            database = LibraryDatabase(str(folder))
        except (apsw.Error, OSError) as error:  # not a database, damaged, read-only: Calibre writes as it opens
            raise PluginError("library_unreadable", repr(error), path=str(folder), reason=_why(error)) from None
        except UnicodeEncodeError:
            raise PluginError("library_unreadable", path=str(folder), reason=translate(paths.NOT_UTF8)) from None
        with closing(database):
            yield database.new_api
