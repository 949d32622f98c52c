"""The convert dialog's page for several books: the table, a voice for each language among them, and what is the same for all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, Final

from qt.core import (  # type: ignore[import-not-found]
    QGroupBox,
    QProgressBar,
    QPushButton,
    QSplitter,
    Qt,
    QTimer,
    QVBoxLayout,
    QWidget,
    pyqtSignal,
)

from ..converting.questions import Known, Way
from ..engine.install_plan import size_words
from ..errors import PluginError
from ..languages import base_language, is_unknown
from ..prefs import Settings
from ..speaking import estimates
from ..speaking.clones import Clone
from ..wording import translate as _
from .books_row import row, titles
from .books_table import BooksTable
from .clone.button import CloneButton
from .context import Context
from .convert_books import Candidate, Choice, Found, LookAgain, known_of
from .convert_device import DeviceChoice
from .convert_each import EachBook
from .convert_existing import LEAVE, ForeignChoice, formers
from .convert_one import HINT
from .convert_previews import Previews
from .convert_rows import Rows
from .convert_speed import SpeedChoice
from .convert_times import times
from .convert_voice import SpokenVoice
from .language_names import short_name
from .player import Player
from .scrolled import Edge, Page, Scrolled, bold, sentence
from .work_bar import Flow

_CHARACTERS: Final = 100
_AT_ONCE: Final = 40
"""So many lines of the table are worded in one go, first those that are seen; the others after what else is to be done in the GUI's thread."""


class ManyBooks(QWidget):  # type: ignore[misc]
    """`changed` when what was chosen or is known of the books has; `unfolded` when there is more to see."""

    changed = pyqtSignal()
    unfolded = pyqtSignal()

    def __init__(
        self, parent: Any, context: Context, books: Sequence[Candidate], settings: Settings, player: Player, previews: Previews, here: bool = False
    ) -> None:
        super().__init__(parent)
        self._here = here
        self._held = False
        self.again = LookAgain(self, context, self._to_look_at)
        self.again.known.connect(self._on_known)
        self.again.rested.connect(self._show)
        self._context, self._settings, self._player, self._previews = context, settings, player, previews
        self._found = [Found(book) for book in books]
        self._unticked: set[int] = set()
        """Lines whose tick was taken away, since nobody reads that language."""
        self._stale: set[int] = set()
        """Lines that may say something else now."""
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(0)
        self._rest.timeout.connect(self._show_lines)
        self.voices: dict[str, SpokenVoice] = {}
        self.why = bold(sentence("", self))
        self.table = BooksTable(self, [book.title for book in books])
        self.looking = QProgressBar(self)
        self.looking.setRange(0, 0)
        self.looking.setFormat(_("Looking at the books: %v of %m done"))
        self.looking.setAccessibleName(_("The books are being looked at"))
        self.summary = sentence("", self)
        self.foreign = ForeignChoice(self, several=True, settings=settings)
        self.languages = QGroupBox(_("Voices"), self)
        self._language_rows = Rows(self.languages)
        self.clone = CloneButton(self.languages, context, _("Clo&ne a voice…"))
        self.clone.cloned.connect(self._cloned)
        self.own = sentence("", self.languages)
        self._own_width = 0
        inside = QVBoxLayout(self.languages)
        inside.addWidget(self.own)  # first: what is marked below does not hold for these
        inside.addWidget(self._language_rows)
        inside.addLayout(Flow(self.clone))
        self.device = DeviceChoice(self, context, settings.device, several=True)
        self.speed = SpeedChoice(self, settings.speed)
        self.each = EachBook(settings, context.resources, self.voices, self.device, self.speed, self.foreign, previews, here)
        self.as_before = QPushButton(_("Back to &each book's own voice and speed"), self)
        self.as_before.setAutoDefault(False)
        self.as_before.setToolTip(_("Books for which voice or speed were chosen before have them again"))
        self.as_before.clicked.connect(self._as_before)
        self._soon = QTimer(self)  # many books may become known at once
        self._soon.setSingleShot(True)
        self._soon.setInterval(30)
        self._soon.timeout.connect(self._more_known)
        self._lay_out()
        self.table.ticked.connect(self._changed)
        for part in (self.device, self.speed, self.foreign):
            part.changed.connect(self._changed)
        player.started.connect(self._show)  # now it is known how fast this device speaks
        self._show()

    def _lay_out(self) -> None:
        form = Rows(self)
        form.add(_("&Device:"), self.device, self.device.combo)
        form.add(_("S&peed of speech:"), self.speed, self.speed.slider)
        page = Page(self)
        rows_below = QVBoxLayout(page)
        rows_below.setContentsMargins(0, 0, 0, 0)
        rows_below.addWidget(self.foreign)  # first, since it has to be answered
        rows_below.addWidget(self.languages)
        rows_below.addWidget(form)
        rows_below.addLayout(Flow(self.as_before))
        rows_below.addWidget(sentence(_(HINT), self))
        rows_below.addStretch()
        parts = QSplitter(Qt.Orientation.Vertical, self)
        parts.setChildrenCollapsible(False)
        parts.addWidget(self.table)
        self.scrolled = Scrolled(page, self, _CHARACTERS)
        parts.addWidget(self.scrolled)
        parts.setStretchFactor(0, 0)  # what room there is, and what room goes, is the settings' lower end: nothing moves
        parts.setStretchFactor(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.why)
        layout.addWidget(parts, 1)
        layout.addWidget(Edge(self.scrolled, self))
        layout.addWidget(self.looking)
        layout.addWidget(self.summary)

    def look_at_the_rest(self) -> None:
        """Something besides this window is another."""
        self._show()

    def on_found(self, found: Found) -> None:
        """More is known of a book."""
        number = next(number for number, known in enumerate(self._found) if known.book is found.book)
        self._found[number] = found
        if found.error is None and found.speaks:
            voice = self._voice_for(found.language)
            if found.looked is not None:
                voice.set_text(found.looked.sample or found.looked.title)
        self._show_row(number)
        self._stale.add(number)
        self._soon.start()

    def on_looking(self, at: int, of: int) -> None:
        """How far looking has come."""
        self.looking.setRange(0, of)
        self.looking.setValue(at - 1)

    def choices(self) -> list[Choice]:
        """What is to be converted, and how; a book that was not looked at yet never loses what is there."""
        return [Choice(found.book.id, self.each.options(found)) for found in self._to_convert()]

    def _as_before(self) -> None:
        """Books with a voice or speed of their own have them again."""
        self.speed.spin.setValue(self._settings.speed)
        for voice in self.voices.values():
            voice.choice.as_proposed()

    def _to_convert(self) -> list[Found]:
        left_out = self.foreign.how() == LEAVE
        ticked = (found for number, found in enumerate(self._found) if self.table.is_ticked(number))
        return [found for found in ticked if found.error is None and not found.queued and not (left_out and found.seems_foreign)]

    def refused(self) -> list[tuple[Candidate, PluginError]]:
        """The books that cannot be converted, and why."""
        return [(found.book, found.error) for found in self._found if found.error is not None]

    def spoken(self) -> dict[str, SpokenVoice]:
        """Language -> who speaks it; not for books that name none."""
        named = {base_language(found.language) for found in self._found if not is_unknown(found.language)}
        return {language: voice for language, voice in self.voices.items() if language in named}

    def may_choose(self) -> bool:
        """Is there a book for which something can be chosen?"""
        return any(found.error is None and not found.queued for found in self._found)

    def is_ready(self) -> bool:
        """May it start with what is chosen?"""
        ticked = self._to_convert()
        able = not any(voice.choice.cannot() for _language, voice in self._reading(ticked))
        return able and bool(ticked) and self.device.is_ready() and not self.lacks()

    def lacks(self) -> str:
        """What the reader has to choose first, in words; empty where nothing."""
        return self.foreign.lacks() if self._any_foreign() else ""

    def stop(self) -> None:
        """The dialog closes."""
        for voice in self.voices.values():
            voice.stop()
        self.device.stop()
        self.again.stop()
        for timer in (self._rest, self._soon):
            timer.stop()

    def hold(self, on: bool) -> None:
        """Nobody is to be asked any more: each voice by which a book is converted means all books in its language, but for one that only goes on."""
        self._held = on
        self._show()
        self.foreign.hold(on)

    def speed_is_begun(self) -> bool:
        """As of one book: here what is chosen is none's that goes on."""
        return False

    def others(self) -> str:
        """Who reads other books where these of a language go on in a way of their own, without a full stop; else empty."""
        words: list[str] = []
        for language, voice in self._reading(self._to_convert()):
            usual = "" if voice.choice.kept() or voice.choice.picked() else voice.choice.usual()
            if usual:
                text = _("Other books in {language} are read by {voice}, as before")
                words.append(text.format(language=short_name(language), voice=usual))
        return "; ".join(words)

    def _reading(self, ticked: Sequence[Found]) -> list[tuple[str, SpokenVoice]]:
        """The languages of which a ticked book is read by the voice in its box, with that box. What another voice lacks or cannot is no matter."""
        reading = {base_language(found.language) for found in ticked if self.each.is_marked(found)}
        return [(language, voice) for language, voice in self.voices.items() if language in reading]

    def _to_look_at(self) -> Sequence[tuple[Candidate, Way]]:
        """Another voice or speed: what of the books was spoken so? Those first that have an audiobook of ours."""
        looked = [found for found in self._to_convert() if found.looked is not None and self.each.way(found) != found.way]
        here = [found for found in looked if self.each.can_be_asked(found)]
        return [(found.book, self.each.way(found)) for found in sorted(here, key=lambda found: not self.each.is_ours(found))]

    def _on_known(self, book: Candidate, known: Known) -> None:
        number = next(number for number, found in enumerate(self._found) if found.book is book)
        self._found[number] = known_of(self._found[number], known)
        self._stale.add(number)
        self._more_known()

    def _voice_for(self, language: str) -> SpokenVoice:
        base = base_language(language)
        if base not in self.voices:
            name = short_name(base)
            spoken = _("Voice: {language}").format(language=name)
            voice = SpokenVoice(self.languages, self._context, self._player, self._previews, self._settings, spoken, self._here)
            self._language_rows.add(_("{language}:").format(language=name), voice, voice.choice.combo)
            voice.led.connect(partial(self._language_rows.lead, voice))
            voice.unfolded.connect(self._language_rows.keep_shape)
            voice.unfolded.connect(self.unfolded)
            self.voices[base] = voice
            voice.set_language(language)
            voice.changed.connect(self._changed)
        elif is_unknown(self.voices[base].language) and not is_unknown(language):
            self.voices[base].set_language(language)
            self._stale.update(range(len(self._found)))
        return self.voices[base]

    def _any_foreign(self) -> bool:
        return any(self.table.is_ticked(number) and found.seems_foreign for number, found in enumerate(self._found))

    def _changed(self) -> None:
        self._stale.update(range(len(self._found)))
        self._more_known()

    def _more_known(self) -> None:
        """Of some books, which changes no other's line."""
        self.again.soon()
        self._show_known()
        self.changed.emit()

    def _show_ticks(self) -> None:
        """A book that nobody reads is converted only if the user says so: by its tick, or by choosing eSpeak in the list."""
        for number, found in enumerate(self._found):
            voice = self.each.voice(found)
            off = bool(self.each.unread(found)) and voice is not None and not voice.choice.picked()
            if off != (number in self._unticked):
                self._unticked ^= {number}
                self.table.set_ticked(number, not off)
                self._stale.add(number)

    def _show(self) -> None:
        self._stale.update(range(len(self._found)))
        self._show_known()

    def _show_readers(self) -> None:
        """In each language's box stands who reads its books. A book that lost its tick since nobody reads it counts: the box is where that is changed."""
        counted = {found.book.id for found in self._to_convert()} | {self._found[number].book.id for number in self._unticked}
        able = [found for found in self._found if found.error is None and not found.queued]
        for voice in self.voices.values():
            its = [found for found in able if self.each.voice(found) is voice]
            voice.choice.set_begun(self.each.shown_for([found for found in its if found.book.id in counted] or its))

    def _show_known(self) -> None:
        self._show_readers()
        self._show_ticks()
        self._show_foreign()
        ticked = self._to_convert()
        spoken = {base_language(found.language) for found in self._found if found.error is None and found.speaks}
        self.device.set_voice(self._voice_of_device(ticked, spoken))
        for voice in self.voices.values():
            voice.set_way(self.device.device_for(voice.choice.whole()) if self.device.is_ready() else "", self.speed.speed())
            its = [found for found in ticked if self.each.voice(found) is voice]
            reads = list(filter(self.each.is_marked, its))
            voice.choice.hold(self._held and any(self.each.goes_on(found) is None for found in reads))
            voice.set_used(bool(reads))
            known = its if all(found.text is not None for found in its) else []  # all of them or no time: else two voices cannot be compared
            texts = {card.id: self.each.by(card.id, known) for card in voice.cards}
            voice.set_times(times(voice.cards, texts, self._settings, self.device, self._previews, self.each.manner, several=True))
        self._show_lines()
        for language, voice in self.voices.items():
            self._language_rows.set_visible(voice, language in spoken)
        self.languages.setVisible(bool(spoken))
        self._show_own(ticked)
        undecided = sum(not found.decided for found in self._found)
        self.looking.setVisible(undecided > 0)
        turn = _("Other books come before them: they begin when their turn comes.") if self._context.busy() else ""
        self.summary.setText(" ".join(filter(None, (self.device.lacks(), self.lacks(), self._summary(ticked), turn))))

    def _show_lines(self) -> None:
        seen = max(0, self.table.rowAt(0))
        now = sorted(self._stale, key=lambda number: (number < seen, number))[:_AT_ONCE]
        self._stale.difference_update(now)
        for number in now:
            self._show_row(number)
        if self._stale:
            self._rest.start()

    def _show_row(self, number: int) -> None:
        found, context = self._found[number], self._context
        by = context.waits_with(found.book.id) if found.queued else ""
        self.table.show_row(number, row(found, self.each.chosen(found), self.table.is_ticked(number), by, context.resources))

    def _show_own(self, ticked: Sequence[Found]) -> None:
        """Which books are not read as is shown for all, and how they are."""
        books = [found for found in self._found if found.error is None and not found.queued and self.each.own(found) is not None]
        chosen = self.each.is_other_speed() or any(voice.choice.picked() for voice in self.voices.values())
        self.as_before.setVisible(bool(books) and chosen)
        ways = {
            (True, True): _("Own voice and speed, as before (see the table): {books}."),
            (True, False): _("Own voice, as before (see the table): {books}."),
            (False, True): _("Own speed, as before (see the table): {books}."),
        }
        words, others = list[str](), [found for found in ticked if self.each.own(found) is not None]
        for way, text in ways.items():
            its = [found for found in others if (not self.each.is_marked(found), self.each.speed(found) != self.speed.speed()) == way]
            if its:
                words.append(text.format(books=titles(its)))
        if any(not self.each.is_marked(found) for found in others):
            words.append(_("Choose a voice, and it reads all books in its language, these too."))
        none = _("All books are read by the voices, and at the speed, that are chosen here.")
        self._keep_room()
        self.own.setText(" ".join(words) or none)  # always something: what is clicked below stays where it is
        self.own.setVisible(bool(books))

    def _keep_room(self) -> None:
        """With less to say it stays as high, as long as it is as wide."""
        same = self.own.isVisible() and self.own.width() == self._own_width
        self.own.setMinimumHeight(self.own.height() if same else 0)
        self._own_width = self.own.width()

    def _show_foreign(self) -> None:
        asked = [found for number, found in enumerate(self._found) if self.table.is_ticked(number) and found.seems_foreign]
        self.foreign.setVisible(bool(asked))
        intro = _("Books with an audiobook (M4B) that this plugin did not make: {count}. They are kept, whatever you choose. What should happen?")
        self.foreign.set_books(intro.format(count=len(asked)), asked, any(map(self.each.replaces, asked)))

    def _cloned(self, clone: Clone) -> None:
        """A new voice: for the books, if they are all in one language; else it can be chosen for each."""
        shown = [voice for voice in self.voices.values() if not voice.isHidden()]
        for voice in shown:
            if len(shown) == 1:
                voice.choice.choose(clone.id)
            else:
                voice.choice.look_again()

    def _voice_of_device(self, ticked: Sequence[Found], languages: Collection[str]) -> str:
        """The voice by which the devices are told, of those that read a ticked book, if there are any: a clone, which has the fewest devices; else one for
        which there is something to choose, if there is one; empty for one that is not here."""
        reading = [voice for _language, voice in self._reading(ticked)] or [voice for language, voice in self.voices.items() if language in languages]
        chosen = [voice.choice for voice in reading if voice.choice.voice()]
        first = min(chosen, key=lambda choice: (not choice.is_clone(), choice.is_lone(), not choice.is_here()), default=None)
        return first.for_devices() if first is not None else ""

    def _summary(self, ticked: Sequence[Found]) -> str:
        anew = [found for found in ticked if self.each.standing(found) != "same"]
        guesses = [self.each.guess(found) for found in anew if found.text is not None]
        told = [_("Books to convert: {count}.").format(count=len(anew))]
        if guesses:
            guessed = estimates.sentence(estimates.total(guesses))
            if self.again.busy:
                guessed = _(estimates.LOOKING).format(estimate=guessed)
            told += [_("Looked at by now: {count}.").format(count=len(guesses))] if len(guesses) < len(anew) else []
            told.append(guessed)
        speakers = {self.each.speaker(found): found for found in anew}
        lacking = sum(map(self.each.fetch_bytes, speakers.values()))
        if lacking:
            told.append(_("Downloaded first: {size}.").format(size=size_words(lacking / 1e6)))
        others = {
            _("Unchanged, so that the audiobook stays as it is: {count}."): len(ticked) - len(anew),
            _("Started already: {count}."): sum(found.queued and found.error is None for found in self._found),
            _("Cannot be converted: {count}."): len(self.refused()),
        }
        return " ".join((*told, *(words.format(count=count) for words, count in others.items() if count), *formers(ticked, self.foreign.of_book)))
