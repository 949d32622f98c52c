"""The plugin's log, to be read and copied for a report."""

from __future__ import annotations

from typing import Any

from qt.core import QDialog, QDialogButtonBox, QIcon, QPlainTextEdit, QVBoxLayout  # type: ignore[import-not-found]

from ... import log
from ...wording import translate as _
from ..error_dialog import copy_text
from ..scrolled import sentence


class LogWindow(QDialog):  # type: ignore[misc]
    """What is kept, its end in view."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("Log of Convert to Audiobook"))
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName(_("Log"))
        self.text.setPlainText(log.text() or _("Nothing has been logged yet."))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        self.copy = buttons.addButton(_("&Copy"), QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.setIcon(QIcon.ic("edit-copy.png"))
        self.copy.clicked.connect(lambda checked=False: copy_text(self.copy, self.text.toPlainText()))
        layout = QVBoxLayout(self)
        words = _("It holds no title and no word of your books. If something does not work, send it to whoever gave you this plugin.")
        layout.addWidget(sentence(words, self))
        layout.addWidget(self.text, 1)
        layout.addWidget(buttons)
        self.resize(self.fontMetrics().averageCharWidth() * 90, self.fontMetrics().lineSpacing() * 25)
        self.text.moveCursor(self.text.textCursor().MoveOperation.End)
