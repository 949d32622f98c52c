"""How the voices are looked at and looked for: a table that never scrolls sideways, a line for words."""

from __future__ import annotations

from typing import Any, Final

from qt.core import QAbstractItemView, QHeaderView, QLineEdit, QSize, Qt, QTableView, pyqtSignal  # type: ignore[import-not-found]

from ...wording import translate as _
from .voice_table import HEADERS, NAME, QUALITY, SIZE, STATE, Filter

_STRETCHED: Final = (NAME, STATE)
_LINES: Final = 5
_LEFT_OUT: Final = ((), (SIZE,), (SIZE, QUALITY))
"""What a narrow table does without, as it stands below the table too."""


class VoicesView(QTableView):  # type: ignore[misc]
    """Rows are chosen as a whole; a header that is pressed sorts."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(_("Voices"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.setMinimumHeight(_LINES * self.verticalHeader().defaultSectionSize())
        self.horizontalHeader().setAccessibleName(_("Columns"))

    def show_voices(self, voices: Filter) -> None:
        self.setModel(voices)
        header = self.horizontalHeader()
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        modes = QHeaderView.ResizeMode
        for column in range(len(HEADERS)):
            header.setSectionResizeMode(column, modes.Stretch if column in _STRETCHED else modes.ResizeToContents)
        for changed in (voices.modelReset, voices.layoutChanged, voices.rowsInserted, voices.dataChanged):
            changed.connect(lambda *_what: self._fit())

    def sizeHint(self) -> QSize:
        """Not higher than it must be: the rest of the page is to be seen, and what is left over is the table's."""
        return QSize(super().sizeHint().width(), self.minimumHeight())

    def resizeEvent(self, event: Any) -> None:
        place = self.visualRect(self.currentIndex())
        was_seen = place.top() >= 0 and place.bottom() <= event.oldSize().height()
        super().resizeEvent(event)
        self._fit()
        if was_seen:
            self.scrollTo(self.currentIndex())

    def _fit(self) -> None:
        room = self.viewport().width()
        left_out = next((few for few in _LEFT_OUT if self._need(few) <= room), _LEFT_OUT[-1])
        for column in (SIZE, QUALITY):
            if self.isColumnHidden(column) != (column in left_out):
                self.setColumnHidden(column, column in left_out)

    def _need(self, left_out: tuple[int, ...]) -> int:
        header = self.horizontalHeader()
        wide = {column: header.sectionSizeHint(column) for column in range(len(HEADERS)) if column not in left_out}
        return sum(hint if column in _STRETCHED else max(hint, self.sizeHintForColumn(column)) for column, hint in wide.items())


class Search(QLineEdit):  # type: ignore[misc]
    """`entered`: Enter was pressed, which goes to what was found and not to the window's OK."""

    entered = pyqtSignal()

    def keyPressEvent(self, event: Any) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()
            self.entered.emit()
        else:
            super().keyPressEvent(event)
