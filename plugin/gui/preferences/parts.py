"""What the pages have in common: a page, where what is told stands below it, and names for sounds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from qt.core import (  # type: ignore[import-not-found]
    QSize,
    QSizePolicy,
    Qt,
    QTimer,
    QVBoxLayout,
    QWidget,
    pyqtSignal,
    sip,
)

from ... import prefs
from ...engine import install_plan
from ...engine.install_plan import Wanted
from ...errors import PluginError
from ...prefs import Settings
from ...wording import N_
from ...wording import translate as _
from ..background import Background
from ..context import PAGES, Context
from ..play_button import PlayButton
from ..player import Player
from ..scrolled import Page as Content
from ..scrolled import Scrolled
from ..work_bar import Flow, WorkBar

_TOLD_LINES = 18
"""Of what is told below a page so many are seen, where there is room."""
CANCELLED: Final = N_("“Cancel” takes back only what you chose on the four pages: voices, device and settings.")


class Page(QWidget):  # type: ignore[misc]
    """One page of Preferences; what it has chosen is kept when the whole is. `other(name)`: another page is to be shown. `begun`: an installation was."""

    other = pyqtSignal(str)
    begun = pyqtSignal()
    name = ""
    """Of `PAGES`."""

    def __init__(self, context: Context, player: Player, pending: Callable[[], Settings] = prefs.load) -> None:
        """pending: the settings as they will be if all pages are kept as they are now."""
        super().__init__()
        self.context = context
        self.player = player
        self.pending = pending

    def changes(self) -> Mapping[str, Any]:
        """Of `prefs.Settings`, what this page decides."""
        return {}

    def stop(self) -> None:
        """The window closes: what this page does in the background ends."""
        for work in self.findChildren(Background):
            work.stop()

    def refresh(self) -> None:
        """Look again at what may have changed outside the page."""

    def begin(self) -> None:
        """Look for the first time, once the window is seen: a thread beside its making would take turns with it."""
        QTimer.singleShot(0, self.refresh)

    def underway_changed(self, ended: bool) -> None:
        """An installation has begun somewhere, or has ended."""
        if ended:
            self.refresh()

    def is_coming(self, layer: str = "", voice: str = "") -> bool:
        """Is that being installed?"""
        return any(one.brings(layer, voice) for one in self.context.underway())

    def shown_again(self) -> None:
        """After another page: what had gone wrong here may be mended."""
        for work in self.findChildren(WorkBar):
            if not work.error.isHidden():
                work.clear()
        self.refresh()

    def ways(self) -> dict[str, Callable[[], None]]:
        """To the other pages that an error's button may name."""
        return {name: partial(self.other.emit, name) for name in PAGES if name != self.name}

    def lay_out(self, content: QWidget, work: WorkBar, buttons: Sequence[QWidget] = ()) -> None:
        """The content scrolls; what is told stands below it, always in sight, and moves no button. buttons: that stand below that, in sight too."""
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(Scrolled(content, self), 1)
        outer.addWidget(_Told(work, self))
        if buttons:
            row = QWidget()
            row.setLayout(Flow(*buttons))
            row.layout().setContentsMargins(0, 0, 0, content.layout().contentsMargins().bottom())
            outer.addWidget(_Told(row, self))

    def mend_play(self, play: PlayButton, work: WorkBar) -> None:
        """What an error of Play offers: to install what it lacks, or another page."""

        def offer(error: PluginError) -> None:
            layer = str(error.params.get("layer") or "core")
            wanted = Wanted((layer,), (str(error.params["voice"]),) if error.code == "voice_missing" else ())
            work.show_error(error, {"again": play.click, "install": lambda: self.install(wanted, work), **self.ways()})

        play.failed.connect(offer, Qt.ConnectionType.QueuedConnection)

    def install(self, wanted: Wanted, work: WorkBar) -> None:
        """By a job of Calibre's, which may outlive the window; how it ended is told in `work` as long as that is seen."""

        def then(error: Exception | None) -> bool:
            if sip.isdeleted(self) or not self.window().isVisible():  # Calibre keeps the windows of its Customize
                return False
            if error is not None:
                work.show_error(error, {"again": lambda: self.install(wanted, work), **self.ways()})
            else:
                work.say(_("Installed."))
            self.refresh()
            return True

        work.clear()
        self.context.install(wanted, then)
        self.begun.emit()


class _Told(Scrolled):
    """As high as what is told needs, so of no height while there is nothing; it scrolls where that is too much. To a layout it is no higher for being
    narrower: else the window would begin as low as it can be."""

    def __init__(self, part: QWidget, parent: QWidget) -> None:
        page = Content()
        rows = QVBoxLayout(page)
        margins = rows.contentsMargins()
        rows.setContentsMargins(margins.left(), 0, margins.right(), 0)
        rows.addWidget(part)
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


def size_words(size_bytes: int) -> str:
    """`60 MB`; only nothing is `0 MB`."""
    return install_plan.size_words(max(1.0, size_bytes / 1e6) if size_bytes else 0.0)
