"""Calibre's list of books: what has come into the library is shown there."""

from __future__ import annotations

from typing import Any


def refresh(gui: Any, ids: set[int]) -> None:
    """Show what has come into the library, without moving what the user is at. Books that a search hides stay hidden."""
    view = gui.library_view
    model, data = view.model(), view.model().db.data
    there = [book_id for book_id in ids if data.has_id(book_id)]
    new = [book_id for book_id in there if not _is_known(data, book_id)]
    if new:
        data.books_added(new)
        model.books_added(len(new))
    model.refresh_ids(there)
    model.current_changed(view.currentIndex(), view.currentIndex())
    gui.tags_view.recount()


def _is_known(data: Any, book_id: int) -> bool:
    """Does Calibre's list know that there is such a book?"""
    try:
        data.index(book_id, cache=True)
    except (ValueError, IndexError):
        return False
    return True
