"""Books of which is known that they cannot be converted as they are: since Calibre was started each was read, in a window or for its conversion, and its file
is the same. Part of Calibre's start, so nothing large is imported before it is needed."""

from __future__ import annotations

from typing import Any, Final

from .errors import PluginError

OF_THE_BOOK: Final = ("no_text", "drm", "book_unreadable", "no_usable_format")
"""Errors that say something of the file that is read, or that there is none."""
Stamp = tuple[str, int, str]
"""(format that is read, its size, when it was changed)."""


class Impossible:
    """Of the library that is shown."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Stamp, PluginError]] = {}

    def note(self, api: Any, book_id: int, error: PluginError) -> None:
        """So reading it ended."""
        if error.code in OF_THE_BOOK and api.has_id(book_id):
            self._known[book_id] = _stamp(api, book_id), error

    def why(self, api: Any, book_id: int) -> PluginError | None:
        """What is wrong with it; None where that is not known, or another file has come since."""
        if book_id not in self._known:
            return None
        stamp, error = self._known[book_id]
        return error if stamp == _stamp(api, book_id) else None

    def tried(self, book_id: int) -> None:
        """It is about to be read again."""
        self._known.pop(book_id, None)

    def forget(self) -> None:
        """Another library is shown."""
        self._known.clear()


def _stamp(api: Any, book_id: int) -> Stamp:
    from .book import library

    for format in library.source_formats(api, book_id)[:1]:
        known = api.format_metadata(book_id, format) or {}
        return format, int(known.get("size") or 0), str(known.get("mtime") or "")
    return "", 0, ""
