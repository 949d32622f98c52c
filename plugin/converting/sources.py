"""Where a book to be converted comes from: a file, or a library, in which it may be removed or changed while it is spoken."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..book import library
from ..wording import N_, translate

LOOK_S: Final = 3.0
"""So often it is asked whether a book that is being spoken is still in its library."""
Library = Callable[[], AbstractContextManager[Any]]
"""Gives `new_api` for a while: the GUI's own, or `library.opened`."""


@dataclass(frozen=True)
class FromFile:
    """A book's file, and where the audiobook is to stand."""

    book: Path
    out: Path


@dataclass(frozen=True)
class FromLibrary:
    """A book of a library; the audiobook is added to it. shared: others change that library meanwhile, so the book may be removed while it is spoken."""

    library: Library
    book_id: int
    shared: bool = False


class Removed:
    """Has the book been removed from its library? Asked as often as one likes."""

    def __init__(self, source: FromLibrary) -> None:
        self._source = source
        self._looks_at = 0.0
        self.seen = False

    def __call__(self) -> bool:
        if self._source.shared and not self.seen and time.monotonic() >= self._looks_at:
            self._looks_at = time.monotonic() + LOOK_S
            with self._source.library() as api:
                self.seen = not api.has_id(self._source.book_id)
        return self.seen


def changed_meanwhile(api: Any, book: library.LibraryBook) -> list[str]:
    """What is told of a book is taken when its conversion begins."""
    as_told = True
    with suppress(Exception):  # the audiobook stands already: what fails in this look must not make a failure of it
        as_told = library.is_as_told(api, book)
    if as_told:
        return []
    changed = N_("The book's title, cover or other details were changed during the conversion. Convert it again for the new ones: nothing is spoken anew.")
    return [translate(changed)]
