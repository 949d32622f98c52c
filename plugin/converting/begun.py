"""The books that were begun and are not finished: with which voice, so that they go on with it, and whether the user knows that they stopped.

A small file beside the clips. Whatever is wrong with it, nothing is known of any book.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from typing import Any, Final

from .. import paths

MOST: Final = 200
"""Books that are remembered; of more, the last."""
MOST_BYTES: Final = 1 << 18
Books = dict[str, dict[str, Any]]


def begin(key: str, voice: str, title: str) -> None:
    """A conversion was queued. key: `library.key_of`. voice: its id."""
    books = _read()
    books.pop(key, None)
    books[key] = {"voice": voice, "title": title, "open": True}
    _write(books)


def over(key: str) -> None:
    """Its audiobook stands."""
    books = _read()
    if books.pop(key, None) is not None:
        _write(books)


def halt(key: str) -> None:
    """It ended before that, and the user was told."""
    _close(lambda known: known == key)


def leave(unfinished: Collection[str]) -> None:
    """Calibre quits while these run or wait."""
    _close(lambda known: known not in unfinished)


def voice_of(key: str) -> str:
    """The voice that a book was begun with; empty where it was not, or is finished."""
    return str(_read().get(key, {}).get("voice") or "")


def interrupted() -> list[str]:
    """The titles of those that ran or waited when Calibre ended; each is told once."""
    titles = [str(book.get("title") or "") for book in _read().values() if book.get("open")]
    if titles:
        _close(lambda known: True)
    return [title for title in titles if title]


def _close(which: Any) -> None:
    books = _read()
    closing = [key for key, book in books.items() if book.get("open") and which(key)]
    for key in closing:
        books[key]["open"] = False
    if closing:
        _write(books)


def _read() -> Books:
    with suppress(OSError, ValueError, AttributeError):
        path = _path()
        if path.stat().st_size <= MOST_BYTES:
            return {key: dict(book) for key, book in json.loads(path.read_text("utf-8")).items() if isinstance(book, dict)}
    return {}


def _write(books: Books) -> None:
    with suppress(OSError):
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".new")
        part.touch(mode=0o600)
        part.write_text(json.dumps(dict(list(books.items())[-MOST:]), ensure_ascii=False), "utf-8")
        part.replace(path)


def _path() -> Any:
    return paths.cache_home() / "begun.json"
