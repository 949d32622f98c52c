"""The books of which something was spoken and that are not finished: by which voice, how fast and how much, so that they go on so. And those that only
waited when they were stopped or Calibre was closed: what was chosen for them, if somebody chose.

What has become usual since changes nothing: only who chooses another voice or speed for such a book begins it anew. A small file beside the clips, which
this process alone writes: it is read once. What makes no sense in it is as if it were not there; a file that makes none at all is put aside.

Of a book: `open` while it runs or waits in this Calibre; `untold` from when an earlier one ended meanwhile, or its library was switched, until the user was
asked about it and has answered, or has started it; `waits` where what was chosen for it is kept though nothing is spoken; `former`, how it was spoken
before it was queued anew.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from .. import paths, prefs
from ..wording import percents

log = logging.getLogger(__name__)

MOST: Final = 5000
"""Books that are remembered; of more, the last."""
MOST_TITLE: Final = 200
"""Characters of a title that are kept."""
MOST_BYTES: Final = 1 << 24
TOLD: Final = 0.05
"""Of a book: so much more of it is spoken each time that the file is written."""
_TEXTS: Final = ("voice", "title", "name", "foreign", "folder")
_FLAGS: Final = ("chosen", "open", "spoken", "waits", "untold")
_NUMBERS: Final[Mapping[str, tuple[float, float]]] = {"speed": prefs.SPEED, "share": (0.0, 1.0)}
"""What is noted of a book, besides `former`."""
Books = dict[str, dict[str, Any]]
_known: tuple[Path | None, Books] = (None, {})
_lock = threading.RLock()


@dataclass(frozen=True)
class Queued:
    """voice: the id of whom will be heard; speed: times the voice's own. name: the voice's, in words. chosen: in a window, and not by what is usual?
    foreign: where it goes beside an audiobook from elsewhere, where that was chosen for it in a window: "record" or "folder", else "". folder: which."""

    voice: str
    title: str
    speed: float = 1.0
    name: str = ""
    chosen: bool = False
    foreign: str = ""
    folder: str = ""


PLACES: Final = ("record", "folder")
"""Where an audiobook goes that has one from elsewhere beside it; what is replaced is asked about each time."""


@dataclass(frozen=True)
class Begun:
    """voice, speed: in which a part of a book is spoken. share: of its sentences, 0 where nobody knows. here: can that voice speak now? to_come: can it
    once something is downloaded? other_speed: than the usual one of today. name: the voice's, as it was called then; may be empty. waits: so somebody
    had chosen that it be spoken, and nothing of it is. foreign, folder: where it was to go beside an audiobook from elsewhere, as for `Queued`."""

    voice: str
    speed: float = 1.0
    share: float = 0.0
    here: bool = True
    other_speed: bool = False
    name: str = ""
    to_come: bool = False
    waits: bool = False
    foreign: str = ""
    folder: str = ""

    @property
    def goes_on(self) -> bool:
        """Can that voice be had? Else the book begins anew."""
        return self.here or self.to_come

    @property
    def percent(self) -> int:
        """How much is spoken, as a window says it; 0 also where nobody knows."""
        return percents(self.share)


@dataclass(frozen=True)
class Interrupted:
    """A book that ran or waited when Calibre ended or its library was switched. title: as it was then. left: what there is to go on with, if anything."""

    title: str
    left: Begun | None


def begin(queued: Mapping[str, Queued]) -> None:
    """These conversions were queued, by `library.key_of` of the book."""
    with _lock:
        books = _read()
        for key, book in queued.items():
            last = books.pop(key, {})
            last.pop("untold", None)
            before = last if last.get("spoken") is True else last.get("former") or {}
            same, as_last = ((known.get("voice"), known.get("speed")) == (book.voice, book.speed) for known in (before, last))
            chosen = book.chosen or (as_last and last.get("chosen") is True)
            kept = {"share": before.get("share", 0.0)} if same else {"former": before} if before else {}
            books[key] = {**asdict(book), "title": book.title[:MOST_TITLE], "chosen": chosen, "open": True, "spoken": same, **kept}
        _write(books)


def speaks(key: str, share: float) -> None:
    """So much of it is spoken, more than nothing; called from the job's thread, several times a second."""
    with _lock:
        book = _read().get(key)
        if book is None:
            return
        news = book.get("spoken") is not True or int(share / TOLD) != int(book.get("share", 0.0) / TOLD)
        book["spoken"], book["share"] = True, min(1.0, max(0.0, share))
        if news:
            book.pop("former", None)
            _write(_read())


def over(key: str) -> None:
    """Its audiobook stands."""
    with _lock:
        books = _read()
        if books.pop(key, None) is not None:
            _write(books)


def halt(key: str) -> None:
    """It ended before that, and the user was told."""
    _close(lambda known: known == key)


def stop(key: str, at_once: bool = True) -> Begun | None:
    """The user stopped it: where nothing of it was ever spoken, what was chosen for it is kept. Gives what there is to go on with.
    at_once: else `write` follows in a moment, since a whole shelf may be stopped together; if Calibre is killed before, they are taken for interrupted."""
    with _lock:
        books = _read()
        book = books.get(key, {})
        if book.get("open"):
            if book.get("spoken") is not True and book.get("chosen") is True and not book.get("former"):
                _leave_waiting(book)
            else:
                _settle(books, key)
            if at_once:
                _write(books)
        return of(key)


def write() -> None:
    """What several `stop` have left unwritten."""
    with _lock:
        _write(_read())


def put_off(keys: Collection[str]) -> None:
    """Their library was switched while they ran or waited."""
    with _lock:
        books = _read()
        for key in keys:
            if books.get(key, {}).get("open"):
                _interrupt(books, key)
        _write(books)


def leave(unfinished: Collection[str]) -> None:
    """Calibre quits while these run or wait."""
    _close(lambda known: known not in unfinished)
    with _lock:
        _write(_read())  # how much of these is spoken by now


def forget() -> None:
    """Nothing that was spoken is kept any more."""
    with _lock:
        books = _read()
        for book in books.values():
            book["spoken"] = False
            book.pop("former", None)
        _write({key: book for key, book in books.items() if any(book.get(name) for name in ("open", "waits", "untold"))})


def of(key: str, usual_speed: float = 1.0) -> Begun | None:
    """How a part of a book is spoken, or was to be when it was left; None where neither is so."""
    with _lock:
        book = _read().get(key, {})
        voice, speed, spoken = book.get("voice"), book.get("speed"), book.get("spoken") is True
        if not (spoken or book.get("waits")) or not voice or speed is None:
            return None
        share, name = book.get("share", 0.0) if spoken else 0.0, book.get("name", "")
        foreign, folder = _place(book)
        return Begun(voice, speed, share, True, speed != usual_speed, name, waits=not spoken, foreign=foreign, folder=folder)


def begun_by(is_meant: Callable[[str], bool]) -> list[str]:
    """Titles of the books that a voice has begun. is_meant: is it this one, by its id?"""
    with _lock:
        books = [book for book in _read().values() if book.get("spoken") is True and is_meant(str(book.get("voice") or ""))]
        return [str(book["title"]) for book in books if book.get("title")]


def interrupted() -> dict[str, Interrupted]:
    """Those that ran or waited when Calibre ended or their library was switched, and about which the user has neither answered nor done anything since; the
    first in turn first."""
    with _lock:
        untold = {key: str(book.get("title") or "") for key, book in _read().items() if book.get("untold")}
        return {key: Interrupted(title, of(key)) for key, title in untold.items() if title}


def stopped() -> dict[str, str]:
    """Those of which a part is spoken, that neither run nor wait and about which nothing is to be asked: their titles as they were then."""
    with _lock:
        left = {key: book for key, book in _read().items() if book.get("spoken") is True and not book.get("open") and not book.get("untold")}
        return {key: str(book["title"]) for key, book in left.items() if book.get("title")}


def answered(keys: Collection[str]) -> None:
    """The user was asked about these, and is not to be asked again."""
    with _lock:
        books = _read()
        for key in [key for key in keys if key in books]:
            books[key].pop("untold", None)
            if not any(books[key].get(name) for name in ("open", "spoken", "waits")):
                del books[key]
        _write(books)


def _place(book: Mapping[str, Any]) -> tuple[str, str]:
    """A folder without its path is nothing that could be gone on with."""
    foreign, folder = book.get("foreign"), book.get("folder")
    if foreign == "folder" and folder:
        return "folder", folder
    return ("record", "") if foreign == "record" else ("", "")


def _close(which: Callable[[str], bool]) -> None:
    with _lock:
        books = _read()
        closing = [key for key, book in books.items() if book.get("open") and which(key)]
        for key in closing:
            _settle(books, key)
        if closing:
            _write(books)


def _settle(books: Books, key: str) -> None:
    """It is open no more; of what was not spoken there is nothing to go on with, but for how it was spoken before."""
    _back_to_former(books, key)
    if books[key].get("spoken") is not True:
        del books[key]


def _back_to_former(books: Books, key: str) -> None:
    former = books[key].get("former")
    if books[key].get("spoken") is not True and isinstance(former, dict):
        books[key] = former
    books[key]["open"] = False


def _leave_waiting(book: dict[str, Any]) -> None:
    """What was chosen for it is kept."""
    book["open"], book["waits"] = False, True


def _left_open(books: Books) -> Books:
    """As an earlier Calibre left them: how it ended, nobody has to have noted."""
    for key in [key for key, book in books.items() if book.get("open")]:
        _interrupt(books, key)
    return books


def _interrupt(books: Books, key: str) -> None:
    """It ran or waited, and nobody ended it."""
    if books[key].get("spoken") is not True and books[key].get("chosen") is True:
        _leave_waiting(books[key])
    else:
        _back_to_former(books, key)
    books[key]["untold"] = True


def _read() -> Books:
    """What is known, to be changed and written."""
    global _known
    path = _path()
    if _known[0] != path:
        _known = path, {}
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ValueError("a file of that size")
            read = json.loads(path.read_text("utf-8"))
            _known = path, _left_open({key: _believed(book) for key, book in read.items() if isinstance(book, dict)})
        except FileNotFoundError:
            pass
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            log.warning("the list of unfinished books cannot be read (%s): it is put aside", type(error).__name__)
            with suppress(OSError):
                path.replace(path.with_suffix(".damaged"))
    return _known[1]


def _believed(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What is noted of a book, by whomever, without what makes no sense. What a newer plugin notes besides stays."""
    known = {name: value for name, value in raw.items() if name != "former" and _fits(name, value)}
    former = raw.get("former")
    return known | {"former": _believed(former)} if isinstance(former, dict) else known


def _fits(name: str, value: object) -> bool:
    if name in _TEXTS:
        return isinstance(value, str)
    if name in _FLAGS:
        return isinstance(value, bool)
    if name in _NUMBERS:
        least, most = _NUMBERS[name]
        return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
    return True


def _write(books: Books) -> None:
    global _known
    path = _path()
    _known = path, books
    for key in list(books)[: max(0, len(books) - MOST)]:
        del books[key]
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".new")
        part.touch(mode=0o600)
        part.write_text(json.dumps(books), "utf-8")  # ASCII: a folder's name need not be text that UTF-8 can hold
        part.replace(path)


def _path() -> Path:
    return paths.cache_home() / "begun.json"
