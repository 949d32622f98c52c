"""What is to be done about audiobooks that this plugin did not make: asked once, for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from calibre.gui2 import choose_dir, dynamic  # type: ignore[import-not-found]
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

from .. import paths
from ..prefs import Settings
from ..wording import N_, isolated
from ..wording import translate as _
from .convert_books import Found, breakable
from .links import verbatim
from .scrolled import sentence

RECORD: Final = "record"
FOLDER: Final = "folder"
REPLACE: Final = "replace"
LEAVE: Final = "leave"
Place = tuple[str, Path | None]
"""One of these, and where the folder is that goes with `folder`."""
_CHOOSER: Final = "convert to audiobook folder"
"""Under this name Calibre keeps the folder that was chosen last."""
RECORD_WORDS: Final = N_("Keep &both: the new one as a book of its own in the library")
FOLDER_WORDS: Final = N_("Keep both: the new one in a &folder")


def folder_field(parent: Any) -> QLineEdit:
    """The path of the folder for new audiobooks, to be read; wide enough to say, in any language, that none is chosen yet."""
    field = QLineEdit(parent)
    field.setReadOnly(True)
    field.setPlaceholderText(_("No folder chosen yet"))
    words = field.fontMetrics().horizontalAdvance(field.placeholderText())
    field.setMinimumWidth(words + 3 * field.fontMetrics().averageCharWidth())  # its frame and margins too
    field.setAccessibleName(_("Folder for the new audiobooks"))
    return field


class ForeignChoice(QGroupBox):  # type: ignore[misc]
    """`how`: `record`, `folder`, `replace` (as in job.Options) or `leave`. `changed` when it is another. settings: with what is usual, which is proposed
    where ours stands nowhere yet."""

    changed = pyqtSignal()

    def __init__(self, parent: Any, several: bool, settings: Settings, choose: Callable[[Any, str, str, str, bool], str | None] = choose_dir) -> None:
        super().__init__(_("Audiobooks from elsewhere") if several else _("There is an audiobook already"), parent)
        self._choose = choose
        self._usual = settings.foreign or RECORD, Path(settings.folder) if settings.folder else None
        self._is_usual = bool(settings.foreign)
        self._last = _last_chosen()
        self._ours_in: Path | None = None
        self._ours_anywhere = self._anew = False
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
            (REPLACE, _("&Replace the one from elsewhere; the book keeps a copy of it")),
        ]
        if several:
            texts.append((LEAVE, _("&Leave these books out")))
        for name, text in texts:
            self.radios[name] = QRadioButton(text, self)
            self._group.addButton(self.radios[name])
            rows.addWidget(self.radios[name])
            if name == RECORD:
                self._add_entry(rows)
            if name == FOLDER:
                self._add_folder(rows)
        self.radios[REPLACE].setToolTip(_("The copy is a format of the book, ORIGINAL_M4B, which Calibre can restore"))
        self.radios[RECORD].setChecked(True)
        self._group.buttonToggled.connect(self._toggled)
        self.usual = QCheckBox(_("Always do this for a&udiobooks from elsewhere"), self)
        self.usual.clicked.connect(self._usual_clicked)
        rows.addWidget(self.usual)
        self.set_books("")

    def _add_entry(self, rows: QVBoxLayout) -> None:
        """How the new book is called, below what makes it."""
        self.entry = sentence("", self)
        style, metrics = self.style(), QStyle.PixelMetric
        line = QHBoxLayout()
        line.addSpacing(style.pixelMetric(metrics.PM_ExclusiveIndicatorWidth) + style.pixelMetric(metrics.PM_RadioButtonLabelSpacing))
        line.addWidget(self.entry, 1)
        rows.addLayout(line)

    def _add_folder(self, rows: QVBoxLayout) -> None:
        """A line that is always there and always as high, so that what stands below never moves."""
        self.place = folder_field(self)
        self.button = QPushButton(QIcon.ic("document_open.png"), _("Choose folder…"), self)
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self._pressed)
        line = QHBoxLayout()
        line.addSpacing(self.style().pixelMetric(QStyle.PixelMetric.PM_ExclusiveIndicatorWidth))
        line.addWidget(self.place, 1)
        line.addWidget(self.button)
        rows.addLayout(line)

    def set_books(self, intro: str, books: Sequence[Found] = (), anew: bool = False) -> None:
        """The books that are asked about. Until somebody chooses, what is usual is proposed, or where all of them would go if nobody did.
        anew: is ours, of one of them, of another voice or speed than the new one?"""
        self._anew = anew
        chosen = {_left(found) for found in books}
        self.intro.setText(f"{intro} {self._chosen_before(*chosen)}".strip() if len(chosen) == 1 and not any(map(_stands, books)) else intro)
        own = bool(books) and all(found.own for found in books)
        self._ours_anywhere = bool(books) and all(map(_stands, books))
        record_words = _("&Keep all: the new one as a book of its own in the library") if self._ours_anywhere else _(RECORD_WORDS)
        ours_words = _("This plugin's, in its own &entry, is replaced; the other one is kept")
        ours_words = ours_words if anew else _("This plugin's, in its own &entry, is brought up to date; the other is kept")
        self.radios[RECORD].setText(ours_words if own else record_words)
        title = breakable(books[0].book.title) if len(books) == 1 else _("title")
        entry = _("The library then has a second entry: “{title} (audiobook)”.").format(title=isolated(title))
        several = _("The library then has a second entry for each of these books: “{title} (audiobook)”.").format(title=title)
        self.entry.setText(entry if len(books) == 1 else several)
        self.entry.setVisible(not own)
        self.radios[RECORD].setAccessibleDescription("" if own else self.entry.text())
        folders = {None if found.own else found.folder for found in books}
        self._ours_in = folders.pop() if len(folders) == 1 else None
        if not self._by_hand:
            places = {self._proposed(found) for found in books}
            how, place = places.pop() if len(places) == 1 else self._usual
            self._proposing, self.folder = True, place or self._usual[1] or self._last
            self.radios[how].setChecked(True)
            self._proposing = False
        self._show()

    def _proposed(self, found: Found) -> Place:
        """Where the new audiobook of a book goes if nobody chooses: ours stays where it is, one that was begun or waited goes where it was to."""
        return _stands(found) or _left(found) or self._usual

    def _chosen_before(self, place: Place | None) -> str:
        if place is None:
            return ""
        folder = _("Chosen before: the folder {folder}.").format(folder=isolated(breakable(str(place[1]))))
        return folder if place[0] == FOLDER else _("Chosen before: a book of its own.")

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

    def renews(self, found: Found) -> bool:
        """Is ours brought up to date by what is chosen?"""
        return _stands(found) == self.of_book(found)

    def of_book(self, found: Found) -> Place:
        """Of one of the books."""
        if not self._by_hand:
            return self._proposed(found)
        return self.how(), self.folder if self.how() == FOLDER else None

    def never_unasked(self) -> str:
        """What of the choice does not hold for other books, though they are converted as these from now on, without a full stop; empty where all of it does."""
        if self.isHidden() or self.how() in (RECORD, FOLDER):
            return ""
        once = _("An audiobook from elsewhere is replaced only if you say so each time")
        return once if self.how() == REPLACE else _("Leaving books out is for this time only")

    def is_ready(self) -> bool:
        """Is all known that it takes?"""
        return not self.lacks()

    def lacks(self) -> str:
        """What has to be chosen first, in words; empty where nothing has."""
        return _("Choose the folder for the new audiobooks first.") if self.how() == FOLDER and self.folder is None else ""

    def _toggled(self, radio: Any, on: bool) -> None:
        if on and not self._proposing:
            self._by_hand = True
            self._show()
            self.changed.emit()

    def _usual_clicked(self, on: bool) -> None:
        self._wanted_usual = on

    def _show_usual(self) -> None:
        able = self.how() in (RECORD, FOLDER)
        same = self._is_usual and self.how() == self._usual[0] and (self.how() == RECORD or self.folder == self._usual[1])
        self.usual.setEnabled(able and not same and not self._held)
        self.usual.setChecked(able and (same or self._held or self._wanted_usual))
        why = _("Then it is not asked any more what should happen. Preferences of Convert to audiobook, “Conversion”, shows what is usual.")
        if not able:
            why = _("Nothing is replaced or left out unasked")
        elif same:
            why = _("That is usual. To change it, use Preferences of Convert to audiobook, “Conversion”.")
        elif self._held:
            why = _("“Do not show this window again” is ticked below: then this is done for every such audiobook.")
        self.usual.setToolTip(why)

    def _show(self) -> None:
        self._show_usual()
        in_folder = self.how() == FOLDER
        ours = self._ours_in is not None and self.folder == self._ours_in
        folder_words = _("Keep all: the new one in a &folder") if self._ours_anywhere else _(FOLDER_WORDS)
        ours_words = _("This plugin's, in its &folder, is replaced; the other one is kept")
        ours_words = ours_words if self._anew else _("This plugin's, in its &folder, is brought up to date; the other is kept")
        self.radios[FOLDER].setText(ours_words if ours else folder_words)
        self.place.setEnabled(in_folder)
        self.button.setEnabled(in_folder)
        self.button.setToolTip("" if in_folder else _("Choose first, above, that the new one goes into a folder"))
        self.place.setText("" if self.folder is None else str(self.folder))
        self.place.setToolTip(verbatim(self.place.text() or self.place.placeholderText()))

    def _pressed(self) -> None:
        begins = str(self.folder or "~")
        chosen = self._choose(self, _CHOOSER, _("Folder for the new audiobooks"), begins, True)
        if chosen:
            with suppress(OSError):  # it is known until Calibre ends then
                dynamic[_CHOOSER] = chosen
            self._by_hand = True
            self.folder = Path(chosen)
            self._show()
            self.changed.emit()


def _stands(found: Found) -> Place | None:
    """Where ours is already."""
    return (RECORD, None) if found.own else None if found.folder is None else (FOLDER, found.folder)


def former(found: Found, place: Place) -> str:
    """What becomes of ours where the new one goes elsewhere; empty where that takes its place, or there is none."""
    if _stands(found) == place or place[0] == LEAVE:
        return ""
    if found.own:
        words = _("The one that this plugin made before, “{title}”, stays, and is still the one that the menu opens and later conversions renew")
        return words.format(title=breakable(found.own))
    words = _("The one that this plugin made before stays in the folder “{folder}”; from now on the menu opens the new one, and later conversions renew that")
    return "" if found.folder is None else words.format(folder=isolated(breakable(found.folder.name or str(found.folder))))


def formers(books: Sequence[Found], place: Callable[[Found], Place]) -> list[str]:
    """The same of several books, in sentences, each with how many they are."""
    its = [found for found in books if found.foreign and former(found, place(found))]
    counts = {
        _("Books whose former audiobook stays in its folder, while from now on the menu opens the new one, and later conversions renew that: {count}."): False,
        _("Books whose former audiobook, in its own entry, stays, and is still the one that the menu opens and later conversions renew: {count}."): True,
    }
    known = {words: sum(bool(found.own) == own for found in its) for words, own in counts.items()}
    return [words.format(count=count) for words, count in known.items() if count]


def _left(found: Found) -> Place | None:
    """What had been chosen for a book when it was left, begun or waiting."""
    begun = found.book.begun
    if begun is None or not begun.foreign:
        return None
    return begun.foreign, Path(begun.folder) if begun.foreign == FOLDER else None


def _last_chosen() -> Path | None:
    """The folder that was chosen last, for whatever book."""
    last = dynamic.get(_CHOOSER)
    return Path(last) if isinstance(last, str) and paths.is_folder(Path(last)) else None
