"""The table of several books: what each is, who will speak it, how long it will be, and what cannot be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from qt.core import QAbstractItemView, QHeaderView, QIcon, QSize, Qt, QTableWidget, QTableWidgetItem, pyqtSignal  # type: ignore[import-not-found]

from ..wording import translate as _
from .convert_books import breakable
from .links import verbatim

SHARES: Final = (36, 20, 15, 29)
"""Of the width, for each column."""
_CHARACTERS: Final = 64
_LINES: Final = 6
_ROW_LINES: Final = 3
_MOST_ROWS: Final = 6
TITLE, VOICE, LENGTH, STATE = range(4)


@dataclass(frozen=True)
class Row:
    """What a line shows. about: authors and language. length, chapters: empty while unknown; left_out: more words on these.
    trouble: it cannot be converted, for `state`; waits: nor now, since it is already; doubt: it can, but `state` says what to look at;
    why: more words on either."""

    title: str
    about: str
    voice: str
    chapters: str
    length: str
    state: str
    why: str = ""
    trouble: bool = False
    waits: bool = False
    doubt: bool = False
    left_out: str = ""


class BooksTable(QTableWidget):  # type: ignore[misc]
    """A line a book; those that can be converted have a tick. `ticked` when one was set or taken away."""

    ticked = pyqtSignal()

    def __init__(self, parent: Any, titles: Sequence[str]) -> None:
        super().__init__(len(titles), len(SHARES), parent)
        self._rows: list[Row | None] = [None] * len(titles)
        self._ticked = set(range(len(titles)))
        self._by_hand: set[int] = set()
        """Lines whose tick the user set or took away."""
        self.setAccessibleName(_("Books"))
        self.setHorizontalHeaderLabels([_("Book"), _("Voice"), _("Length"), _("State")])
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setHighlightSections(False)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(self._row_height())  # also with less to say, so that no line moves when there is more
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(True)
        self.setMinimumSize(self.fontMetrics().averageCharWidth() * _CHARACTERS, self.fontMetrics().lineSpacing() * _LINES)
        for number, title in enumerate(titles):
            first = QTableWidgetItem(breakable(title))
            first.setFlags(first.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            first.setCheckState(Qt.CheckState.Checked)
            self.setItem(number, TITLE, first)  # the other columns' come with what they say
        self.itemChanged.connect(self._changed)
        if titles:
            self.setCurrentCell(0, TITLE)

    def show_row(self, number: int, row: Row) -> None:
        """What is known now."""
        if self._rows[number] == row:
            return
        self._rows[number] = row
        self.blockSignals(True)
        texts = ("\n".join(filter(None, (row.title, row.about))), row.voice, "\n".join(filter(None, (row.length, row.chapters))), row.state)
        for column, text in enumerate(texts):
            item = self._cell(number, column)
            item.setText(breakable(text))
            more = row.why or (row.left_out if column == LENGTH else "")
            item.setToolTip(verbatim(row.why or "\n".join(filter(None, (text, more)))))
            item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, more)
        sign = "dialog_error.png" if row.trouble else "dialog_warning.png" if row.doubt else ""
        self.item(number, STATE).setIcon(QIcon.ic(sign) if sign else QIcon())
        first = self.item(number, TITLE)
        if row.trouble or row.waits:
            first.setCheckState(Qt.CheckState.Unchecked)
            first.setFlags(first.flags() & ~Qt.ItemFlag.ItemIsUserCheckable)
            first.setData(Qt.ItemDataRole.CheckStateRole, None)
            self._ticked.discard(number)
        self.blockSignals(False)
        self.viewport().update()
        before = self.rowHeight(number)
        self.resizeRowToContents(number)
        self.setRowHeight(number, max(before, self.rowHeight(number)))  # no line moves because there is less to say

    def set_ticked(self, number: int, on: bool) -> None:
        """Where a hand has done so it stays; only of one that has a tick."""
        first = self.item(number, TITLE)
        if number in self._by_hand or not first.flags() & Qt.ItemFlag.ItemIsUserCheckable:
            return
        self.blockSignals(True)
        first.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.blockSignals(False)
        self._note_tick(number)

    def is_ticked(self, number: int) -> bool:
        """Is it to be converted?"""
        return number in self._ticked

    def sizeHint(self) -> QSize:
        """Room for a handful of books, each of up to three lines; more are scrolled to."""
        rows = self._row_height() * min(max(2, self.rowCount()), _MOST_ROWS)
        rows += self.fontMetrics().lineSpacing() * 2 * min(2, self.rowCount())  # long titles and states
        return QSize(self.fontMetrics().averageCharWidth() * 80, rows + self.horizontalHeader().sizeHint().height() + 2 * self.frameWidth())

    def _row_height(self) -> int:
        return self.fontMetrics().lineSpacing() * _ROW_LINES + 4

    def resizeEvent(self, event: Any) -> None:
        """The columns share the width, so that nothing is scrolled sideways."""
        super().resizeEvent(event)
        width = self.viewport().width()
        for column, share in enumerate(SHARES[:-1]):
            self.setColumnWidth(column, max(width * share // 100, self.horizontalHeader().sectionSizeHint(column)))
        self.setColumnWidth(STATE, width - sum(self.columnWidth(column) for column in range(STATE)))
        for number, row in enumerate(self._rows):
            if row is not None:  # else it is as high as it is at least, and will be measured when there is more to say
                self.resizeRowToContents(number)

    def keyPressEvent(self, event: Any) -> None:
        """Space ticks the line, wherever in it the cursor is."""
        first = self.item(self.currentRow(), TITLE)
        if event.key() == Qt.Key.Key_Space and first is not None and first.flags() & Qt.ItemFlag.ItemIsUserCheckable:
            on = first.checkState() == Qt.CheckState.Checked
            first.setCheckState(Qt.CheckState.Unchecked if on else Qt.CheckState.Checked)
            return
        super().keyPressEvent(event)

    def _changed(self, item: Any) -> None:
        if item.column() == TITLE:
            self._by_hand.add(item.row())
            self._note_tick(item.row())
            self.ticked.emit()

    def _note_tick(self, number: int) -> None:
        """Asked for in every line, again and again, so it is not asked of Qt each time."""
        on = self.item(number, TITLE).checkState() == Qt.CheckState.Checked
        (self._ticked.add if on else self._ticked.discard)(number)

    def _cell(self, number: int, column: int) -> QTableWidgetItem:
        if self.item(number, column) is None:
            self.setItem(number, column, QTableWidgetItem())
        return self.item(number, column)
