"""The convert dialog's page for one book."""

from __future__ import annotations

from typing import Any, Final

from qt.core import QFormLayout, QLabel, QProgressBar, QVBoxLayout, QWidget, pyqtSignal  # type: ignore[import-not-found]

from ..converting.job import Options
from ..prefs import Settings
from ..speaking import estimates
from ..wording import N_
from ..wording import translate as _
from .context import Context
from .convert_books import Candidate, Choice, Found, breakable
from .convert_contents import Contents
from .convert_device import DeviceChoice
from .convert_existing import LEAVE, ForeignChoice
from .convert_speed import SpeedChoice
from .convert_voice import Previews, SpokenVoice
from .error_dialog import ErrorBox
from .player import Player
from .scrolled import Page, Scrolled, bold, sentence

HINT: Final = N_(
    "Calibre cannot switch libraries while books are converted. A conversion can be stopped at any time; when you start it again, it goes on from there."
)


class OneBook(QWidget):  # type: ignore[misc]
    """`changed` when what was chosen or is known of the book has."""

    changed = pyqtSignal()

    def __init__(self, parent: Any, context: Context, book: Candidate, settings: Settings, player: Player, previews: Previews) -> None:
        super().__init__(parent)
        self._settings = settings
        self._previews = previews
        self._found = Found(book)
        self.title = bold(sentence(breakable(book.title), self))
        self.authors = sentence("", self)
        self.box = ErrorBox(self)
        self.voice = SpokenVoice(self, context, player, previews, settings.voices)
        self.device = DeviceChoice(self, context, settings.device)
        self.speed = SpeedChoice(self, settings.speed)
        self.estimate = sentence("", self)
        self.contents = Contents(self)
        self.wait = sentence(_("Looking at the book…"), self)
        self.looking = QProgressBar(self)
        self.looking.setRange(0, 0)
        self.looking.setAccessibleName(_("The book is being looked at"))
        self.existing = sentence("", self)
        self.foreign = ForeignChoice(self, several=False)
        self._lay_out()
        for part in (self.voice, self.device, self.speed, self.foreign):
            part.changed.connect(self._changed)
        player.started.connect(self._show)  # now it is known how fast this device speaks
        self._show()

    def _lay_out(self) -> None:
        self.settings = QWidget(self)
        form = QFormLayout(self.settings)
        form.setContentsMargins(0, 0, 0, 0)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for text, widget, focus in (
            (_("&Voice:"), self.voice, self.voice.choice.combo),
            (_("&Device:"), self.device, self.device.combo),
            (_("S&peed of speech:"), self.speed, self.speed.slider),
        ):
            label = QLabel(text, self)
            label.setBuddy(focus)
            form.addRow(label, widget)
        page = Page(self)
        rows = QVBoxLayout(page)
        rows.setContentsMargins(0, 0, 0, 0)
        for widget in (self.title, self.authors, self.box):
            rows.addWidget(widget)
        for widget in (self.settings, self.estimate, self.existing, self.foreign, self.wait, self.looking):
            rows.addWidget(widget)
        rows.addWidget(self.contents, 1)
        self.hint = sentence(_(HINT), self)
        rows.addWidget(self.hint)
        rows.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(Scrolled(page, self))

    def on_found(self, found: Found) -> None:
        """More is known of the book."""
        self._found = found
        if found.looked is not None:
            self.contents.show_book(found.looked)
            self.voice.set_text(found.looked.sample or found.looked.title)
        if found.error is None:
            self.voice.set_language(found.language)
        else:
            self.box.set_error(found.error, {})
        self._show()
        self.changed.emit()

    def choices(self) -> list[Choice]:
        """What is to be converted, and how."""
        if self._found.error is not None:
            return []
        how = self.foreign.how() if self._found.foreign else "stop"
        voice = self.voice if self._found.speaks or self.voice.choice.picked() else None
        return [Choice(self._found.book.id, options(self._settings, voice, self.device, self.speed, how, self.foreign))]

    def picked(self) -> dict[str, str]:
        """Language -> the voice that the user chose for it by hand."""
        picked = self.voice.choice.picked()
        return {self._found.language: picked} if picked else {}

    def is_ready(self) -> bool:
        """May it start with what is chosen?"""
        if self._found.error is not None or not self.device.is_ready():
            return False
        return not self._found.foreign or self.foreign.is_ready()

    def stop(self) -> None:
        """The dialog closes."""
        self.voice.stop()
        self.device.stop()

    def _changed(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        found, looked = self._found, self._found.looked
        voice = self.voice.choice
        self.voice.set_way(self.device.device() if self.device.is_ready() else "", self.speed.speed())
        self.device.set_voice(voice.voice() if voice.is_here() else "")
        self.authors.setText(breakable(found.authors))
        self.authors.setVisible(bool(found.authors))
        for widget in (self.wait, self.looking):
            widget.setVisible(not found.decided)
        for widget in (self.settings, self.contents, self.hint):
            widget.setVisible(found.error is None)
        self.estimate.setVisible(found.text is not None)
        if found.text is not None:
            self.estimate.setText(estimates.sentence(guess(found.text, self._settings, self.device, self.speed, voice.voice(), self._previews)))
        ours = looked is not None and looked.existing == "ours"
        self.existing.setVisible(ours)
        self.existing.setText(
            _("The book's audiobook was made by this plugin: this conversion takes its place. What the same voice has spoken before is used again.")
        )
        self.foreign.setVisible(found.foreign)
        self.foreign.set_intro(_("The book has an audiobook (M4B) that this plugin did not make. It is never lost: what should happen?"))


def options(settings: Settings, voice: SpokenVoice | None, device: DeviceChoice, speed: SpeedChoice, how: str, foreign: ForeignChoice) -> Options:
    """Of one book. voice: None where the language is not known yet, and decides. how: what to do about an M4B from elsewhere, never `leave`."""
    assert how != LEAVE
    id = "" if voice is None else voice.choice.voice()
    return Options(
        voice=id or None,
        device=device.device(),
        fetch=voice is not None and bool(id) and not voice.choice.is_here(),
        voices=settings.voices,
        speed=speed.speed(),
        pauses=settings.pauses,
        bitrate=settings.bitrate,
        foreign=how,
        folder=foreign.folder if how == "folder" else None,
    )


def guess(text: estimates.Text, settings: Settings, device: DeviceChoice, speed: SpeedChoice, voice: str, previews: Previews) -> estimates.Estimate:
    """Of one book with what is chosen; by a preview's own speed where only that is known."""
    xrt = device.speed()
    if xrt is None and device.device() in ("auto", "cpu"):
        xrt = previews.measured.get(voice)
    return estimates.estimate(text, speed.speed(), settings.pauses, settings.bitrate, xrt)
