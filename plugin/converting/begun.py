"""The books of which something was spoken and that are not finished: by which voice and how fast, so that they go on so, and whether the user knows
that they stopped.

The user's last word counts: where the voice that they chose for the book's language, or the usual speed, became another one since, that one holds; not so
where the plugin alone came to propose another one. A small file beside the clips, which this process alone writes: it is read once. Whatever is wrong with
it, nothing is known of any book.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from .. import paths

MOST: Final = 5000
"""Books that are remembered; of more, the last."""
MOST_BYTES: Final = 1 << 22
Books = dict[str, dict[str, Any]]
_known: tuple[Path | None, Books] = (None, {})
_lock = threading.RLock()


@dataclass(frozen=True)
class Queued:
    """voice: the id of whom will be heard; speed: times the voice's own. usual, usual_speed: as they would be if nobody had chosen for this book.
    word: the voice that the user chose for its language, empty for none."""

    voice: str
    usual: str
    title: str
    speed: float = 1.0
    usual_speed: float = 1.0
    word: str = ""


@dataclass(frozen=True)
class Begun:
    """voice, speed: in which a part of a book is spoken. goes_on: it does so where nobody chooses otherwise, since what is usual is what it was then.
    other_voice, other_speed: than the usual one of today."""

    voice: str
    speed: float
    goes_on: bool
    other_voice: bool
    other_speed: bool


def begin(queued: Mapping[str, Queued], unasked: bool = False) -> None:
    """These conversions were queued, by `library.key_of` of the book. unasked: so what goes on does so beside the usual voice that it was begun beside."""
    with _lock:
        books = _read()
        for key, book in queued.items():
            before = books.pop(key, {})
            before = before if before.get("spoken") is True else before.get("former") or {}
            spoken = (before.get("voice"), before.get("speed")) == (book.voice, book.speed)
            beside = {name: before[name] for name in ("usual", "word") if name in before} if unasked and spoken and before.get("usual") else {}
            books[key] = {**asdict(book), **beside, "open": True, "spoken": spoken, **({"former": before} if before and not spoken else {})}
        _write(books)


def speaks(key: str) -> None:
    """Something of it is spoken; called from the job's thread."""
    with _lock:
        books = _read()
        if key in books and books[key].get("spoken") is not True:
            books[key]["spoken"] = True
            books[key].pop("former", None)
            _write(books)


def over(key: str) -> None:
    """Its audiobook stands."""
    with _lock:
        books = _read()
        if books.pop(key, None) is not None:
            _write(books)


def halt(key: str) -> None:
    """It ended before that, and the user was told."""
    _close(lambda known: known == key)


def leave(unfinished: Collection[str]) -> None:
    """Calibre quits while these run or wait."""
    _close(lambda known: known not in unfinished)


def forget() -> None:
    """Nothing that was spoken is kept any more."""
    with _lock:
        books = _read()
        for book in books.values():
            book["spoken"] = False
            book.pop("former", None)
        _write({key: book for key, book in books.items() if book.get("open")})


def is_known(key: str) -> bool:
    """May a part of it be spoken?"""
    with _lock:
        return key in _read()


def of(key: str, usual: str, usual_speed: float = 1.0, word: str = "") -> Begun | None:
    """How a part of a book is spoken; None where nothing of it is. usual, usual_speed, word: as in `Queued`, today's."""
    with _lock:
        book = _read().get(key, {})
        voice, speed = book.get("voice"), book.get("speed")
        if book.get("spoken") is not True or not isinstance(voice, str) or not isinstance(speed, float):
            return None
        same = book.get("usual") == usual or book.get("word", "") == word
        goes_on = same and book.get("usual_speed") == usual_speed
        return Begun(voice, speed, goes_on, voice != usual, speed != usual_speed)


def interrupted() -> list[str]:
    """The titles of those that ran or waited when Calibre ended; each is told once."""
    with _lock:
        titles = [str(book.get("title") or "") for book in _read().values() if book.get("open")]
        if titles:
            _close(lambda known: True)
        return [title for title in titles if title]


def _close(which: Callable[[str], bool]) -> None:
    """They are open no more; of what was not spoken there is nothing to go on with, but for how it was spoken before."""
    with _lock:
        books = _read()
        closing = [key for key, book in books.items() if book.get("open") and which(key)]
        for key in closing:
            former = books[key].get("former")
            if books[key].get("spoken") is not True and isinstance(former, dict):
                books[key] = former
            books[key]["open"] = False
            if books[key].get("spoken") is not True:
                del books[key]
        if closing:
            _write(books)


def _read() -> Books:
    """What is known, to be changed and written."""
    global _known
    path = _path()
    if _known[0] != path:
        _known = path, {}
        with suppress(OSError, ValueError, AttributeError, RecursionError):
            if path.stat().st_size <= MOST_BYTES:
                _known = path, {key: dict(book) for key, book in json.loads(path.read_text("utf-8")).items() if isinstance(book, dict)}
    return _known[1]


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
        part.write_text(json.dumps(books, ensure_ascii=False), "utf-8")
        part.replace(path)


def _path() -> Path:
    return paths.cache_home() / "begun.json"
