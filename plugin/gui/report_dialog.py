"""The report of a conversion as a window: what came of it, sentences that may sound odd (each to be heard), what was left out and why, where chapters begin."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from calibre.gui2 import QApplication  # type: ignore[import-not-found]
from qt.core import (  # type: ignore[import-not-found]
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QIcon,
    QPushButton,
    QStyle,
    Qt,
    QTabWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..converting import report as reports
from ..converting.progress import Show, clock, device_name, place
from ..wording import translate as _
from .background import Background
from .context import Context
from .error_dialog import show_error
from .links import Linked
from .player import Player
from .report_places import Chapters, OddSentences
from .scrolled import Page, Scrolled, bold, sentence

MOST_SHOWN: Final = 500
"""Places of one reason in the tree."""
MOST_NOTES: Final = 50


def show_report(parent: Any, context: Context, path: Path, audiobook: str = "") -> None:
    """Read a report, which may take a while for a long book, then show it.

    audiobook: where it stands now; taken if it is not where the report says, since Calibre moves a book's files when its title is edited.
    """

    def read(show: Show, stopped: Any) -> reports.Report:
        found = reports.read(path)
        return replace(found, path=Path(audiobook)) if audiobook and not os.path.isfile(found.path) else found  # noqa: PTH113

    background = Background(parent)
    background.done.connect(lambda found: _shown(ReportDialog(parent, context, found)))
    background.failed.connect(lambda error: show_error(parent, error, _("The report cannot be shown"), {}))
    background.ended.connect(background.deleteLater)
    background.start(read)


def _shown(dialog: ReportDialog) -> None:
    dialog.exec()
    dialog.deleteLater()


class ReportDialog(QDialog):  # type: ignore[misc]
    """Everything of a report that a listener can use."""

    def __init__(self, parent: Any, context: Context, report: reports.Report) -> None:
        super().__init__(parent)
        self._context, self._report = context, report
        self.setWindowTitle(_("Report: {title}").format(title=report.title))
        self.setWindowIcon(QIcon.ic("reports.png"))
        layout = QVBoxLayout(self)
        self.title = bold(sentence(report.title, self))
        layout.addWidget(self.title)
        self.summary = sentence(summary_of(report), self)
        layout.addWidget(self.summary)
        self.tabs = QTabWidget(self)
        layout.addWidget(self.tabs, 1)
        self._fill_tabs()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        self.open = QPushButton(self.style().standardIcon(QStyle.StandardPixmap.SP_MediaPlay), _("&Open the audiobook"), self)
        self.open.setEnabled(bool(report.path.name))
        self.open.clicked.connect(partial(context.open_file, str(report.path)))
        self.copy = QPushButton(QIcon.ic("edit-copy.png"), _("&Copy"), self)
        self.copy.setToolTip(_("Copy this report as text"))
        self.copy.clicked.connect(lambda: QApplication.clipboard().setText(as_text(report)))
        for button in (self.open, self.copy):
            button.setAutoDefault(False)
            buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
        layout.addWidget(buttons)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setDefault(True)
        self.tabs.setFocus()
        character = self.fontMetrics().averageCharWidth()
        least = self.tabs.tabBar().sizeHint().width() + character * 6
        self.setMinimumWidth(max(character * 55, least))
        self.resize(max(character * 100, least), self.fontMetrics().lineSpacing() * 28)

    def done(self, code: int) -> None:
        """Silence, and no work goes on."""
        for places in (self.odd, self.chapters):
            if places is not None:
                places.close_down()
        self.player.free()
        super().done(code)

    def _fill_tabs(self) -> None:
        report, self.player = self._report, Player(self)
        self.odd: OddSentences | None = None
        if report.warnings:
            self.tabs.addTab(_notes(report.warnings, self), _("Notes ({count})").format(count=len(report.warnings)))
        if report.doubtful:
            self.odd = OddSentences(self, self._context, report, self.player)
            self.tabs.addTab(self.odd, _("To check ({count})").format(count=report.doubtful_count))
        if report.left_out:
            self.tabs.addTab(left_out(report, self), _("Left out ({count})").format(count=report.left_out_count))
        self.chapters = Chapters(self, self._context, report, self.player)
        self.tabs.addTab(self.chapters, _("Chapters ({count})").format(count=len(report.chapters)))


def left_out(report: reports.Report, parent: Any) -> QTreeWidget:
    """What was not said, by reason; a reason's places are put in when it is opened."""
    found: dict[str, list[reports.LeftOut]] = {}
    for left in report.left_out:
        found.setdefault(left.reason, []).append(left)
    tree = QTreeWidget(parent)
    tree.setAccessibleName(_("Left out"))
    tree.setColumnCount(2)
    tree.setHeaderLabels([_("Why and what"), _("Chapter")])
    tree.header().setStretchLastSection(False)
    tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    tree.setColumnWidth(1, tree.fontMetrics().averageCharWidth() * 24)
    tree.setUniformRowHeights(True)

    def opened(item: QTreeWidgetItem) -> None:
        reason = item.data(0, Qt.ItemDataRole.UserRole)
        if reason is None or item.childCount():
            return
        for left in found[reason][:MOST_SHOWN]:
            child = QTreeWidgetItem(item, [left.text, left.chapter])
            child.setToolTip(0, left.text)
            child.setToolTip(1, left.chapter)
        if len(found[reason]) > MOST_SHOWN:
            item.addChild(QTreeWidgetItem([_("Only the first {count} are shown.").format(count=MOST_SHOWN), ""]))

    tree.itemExpanded.connect(opened)
    for reason, places in sorted(found.items(), key=lambda pair: -len(pair[1])):
        item = QTreeWidgetItem([_("{reason} ({count})").format(reason=reason, count=len(places)), ""])
        item.setData(0, Qt.ItemDataRole.UserRole, reason)
        item.setChildIndicatorPolicy(QTreeWidgetItem.ChildIndicatorPolicy.ShowIndicator)
        tree.addTopLevelItem(item)
        item.setFirstColumnSpanned(True)
        item.setToolTip(0, item.text(0))
    return tree


def summary_of(report: reports.Report) -> str:
    """`2:34:12 long, spoken by Joe on CPU, 34 times as fast as it plays. …`"""
    text = _("{length} long, spoken by {voice} on {device}.").format(length=clock(report.duration_s), voice=report.voice, device=device_name(report.device))
    if report.xrt:
        text += " " + _("Speed: {speed} times as fast as it plays.").format(speed=f"{report.xrt:.3g}")
    if not report.doubtful_count:
        text += " " + _("No sentence sounds odd to the checks.")
    return text


def as_text(report: reports.Report) -> str:
    """The whole, for a mail or a file."""
    lines = [report.title, summary_of(report), *report.warnings]
    if report.doubtful:
        lines += ["", _("Sentences to check")]
        lines += [_("{time}: {text} ({why})").format(time=place(row.start_s), text=row.text, why=row.why) for row in report.doubtful]
    if report.left_out:
        lines += ["", _("Left out")]
        lines += [_("{reason}: {text}").format(reason=left.reason, text=left.text) for left in report.left_out]
    if report.chapters:
        lines += ["", _("Chapters")]
        lines += [f"{place(chapter.start_s)} {chapter.title}" for chapter in report.chapters]
    return "\n".join(lines)


def _notes(texts: tuple[str, ...], parent: Any) -> QWidget:
    page = Page(parent)
    layout = QVBoxLayout(page)
    for text in texts[:MOST_NOTES]:
        layout.addWidget(Linked(text, page))
    layout.addStretch(1)
    return Scrolled(page, parent)
