"""How the voices are looked at and looked for: a table that never scrolls sideways, a line for words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from qt.core import (  # type: ignore[import-not-found]
    QAbstractItemView,
    QComboBox,
    QEvent,
    QFont,
    QFontMetrics,
    QHeaderView,
    QLineEdit,
    QSize,
    QStyle,
    Qt,
    QTableView,
    pyqtSignal,
)

from ...wording import translate as _
from ..language_names import language_name
from ..scrolled import calm
from .voice_table import HEADERS, LANGUAGE, NAME, QUALITY, SIZE, STATE, Filter

_LINES: Final = 5
_WISHED: Final = {LANGUAGE: 19, NAME: 19, STATE: 27}
"""Characters of those that stretch: columns are left out, then languages give way, before a name or a state of so many is cut."""
_SHARE: Final = 0.52
"""Of a state, of what is left for the names and states where both are cut."""
_LEFT_OUT: Final = ((), (SIZE,), (SIZE, QUALITY))
"""What a narrow table does without, as it stands below the table too."""


class VoicesView(QTableView):  # type: ignore[misc]
    """Rows are chosen as a whole; a header that is pressed sorts. `counted`: there may be more of them, or fewer."""

    counted = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._wide: dict[int, int] = {}
        """Column -> pixels that it needs; of languages, names and states at most those of `_WISHED`."""
        self._longest: dict[int, int] = {}
        """Column -> pixels of its longest words."""
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
            header.setSectionResizeMode(column, modes.Stretch if column == NAME else modes.Fixed)
        voices.modelReset.connect(self._measure)
        voices.dataChanged.connect(self._measure)
        for changed in (voices.modelReset, voices.rowsInserted, voices.rowsRemoved, voices.layoutChanged):
            changed.connect(lambda *_what: self.counted.emit())

    def changeEvent(self, event: Any) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and self._wide:
            self._measure()

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

    def whole_height(self) -> int:
        """With all its lines."""
        lines = self.model().rowCount() * self.verticalHeader().defaultSectionSize()
        return int(self.horizontalHeader().sizeHint().height() + lines + 2 * self.frameWidth())

    def _fit(self) -> None:
        room = self.viewport().width()
        left_out = next((few for few in _LEFT_OUT if self._need(few) <= room), _LEFT_OUT[-1])
        for column in (SIZE, QUALITY):
            if self.isColumnHidden(column) != (column in left_out):
                self.setColumnHidden(column, column in left_out)
        header, spare, wide, longest = self.horizontalHeader(), room - self._need(left_out), self._wide.get, self._longest.get
        language = min(longest(LANGUAGE, 0), wide(LANGUAGE, 0) + (spare if spare < 0 else spare // 3))
        language = max(header.sectionSizeHint(LANGUAGE), language)
        header.resizeSection(LANGUAGE, language)
        for_both = room - language - self._need((*left_out, *_WISHED))
        most = max(for_both - wide(NAME, 0), round(_SHARE * for_both))
        header.resizeSection(STATE, max(header.sectionSizeHint(STATE), min(longest(STATE, 0), most)))

    def _measure(self) -> None:
        """How wide each column has to be, of all voices at once: Qt would ask for every cell, again after each change, a twentieth of a second long."""
        font, style = QFont(self.font()), self.style()
        font.setBold(True)  # as those that are used
        metrics, header, voices = QFontMetrics(font), self.horizontalHeader(), self.model().sourceModel()
        margins = 2 * (style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, None, self) + 1) + 1
        self._wide = {}
        for column in range(len(HEADERS)):
            words = {voices.words(row, column) for row in voices.rows()}
            wide = max((metrics.horizontalAdvance(one) + margins for one in words), default=0)
            self._longest[column] = wide
            if column in _WISHED:
                wide = min(wide, metrics.averageCharWidth() * _WISHED[column])
            self._wide[column] = max(header.sectionSizeHint(column), wide)
            if column not in _WISHED:
                header.resizeSection(column, self._wide[column])
        self._fit()

    def _need(self, left_out: tuple[int, ...]) -> int:
        return sum(wide for column, wide in self._wide.items() if column not in left_out)


class Languages(QComboBox):  # type: ignore[misc]
    """Which language's voices are looked at; its data: the code, empty for all."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.addItem(_("All languages"), "")
        calm(self)

    def offer(self, first: Sequence[str], bases: Iterable[str]) -> None:
        """These, those of the library first; what is chosen stays so."""
        among = self.currentData()
        self.blockSignals(True)
        while self.count() > 1:
            self.removeItem(1)
        for base in [*first, *sorted(set(bases) - set(first), key=language_name)]:
            self.addItem(language_name(base), base)
        if first:
            self.insertSeparator(1 + len(first))
        self.setCurrentIndex(max(0, self.findData(among)))
        self.blockSignals(False)


class Search(QLineEdit):  # type: ignore[misc]
    """`entered`: Enter was pressed, which goes to what was found and not to the window's OK."""

    entered = pyqtSignal()

    def keyPressEvent(self, event: Any) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()
            self.entered.emit()
        else:
            super().keyPressEvent(event)
