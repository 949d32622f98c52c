"""How the conversions ended: one window for the whole queue, a row for each book, which comes up beside the user's work and takes no focus.

A book that became an audiobook can be played and has its report; one that did not says why and what to press, and stays until
it is queued again. Books that were stopped are named below each other, with a button that goes on with them. While others are still to come, the window
says how many, and which were not queued with them. Closing forgets them all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from qt.core import (  # type: ignore[import-not-found]
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QIcon,
    QMainWindow,
    QPoint,
    QPushButton,
    QRect,
    QStyle,
    Qt,
    QTimer,
    QVBoxLayout,
    QWidget,
)

from .. import paths
from ..book.library import COPY, FORMAT
from ..converting.job import Result
from ..converting.progress import duration
from ..errors import PluginError
from ..log import as_plugin_error
from ..room import TITLE, short
from ..sentences import ERRORS
from ..wording import N_, device_name, isolated, listed, times_words
from ..wording import translate as _
from .context import Context
from .error_dialog import ErrorBox, usual_actions
from .links import Linked
from .opening import ask_ahead, open_in_system
from .outcome_stopped import StoppedBook, StoppedBooks
from .play_button import OpenButton
from .report_dialog import show_report
from .scrolled import Page, Scrolled, bold, sentence
from .unasked import would_disturb

WRITTEN: Final = N_("Ready: {length} long, spoken by {voice} on {device}.")
AT_A_SPEED: Final = N_("Ready: {length} long, spoken by {voice} at the speed {speed} on {device}.")
READY: Final = {
    "retagged": N_("Ready: {length} long. Only its title, cover or other details were brought up to date."),
    "unchanged": N_("Up to date already: {length} long. Nothing had changed, so it stays as it was."),
}
MOST_WARNINGS: Final = 3
MOST_ROWS: Final = 100
AGAIN_MS: Final = 500
GROWS: Final = 6
"""Up to so many rows the window becomes higher, then it scrolls."""
TICK_MS: Final = 1000


@dataclass(frozen=True)
class Outcome:
    """How a book's conversion ended: result, or error. again: queues it once more as it was; None asks for voice and settings.
    kept_copy: the audiobook that stood there before was replaced after it was copied. beside: title of the entry that holds an earlier one of ours then."""

    book_id: int
    title: str
    result: Result | None
    error: PluginError | None
    again: Callable[[], None] | None = None
    kept_copy: bool = False
    beside: str = ""

    @property
    def can_help(self) -> bool:
        """May the book be converted if it is tried once more as it was?"""
        entry = None if self.error is None else ERRORS[as_plugin_error(self.error).code]
        return entry is not None and "again" in (entry.button, entry.other)


class Outcomes(QDialog):  # type: ignore[misc]
    """`add` shows the window. There is one for a running Calibre. to_come: how many conversions have not ended. go_on: with books that were stopped."""

    def __init__(
        self, parent: Any, context: Context, to_come: Callable[[], int] = lambda: 0, go_on: Callable[[Sequence[int]], None] = lambda ids: None
    ) -> None:
        super().__init__(parent)
        self._context = context
        self._to_come = to_come
        self._ticks = QTimer(self)  # a job that is stopped while it waits never calls back
        self._ticks.setInterval(TICK_MS)
        self._ticks.timeout.connect(self._sum_up)
        self.setWindowTitle(_("Audiobooks"))
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self._rows: list[Row] = []
        self._gone: list[Outcome] = []
        self._refused: dict[int, str] = {}
        """Titles of books that were marked with the others, and that the table had said to be impossible."""
        self._waits = QTimer(self)
        self._waits.setSingleShot(True)
        self._waits.timeout.connect(self._appear)
        self.sum = bold(sentence("", self))
        self._page = Page(self)
        self._list = QVBoxLayout(self._page)
        self._list.setContentsMargins(0, 0, 0, 0)
        self.halted = StoppedBooks(self._page, go_on)
        self._list.addWidget(self.halted)
        self._list.addStretch(1)
        self._scrolled = Scrolled(self._page, self, 80)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        self.all_again = buttons.addButton("", QDialogButtonBox.ButtonRole.ActionRole)
        self.all_again.setAutoDefault(False)
        self.all_again.setToolTip(_("Converts each book of this window once more, as it was, that has a button “Try again”"))
        self.all_again.clicked.connect(self._try_all)
        layout = QVBoxLayout(self)
        layout.addWidget(self.sum)
        layout.addWidget(self._scrolled, 1)
        layout.addWidget(buttons)

    def refused(self, titles: Mapping[int, str]) -> None:
        """These books were not queued with the others, and the user was told why: the window names them, when it comes."""
        self._refused = {**(self._refused if self._rows else {}), **titles}
        self._sum_up()

    def stopped(self, books: Sequence[StoppedBook]) -> None:
        """The user stopped these, and needs no window for that alone: this one tells of them where it is shown, or when it comes. They stand at the end, so
        that nothing moves under the mouse."""
        if not (self._rows or self.isVisible() or self._to_come()):
            self.halted.clear()  # the last of those that were to come: the status bar has told of it
            return
        self.halted.add(books)
        self._list.removeWidget(self.halted)
        self._list.insertWidget(self._list.count() - 1, self.halted)
        self._sum_up()
        if self.isVisible():
            self.grow()

    def add(self, outcome: Outcome) -> None:
        """Show it, below the others, so that nothing moves under the mouse; a book's earlier row goes."""
        for row in self._rows_of({outcome.book_id}):
            self._drop(row)
        row = Row(self._page, self._context, outcome)
        self._rows.append(row)
        if len(self._rows) > MOST_ROWS:
            self._gone.append(self._rows[0].outcome)
            self._drop(self._rows[0])
        self._list.insertWidget(self._list.count() - 1, row)
        row.show()
        self._sum_up()
        self._appear()
        self.grow()

    def grow(self) -> None:
        """As high as the rows want, while they are few and the status bar is seen; smaller only where the user makes it so."""
        if len(self._rows) > GROWS:
            return
        before, room = self.height(), self._room()
        lies_there = self.isVisible() and room.contains(self.geometry().topLeft())
        self._scrolled.fit(self)
        most = max(before, room.bottom() - self.geometry().top())
        if lies_there and self.height() > most:
            self.resize(self.width(), most)

    def _try_all(self) -> None:
        for again in self._repeatable():
            again()

    def _repeatable(self) -> list[Callable[[], None]]:
        """Where another try can help, as the error's own buttons tell."""
        return [row.outcome.again for row in self._rows if row.outcome.again is not None and row.outcome.can_help]

    def queued(self, books: Collection[int]) -> None:
        """These are being converted anew: their rows go, and the window with the last."""
        for row in self._rows_of(books):
            self._drop(row)
        self._refused = {book_id: title for book_id, title in self._refused.items() if book_id not in books}
        self.halted.drop(books)
        self._sum_up()
        if not self._rows and not self.halted and self.isVisible():
            self.reject()

    def _rows_of(self, book_ids: Collection[int]) -> list[Row]:
        return [row for row in self._rows if row.outcome.book_id in book_ids]

    def _appear(self) -> None:
        """At once, or when nothing is open that it would disturb."""
        if self.isVisible() or not self._rows:
            return
        if not would_disturb():
            self._scrolled.updateGeometry()  # nobody has told the layout what went while it was not shown
            self.layout().activate()
            self.resize(self.layout().totalSizeHint())  # by what it holds now, not by the last batch
            self._place()
            self.show()
        else:
            self._waits.start(AGAIN_MS)

    def _place(self) -> None:
        """Over Calibre's window, with room below to grow, so that its status bar is seen, which has just said something of these books."""
        room = self._room()
        if not room.isEmpty():
            self.resize(self.width(), min(self.height(), room.height()))
            self.move(room.center().x() - self.width() // 2, room.top() + (room.height() - self.height()) // 4)

    def _room(self) -> QRect:
        """Of Calibre's window, what is above the status bar, but for the height of a window's title; empty where that is less than half of the screen."""
        calibre = self.parent()
        if not isinstance(calibre, QMainWindow) or not calibre.isVisible():
            return QRect()
        room, title = calibre.geometry(), self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
        room.setBottom(calibre.statusBar().mapToGlobal(QPoint(0, 0)).y() - title)
        return room if 2 * room.height() > self.screen().availableGeometry().height() else QRect()

    def done(self, code: int) -> None:
        """Closed: what was shown is forgotten."""
        self._gone.clear()
        self._refused.clear()
        self.halted.clear()
        self._ticks.stop()
        for row in list(self._rows):
            self._drop(row)
        super().done(code)

    def closeEvent(self, event: Any) -> None:
        """By the window's own button: as Close."""
        super().closeEvent(event)
        self.done(0)

    def _drop(self, row: Row) -> None:
        if row in self._rows:
            self._rows.remove(row)
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
            self._sum_up()

    def _sum_up(self) -> None:
        all_of_them = [*self._gone, *(row.outcome for row in self._rows)]
        failed = sum(outcome.result is None for outcome in all_of_them)
        unchanged = sum(outcome.result is not None and outcome.result.outcome == "unchanged" for outcome in all_of_them)
        ready = len(all_of_them) - failed - unchanged
        left = self._to_come() if all_of_them or self.halted else 0
        counts = {
            _("Audiobooks ready: {count}."): ready,
            _("Up to date already: {count}."): unchanged,
            _("Books that could not be converted: {count}."): failed,
            _("Stopped: {count}."): len(self.halted),
            _("Not converted, as the table said: {titles}."): len(self._refused),
            _("Still to come: {count}."): left,
        }
        titles = listed([_("“{title}”").format(title=short(title, TITLE)) for title in self._refused.values()]) if self._refused else ""
        told = [words.format(count=count, titles=titles) for words, count in counts.items() if count]
        if len(told) == ready + unchanged == 1:
            told = [_("The audiobook is ready.") if ready else _("The audiobook was up to date already.")]
        (self._ticks.start if left else self._ticks.stop)()
        repeatable = len(self._repeatable())
        self.all_again.setText(_("&Try {count} books again").format(count=repeatable))
        self.all_again.setVisible(repeatable > 1)  # one has a button of its own
        self.sum.setText(" ".join((*told, _("Only the last are shown.")) if self._gone else told))


def _left_out(result: Result) -> list[str]:
    """How much was not read aloud, with what there was most of."""
    by_reason = result.left_out
    if not by_reason:
        return []
    text, most = _("Texts that were left out: {count}, of them “{reason}”: {most}. The report lists them all."), max(by_reason, key=lambda why: by_reason[why])
    if len(by_reason) == 1:
        text = _("Texts that were left out: {count} (“{reason}”). The report lists them.")
    return [text.format(count=sum(by_reason.values()), reason=most, most=by_reason[most])]


class Row(QFrame):  # type: ignore[misc]
    """One book."""

    def __init__(self, parent: QWidget, context: Context, outcome: Outcome) -> None:
        super().__init__(parent)
        self._context = context
        self.outcome = outcome
        self.setFrameShape(QFrame.Shape.StyledPanel)
        rows = QVBoxLayout(self)
        rows.addWidget(bold(sentence(outcome.title, self)))
        if outcome.result is not None:
            self._ready(rows, outcome.result)
        elif outcome.error is not None:
            self._failed(rows, outcome.error)

    def _ready(self, rows: QVBoxLayout, result: Result) -> None:
        summary = result.summary
        length = duration(summary.duration_s)
        ready = AT_A_SPEED if result.outcome not in READY and result.speed != 1.0 else READY.get(result.outcome, WRITTEN)
        spoken = {"voice": isolated(summary.voice), "device": device_name(summary.device), "speed": times_words(result.speed)}
        said = _(ready).format(length=length, **spoken)
        if result.replaced:
            at_a_speed = _("It replaced the audiobook spoken by {voice} at the speed {speed}.")
            replaced = _("It replaced the audiobook spoken by {voice}.") if result.replaced_speed is None else at_a_speed
            said += " " + replaced.format(voice=isolated(result.replaced), speed=times_words(result.replaced_speed or 1.0))
        for line in (said, *self._whereto(result), *_left_out(result)):
            rows.addWidget(sentence(line, self))
        for warning in result.warnings[:MOST_WARNINGS]:
            rows.addWidget(Linked(warning, self))
        if len(result.warnings) > MOST_WARNINGS:
            rows.addWidget(sentence(_("More is in the report."), self))
        ask_ahead()
        self.play = OpenButton(_("Open the audiobook"), self)
        self.play.clicked.connect(self._opened)
        self.play.setEnabled(bool(result.place or result.path))
        self.report = QPushButton(QIcon.ic("reports.png"), _("Report"), self)
        self.report.clicked.connect(lambda: show_report(self.window(), self._context, result.report, self._where_now()))
        self.folder = QPushButton(QIcon.ic("document_open.png"), _("Open its folder"), self)
        self.folder.clicked.connect(lambda: self._say(open_in_system(str(Path(self._where_now()).parent))))
        self.folder.setEnabled(self.play.isEnabled())
        buttons = QHBoxLayout()
        for button in (self.play, self.report, self.folder):
            button.setAutoDefault(False)
            button.setAccessibleDescription(self.outcome.title)
            buttons.addWidget(button)
        buttons.addStretch()
        rows.addLayout(buttons)
        self.said = sentence("", self)
        self.said.hide()
        rows.addWidget(self.said)

    def _whereto(self, result: Result) -> list[str]:
        """Where it went."""
        if result.path is not None:
            return [_("It is in the folder you chose: {path}").format(path=isolated(str(result.path)))]
        if self.outcome.kept_copy:
            copied = _("It is a format of the book now: {format}. The one from elsewhere is kept beside it, as the format {copy}.")
            kept = [copied.format(format=FORMAT, copy=COPY)]
            if self.outcome.beside:
                kept.append(_("The earlier one in its own entry, “{title}”, stays as it was.").format(title=isolated(self.outcome.beside)))
            return kept
        if result.record not in (None, self.outcome.book_id):
            return [_("It has a book entry of its own in the library: “{title} (audiobook)”.").format(title=isolated(self.outcome.title))]
        return [_("It is a format of the book now: {format}.").format(format=FORMAT)] if result.outcome == "written" else []

    def _failed(self, rows: QVBoxLayout, error: PluginError) -> None:
        self.box = ErrorBox(self)
        self.box.button.setAutoDefault(False)
        rows.addWidget(self.box)
        self._say_why(error)

    def _say_why(self, error: Exception) -> None:
        known = as_plugin_error(error)
        actions = dict(usual_actions(self._context, known, [self.outcome.book_id], self._say_why))
        if self.outcome.again is not None:
            actions["again"] = self.outcome.again
        actions["install"] = partial(self._installing, actions["install"])
        self.box.set_error(known, actions)

    def _installing(self, install: Callable[[], None]) -> None:
        """It is on its way, and the book follows: not twice. Where the user then changes their mind, once more."""
        self.box.button.setEnabled(False)
        self._installs = QTimer(self)
        self._installs.setInterval(TICK_MS)
        self._installs.timeout.connect(self._installed)
        self._installs.start()
        install()

    def _installed(self) -> None:
        if not self._context.installing():
            self._installs.stop()
            self.box.button.setEnabled(True)

    def _opened(self) -> None:
        self._say(self._context.open_file(self._where_now()))

    def _say(self, text: str) -> None:
        self.said.setText(text)
        self.said.setVisible(bool(text))
        window = self.window()
        if isinstance(window, Outcomes):
            window.grow()

    def _where_now(self) -> str:
        """The audiobook's file; Calibre moves a book's files when its title or its author is edited."""
        result, gui = self.outcome.result, self._context.gui
        assert result is not None
        place = result.place or str(result.path or "")
        if result.record is None or gui is None or paths.is_file(Path(place)):
            return place
        return str(gui.current_db.new_api.format_abspath(result.record, FORMAT) or place)
