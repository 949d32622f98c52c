"""What is to be done about audiobooks that this plugin did not make: asked once, for all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from calibre.gui2 import choose_dir  # type: ignore[import-not-found]
from qt.core import (  # type: ignore[import-not-found]
    QButtonGroup,
    QGroupBox,
    QHBoxLayout,
    QIcon,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QStyle,
    QVBoxLayout,
    pyqtSignal,
)

from ..wording import N_
from ..wording import translate as _
from .links import verbatim
from .scrolled import sentence

RECORD: Final = "record"
FOLDER: Final = "folder"
REPLACE: Final = "replace"
LEAVE: Final = "leave"
RECORD_WORDS: Final = N_("Keep &both: the new one as a book of its own")


class ForeignChoice(QGroupBox):  # type: ignore[misc]
    """`how`: `record`, `folder`, `replace` (as in job.Options) or `leave`. `changed` when it is another."""

    changed = pyqtSignal()

    def __init__(self, parent: Any, several: bool, choose: Callable[[Any, str, str], str | None] = choose_dir) -> None:
        super().__init__(_("Audiobooks from elsewhere") if several else _("There is an audiobook already"), parent)
        self._choose = choose
        self.folder: Path | None = None
        self.intro = sentence("", self)
        self.radios: dict[str, QRadioButton] = {}
        self._group = QButtonGroup(self)
        rows = QVBoxLayout(self)
        rows.addWidget(self.intro)
        texts = [
            (RECORD, _(RECORD_WORDS)),
            (FOLDER, _("Keep both: the new one in a &folder")),
            (REPLACE, _("&Replace it (it is kept as a format named ORIGINAL_M4B)")),
        ]
        if several:
            texts.append((LEAVE, _("&Leave these books out")))
        for name, text in texts:
            self.radios[name] = QRadioButton(text, self)
            self._group.addButton(self.radios[name])
            rows.addWidget(self.radios[name])
            if name == FOLDER:
                self._add_folder(rows)
        self.radios[RECORD].setChecked(True)
        self._group.buttonToggled.connect(self._toggled)
        self._show()

    def _add_folder(self, rows: QVBoxLayout) -> None:
        """A line that is always there and always as high, so that what stands below never moves."""
        self.place = QLineEdit(self)
        self.place.setReadOnly(True)
        self.place.setPlaceholderText(_("No folder is chosen yet."))
        self.place.setAccessibleName(_("Folder for the new audiobooks"))
        self.button = QPushButton(QIcon.ic("document_open.png"), _("Choose folder…"), self)
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self._pressed)
        line = QHBoxLayout()
        line.addSpacing(self.style().pixelMetric(QStyle.PixelMetric.PM_ExclusiveIndicatorWidth))
        line.addWidget(self.place, 1)
        line.addWidget(self.button)
        rows.addLayout(line)

    def set_intro(self, text: str, own: bool = False) -> None:
        """What is there. own: is there a book of its own with ours already?"""
        self.intro.setText(text)
        self.radios[RECORD].setText(_("Keep &both: this plugin's, in its own entry, is brought up to date") if own else _(RECORD_WORDS))

    def how(self) -> str:
        """What is chosen."""
        return next(name for name, radio in self.radios.items() if radio.isChecked())

    def is_ready(self) -> bool:
        """Is all known that it takes?"""
        return self.how() != FOLDER or self.folder is not None

    def _toggled(self, radio: Any, on: bool) -> None:
        if on:
            self._show()
            self.changed.emit()

    def _show(self) -> None:
        in_folder = self.how() == FOLDER
        self.place.setEnabled(in_folder)
        self.button.setEnabled(in_folder)
        self.place.setText("" if self.folder is None else str(self.folder))
        self.place.setToolTip(verbatim(self.place.text()))

    def _pressed(self) -> None:
        chosen = self._choose(self, "convert to audiobook folder", _("Folder for the new audiobooks"))
        if chosen:
            self.folder = Path(chosen)
            self._show()
            self.changed.emit()
