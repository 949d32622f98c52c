"""The report of a conversion as a window: what came of it, sentences that may sound odd (each to be heard), what was left out and why, where chapters begin."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from qt.core import (  # type: ignore[import-not-found]
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QIcon,
    QPushButton,
    Qt,
    QTabWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..converting import report as reports
from ..converting.progress import Show, duration, place
from ..wording import counted, device_name, isolated, times_words
from ..wording import translate as _
from .background import Background
from .context import Context
from .error_dialog import copy_text, show_error
from .links import Linked, verbatim
from .play_button import OpenButton
from .player import Player
from .report_places import FIRST_ALONE, Chapters, FullText, OddSentences
from .scrolled import Page, Scrolled, bold, sentence

MOST_IN_A_ROW: Final = 200
"""Characters of a place in the tree; the whole stands below when it is chosen."""
MOST_MESSAGES: Final = 50
PREVIEWED: Final = 0.01
"""Of a book's sentences: fewer that had been spoken before were heard with “Play”, or stand in another book too."""


def show_report(parent: Any, context: Context, path: Path, audiobook: str = "") -> None:
    """Read a report, which may take a while for a long book, then show it.

    audiobook: as for `report.as_it_stands`.
    """

    def read(show: Show, stopped: Any) -> reports.Report:
        return reports.as_it_stands(reports.read(path), audiobook)

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
        self.setWindowTitle(_("Report: {title}").format(title=isolated(report.title)))
        self.setWindowIcon(QIcon.ic("reports.png"))
        layout = QVBoxLayout(self)
        self.title = bold(sentence(report.title, self))
        layout.addWidget(self.title)
        self.summary = sentence(summary_of(report), self)
        layout.addWidget(self.summary)
        if report.replaced:
            layout.addWidget(sentence(_("Another file stands in this audiobook's place now: it was replaced or changed after this report was made."), self))
        self.tabs = QTabWidget(self)
        layout.addWidget(self.tabs, 1)
        self._fill_tabs()
        self.said = sentence("", self)
        self.said.hide()
        layout.addWidget(self.said)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        self.open = OpenButton(_("&Open the audiobook"), self)
        self.open.setEnabled(bool(report.path.name))
        self.open.setToolTip("" if report.path.name else _("The report does not say where its audiobook is"))
        self.open.clicked.connect(self._opened)
        self.copy = QPushButton(QIcon.ic("edit-copy.png"), _("&Copy"), self)
        self.copy.setToolTip(_("Copy this report as text"))
        self._copying = Background(self)
        self._copying.done.connect(lambda text: copy_text(self.copy, text))
        self._copying.failed.connect(lambda error: copy_text(self.copy, as_text(report)))  # the book was converted again meanwhile
        self.copy.clicked.connect(lambda: self._copying.start(lambda show, stopped: as_text(reports.all_of(report))))
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

    def _opened(self) -> None:
        said = self._context.open_file(str(self._report.path))
        self.said.setText(said)
        self.said.setVisible(bool(said))

    def _fill_tabs(self) -> None:
        """What a listener may have to do something about comes first, and is shown first."""
        report, self.player = self._report, Player(self)
        self.odd: OddSentences | None = None
        self.left_out: LeftOut | None = None
        if report.doubtful:
            self.odd = OddSentences(self, self._context, report, self.player)
            self.tabs.addTab(self.odd, _("To check ({count})").format(count=report.doubtful_count))
        if messages := messages_of(report):
            count = report.warning_count + len(messages) - len(report.warnings)
            self.tabs.addTab(_messages(messages, self), _("Messages ({count})").format(count=count))
        if report.left_out:
            self.left_out = LeftOut(self, report)
        left_out = self.left_out or _messages((_("Nothing was left out."),), self)
        self.tabs.addTab(left_out, _("Left out ({count})").format(count=report.left_out_count))
        self.chapters = Chapters(self, self._context, report, self.player)
        self.tabs.addTab(self.chapters, _("Chapters ({count})").format(count=len(report.chapters)))


class LeftOut(QWidget):  # type: ignore[misc]
    """What was not said, by reason; a reason's places are put in when it is opened, and the chosen one's text stands below in full."""

    def __init__(self, parent: Any, report: reports.Report) -> None:
        super().__init__(parent)
        self._found: dict[str, list[reports.LeftOut]] = {reason: [] for reason in report.left_out_by}
        for left in report.left_out:
            self._found[left.reason].append(left)
        self.tree = QTreeWidget(self)
        self.tree.setAccessibleName(_("Left out"))
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels([_("Why and what"), _("Chapter or part")])
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.setColumnWidth(1, self.tree.fontMetrics().averageCharWidth() * 24)
        self.tree.setUniformRowHeights(True)
        self.full = FullText(self, report, lines=5)
        layout = QVBoxLayout(self)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.full)
        self._counts = report.left_out_by
        for reason, count in sorted(self._counts.items(), key=lambda pair: -pair[1]):
            item = QTreeWidgetItem([counted(reason, count), ""])
            item.setData(0, Qt.ItemDataRole.UserRole, reason)
            item.setChildIndicatorPolicy(QTreeWidgetItem.ChildIndicatorPolicy.ShowIndicator)
            self.tree.addTopLevelItem(item)
            item.setFirstColumnSpanned(True)
            item.setToolTip(0, verbatim(item.text(0)))
        self.tree.itemExpanded.connect(self._opened)
        self.tree.currentItemChanged.connect(self._chosen)

    def _opened(self, item: QTreeWidgetItem) -> None:
        reason = item.data(0, Qt.ItemDataRole.UserRole)
        places = self._found.get(reason, [])
        if not places or item.childCount():
            return
        children = []
        for left in places:
            child = QTreeWidgetItem([left.text[:MOST_IN_A_ROW], left.chapter])
            for column in range(2):
                child.setToolTip(column, verbatim(child.text(column)))
            children.append(child)
        if self._counts[reason] > len(places):
            children.append(QTreeWidgetItem([_(FIRST_ALONE).format(count=len(places)), ""]))
        item.addChildren(children)

    def _chosen(self, item: QTreeWidgetItem | None, before: QTreeWidgetItem | None) -> None:
        above = None if item is None else item.parent()
        places = [] if above is None else self._found[above.data(0, Qt.ItemDataRole.UserRole)]
        number = -1 if above is None else above.indexOfChild(item)
        self.full.show_text(places[number] if 0 <= number < len(places) else None)


def summary_of(report: reports.Report) -> str:
    """`2 h 34 min long, spoken by Joe on CPU. Made in 7 min 30 s, 21 times as fast as it plays. …`"""
    spoken = {"length": duration(report.duration_s), "voice": isolated(report.voice), "device": device_name(report.device)}
    at_a_speed = report.speed not in (None, 1.0)
    text = _("{length} long, spoken by {voice} at the speed {speed} on {device}.") if at_a_speed else _("{length} long, spoken by {voice} on {device}.")
    text = text.format(**spoken, speed=times_words(report.speed or 1.0))
    made = _made(report)
    text += f" {made}" if made else ""
    if not report.doubtful_count:
        text += " " + _("Each sentence was checked for missing sound, silence, crackles and an odd pace; none sounds odd.")
    return text


def _made(report: reports.Report) -> str:
    """How long the run took that made it. Against the audiobook's length only where all of it was spoken then."""
    if report.outcome == "unchanged":
        return _("When it was last converted, nothing had changed, so it stayed as it was.")
    if report.outcome == "retagged":
        return _("When it was last converted, only its title, cover or other details had changed.")
    if not report.wall_s:
        return ""
    time = duration(report.wall_s)
    if report.kept >= PREVIEWED * report.sentences:
        kept = _("Made in {time}; {kept} of its {all} sentences (some long, some short) had been spoken before.")
        return kept.format(time=time, kept=report.kept, all=report.sentences)
    speed = round(report.duration_s) / max(1, round(report.wall_s))  # of the figures that stand there
    return _("Made in {time}, {speed} times as fast as it plays.").format(time=time, speed=f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}")


def messages_of(report: reports.Report) -> tuple[str, ...]:
    """What counts sentences stands above them where they are listed, and is a message only where they are not."""
    return report.warnings if report.doubtful else (*report.to_check, *report.warnings)


def as_text(report: reports.Report) -> str:
    """As much as was read of it, for a mail or a file."""
    lines = [report.title, summary_of(report), *messages_of(report)]
    if report.doubtful:
        lines += ["", _("Sentences to check"), *report.to_check]
        lines += [_("{time}: {text} ({why})").format(time=place(row.start_s), text=row.text, why=row.all_of_why) for row in report.doubtful]
    if report.left_out:
        lines += ["", _("Left out")]
        lines += [_("{reason}: {text}").format(reason=left.reason, text=left.text) for left in report.left_out]
    if report.chapters:
        lines += ["", _("Chapters")]
        lines += [f"{place(chapter.start_s)} {chapter.title}" for chapter in report.chapters]
    return "\n".join(lines)


def _messages(texts: tuple[str, ...], parent: Any) -> QWidget:
    page = Page(parent)
    layout = QVBoxLayout(page)
    for text in texts[:MOST_MESSAGES]:
        layout.addWidget(Linked(text, page))
    if len(texts) > MOST_MESSAGES:
        layout.addWidget(sentence(_(FIRST_ALONE).format(count=MOST_MESSAGES), page))
    layout.addStretch(1)
    return Scrolled(page, parent)
