"""The button that opens the dialog, for the windows in which a voice is chosen."""

from __future__ import annotations

from typing import Any, Final

from qt.core import QIcon, QPushButton, pyqtSignal  # type: ignore[import-not-found]

from ...speaking.clones import Clone
from ...wording import N_
from ...wording import translate as _
from ..context import Context
from .dialog import clone_a_voice

ABOUT_CLONING: Final = N_("A voice that sounds like a recording: yours, or that of somebody who has agreed")


class CloneButton(QPushButton):  # type: ignore[misc]
    """`cloned(Clone)` when one was kept."""

    cloned = pyqtSignal(object)

    def __init__(self, parent: Any, context: Context, text: str) -> None:
        """text: with or without a shortcut."""
        super().__init__(QIcon.ic("plus.png"), text, parent)
        self._context = context
        self.setAutoDefault(False)
        self.setToolTip(_(ABOUT_CLONING))
        self.clicked.connect(lambda checked=False: self._press())

    def _press(self) -> None:
        clone_a_voice(self.window(), self._context, self._kept)

    def _kept(self, clone: Clone) -> None:
        self.cloned.emit(clone)
