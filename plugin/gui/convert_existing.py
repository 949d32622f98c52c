"""What is to be done about audiobooks that this plugin did not make: asked once, for all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from calibre.gui2 import choose_dir  # type: ignore[import-not-found]
from qt.core import (  # type: ignore[import-not-found]
    QButtonGroup,
    QCheckBox,
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

from ..prefs import Settings
from ..wording import N_
from ..wording import translate as _
from .links import verbatim
from .scrolled import sentence

RECORD: Final = "record"
FOLDER: Final = "folder"
REPLACE: Final = "replace"
LEAVE: Final = "leave"
RECORD_WORDS: Final = N_("Keep &both: the new one as a book of its own")
FOLDER_WORDS: Final = N_("Keep both: the new one in a &folder")


class ForeignChoice(QGroupBox):  # type: ignore[misc]
    """`how`: `record`, `folder`, `replace` (as in job.Options) or `leave`. `changed` when it is another. settings: with what is usual, which is proposed
    where ours stands nowhere yet."""

    changed = pyqtSignal()

    def __init__(self, parent: Any, several: bool, settings: Settings, choose: Callable[[Any, str, str], str | None] = choose_dir) -> None:
        super().__init__(_("Audiobooks from elsewhere") if several else _("There is an audiobook already"), parent)
        self._choose = choose
        self._usual = settings.foreign, Path(settings.folder) if settings.folder else None
        self._ours_in: Path | None = None
        self._by_hand = self._proposing = self._held = self._wanted_usual = False
        self.folder: Path | None = None
        self.intro = sentence("", self)
        self.radios: dict[str, QRadioButton] = {}
        self._group = QButtonGroup(self)
        rows = QVBoxLayout(self)
        rows.addWidget(self.intro)
        texts = [
            (RECORD, _(RECORD_WORDS)),
            (FOLDER, _(FOLDER_WORDS)),
            (REPLACE, _("&Replace the one from elsewhere, after a copy")),
        ]
        if several:
            texts.append((LEAVE, _("&Leave these books out")))
        for name, text in texts:
            self.radios[name] = QRadioButton(text, self)
            self._group.addButton(self.radios[name])
            rows.addWidget(self.radios[name])
            if name == FOLDER:
                self._add_folder(rows)
        self.radios[REPLACE].setToolTip(_("The copy is a format of the book, ORIGINAL_M4B, which Calibre can restore"))
        self.radios[RECORD].setChecked(True)
        self._group.buttonToggled.connect(self._toggled)
        self.usual = QCheckBox(_("Do so &unasked from now on"), self)
        self.usual.clicked.connect(self._usual_clicked)
        rows.addWidget(self.usual)
        self.set_intro("")

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

    def set_intro(self, text: str, own: bool = False, folder: Path | None = None) -> None:
        """What is there. own: is there a book of its own with ours already? folder: where ours lies outside the library. Until somebody chooses, the proposal
        is that it stays where it is."""
        self.intro.setText(text)
        self.radios[RECORD].setText(_("Keep &both: this plugin's, in its own entry, is brought up to date") if own else _(RECORD_WORDS))
        self._ours_in = folder
        if not self._by_hand:
            how, place = (RECORD, None) if own else (FOLDER, folder) if folder is not None else self._usual
            self._proposing, self.folder = True, place
            self.radios[how or RECORD].setChecked(True)
            self._proposing = False
        self._show()

    def kept(self) -> dict[str, str]:
        """What becomes usual of it, for Settings; nothing where the reader did not say so."""
        if self.isHidden() or not self.usual.isChecked() or self.how() not in (RECORD, FOLDER):
            return {}
        return {"foreign": self.how(), "folder": str(self.folder) if self.how() == FOLDER and self.folder is not None else ""}

    def hold(self, on: bool) -> None:
        """Nobody is to be asked any more: what is chosen here is usual then."""
        self._held = on
        self._show()

    def how(self) -> str:
        """What is chosen."""
        return next(name for name, radio in self.radios.items() if radio.isChecked())

    def renews(self, own: str, folder: Path | None) -> bool:
        """Is ours brought up to date by what is chosen? own, folder: as of `Found`."""
        how, place = self.of_book(own, folder)
        return bool(own) if how == RECORD else how == FOLDER and not own and folder is not None and folder == place

    def of_book(self, own: str, folder: Path | None) -> tuple[str, Path | None]:
        """(how, folder) for one of the books: until somebody chooses, ours stays where it is."""
        if not self._by_hand and (own or folder is not None):
            return (RECORD, None) if own else (FOLDER, folder)
        return self.how(), self.folder if self.how() == FOLDER else None

    def is_ready(self) -> bool:
        """Is all known that it takes?"""
        return self.how() != FOLDER or self.folder is not None

    def _toggled(self, radio: Any, on: bool) -> None:
        if on and not self._proposing:
            self._by_hand = True
            self._show()
            self.changed.emit()

    def _usual_clicked(self, on: bool) -> None:
        self._wanted_usual = on

    def _show_usual(self) -> None:
        able, same = self.how() in (RECORD, FOLDER), self.how() == self._usual[0] and (self.how() == RECORD or self.folder == self._usual[1])
        self.usual.setEnabled(able and not same and not self._held)
        self.usual.setChecked(able and (same or self._held or self._wanted_usual))
        why = _("For the books of this window alone, unless you tick it. Preferences of Convert to audiobook, “Conversion”, shows what is usual.")
        if not able:
            why = _("Nothing is replaced or left out unasked")
        elif same:
            why = _("That is usual. To change it, use Preferences of Convert to audiobook, “Conversion”.")
        elif self._held:
            why = _("“Do not ask again” is ticked below: then this is done with every such audiobook.")
        self.usual.setToolTip(why)

    def _show(self) -> None:
        self._show_usual()
        in_folder = self.how() == FOLDER
        ours = self._ours_in is not None and self.folder == self._ours_in
        self.radios[FOLDER].setText(_("Keep both: this plugin's, in its &folder, is brought up to date") if ours else _(FOLDER_WORDS))
        self.place.setEnabled(in_folder)
        self.button.setEnabled(in_folder)
        self.place.setText("" if self.folder is None else str(self.folder))
        self.place.setToolTip(verbatim(self.place.text()))

    def _pressed(self) -> None:
        chosen = self._choose(self, "convert to audiobook folder", _("Folder for the new audiobooks"))
        if chosen:
            self._by_hand = True
            self.folder = Path(chosen)
            self._show()
            self.changed.emit()
