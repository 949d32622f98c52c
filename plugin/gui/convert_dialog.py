"""The convert dialog: one book or several, once for each time that books are converted.

It is shown only where the speech engine is installed. Books are looked at while it is open; closing it ends whatever it
had begun.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from calibre.gui2.widgets2 import Dialog  # type: ignore[import-not-found]
from qt.core import QCheckBox, QDialogButtonBox, QIcon, QSize, QTimer, QVBoxLayout  # type: ignore[import-not-found]

from .. import prefs
from ..converting.questions import Way
from ..errors import PluginError
from ..languages import base_language
from ..wording import CHOOSING
from ..wording import translate as _
from .context import Context
from .convert_begun import both
from .convert_books import Candidate, Choice, Looker
from .convert_many import ManyBooks
from .convert_one import OneBook
from .convert_previews import Previews
from .player import Player
from .scrolled import sentence
from .underway import UnderwayRow
from .work_bar import allow

_ONE: Final = (80, 44)
_SEVERAL: Final = (110, 50)
"""Characters and lines that a new dialog has room for."""
_OTHERS_MS: Final = 1000
__all__ = ["Candidate", "Choice", "ConvertDialog"]


class ConvertDialog(Dialog):  # type: ignore[misc]
    """`exec()`, and after Accepted `choices()`."""

    def __init__(self, parent: Any, context: Context, books: Sequence[Candidate], another: bool = False, why: str = "") -> None:
        """another: the voice that is usual could not be had, so one is proposed that is here. why: it is shown though nobody is to be asked."""
        self._another, self._why = another, why
        self._context = context
        self._books = list(books)
        self._settings = prefs.load()
        self._choices: list[Choice] = []
        several = len(self._books) != 1
        title = _("Convert to audiobooks") if several else _("Convert to audiobook")
        super().__init__(title, "convert-to-audiobook-many" if several else "convert-to-audiobook-one", parent)

    def setup_ui(self) -> None:
        """Calibre's Dialog calls it."""
        self.setWindowIcon(QIcon.ic("convert.png"))
        self.player = Player(self)
        self._previews = Previews(self._context)
        parts = (self._settings, self.player, self._previews, self._another)
        self.one = OneBook(self, self._context, self._books[0], *parts) if len(self._books) == 1 else None
        self.many = None if self.one is not None else ManyBooks(self, self._context, self._books, *parts)
        page: Any = self.one or self.many
        self._page = page
        self._page.why.setText(self._why)
        self._page.why.setVisible(bool(self._why))
        self.again = QCheckBox(_("Do not show this window &again: convert at once"), self)
        self.again.setChecked(not self._settings.ask)
        self.where = sentence("", self)
        self.again.toggled.connect(self._hold)
        self.start = self.bb.button(QDialogButtonBox.StandardButton.Ok)
        self.leave = self.bb.button(QDialogButtonBox.StandardButton.Cancel)
        layout = QVBoxLayout(self)
        layout.addWidget(self._page, 1)
        layout.addWidget(self.where)  # above it, so that it does not move what was clicked
        layout.addWidget(self.again)
        self.underway = UnderwayRow(self, self._context)
        self.underway.changed.connect(lambda _ended: self._page.device.underway_changed())
        self.underway.timer.start()
        layout.addWidget(self.underway)
        layout.addWidget(self.bb)
        self.start.setDefault(True)  # after it is in the dialog, which has to know
        self._looker = Looker(self, self._context, self._books, self._way())
        self._looker.found.connect(self._page.on_found)
        self._looker.finished.connect(self._show)
        if self.many is not None:
            self._looker.looking.connect(self.many.on_looking)
        self._page.changed.connect(self._show)
        self._grown = False
        self._fit = QTimer(self)  # when what came has found its place
        self._fit.setSingleShot(True)
        self._fit.setInterval(0)
        self._fit.timeout.connect(self._fit_now)
        self._page.unfolded.connect(self._fit.start)
        if self.one is not None:
            self.one.voice.choice.keep.clicked.connect(self._show)
        self._busy = self._context.busy()
        self._others = QTimer(self)  # other books end while this window is open
        self._others.setInterval(_OTHERS_MS)
        self._others.timeout.connect(self._look_for_others)
        self._others.start()
        self.underway.look()
        self._show()

    def _look_for_others(self) -> None:
        if self._busy != self._context.busy():
            self._busy = not self._busy
            self._page.look_at_the_rest()

    def _grow(self) -> None:
        """Once it is known what there is to say: as high as that needs, if the screen is."""
        if self._grown or self._looker.running or not all(voice.choice.voice() for voice in self._page.spoken().values()):
            return
        self._grown = True
        self._fit.start()

    def sizeHint(self) -> QSize:
        """Room for what comes when the books have been looked at, within what the screen can show."""
        screen = self.screen().availableGeometry()
        characters, lines = _ONE if self.many is None else _SEVERAL
        width, height = self.fontMetrics().averageCharWidth() * characters, self.fontMetrics().lineSpacing() * lines
        return QSize(min(width, screen.width() * 9 // 10), min(height, screen.height() * 9 // 10))

    def choices(self) -> list[Choice]:
        """What was chosen, after Accepted: the books to convert, each with how."""
        return self._choices

    def refused(self) -> list[tuple[Candidate, PluginError]]:
        """The books that cannot be converted, as far as they were looked at, and why."""
        return self._page.refused()

    def _way(self) -> Way:
        """As a book would be spoken if nobody changed anything."""
        settings = self._settings
        return Way("", settings.speed, settings.pauses, settings.bitrate, settings.voices, settings.precision)

    @property
    def _makes_usual(self) -> bool:
        """Has the reader ticked in this window that he is asked no more? Then what he converts with is what is usual."""
        return self._settings.ask and bool(self.again.isChecked())

    def _hold(self, *on: bool) -> None:
        self._page.hold(self._makes_usual)
        self._show()

    def _fit_now(self) -> None:
        self._page.scrolled.fit(self)

    def accept(self) -> None:
        """What was chosen is for these books; it becomes usual only where the user says so."""
        if not self._page.is_ready():
            return
        self._choices = self._page.choices()
        settings = prefs.load()
        voices, before = settings.voices, settings.before
        for language, spoken in self._page.spoken().items():
            if kept := spoken.choice.kept():
                voices, before = prefs.choosing(base_language(language), kept, voices, before)
        usual: dict[str, Any] = {**self._page.foreign.kept(), **({"device": self._page.device.wanted} if self._makes_usual else {})}
        if self._makes_usual and not self._page.speed_is_begun():
            usual["speed"] = self._page.speed.speed()
        prefs.change(voices=voices, before=before, ask=not self.again.isChecked(), **usual)
        super().accept()

    def done(self, result: int) -> None:
        """However it is closed: whatever was begun ends."""
        self._others.stop()
        self._fit.stop()
        self.underway.timer.stop()
        self._looker.stop()
        self._page.stop()
        self.player.free()
        self._previews.close()
        super().done(result)

    def _words(self) -> str:
        """What a tick at “Do not show this window again” means for this window, and how to be asked again."""
        if self._settings.ask:
            words = _(
                "To be asked again, use Preferences of Convert to audiobook, “Conversion”. "
                "The menu's entry “{entry}” opens this window all the same; it also comes where only you can decide."
            )
            return words.format(entry=_(CHOOSING))
        page = self._page
        ticks = [*(spoken.choice.keep for spoken in page.spoken().values()), page.foreign.usual]
        usual = _("What you choose here is for this conversion only.")
        if any(tick.isVisibleTo(page) and tick.isEnabledTo(page) for tick in ticks):
            usual = _("What you choose here is for this conversion only, unless a tick above says that it is for all.")
        again = _("To be asked again, untick the box below, or use Preferences of Convert to audiobook, “Conversion”.")
        return usual if self._why else f"{usual} {again}"

    def _show(self) -> None:
        others = self._page.others() if self._settings.ask else ""
        these = _("From now on books are converted at once, with these settings")
        said = both(these, others) if self.many is not None and others else others or these
        said = both(said, self._page.foreign.never_unasked())
        self.where.setText(both(said if self._settings.ask else "", self._words()))
        early = _("&Convert before all books are looked at") if self.many is not None else _("&Convert before the book is looked at")
        self.start.setText(early if self._looker.running else _("&Convert"))
        self.start.setToolTip(_("Begins now. What is not known of a book yet is told when its turn comes.") if self._looker.running else "")
        self.again.setVisible(self._page.may_choose() and not self._why)  # else it would come all the same, whatever is ticked
        self.where.setVisible(self._page.may_choose() and self.again.isChecked())
        ready = self._page.is_ready()
        why_not = "" if ready else self._page.lacks() or _("This window says above why nothing can begin now")
        allow(self.start, why_not, self.start.toolTip())
        allow(self.again, why_not)
        self.leave.setText(_("&Cancel") if self._page.may_choose() else _("&Close"))  # what goes on already does not end with this window
        self._grow()
