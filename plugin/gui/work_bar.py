"""What windows have in common: rows of buttons that wrap, a button, and work with a bar, its Stop and what went wrong with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from calibre.gui2.widgets2 import FlowLayout  # type: ignore[import-not-found]
from qt.core import (  # type: ignore[import-not-found]
    QAbstractButton,
    QGridLayout,
    QProgressBar,
    QPushButton,
    QRect,
    QScrollArea,
    QStyle,
    Qt,
    QTimer,
    QWidget,
)

from ..converting.progress import Step
from ..errors import PluginError
from ..log import told
from ..wording import N_
from ..wording import translate as _
from .background import Background, Work
from .error_dialog import ErrorBox
from .scrolled import sentence

log = logging.getLogger(__name__)
_BAR: Final = 1000


class Flow(FlowLayout):  # type: ignore[misc]
    """A row that goes on below where it is too narrow, in the direction in which one reads."""

    def __init__(self, *widgets: QWidget) -> None:
        super().__init__()
        for widget in widgets:
            self.addWidget(widget)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        direction = self.parentWidget().layoutDirection() if self.parentWidget() is not None else Qt.LayoutDirection.LeftToRight
        if direction == Qt.LayoutDirection.RightToLeft:
            for item in map(self.itemAt, range(self.count())):
                item.setGeometry(QStyle.visualRect(direction, rect, item.geometry()))


class WorkBar(QWidget):  # type: ignore[misc]
    """Work in the background with its bar and Stop; below it what went wrong. Not shown while there is nothing to show."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.background = Background(self)
        self.label = sentence("", self)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.stop_button = QPushButton(_("Stop"))
        self.stop_button.setAutoDefault(False)
        self.error = ErrorBox(self)
        self._done: Callable[[Any], None] = _nothing
        self._ended: Callable[[], None] = _nothing_at_all
        self._stopping = False
        """Was its Stop pressed, and nothing told since of how it ended?"""
        self._again: tuple[Any, ...] = ()
        self._kept = ""
        self._actions: Mapping[str, Callable[[], None]] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.label, 0, 0, 1, 2)
        grid.addWidget(self.bar, 1, 0)
        grid.addWidget(self.stop_button, 1, 1)
        grid.addWidget(self.error, 2, 0, 1, 2)
        self.stop_button.clicked.connect(self._stop)
        self.error.fold.clicked.connect(lambda checked=False: QTimer.singleShot(0, self._details_into_view))
        self.background.step.connect(self._show_step)
        self.background.done.connect(self._finished)
        self.background.failed.connect(self._failed)
        self.background.ended.connect(self._over)
        self._show_bar(False)

    @property
    def running(self) -> bool:
        return bool(self.background.running)

    def start(
        self,
        text: str,
        work: Work,
        done: Callable[[Any], None],
        ended: Callable[[], None] | None = None,
        actions: Mapping[str, Callable[[], None]] | None = None,
        kept: str = "",
    ) -> None:
        """done: told what the work gives. ended: called last, however it ended. actions: for an error's button; `again` is there by itself. kept: what to say
        besides when it was stopped."""
        self.background.stop()  # what is still leaving says nothing of its own any more
        self._again = (text, work, done, ended, actions, kept)
        self._kept = kept
        self._done, self._ended, self._actions = done, ended or _nothing_at_all, actions or {}
        self.error.clear()
        self.label.setText(text)
        self.bar.setAccessibleName(text)
        self.bar.setRange(0, 0)
        self._stopping = False
        allow(self.stop_button)
        self._show_bar(True)
        QTimer.singleShot(0, self._into_view)
        self.background.start(work)

    def say(self, text: str) -> None:
        """How it ended, in a sentence."""
        self.label.setText(text)
        self.label.setVisible(bool(text))

    def clear(self) -> None:
        """What was said is about something else; work that goes on is still told of."""
        self.error.clear()
        if not self.running:
            self.say("")

    def show_error(self, error: Exception, actions: Mapping[str, Callable[[], None]]) -> None:
        """Where the eye is. actions: as for `start`."""
        self.say("")
        self.error.set_error(error, actions)
        QTimer.singleShot(0, self._into_view)

    def refuse(self, error: PluginError, actions: Mapping[str, Callable[[], None]]) -> None:
        """What was not even begun; kept in the log, as is what failed."""
        log.warning(told(error))
        self.show_error(error, actions)

    def _stop(self) -> None:
        """How it ends is told whatever was pressed: some work cannot be broken off."""
        self._stopping = True
        self.label.setText(_("Stopping…"))
        allow(self.stop_button, _("It stops as soon as it can; what cannot be broken off any more is done."))
        self.background.leave()

    def _show_bar(self, shown: bool) -> None:
        self.label.setVisible(shown)
        self.bar.setVisible(shown)
        self.stop_button.setVisible(shown)

    def _into_view(self) -> None:
        """Scroll to it, wherever on a long page its button was, and wherever that page scrolls in another."""
        for area in self._areas():
            area.widget().layout().activate()
            area.ensureWidgetVisible(self)
            _begin_at(area, self)

    def _details_into_view(self) -> None:
        """As far as what happened stays in sight."""
        for area in () if self.error.details.isHidden() else self._areas():
            area.widget().layout().activate()
            area.ensureWidgetVisible(self.error.copy)
            _begin_at(area, self.error.happened)

    def _areas(self) -> Iterator[QScrollArea]:
        """Those it stands in, the innermost first."""
        parent = self.parentWidget()
        while parent is not None:
            if isinstance(parent, QScrollArea):
                yield parent
            parent = parent.parentWidget()

    def _show_step(self, step: Step) -> None:
        if step.final:
            allow(self.stop_button, _("This cannot be broken off."))
        if step.text and (step.final or not self._stopping):
            self.label.setText(f"{step.text[:1].upper()}{step.text[1:]}")
        if step.done is None:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, _BAR)
            self.bar.setValue(round(_BAR * step.done))

    def _finished(self, result: Any) -> None:
        self._stopping = False
        self._show_bar(False)
        self._done(result)

    def _failed(self, error: PluginError) -> None:
        self._stopping = False
        self.show_error(error, {"again": lambda: self.start(*self._again), **self._actions})

    def _over(self) -> None:
        if self.running:  # what followed has begun already
            return
        self.bar.setVisible(False)
        self.stop_button.setVisible(False)
        if not self.error.isHidden():
            self.label.setVisible(False)
        if self._stopping:
            self.say(" ".join(filter(None, (_("Stopped."), self._kept))))
        self._ended()


def button(text: str, pressed: Callable[[], None], tip: str = "") -> QPushButton:
    """A button that is never pressed by Enter elsewhere."""
    made = QPushButton(text)
    made.setAutoDefault(False)
    made.setToolTip(tip)
    made.clicked.connect(lambda checked=False: pressed())
    return made


def allow(pressed: QAbstractButton, why_not: str = "", tip: str = "") -> None:
    """A button that can be pressed, with what it does; or it is grey and says why not, to a screen reader too."""
    pressed.setEnabled(not why_not)
    pressed.setToolTip(why_not or tip)


WAITS: Final = N_("Wait until what is being done now has ended")
"""Why a button is grey meanwhile."""


def _begin_at(area: QScrollArea, widget: QWidget) -> None:
    """Never scroll so far that the widget's beginning is out of sight."""
    top = widget.mapTo(area.widget(), widget.rect().topLeft()).y()
    area.verticalScrollBar().setValue(min(area.verticalScrollBar().value(), top))


def _nothing(result: Any) -> None:
    return None


def _nothing_at_all() -> None:
    return None
