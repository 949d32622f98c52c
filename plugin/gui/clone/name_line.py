"""A clone's name: where it is typed, with what is wrong with it; and the window in which one is called otherwise."""

from __future__ import annotations

from typing import Any

from qt.core import QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget, pyqtSignal  # type: ignore[import-not-found]

from ...errors import PluginError
from ...speaking import clones
from ...speaking.clones import Clone
from ...wording import translate as _
from ..scrolled import Wrapping, sentence
from ..work_bar import allow


class NameLine(QWidget):  # type: ignore[misc]
    """`changed` with every letter. A name that no clone may have is said below."""

    changed = pyqtSignal()

    def __init__(self, parent: Any, own: str = "") -> None:
        """own: the id of the clone that is called so; its name is no other's."""
        super().__init__(parent)
        self._taken = {clone.name for clone in clones.all_of_them() if clone.id != own}
        self.line = QLineEdit(self)
        self.line.setMaxLength(clones.MOST_LETTERS)
        label = QLabel(_("&Name:"), self)
        label.setBuddy(self.line)
        self.problem = sentence("", self)
        self.problem.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (label, self.line, self.problem):
            layout.addWidget(widget)
        self.line.textChanged.connect(self._check)

    def name(self) -> str:
        """As it would be kept; empty where it cannot be."""
        try:
            name = clones.checked_name(self.line.text())
        except PluginError:
            return ""
        return "" if name in self._taken else name

    def propose(self, name: str) -> None:
        """Until the user types another one; a name that nobody may have is none."""
        if not self.line.isModified():
            try:
                self.line.setText(clones.free_name(clones.checked_name(name[: clones.MOST_LETTERS]), ""))
            except PluginError:
                self.line.setText("")

    def _check(self) -> None:
        text = ""
        try:
            name = clones.checked_name(self.line.text())
            if name in self._taken:
                text = _("Another clone is called so.")
        except PluginError as error:
            if self.line.text():
                text = error.what()
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
        self.changed.emit()


class Rename(Wrapping):
    """Accepted: `name.name()` is the new one."""

    def __init__(self, parent: Any, clone: Clone) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("Rename the clone"))
        self.name = NameLine(self, clone.id)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.name.changed.connect(self._show)
        layout = QVBoxLayout(self)
        layout.addWidget(self.name)
        layout.addStretch()
        layout.addWidget(self.buttons)
        self.name.line.setText(clone.name)
        self.name.line.selectAll()
        self.begin(50)

    def _show(self) -> None:
        allow(self.buttons.button(QDialogButtonBox.StandardButton.Ok), "" if self.name.name() else _("The clone needs a name of its own"))
