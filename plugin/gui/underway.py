"""What is being installed, in a row of a window: how far it is, and its Stop. A modal window keeps Calibre's Jobs list out of reach."""

from __future__ import annotations

from typing import Final

from qt.core import QGridLayout, QProgressBar, QTimer, QWidget, pyqtSignal  # type: ignore[import-not-found]

from ..engine.install_plan import Wanted
from ..wording import translate as _
from .context import Context
from .scrolled import sentence
from .work_bar import button

LOOK_MS = 500
_BAR: Final = 1000


class UnderwayRow(QWidget):  # type: ignore[misc]
    """Not shown while nothing is installed; looks while `timer` runs. `changed(ended)`: something began or, if `ended`, came to an end, however that was."""

    changed = pyqtSignal(bool)

    def __init__(self, parent: QWidget, context: Context) -> None:
        super().__init__(parent)
        self._context = context
        self._known: list[Wanted] = []
        self.label = sentence("", self)
        self.bar = QProgressBar()
        self.bar.setRange(0, _BAR)
        self.stop_button = button(_("Stop"), self._stop, _("What was downloaded is kept, and goes on from there the next time"))
        grid = QGridLayout(self)
        margins = grid.contentsMargins()
        grid.setContentsMargins(margins.left(), 0, margins.right(), 0)
        grid.addWidget(self.label, 0, 0, 1, 2)
        grid.addWidget(self.bar, 1, 0)
        grid.addWidget(self.stop_button, 1, 1)
        self.timer = QTimer(self)
        self.timer.setInterval(LOOK_MS)
        self.timer.timeout.connect(self.look)
        self.hide()

    def look(self) -> None:
        """How far it is now."""
        found = self._context.underway()
        self.setVisible(bool(found))
        if found:
            now, *waiting = found
            words = _("{what}: {doing}").format(what=now.title, doing=now.text)
            self.label.setText("\n".join([words, *(_("After that: {what}").format(what=one.title) for one in waiting)]))
            self.bar.setAccessibleName(now.title)
            self.bar.setValue(round(_BAR * now.done))
        before, self._known = self._known, [one.wanted for one in found]
        if before != self._known:
            self.changed.emit(any(wanted not in self._known for wanted in before))

    def _stop(self) -> None:
        """That which is shown."""
        for one in self._context.underway()[:1]:
            one.stop()
        self.look()
