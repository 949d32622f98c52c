"""What the pages have in common: a page, rows of buttons that wrap, and work with a bar, its Stop and what went wrong with it."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from calibre.gui2.widgets2 import FlowLayout  # type: ignore[import-not-found]
from qt.core import (  # type: ignore[import-not-found]
    QGridLayout,
    QProgressBar,
    QPushButton,
    QRect,
    QScrollArea,
    QSize,
    QSizePolicy,
    QStyle,
    Qt,
    QTimer,
    QVBoxLayout,
    QWidget,
    pyqtSignal,
    sip,
)

from ...converting.progress import Step
from ...engine import install_plan
from ...engine.install_plan import Wanted
from ...errors import PluginError
from ...log import told
from ...speaking.voices import DEFAULT_ENGLISH
from ...wording import N_
from ...wording import translate as _
from ..background import Background, Work
from ..context import PAGES, Context
from ..error_dialog import ErrorBox, show_error
from ..player import PlayButton, Player
from ..scrolled import Page as Content
from ..scrolled import Scrolled, sentence

log = logging.getLogger(__name__)
_BAR = 1000
_TOLD_LINES = 18
"""Of what is told below a page so many are seen, where there is room."""
INSTALLING = {
    "core": N_("The basic part of the speech engine is being installed; the Jobs list shows how far it is."),
    "neural": N_("The extra part of the speech engine is being installed; the Jobs list shows how far it is."),
    "": N_("The voice is being downloaded; the Jobs list shows how far it is."),
}
"""By what comes first."""


class Page(QWidget):  # type: ignore[misc]
    """One page of Preferences; what it has chosen is kept when the whole is. `other(name)`: another page is to be shown."""

    other = pyqtSignal(str)

    def __init__(self, context: Context, player: Player) -> None:
        super().__init__()
        self.context = context
        self.player = player

    def changes(self) -> Mapping[str, Any]:
        """Of `prefs.Settings`, what this page decides."""
        return {}

    def stop(self) -> None:
        """The window closes: what this page does in the background ends."""
        for work in self.findChildren(Background):
            work.stop()

    def refresh(self) -> None:
        """Look again at what may have changed outside the page."""

    def shown_again(self) -> None:
        """After another page: what had gone wrong here may be mended."""
        for work in self.findChildren(WorkBar):
            work.error.clear()
        self.refresh()

    def ways(self) -> dict[str, Callable[[], None]]:
        """To the pages that an error's button names."""
        return {name: partial(self.other.emit, name) for name in PAGES}

    def lay_out(self, content: QWidget, work: WorkBar) -> None:
        """The content scrolls; what is told stands below it, always in sight, and moves no button."""
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(Scrolled(content, self), 1)
        outer.addWidget(_Told(work, self))

    def mend_play(self, play: PlayButton, work: WorkBar) -> None:
        """What an error of Play offers: to install what it lacks, or another page."""

        def offer(error: PluginError) -> None:
            layer = str(error.params.get("layer") or "core")
            voice = str(error.params["voice"]) if error.code == "voice_missing" else DEFAULT_ENGLISH
            wanted = Wanted((layer,), () if layer == "neural" else (voice,))
            work.show_error(error, {"again": play.click, "install": lambda: self.install(wanted, work), **self.ways()})

        play.failed.connect(offer, Qt.ConnectionType.QueuedConnection)

    def install(self, wanted: Wanted, work: WorkBar) -> None:
        """By a job of Calibre's, which may outlive the window; how it ended is told in `work`, else in a dialog."""

        def then(error: Exception | None) -> None:
            if sip.isdeleted(self) or not self.window().isVisible():  # Calibre keeps the windows of its Customize
                if error is not None:
                    show_error(self.context.gui, error, _("Not installed"), {"again": lambda: self.context.install(wanted, None)})
                return
            if error is not None:
                work.show_error(error, {"again": lambda: self.install(wanted, work), **self.ways()})
            else:
                work.say(_("Installed."))
            self.refresh()

        work.error.clear()
        work.say(_(INSTALLING[wanted.layers[0] if wanted.layers else ""]))
        self.context.install(wanted, then)


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
        self._again: tuple[Any, ...] = ()
        self._actions: Mapping[str, Callable[[], None]] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.label, 0, 0, 1, 2)
        grid.addWidget(self.bar, 1, 0)
        grid.addWidget(self.stop_button, 1, 1)
        grid.addWidget(self.error, 2, 0, 1, 2)
        self.stop_button.clicked.connect(self.background.stop)
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
    ) -> None:
        """done: told what the work gives. ended: called last, however it ended. actions: for an error's button; `again` is there by itself."""
        self._again = (text, work, done, ended, actions)
        self._done, self._ended, self._actions = done, ended or _nothing_at_all, actions or {}
        self.error.clear()
        self.label.setText(text)
        self.bar.setAccessibleName(text)
        self.bar.setRange(0, 0)
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

    def _show_bar(self, shown: bool) -> None:
        self.label.setVisible(shown)
        self.bar.setVisible(shown)
        self.stop_button.setVisible(shown)

    def _into_view(self) -> None:
        """Scroll to it, wherever on a long page its button was."""
        area = self._area()
        if area is not None:
            area.ensureWidgetVisible(self)
            area.verticalScrollBar().setValue(min(area.verticalScrollBar().value(), self.mapTo(area.widget(), self.rect().topLeft()).y()))

    def _details_into_view(self) -> None:
        """As far as what happened stays in sight."""
        area = self._area()
        if area is not None and not self.error.details.isHidden():
            area.widget().layout().activate()
            area.ensureWidgetVisible(self.error.copy)
            top = self.error.happened.mapTo(area.widget(), self.error.happened.rect().topLeft()).y()
            area.verticalScrollBar().setValue(min(area.verticalScrollBar().value(), top))

    def _area(self) -> QScrollArea | None:
        parent = self.parentWidget()
        while parent is not None and not isinstance(parent, QScrollArea):
            parent = parent.parentWidget()
        return parent

    def _show_step(self, step: Step) -> None:
        if step.text:
            self.label.setText(step.text)
        if step.done is None:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, _BAR)
            self.bar.setValue(round(_BAR * step.done))

    def _finished(self, result: Any) -> None:
        self._show_bar(False)
        self._done(result)

    def _failed(self, error: PluginError) -> None:
        self.show_error(error, {"again": lambda: self.start(*self._again), **self._actions})

    def _over(self) -> None:
        if self.running:  # what followed has begun already
            return
        self.bar.setVisible(False)
        self.stop_button.setVisible(False)
        if not self.error.isHidden():
            self.label.setVisible(False)
        self._ended()


class _Told(Scrolled):
    """As high as what is told needs, so of no height while there is nothing; it scrolls where that is too much."""

    def __init__(self, work: WorkBar, parent: QWidget) -> None:
        page = Content()
        rows = QVBoxLayout(page)
        margins = rows.contentsMargins()
        rows.setContentsMargins(margins.left(), 0, margins.right(), 0)
        rows.addWidget(work)
        super().__init__(page, parent, lines=_TOLD_LINES)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def resizeEvent(self, event: Any) -> None:
        """Narrower is higher."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        page = self.widget()
        height = page.heightForWidth(self.viewport().width()) if page.hasHeightForWidth() else page.sizeHint().height()
        return QSize(super().sizeHint().width(), max(0, min(height, self.fontMetrics().lineSpacing() * _TOLD_LINES)))

    def minimumSizeHint(self) -> QSize:
        least = super().minimumSizeHint()
        return QSize(least.width(), min(least.height(), self.sizeHint().height()))


class Wavs:
    """Names for sounds that are made to be heard once; Calibre removes them when it ends."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._numbers = itertools.count(1)

    def new(self) -> Path:
        """Of a file that is not there yet; from any thread."""
        if self._folder is None:
            from calibre.ptempfile import PersistentTemporaryDirectory  # type: ignore[import-not-found]

            self._folder = Path(PersistentTemporaryDirectory("_audiobook_try"))
        return self._folder / f"{next(self._numbers)}.wav"


WAVS = Wavs()


def button(text: str, pressed: Callable[[], None], tip: str = "") -> QPushButton:
    """A button that is never pressed by Enter elsewhere."""
    made = QPushButton(text)
    made.setAutoDefault(False)
    made.setToolTip(tip)
    made.clicked.connect(lambda checked=False: pressed())
    return made


def size_words(size_bytes: int) -> str:
    """`60 MB`; only nothing is `0 MB`."""
    return install_plan.size_words(max(1.0, size_bytes / 1e6) if size_bytes else 0.0)


def _nothing(result: Any) -> None:
    return None


def _nothing_at_all() -> None:
    return None
