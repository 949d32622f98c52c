"""What is done unasked where a book has an audiobook from elsewhere: one list, and the folder of its last entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from calibre.gui2 import choose_dir  # type: ignore[import-not-found]
from qt.core import QComboBox, QHBoxLayout, QIcon, QVBoxLayout, QWidget  # type: ignore[import-not-found]

from ... import prefs
from ...wording import translate as _
from ..convert_existing import FOLDER, FOLDER_WORDS, RECORD, RECORD_WORDS, folder_field
from ..links import verbatim
from ..scrolled import calm, sentence
from ..work_bar import allow, button

_ASK: Final = ""
_CHARACTERS: Final = 40


class ForeignBox(QWidget):  # type: ignore[misc]
    """Without a folder its entry means nothing yet, and the reader is asked. Replacing is no entry: that is asked for each book."""

    def __init__(self, parent: Any, settings: prefs.Settings, choose: Callable[[Any, str, str], str | None] = choose_dir) -> None:
        super().__init__(parent)
        self._choose = choose
        self._folder = settings.folder
        self.box = QComboBox(self)
        self.box.setAccessibleName(_("What to do if a book has an audiobook from elsewhere"))
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)  # a long translation does not widen the window
        self.box.setMinimumContentsLength(_CHARACTERS)
        for how, words in ((_ASK, _("Ask what should happen")), (RECORD, _(RECORD_WORDS)), (FOLDER, _(FOLDER_WORDS))):
            self.box.addItem(words.replace("&", ""), how)
        self.box.setCurrentIndex(self.box.findData(settings.foreign))
        calm(self.box)
        self.place = folder_field(self)
        self.button = button(_("Choose folder…"), self._pressed)
        self.button.setIcon(QIcon.ic("document_open.png"))
        self.about = sentence("", self)
        line = QHBoxLayout()
        line.addWidget(self.place, 1)
        line.addWidget(self.button)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.box)
        rows.addLayout(line)
        rows.addWidget(self.about)
        self.box.currentIndexChanged.connect(lambda _index: self._show())
        self._show()

    def changes(self) -> Mapping[str, str]:
        """For Settings."""
        how = self.box.currentData()
        if how != FOLDER:
            return {"foreign": how, "folder": ""}
        return {"foreign": FOLDER if self._folder else _ASK, "folder": self._folder}

    def _show(self) -> None:
        in_folder = self.box.currentData() == FOLDER
        self.box.setToolTip(verbatim(self.box.currentText()))
        self.place.setEnabled(in_folder)
        self.place.setText(self._folder)
        self.place.setCursorPosition(0)
        self.place.setToolTip(verbatim(self._folder or self.place.placeholderText()))
        allow(self.button, "" if in_folder else _("Choose first, above, that the new one goes into a folder"))
        lacking = _("Choose the folder, too: as long as there is none, you are asked what should happen.")
        replacing = _("Replacing the one from elsewhere is not in this list: you are asked about that for each book.")
        self.about.setText(lacking if in_folder and not self._folder else replacing)

    def _pressed(self) -> None:
        chosen = self._choose(self, "convert to audiobook folder", _("Folder for the new audiobooks"))
        if chosen:
            self._folder = chosen
            self._show()
