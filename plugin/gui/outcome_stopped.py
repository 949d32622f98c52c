"""The books that were stopped, in the window that tells how conversions ended: how much of each is spoken and kept, and one button that goes on with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from qt.core import QFrame, QPushButton, QVBoxLayout  # type: ignore[import-not-found]

from ..converting.begun import Begun
from ..room import TITLE, short
from ..wording import and_more
from ..wording import translate as _
from .interrupted import line
from .scrolled import bold, sentence
from .work_bar import Flow

MOST_LINES: Final = 20
"""Books that are named; of a shelf it is said how many more there are."""


@dataclass(frozen=True)
class StoppedBook:
    """A book that the user stopped. left: what there is to go on with, if anything."""

    book_id: int
    title: str
    left: Begun | None

    @property
    def speaks(self) -> bool:
        """Is something of it spoken?"""
        return self.left is not None and not self.left.waits


class StoppedBooks(QFrame):  # type: ignore[misc]
    """One frame for all of them; not shown where there are none. go_on(ids): convert these."""

    def __init__(self, parent: Any, go_on: Callable[[list[int]], None]) -> None:
        super().__init__(parent)
        self._books: dict[int, StoppedBook] = {}
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.list = sentence("", self)
        self.kept = sentence("", self)
        self.button = QPushButton("", self)
        self.button.setAutoDefault(False)
        self.button.clicked.connect(lambda checked=False: go_on(list(self._books)))
        rows = QVBoxLayout(self)
        rows.addWidget(bold(sentence(_("Stopped"), self)))
        rows.addWidget(self.list)
        rows.addWidget(self.kept)
        rows.addLayout(Flow(self.button))
        self.hide()

    def __len__(self) -> int:
        return len(self._books)

    def add(self, books: Sequence[StoppedBook]) -> None:
        """These, too."""
        self._books |= {book.book_id: book for book in books}
        self._show()

    def drop(self, ids: Collection[int]) -> None:
        """These are being converted anew."""
        self._books = {id: book for id, book in self._books.items() if id not in ids}
        self._show()

    def clear(self) -> None:
        """They are no news any more."""
        self.drop(tuple(self._books))

    def _show(self) -> None:
        books = list(self._books.values())
        self.setVisible(bool(books))
        if not books:
            return
        lines = [f"•\u00a0{line(book.title, book.left)}" for book in books[:MOST_LINES]]
        lines += [and_more(len(books) - MOST_LINES)] if len(books) > MOST_LINES else []
        self.list.setText("\n".join(lines))
        spoken, chosen = any(book.speaks for book in books), any(book.left is not None and book.left.waits for book in books)
        kept = _("What was spoken is kept.") if spoken else _("Your choices are kept.")
        self.kept.setText(_("What was spoken is kept, and so are your choices.") if spoken and chosen else kept)
        self.kept.setVisible(spoken or chosen)
        one, several = (_("Go on with “{title}”"), _("Go on with {count} books")) if spoken else (_("Convert “{title}”"), _("Convert {count} books"))
        title = short(books[0].title, TITLE).replace("&", "&&")
        self.button.setText((one if len(books) == 1 else several).format(title=title, count=len(books)))
