"""The convert dialog's page for several books: the table, a voice for each language among them, and what is the same for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from qt.core import QFormLayout, QGroupBox, QLabel, QProgressBar, QTimer, QVBoxLayout, QWidget, pyqtSignal  # type: ignore[import-not-found]

from ..converting.questions import Way
from ..errors import PluginError
from ..languages import base_language, is_unknown
from ..prefs import Settings
from ..speaking import estimates
from ..wording import translate as _
from .books_table import BooksTable, Row
from .context import Context
from .convert_books import Candidate, Choice, Found
from .convert_contents import kinds
from .convert_device import DeviceChoice
from .convert_existing import LEAVE, RECORD, ForeignChoice
from .convert_one import HINT, QUEUED, guess, options
from .convert_speed import SpeedChoice
from .convert_voice import Previews, SpokenVoice
from .language_names import short_name
from .player import Player
from .scrolled import Page, Scrolled, sentence

_TITLE_CHARS: Final = 80
_CHARACTERS: Final = 100
_LINES: Final = 18
"""The settings take so many; what is left over is the table's."""


class ManyBooks(QWidget):  # type: ignore[misc]
    """`changed` when what was chosen or is known of the books has."""

    changed = pyqtSignal()

    def __init__(self, parent: Any, context: Context, books: Sequence[Candidate], settings: Settings, player: Player, previews: Previews) -> None:
        super().__init__(parent)
        self._context, self._settings, self._player, self._previews = context, settings, player, previews
        self._found = [Found(book) for book in books]
        self.voices: dict[str, SpokenVoice] = {}
        self.table = BooksTable(self, [book.title for book in books])
        self.looking = QProgressBar(self)
        self.looking.setRange(0, 0)
        self.looking.setFormat(_("Looking at book %v of %m"))
        self.looking.setAccessibleName(_("Books that were looked at"))
        self.summary = sentence("", self)
        self.languages = QGroupBox(_("Voices"), self)
        self._language_rows = QFormLayout(self.languages)
        self.device = DeviceChoice(self, context, settings.device)
        self.speed = SpeedChoice(self, settings.speed)
        self.foreign = ForeignChoice(self, several=True)
        self._soon = QTimer(self)  # many books may become known at once
        self._soon.setSingleShot(True)
        self._soon.setInterval(30)
        self._soon.timeout.connect(self._changed)
        self._lay_out()
        self.table.ticked.connect(self._changed)
        for part in (self.device, self.speed, self.foreign):
            part.changed.connect(self._changed)
        player.started.connect(self._show)  # now it is known how fast this device speaks
        self._show()

    def _lay_out(self) -> None:
        form = QFormLayout()
        for rows in (form, self._language_rows):
            rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
            rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for text, widget, focus in ((_("&Device:"), self.device, self.device.combo), (_("S&peed of speech:"), self.speed, self.speed.slider)):
            label = QLabel(text, self)
            label.setBuddy(focus)
            form.addRow(label, widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.looking)
        layout.addWidget(self.summary)
        page = Page(self)
        rows_below = QVBoxLayout(page)
        rows_below.setContentsMargins(0, 0, 0, 0)
        rows_below.addWidget(self.foreign)
        rows_below.addWidget(self.languages)
        rows_below.addLayout(form)
        rows_below.addWidget(sentence(_(HINT), self))
        rows_below.addStretch()
        layout.addWidget(Scrolled(page, self, _CHARACTERS, _LINES))

    def on_found(self, found: Found) -> None:
        """More is known of a book."""
        number = next(number for number, known in enumerate(self._found) if known.book is found.book)
        self._found[number] = found
        if found.error is None and found.speaks:
            voice = self._voice_for(found.language)
            if found.looked is not None:
                voice.set_text(found.looked.sample or found.looked.title)
        self.table.show_row(number, self._row(number))
        self._soon.start()

    def on_looking(self, at: int, of: int) -> None:
        """How far looking has come."""
        self.looking.setRange(0, of)
        self.looking.setValue(at)

    def choices(self) -> list[Choice]:
        """What is to be converted, and how; a book that was not looked at yet never loses what is there."""
        chosen: list[Choice] = []
        for number, found in enumerate(self._found):
            how = self.foreign.how() if found.foreign else "stop"
            if not self.table.is_ticked(number) or found.error is not None or found.queued or how == LEAVE:
                continue
            wanted = options(self._settings, self._voice_of(found), self.device, self.speed, how, self.foreign)
            chosen.append(Choice(found.book.id, wanted))
        return chosen

    def refused(self) -> list[tuple[Candidate, PluginError]]:
        """The books that cannot be converted, and why."""
        return [(found.book, found.error) for found in self._found if found.error is not None]

    def spoken(self) -> dict[str, SpokenVoice]:
        """Language -> who speaks it; not for books that name none."""
        named = {base_language(found.language) for found in self._found if not is_unknown(found.language)}
        return {language: voice for language, voice in self.voices.items() if language in named}

    def is_ready(self) -> bool:
        """May it start with what is chosen?"""
        return bool(self.choices()) and self.device.is_ready() and (not self._any_foreign() or self.foreign.is_ready())

    def stop(self) -> None:
        """The dialog closes."""
        for voice in self.voices.values():
            voice.stop()
        self.device.stop()

    def _voice_for(self, language: str) -> SpokenVoice:
        base = base_language(language)
        if base not in self.voices:
            name = short_name(base)
            spoken = _("Voice: {language}").format(language=name)
            voice = SpokenVoice(self.languages, self._context, self._player, self._previews, self._settings.voices, spoken)
            label = QLabel(_("{language}:").format(language=name), self.languages)
            label.setBuddy(voice.choice.combo)
            self._language_rows.addRow(label, voice)
            self.voices[base] = voice
            voice.set_language(language)
            voice.changed.connect(self._changed)
        return self.voices[base]

    def _voice_of(self, found: Found) -> SpokenVoice | None:
        return self.voices.get(base_language(found.language)) if found.speaks else None

    def _any_foreign(self) -> bool:
        return any(found.foreign and self.table.is_ticked(number) for number, found in enumerate(self._found))

    def _changed(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        first = next(iter(self.voices.values()), None)
        if first is not None:
            self.device.set_voice(first.choice.voice() if first.choice.is_here() else "")
        for voice in self.voices.values():
            voice.set_way(self.device.device() if self.device.is_ready() else "", self.speed.speed())
        for number in range(len(self._found)):
            self.table.show_row(number, self._row(number))
        spoken = {base_language(found.language) for found in self._found if found.error is None and found.speaks}
        for language, voice in self.voices.items():
            for widget in (voice, self._language_rows.labelForField(voice)):
                widget.setVisible(language in spoken)
        self.languages.setVisible(bool(spoken))
        undecided = sum(not found.decided for found in self._found)
        self.looking.setVisible(undecided > 0)
        self.foreign.setVisible(self._any_foreign())
        own = [bool(found.own) for number, found in enumerate(self._found) if found.foreign and self.table.is_ticked(number)]
        intro = _("Books with an audiobook (M4B) that this plugin did not make: {count}. It is never lost: what should happen?")
        self.foreign.set_intro(intro.format(count=len(own)), bool(own) and all(own))
        self.summary.setText(self._summary())

    def _summary(self) -> str:
        ticked = [found for number, found in enumerate(self._found) if self.table.is_ticked(number)]
        guesses = [self._guess(found) for found in ticked if found.text is not None]
        text = _("Books to convert: {count}.").format(count=len(self.choices()))
        if not guesses:
            return text
        if len(guesses) < len(ticked):
            return _("{books} Of those that were looked at: {estimate}").format(books=text, estimate=estimates.sentence(estimates.total(guesses)))
        return _("{books} Together: {estimate}").format(books=text, estimate=estimates.sentence(estimates.total(guesses)))

    def _guess(self, found: Found) -> estimates.Estimate:
        assert found.text is not None
        voice = self._voice_of(found)
        chosen = "" if voice is None else voice.choice.voice()
        guessed = guess(found.text, self._settings, self.device, self.speed, chosen, self._previews, found.spoken(self._way(found)))
        return replace(guessed, ready_s=0.0, kept=1.0) if self._standing(found) in ("same", "tags") else guessed

    def _way(self, found: Found) -> Way:
        voice = self._voice_of(found)
        return Way("" if voice is None else voice.choice.voice(), self.speed.speed(), self._settings.pauses, self._settings.bitrate)

    def _standing(self, found: Found) -> str:
        """As `Found.standing`, of the audiobook that is brought up to date."""
        return found.standing(self._way(found)) if not found.foreign or (found.own and self.foreign.how() == RECORD) else ""

    def _row(self, number: int) -> Row:
        found = self._found[number]
        title = _shortened(found.book.title)
        if found.error is not None:
            why = f"{found.error.what()} {found.error.next_step()}"
            return Row(title, found.authors, "–", "", "–", found.trouble(), why, True)
        if found.queued:
            return Row(title, found.authors, "–", "", "–", _("Being converted already"), _(QUEUED), True)
        language = _("No language given") if is_unknown(found.language) else short_name(found.language)
        about = " · ".join(filter(None, (found.authors, language)))
        row = Row(title, about, "", "", "", _("Waiting to be looked at"))
        voice = self._voice_of(found)
        if voice is not None:
            row = replace(row, voice=voice.choice.label())
        if found.looked is None:
            return row
        row = replace(row, length=estimates.length(self._guess(found).audio_s), chapters=_("Chapters: {count}").format(count=found.chapters))
        row = replace(row, left_out=_("Left out: {kinds}").format(kinds=", ".join(kinds(found.looked))) if found.looked.left_out else "")
        return replace(row, state=self._state(found))

    def _state(self, found: Found) -> str:
        assert found.looked is not None
        standing = self._standing(found)
        if standing == "same":
            return _("Its audiobook stays as it is: nothing has changed")
        if standing == "tags":
            return _("Only what is told of it has changed: that is renewed")
        percent = int(100 * self._guess(found).kept)
        if found.looked.existing == "ours":
            return _("Will be brought up to date; {percent} % was spoken before").format(percent=percent) if percent else _("Will be brought up to date")
        if not found.foreign:
            return _("Ready; {percent} % was spoken before").format(percent=percent) if percent else _("Ready")
        record = _("Has an audiobook from elsewhere; ours beside it is brought up to date")
        return {
            "record": record if found.own else _("Has an audiobook from elsewhere; both are kept"),
            "folder": _("Has an audiobook from elsewhere; ours goes into the folder"),
            "replace": _("Has an audiobook from elsewhere; it is replaced after a copy"),
            LEAVE: _("Has an audiobook from elsewhere; left out"),
        }[self.foreign.how()]


def _shortened(title: str) -> str:
    return title if len(title) <= _TITLE_CHARS else title[: _TITLE_CHARS - 1].rstrip() + "…"
