"""The convert dialog's page for several books: the table, a voice for each language among them, and what is the same for all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
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

from ..converting.begun import Begun
from ..converting.questions import Known, Way
from ..engine.install_plan import size_words
from ..errors import PluginError, warning_sentence
from ..languages import base_language, is_unknown
from ..prefs import Settings
from ..speaking import estimates, voices
from ..speaking.clones import Clone
from ..speaking.espeak_languages import unread
from ..wording import times_words
from ..wording import translate as _
from .books_table import BooksTable, Row
from .clone.button import CloneButton
from .context import Context
from .convert_begun import both, in_table
from .convert_books import Candidate, Choice, Found, LookAgain, as_begun, breakable, known_of
from .convert_contents import kinds
from .convert_device import DeviceChoice
from .convert_existing import LEAVE, RECORD, ForeignChoice
from .convert_one import HINT, QUEUED, Manners, guess, options, times
from .convert_previews import Previews
from .convert_rows import Rows
from .convert_speed import SpeedChoice
from .convert_voice import SpokenVoice
from .language_names import short_name
from .player import Player
from .scrolled import Page, Scrolled, sentence
from .work_bar import Flow

_TITLE_CHARS: Final = 80
_CHARACTERS: Final = 100


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
        self._manner = Manners(settings, context.resources)
        self._context, self._settings, self._player, self._previews = context, settings, player, previews
        self._lone = {voice.id for voice in voices.catalogue(context.resources).values() if voice.kind in voices.ON_PROCESSOR}
        """Voices that the processor alone speaks."""
        self._found = [Found(book) for book in books]
        self._unticked: set[int] = set()
        """Lines whose tick was taken away, since nobody reads that language."""
        self.voices: dict[str, SpokenVoice] = {}
        self.table = BooksTable(self, [book.title for book in books])
        self.looking = QProgressBar(self)
        self.looking.setRange(0, 0)
        self.looking.setFormat(_("Books that were looked at: %v of %m"))
        self.looking.setAccessibleName(_("Books that were looked at"))
        self.summary = sentence("", self)
        self.foreign = ForeignChoice(self, several=True, settings=settings)
        self.languages = QGroupBox(_("Voices"), self)
        self._language_rows = Rows(self.languages)
        self.clone = CloneButton(self.languages, context, _("Clo&ne a voice…"))
        self.clone.cloned.connect(self._cloned)
        inside = QVBoxLayout(self.languages)
        inside.addWidget(self._language_rows)
        inside.addLayout(Flow(self.clone))
        self.own = sentence("", self.languages)
        inside.addWidget(self.own)
        self.device = DeviceChoice(self, context, settings.device)
        self.speed = SpeedChoice(self, settings.speed)
        self.as_before = QPushButton(_("&Each as before"), self)
        self.as_before.setAutoDefault(False)
        self.as_before.setToolTip(_("Books for which voice or speed were chosen before have them again"))
        self.as_before.clicked.connect(self._as_before)
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
        layout.addWidget(parts, 1)
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
        self.table.show_row(number, self._row(number))
        self._soon.start()

    def on_looking(self, at: int, of: int) -> None:
        """How far looking has come."""
        self.looking.setRange(0, of)
        self.looking.setValue(at - 1)

    def choices(self) -> list[Choice]:
        """What is to be converted, and how; a book that was not looked at yet never loses what is there."""
        chosen: list[Choice] = []
        for found in self._to_convert():
            device = self.device.device_for(self._speaker(found)[0])
            wanted = options(self._settings, self._voice_of(found), device, self.speed, found, self.foreign)
            begun = self._own_voice(found)
            wanted = wanted if begun is None else replace(wanted, voice=begun.voice, fetch=not begun.here)
            chosen.append(Choice(found.book.id, replace(wanted, speed=self._speed_of(found))))
        return chosen

    def _own(self, found: Found) -> Begun | None:
        """With what a book would go on if nobody changed anything."""
        begun = found.book.goes_on
        return begun if begun is None or begun.here or not self._here else None  # one that could not be had is not proposed

    def _own_voice(self, found: Found) -> Begun | None:
        """The same where the book is spoken by that voice: no other was chosen."""
        begun, voice = self._own(found), self._voice_of(found)
        other = voice is not None and bool(voice.choice.picked()) and begun is not None and voice.choice.whole() != begun.voice
        return None if other else begun

    def _speed_of(self, found: Found) -> float:
        begun = self._own(found)
        return self.speed.speed() if begun is None or self._is_other_speed() else begun.speed

    def _is_other_speed(self) -> bool:
        """Than the one that stands there before anybody chooses."""
        return self.speed.speed() != self._settings.speed

    def _goes_on(self, found: Found) -> Begun | None:
        """How a book goes on that was begun; None where the user chose another voice or speed."""
        begun = self._own_voice(found)
        return begun if begun is not None and begun.speed == self._speed_of(found) else None

    def _as_before(self) -> None:
        """Books with a voice or speed of their own have them again."""
        self.speed.spin.setValue(self._settings.speed)
        for voice in self.voices.values():
            voice.choice.as_proposed()

    def _to_convert(self) -> list[Found]:
        left_out = self.foreign.how() == LEAVE
        ticked = (found for number, found in enumerate(self._found) if self.table.is_ticked(number))
        return [found for found in ticked if found.error is None and not found.queued and not (found.seems_foreign and left_out)]

    def refused(self) -> list[tuple[Candidate, PluginError]]:
        """The books that cannot be converted, and why."""
        return [(found.book, found.error) for found in self._found if found.error is not None]

    def spoken(self) -> dict[str, SpokenVoice]:
        """Language -> who speaks it; not for books that name none."""
        named = {base_language(found.language) for found in self._found if not is_unknown(found.language)}
        return {language: voice for language, voice in self.voices.items() if language in named}

    def is_ready(self) -> bool:
        """May it start with what is chosen?"""
        able = not any(voice.choice.cannot() for voice in self.voices.values())
        return able and bool(self.choices()) and self.device.is_ready() and (not self._any_foreign() or self.foreign.is_ready())

    def stop(self) -> None:
        """The dialog closes."""
        for voice in self.voices.values():
            voice.stop()
        self.device.stop()
        self.again.stop()

    def hold(self, on: bool) -> None:
        """Nobody is to be asked any more: each voice by which a book is converted means all books in its language, but for one that only goes on."""
        self._held = on
        self._show()
        self.foreign.hold(on)

    def speed_is_begun(self) -> bool:
        """As of one book: here what is chosen is none's that goes on."""
        return False

    def _to_look_at(self) -> Sequence[tuple[Candidate, Way]]:
        """Another voice or speed: what of the books was spoken so? Those first that have an audiobook of ours."""
        looked = [found for found in self._to_convert() if found.looked is not None and self._way(found) != found.way]
        here = [found for found in looked if self._can_be_asked(found)]
        return [(found.book, self._way(found)) for found in sorted(here, key=lambda found: not self._is_ours(found))]

    def _can_be_asked(self, found: Found) -> bool:
        """Is the voice that is to speak it here?"""
        begun, voice = self._own_voice(found), self._voice_of(found)
        return begun.here if begun is not None else voice is not None and voice.choice.is_here()

    def _on_known(self, book: Candidate, known: Known) -> None:
        number = next(number for number, found in enumerate(self._found) if found.book is book)
        self._found[number] = known_of(self._found[number], known)
        self._changed()

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
        return self.voices[base]

    def _voice_of(self, found: Found) -> SpokenVoice | None:
        return self.voices.get(base_language(found.language)) if found.speaks else None

    def _any_foreign(self) -> bool:
        return any(found.seems_foreign and self.table.is_ticked(number) for number, found in enumerate(self._found))

    def _changed(self) -> None:
        self.again.soon()
        self._show()
        self.changed.emit()

    def _unread(self, found: Found) -> str:
        """Why espeak does not read the language of a book that it would get: a warning's code. Empty for all others, and where that was agreed to: it is the
        usual voice, or has begun the book."""
        voice, begun = self._voice_of(found), found.book.begun
        if voice is None or found.error is not None or found.queued or self._goes_on(found) is not None or self._speaker(found)[0] != voices.ESPEAK:
            return ""
        agreed = (self._settings.voices.get(base_language(found.language)), "" if begun is None else begun.voice)
        return "" if voices.ESPEAK in agreed else unread(found.language)

    def _show_ticks(self) -> None:
        """A book that nobody reads is converted only if the user says so: by its tick, or by choosing eSpeak in the list."""
        for number, found in enumerate(self._found):
            voice = self._voice_of(found)
            off = bool(self._unread(found)) and voice is not None and not voice.choice.picked()
            if off != (number in self._unticked):
                self._unticked ^= {number}
                self.table.set_ticked(number, not off)

    def _show(self) -> None:
        self._show_ticks()
        self._show_foreign()
        spoken = {base_language(found.language) for found in self._found if found.error is None and found.speaks}
        self.device.set_voice(self._voice_of_device(spoken))
        for voice in self.voices.values():
            voice.set_way(self.device.device_for(voice.choice.whole()) if self.device.is_ready() else "", self.speed.speed())
            its = [found for found in self._to_convert() if self._voice_of(found) is voice]
            voice.choice.hold(self._held and any(self._goes_on(found) is None and self._is_marked(found) for found in its))
            texts = {card.id: self._texts(its, self._way_by(card.id)) for card in voice.cards}
            voice.set_times(times(voice.cards, texts, self._settings, self.device, self.speed.speed(), self._previews, self._manner))
        for number in range(len(self._found)):
            self.table.show_row(number, self._row(number))
        for language, voice in self.voices.items():
            self._language_rows.set_visible(voice, language in spoken)
        self.languages.setVisible(bool(spoken))
        self._show_own(spoken)
        undecided = sum(not found.decided for found in self._found)
        self.looking.setVisible(undecided > 0)
        turn = _("Other books come before them: they begin when their turn comes.") if self._context.busy() else ""
        self.summary.setText(" ".join(filter(None, (self._summary(), turn, self.device.lacks()))))

    def _is_marked(self, found: Found) -> bool:
        """Is it spoken by the voice that is marked for its language?"""
        voice = self._voice_of(found)
        return voice is not None and self._speaker(found)[0] == voice.choice.whole()

    def _show_own(self, spoken: Collection[str]) -> None:
        """Which books follow the marks not, and how they do."""
        books = [found for found in self._found if found.error is None and not found.queued and self._own(found) is not None]
        chosen = self._is_other_speed() or any(voice.choice.picked() for voice in self.voices.values())
        self.as_before.setVisible(bool(books))
        self.as_before.setEnabled(chosen)
        ticked = self._to_convert()
        ways = {
            (True, True): _("Voice and speed stay as before, see the table: {books}."),
            (True, False): _("The voice stays as before, see the table: {books}."),
            (False, True): _("The speed stays as before, see the table: {books}."),
        }
        words, others = list[str](), [found for found in ticked if self._own(found) is not None]
        for way, text in ways.items():
            its = [found for found in others if (not self._is_marked(found), self._speed_of(found) != self.speed.speed()) == way]
            if its:
                words.append(text.format(books=_titles(its)))
        for language in self.voices:
            its = [found for found in ticked if base_language(found.language) == language]
            if language in spoken and its and all(self._own(found) is not None and not self._is_marked(found) for found in its):
                text = _("No ticked book is read by the voice that is marked for {language}: click a voice, also the marked one, and it reads them all.")
                words.append(text.format(language=short_name(language)))
        self.own.setText(" ".join(words) or _("All of them are read as chosen here."))  # always something: a slider that is moved stays where it is
        self.own.setVisible(bool(books))

    def _show_foreign(self) -> None:
        asked = [found for number, found in enumerate(self._found) if found.seems_foreign and self.table.is_ticked(number)]
        self.foreign.setVisible(bool(asked))
        intro = _("Books with an audiobook (M4B) that this plugin did not make: {count}. It is never lost: what should happen?")
        folders = {None if found.own else found.folder for found in asked}
        own = bool(asked) and all(found.own for found in asked)
        self.foreign.set_intro(intro.format(count=len(asked)), own, folders.pop() if len(folders) == 1 else None)

    def _texts(self, books: Sequence[Found], way: Way) -> list[tuple[estimates.Text, int]]:
        """What is to be spoken of these in that way, each with the characters that are."""
        done = [found for found in books if self._is_ours(found) and found.standing(replace(way, speed=self._speed_of(found))) in ("same", "tags")]
        return [(found.text, found.spoken(replace(way, speed=self._speed_of(found)))) for found in books if found.text is not None and found not in done]

    def _cloned(self, clone: Clone) -> None:
        """A new voice: for the books, if they are all in one language; else it can be chosen for each."""
        shown = [voice for voice in self.voices.values() if not voice.isHidden()]
        for voice in shown:
            if len(shown) == 1:
                voice.choice.choose(clone.id)
            else:
                voice.choice.look_again()

    def _voice_of_device(self, languages: Collection[str]) -> str:
        """The voice by which the devices are told: a clone, which has the fewest; else one for which there is something to choose, if there is one;
        empty for one that is not here."""
        chosen = [voice.choice for language, voice in self.voices.items() if language in languages and voice.choice.voice()]
        first = min(chosen, key=lambda choice: (not choice.is_clone(), choice.voice() in self._lone, not choice.is_here()), default=None)
        return first.for_devices() if first is not None else ""

    def _summary(self) -> str:
        ticked = self._to_convert()
        anew = [found for found in ticked if self._standing(found) != "same"]
        guesses = [self._guess(found) for found in anew if found.text is not None]
        text = _("Books to convert: {count}.").format(count=len(anew))
        if len(anew) < len(ticked):
            text = _("{books} Books that are only checked, and stay as they are: {count}.").format(books=text, count=len(ticked) - len(anew))
        if not guesses:
            return text
        told = estimates.sentence(estimates.total(guesses))
        if self.again.busy:
            told = _(estimates.LOOKING).format(estimate=told)
        if len(guesses) < len(anew):
            return _("{books} Of those that were looked at: {estimate}").format(books=text, estimate=told)
        return _("{books} Together: {estimate}").format(books=text, estimate=told)

    def _guess(self, found: Found) -> estimates.Estimate:
        assert found.text is not None
        voice, speed = self._speaker(found)
        guessed = guess(found.text, self._settings, self.device, speed, voice, self._previews, self._manner, found.spoken(self._way(found)))
        return replace(guessed, ready_s=0.0, kept=1.0) if self._standing(found) in ("same", "tags") else guessed

    def _speaker(self, found: Found) -> tuple[str, float]:
        """(the id of whom will be heard, a clone's with its base voice, how fast)."""
        begun, voice = self._own_voice(found), self._voice_of(found)
        return begun.voice if begun is not None else "" if voice is None else voice.choice.whole(), self._speed_of(found)

    def _way(self, found: Found) -> Way:
        voice = self._voice_of(found)
        way = as_begun(self._way_by("" if voice is None else voice.choice.voice()), self._own_voice(found))
        return replace(way, speed=self._speed_of(found))

    def _way_by(self, voice: str) -> Way:
        settings = self._settings
        return Way(voice, self.speed.speed(), settings.pauses, settings.bitrate, settings.voices, settings.precision)

    def _standing(self, found: Found) -> str:
        """As `Found.standing`, of the audiobook that is brought up to date."""
        return found.standing(self._way(found)) if self._is_ours(found) else ""

    def _is_ours(self, found: Found) -> bool:
        """Does this conversion take the place of an audiobook of ours?"""
        if found.foreign:
            return self.foreign.renews(found.own, found.folder)
        return found.looked is not None and found.looked.existing == "ours"

    def _row(self, number: int) -> Row:
        found = self._found[number]
        title = _shortened(found.book.title)
        if found.error is not None:
            why = f"{found.error.what()} {found.error.next_step()}"
            return Row(title, found.authors, "–", "", "–", found.trouble(), why, True)
        if found.queued:
            by = self._context.waits_with(found.book.id)
            return Row(title, found.authors, by or "–", "", "–", _("Being converted already, or waits for its turn"), _(QUEUED), waits=True)
        language = _("No language given") if is_unknown(found.language) else short_name(found.language)
        about = " · ".join(filter(None, (found.authors, language)))
        row = Row(title, about, "", "", "", _("Waiting to be looked at"))
        voice, begun = self._voice_of(found), self._own_voice(found)
        if begun is not None:
            row = replace(row, voice=voices.name_of(begun.voice, self._context.resources))
        elif voice is not None:
            row = replace(row, voice=voice.choice.label())
        if self._speed_of(found) != self.speed.speed():
            row = replace(row, voice=" · ".join(filter(None, (row.voice, times_words(self._speed_of(found))))))
        if found.looked is None:
            return row
        row = replace(row, length=estimates.length(self._guess(found).audio_s), chapters=_("Chapters: {count}").format(count=found.chapters))
        row = replace(row, left_out=_("Left out: {kinds}").format(kinds=", ".join(kinds(found.looked))) if found.looked.left_out else "")
        size_bytes = 0 if voice is None or begun is not None else voice.choice.size_bytes()
        if begun is not None and not begun.here:
            size_bytes = voices.fetch_bytes(begun.voice, self._context.resources)
        state = self._state(found)
        if size_bytes:
            text = _("Ready, after a download of {size}") if state == _("Ready") else _("{state}. Its voice is downloaded first ({size})")
            if voice is not None and begun is None and voice.choice.has_failed():
                text = _("Its voice could not be downloaded just now; “Convert” tries once more ({size})")
            state = text.format(state=state, size=size_words(size_bytes / 1e6))
        why, language = self._unread(found), base_language(found.language)
        if why and voice is not None:
            text = _("eSpeak NG does not read {language}. Tick the book to convert it all the same")
            sure = _("{state}, but eSpeak NG does not read {language}")
            if voice.choice.alone():
                text = _("No voice here reads {language}. Tick the book to convert it all the same")
                sure = _("{state}, but no voice here reads {language}")
            text = sure if self.table.is_ticked(number) else text
            state = text.format(state=state, language=short_name(language))
            words = [warning_sentence(why, {"language": language}), _("You can choose another voice for its language below.")]
            row = replace(row, doubt=True, why=" ".join(words))
        return replace(row, state=state)

    def _state(self, found: Found) -> str:
        assert found.looked is not None
        standing = self._standing(found)
        if standing == "same":
            return _("Its audiobook stays as it is: nothing has changed")
        if standing == "tags":
            return _("Only what is told of it has changed: that is renewed")
        percent = int(100 * self._guess(found).kept)
        if self._is_ours(found):
            return self._renewed(found, percent)
        begun = self._of_begun(found, percent)
        if not found.foreign:
            ready = _("Ready; {percent} % was spoken before").format(percent=percent) if percent else _("Ready")
            return begun or (_("Ready; all of it was spoken before") if percent >= 100 else ready)
        how = {
            RECORD: _("Has an audiobook from elsewhere; both are kept"),
            "folder": _("Has an audiobook from elsewhere; ours goes into the folder"),
            "replace": _("Has an audiobook from elsewhere; it is replaced after a copy"),
            LEAVE: _("Has an audiobook from elsewhere; left out"),
        }[self.foreign.of_book(found.own, found.folder)[0]]
        return both(how, begun) if begun and self.foreign.how() != LEAVE else how

    def _renewed(self, found: Found, percent: int) -> str:
        """What becomes of our audiobook, which is not as it would be made now. percent: of the book, spoken before in this way."""
        new, apart = self._speaker(found)[0], found.foreign
        name = voices.name_of(new, self._context.resources) if new else ""
        another = bool(new) and new != found.by[0] and name != found.by[1]
        if another and found.by[1]:
            text = _("Is made anew with {voice}; it replaces the audiobook spoken by {old}")
            text = _("This plugin's own, spoken by {old}, is made anew with {voice}; the one from elsewhere stays") if apart else text
        elif percent:
            text = _("Will be brought up to date; {percent} % was spoken before")
            text = _("This plugin's own is brought up to date ({percent} % was spoken before); the one from elsewhere stays") if apart else text
        elif self._standing(found) == "different" and new:
            text = _("Is made anew with {voice}; it replaces the audiobook that is there")
            text = _("This plugin's own is made anew with {voice}; the one from elsewhere stays") if apart else text
        else:
            text = _("This plugin's own is brought up to date; the one from elsewhere stays") if apart else _("Will be brought up to date")
        text = text.format(voice=name, old=found.by[1], percent=percent)
        return both(self._of_begun(found, percent), text)

    def _of_begun(self, found: Found, percent: int) -> str:
        return in_table(found, self._goes_on(found), *self._speaker(found), percent, self._context.resources)


def _titles(books: Sequence[Found]) -> str:
    """The first one's, and how many more there are."""
    more = _("“{title}”") if len(books) == 1 else _("“{title}” and one more") if len(books) == 2 else _("“{title}” and {count} more")
    return more.format(title=breakable(_shortened(books[0].book.title)), count=len(books) - 1)


def _shortened(title: str) -> str:
    return title if len(title) <= _TITLE_CHARS else title[: _TITLE_CHARS - 1].rstrip() + "…"
