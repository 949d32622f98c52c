"""Preferences: four pages, shown by Calibre's Customize plugin or in a dialog of their own from our menu.

What is chosen (voices, device, sound) is kept when the whole is accepted and holds at once; what a button does (getting
a voice, installing, moving) is done when it is pressed. A value that cannot be is not taken by any field, so there is
nothing that could be refused at the end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from calibre.gui2.widgets2 import Dialog  # type: ignore[import-not-found]
from qt.core import QAbstractSpinBox, QComboBox, QIcon, QSize, Qt, QTabWidget, QVBoxLayout, QWidget  # type: ignore[import-not-found]

from ... import prefs
from ...speaking.speakers import AUTO
from ...wording import N_
from ...wording import translate as _
from ..context import PAGES, Context
from ..player import Player
from ..scrolled import LEAST_SCREEN, calm
from ..underway import UnderwayRow
from .device import DevicePage
from .engine import EnginePage
from .parts import Page
from .sound import SoundPage
from .voice import VoicePage

_PAGES: Final = {
    "voice": (VoicePage, N_("Voice"), "auto-scroll.png"),
    "device": (DevicePage, N_("Device"), "devices/tablet.png"),
    "sound": (SoundPage, N_("Conversion"), "tweak.png"),
    "engine": (EnginePage, N_("Engine"), "config.png"),
}


class Preferences(QWidget):  # type: ignore[misc]
    """For Calibre's `config_widget`; `commit` keeps what was chosen. A page is made when it is first shown."""

    def __init__(self, context: Context, page: str = "voice") -> None:
        super().__init__()
        self._context = context
        self._made: dict[str, Page] = {}
        self.player = Player(self)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setUsesScrollButtons(False)  # as wide as all of them
        for name in PAGES:
            _page, title, icon = _PAGES[name]
            holder = QWidget()
            QVBoxLayout(holder).setContentsMargins(0, 0, 0, 0)
            self.tabs.addTab(holder, QIcon.ic(icon), _(title))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)
        self.underway = UnderwayRow(self, context)
        self.underway.changed.connect(self._underway_changed)
        layout.addWidget(self.underway)
        self.tabs.currentChanged.connect(lambda number: self._shown(PAGES[number]))
        self.show_page(page)
        self.page(PAGES[self.tabs.currentIndex()])

    def page(self, name: str) -> Page:
        """One of `PAGES`, shown or not."""
        if name not in self._made:
            self._made[name] = _PAGES[name][0](self._context, self.player, self.pending)
            self._made[name].name = name
            self._made[name].other.connect(self.show_page)
            self._made[name].begun.connect(self.underway.look)
            if isinstance(self._made[name], EnginePage):
                self._made[name].device_gone.connect(self._device_gone)
            calm(*self._made[name].findChildren(QComboBox), *self._made[name].findChildren(QAbstractSpinBox))
            self.tabs.widget(PAGES.index(name)).layout().addWidget(self._made[name])
        return self._made[name]

    def show_page(self, name: str) -> None:
        """One of `PAGES`; any other is the first."""
        self.tabs.setCurrentIndex(PAGES.index(name) if name in PAGES else 0)

    def _shown(self, name: str) -> None:
        if name in self._made:
            self._made[name].shown_again()
        self.page(name)

    def pending(self) -> prefs.Settings:
        """As they will be if all is kept as it is now: what one page has chosen holds for the others at once."""
        return replace(prefs.load(), **self._changes())

    def _changes(self) -> dict[str, Any]:
        return {name: value for page in self._made.values() for name, value in page.changes().items()}

    def _underway_changed(self, ended: bool) -> None:
        for page in self._made.values():
            page.underway_changed(ended)

    def _device_gone(self) -> None:
        prefs.change(device=AUTO)
        if "device" in self._made:
            self._made["device"].use(AUTO)

    def validate(self) -> bool:
        """Everything that can be chosen can be kept."""
        return True

    def commit(self) -> None:
        """Keep what was chosen; it holds for the next book."""
        prefs.change(used=True, **self._changes())

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.underway.timer.start()
        self.underway.look()

    def hideEvent(self, event: Any) -> None:
        """The window that holds it closes: nothing goes on behind it."""
        super().hideEvent(event)
        if not event.spontaneous():
            self.player.free()
            self.underway.timer.stop()
            for page in self._made.values():
                page.stop()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        screen = self.screen().availableSize().expandedTo(LEAST_SCREEN)
        return QSize(metrics.averageCharWidth() * 98, min(metrics.lineSpacing() * 40, screen.height() * 8 // 10))


class PreferencesDialog(Dialog):  # type: ignore[misc]
    """Preferences in a window of their own."""

    def __init__(self, parent: Any, context: Context, page: str = "voice") -> None:
        self._context, self._page = context, page
        super().__init__(_("Preferences of Convert to Audiobook"), "convert-to-audiobook-preferences", parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def setup_ui(self) -> None:
        self.preferences = Preferences(self._context, self._page)
        layout = QVBoxLayout(self)
        layout.addWidget(self.preferences)
        layout.addWidget(self.bb)

    def accept(self) -> None:
        if self.preferences.validate():
            self.preferences.commit()
            super().accept()
