"""Places of an audiobook in a report's window, each to be heard: the sentences that may sound odd, and the chapters; and the chosen text in full."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from qt.core import (  # type: ignore[import-not-found]
    QAbstractItemView,
    QAbstractTableModel,
    QHeaderView,
    QModelIndex,
    QPlainTextEdit,
    Qt,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from ..converting import report as reports
from ..converting.folders import private_folder
from ..converting.progress import Show, place
from ..wording import N_
from ..wording import translate as _
from .background import Background
from .context import Context
from .convert_begun import both
from .error_dialog import ErrorBox
from .links import verbatim
from .play_button import PlayButton
from .player import Player
from .scrolled import sentence

AROUND_S: Final = 0.3
"""Played before and after a sentence."""
BEGINNING_S: Final = 60.0
"""Played of a chapter."""
MEASURED: Final = 500
"""Rows by which a column's width is chosen."""
_LONG_LINE: Final = re.compile(r"(.{2000}\S{0,100}) ?")
"""Qt takes long to lay out a line that is much longer."""
FIRST_ALONE: Final = N_("Only the first {count} are shown; “Copy” takes all of them.")

NOTHING_TO_HEAR: Final = N_("It is missing in the audiobook, so there is nothing to hear.")
WHAT_TO_DO: Final = N_(
    "Play it: the checks only measure, so it may well be right. If it sounds bad, convert the book again with another voice or at another speed."
)
WITHOUT_WORDS: Final = N_("Play it to hear it without these words. If they matter, convert the book again with a voice that reads this script.")


class FullText(QPlainTextEdit):  # type: ignore[misc]
    """The chosen row's text. Of a long one the row holds the beginning, which is shown at once; the whole follows from the report's file."""

    def __init__(self, parent: Any, report: reports.Report, lines: int) -> None:
        """lines: that are seen, before it scrolls."""
        super().__init__(parent)
        self._report = report
        self._reading = Background(self)
        self._reading.done.connect(self.setPlainText)
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAccessibleName(_("The chosen text in full"))
        self.setPlaceholderText(_("Choose a text above to read it in full."))
        self.setFixedHeight(self.fontMetrics().lineSpacing() * lines + 12)

    def show_text(self, row: reports.Doubtful | reports.LeftOut | None) -> None:
        """None: nothing is chosen."""
        report = self._report
        self._reading.stop()
        self.setPlainText("" if row is None else row.text)
        if row is not None and row.cut:
            self._reading.start(lambda show, stopped: in_lines(reports.in_full(report, row)))


def in_lines(text: str) -> str:
    """A text of usual length as it is; a huge one with a line break at a space now and then."""
    return _LONG_LINE.sub(r"\1\n", text)


class Places(QWidget):  # type: ignore[misc]
    """A table of places, and what to say of the chosen one; Enter or a double-click plays it. names: of the columns, the first is its time.

    A subclass fills the table with `show_rows`, and says what `piece` of the audiobook to play.
    """

    def __init__(self, parent: Any, context: Context, audiobook: Path, player: Player) -> None:
        super().__init__(parent)
        self._context, self._audiobook = context, audiobook
        self._until_closed = ExitStack()
        self._folder = self._until_closed.enter_context(private_folder())
        self.table = QTableView(self)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setTabKeyNavigation(False)
        self.table.setWordWrap(False)
        self.table.verticalHeader().hide()
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.about = sentence("", self)
        self.box = ErrorBox(self)
        self.player = player
        self.play = PlayButton(self, player, self._cut, self.box)
        layout = QVBoxLayout(self)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.about)
        layout.addWidget(self.play, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.box)
        self.table.activated.connect(self._activated)

    def piece(self, number: int) -> tuple[float, float] | None:
        """Where to begin and end playing a row, in seconds; None where there is nothing to hear."""
        raise NotImplementedError

    def show_rows(self, names: Sequence[str], rows: Sequence[tuple[str, ...]], narrow: Sequence[int]) -> None:
        """narrow: columns that are as wide as their texts; the others share the rest."""
        self.table.setModel(PlacesModel(names, rows, self))
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for column in narrow:
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setResizeContentsPrecision(MEASURED)
        self.play.setEnabled(False)
        self.table.selectionModel().currentRowChanged.connect(self.chosen)
        self.table.selectRow(0)

    def chosen(self, current: QModelIndex, previous: QModelIndex) -> None:
        """Another row: what was playing ends."""
        self.play.stop()
        self.box.clear()
        self.play.setEnabled(self.piece(current.row()) is not None)
        self.play.setToolTip("" if self.play.isEnabled() else _(NOTHING_TO_HEAR))

    def close_down(self) -> None:
        """Nothing plays or is prepared any more."""
        self.play.stop()
        self._until_closed.close()

    def _activated(self, index: QModelIndex) -> None:
        if self.play.isEnabled() and not self.play.busy:
            self.play.click()

    def _cut(self, show: Show, stopped: Any) -> Path:
        number = int(self.table.currentIndex().row())
        piece, out = self.piece(number), self._folder / f"{number}.wav"
        assert piece is not None
        return out if out.exists() else self._context.questions.excerpt(self._audiobook, *piece, out, stopped)


class OddSentences(Places):
    """The sentences that sound odd or are missing."""

    def __init__(self, parent: Any, context: Context, report: reports.Report, player: Player) -> None:
        super().__init__(parent, context, report.path, player)
        self._rows = report.doubtful
        self.table.setAccessibleName(_("Sentences to check"))
        self.full = FullText(self, report, lines=3)
        self.layout().insertWidget(1, self.full)  # below the table
        first_alone = [_(FIRST_ALONE).format(count=len(report.doubtful))] if report.doubtful_count > len(report.doubtful) else []
        for number, words in enumerate((*report.to_check, *first_alone)):
            self.layout().insertWidget(number, sentence(words, self))
        rows = [(place(row.start_s), row.text, row.why, row.chapter) for row in report.doubtful]
        self.show_rows((_("Time"), _("Sentence"), _("What is odd"), _("Chapter")), rows, narrow=(0, 2))

    def piece(self, number: int) -> tuple[float, float] | None:
        row = self._rows[number]
        return (max(0.0, row.start_s - AROUND_S), row.end_s + AROUND_S) if row.spoken else None

    def chosen(self, current: QModelIndex, previous: QModelIndex) -> None:
        super().chosen(current, previous)
        row = self._rows[current.row()]
        self.full.show_text(row)
        words = "" if row.spoken and row.all_of_why == row.why else row.all_of_why  # why stands in the table already
        advice = WITHOUT_WORDS if row.lacks else WHAT_TO_DO
        self.about.setText(both(words, _(advice)) if row.spoken else words)


class Chapters(Places):
    """Where each chapter begins."""

    def __init__(self, parent: Any, context: Context, report: reports.Report, player: Player) -> None:
        super().__init__(parent, context, report.path, player)
        self._rows = report.chapters
        self.table.setAccessibleName(_("Chapters"))
        self.about.setText(_("Here you can hear the first minute of a chapter."))
        self.show_rows((_("Time"), _("Chapter")), [(place(chapter.start_s), chapter.title) for chapter in report.chapters], narrow=(0,))

    def piece(self, number: int) -> tuple[float, float] | None:
        row = self._rows[number]
        return (row.start_s, min(row.end_s, row.start_s + BEGINNING_S)) if row.end_s > row.start_s else None


class PlacesModel(QAbstractTableModel):  # type: ignore[misc]
    """A row of texts for each place."""

    def __init__(self, names: Sequence[str], rows: Sequence[tuple[str, ...]], parent: Any) -> None:
        super().__init__(parent)
        self._names, self._rows = names, rows

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return len(self._names)

    def headerData(self, section: int, orientation: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        return self._names[section] if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        text = self._rows[index.row()][index.column()]
        return verbatim(text) if role == Qt.ItemDataRole.ToolTipRole else text
