"""The convert dialog's page for one book."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from qt.core import QProgressBar, QTimer, QVBoxLayout, QWidget, pyqtSignal  # type: ignore[import-not-found]

from ..converting.job import Options
from ..converting.questions import Known, Way
from ..errors import PluginError
from ..languages import base_language, is_unknown
from ..prefs import Settings
from ..speaking import estimates
from ..wording import N_, isolated, times_words
from ..wording import translate as _
from .clone.button import CloneButton
from .context import Context
from .convert_begun import goes_on
from .convert_books import Candidate, Choice, Found, LookAgain, breakable, known_of
from .convert_contents import Contents
from .convert_device import DeviceChoice
from .convert_existing import FOLDER, LEAVE, RECORD, ForeignChoice, former
from .convert_previews import Previews
from .convert_rows import Rows
from .convert_speed import SpeedChoice
from .convert_times import AGAIN, Manners, Spoken, guess, times
from .convert_voice import SpokenVoice
from .error_dialog import ErrorBox, of_calibre
from .language_names import short_name
from .player import Player
from .scrolled import Edge, Page, Scrolled, bold, sentence
from .voice_offers import as_sentence
from .work_bar import Flow

HINT: Final = N_(
    "While books are converted, Calibre can neither switch libraries nor open its own preferences. "
    "A conversion can be stopped at any time; started again with the same voice and speed, it goes on from there."
)
QUEUED: Final = N_("This book was started already: the Jobs list shows how far it is. When that has ended, it can be converted again.")
SAME: Final = N_("This plugin made an audiobook of this book. Nothing in it has changed since then, so its audiobook stays as it is.")
TAGS: Final = N_("This plugin made an audiobook of this book, and only what is told of it has changed (title, cover …): its sound stays, the rest is renewed.")


class OneBook(QWidget):  # type: ignore[misc]
    """`changed` when what was chosen or is known of the book has; `unfolded` when there is more to see."""

    changed = pyqtSignal()
    unfolded = pyqtSignal()

    def __init__(self, parent: Any, context: Context, book: Candidate, settings: Settings, player: Player, previews: Previews, here: bool = False) -> None:
        super().__init__(parent)
        self._settings = settings
        self._held = False
        self._context = context
        self.again = LookAgain(self, context, self._to_look_at)
        self.again.known.connect(self._on_known)
        self.again.rested.connect(self._show)
        self._manner = Manners(settings, context.resources)
        self._previews = previews
        self._found = Found(book)
        self.title = bold(sentence(breakable(book.title), self))
        self.authors = sentence("", self)
        self.why = bold(sentence("", self))
        self.box = ErrorBox(self)
        self.foreign = ForeignChoice(self, several=False, settings=settings)
        begun = book.goes_on if book.goes_on is None or book.goes_on.here or not here else None  # one that could not be had is not proposed
        first = "" if begun is None else begun.voice
        self.voice = SpokenVoice(self, context, player, previews, settings, here=here, begun=first)
        self.begun = sentence("", self)
        self.voice.rows.addWidget(self.begun)
        self.clone = CloneButton(self, context, _("Clo&ne a voice…"))
        self.clone.cloned.connect(lambda clone: self.voice.choice.choose(clone.id))
        self.voice.rows.addLayout(Flow(self.clone))
        self.device = DeviceChoice(self, context, settings.device)
        self.speed = SpeedChoice(self, settings.speed if begun is None else begun.speed)
        self.estimate = sentence("", self)
        self.queued = bold(sentence(_(QUEUED), self))
        self.wait = sentence(_("Looking at the book…"), self)
        self.looking = QProgressBar(self)
        self.looking.setRange(0, 0)
        self.looking.setAccessibleName(_("The book is being looked at"))
        self.existing = sentence("", self)
        self.contents = Contents(self)  # made in the order in which Tab goes
        self._lay_out()
        for part in (self.voice, self.device, self.speed, self.foreign):
            part.changed.connect(self._changed)
        player.started.connect(self._show)  # now it is known how fast this device speaks
        self._show()

    def _lay_out(self) -> None:
        """What is said of a choice, and changes with it, stands below everything that can be clicked, so that nothing moves under the mouse. What has to
        be answered stands first."""
        self.settings = Rows(self)
        self.settings.add(_("&Voice:"), self.voice, self.voice.choice.combo)
        self.voice.led.connect(partial(self.settings.lead, self.voice))
        self.voice.unfolded.connect(self.settings.keep_shape)
        self.voice.unfolded.connect(self.unfolded)
        self.settings.add(_("&Device:"), self.device, self.device.combo)
        self.settings.add(_("S&peed of speech:"), self.speed, self.speed.slider)
        page = Page(self)
        rows = QVBoxLayout(page)
        rows.setContentsMargins(0, 0, 0, 0)
        for widget in (self.title, self.authors, self.why, self.queued, self.box):
            rows.addWidget(widget)
        for widget in (self.foreign, self.settings):
            rows.addWidget(widget)
        rows.addWidget(self.contents, 1)
        self.hint = sentence(_(HINT), self)
        rows.addWidget(self.hint)
        rows.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.scrolled = Scrolled(page, self)
        layout.addWidget(self.scrolled, 1)
        layout.addWidget(Edge(self.scrolled, self))
        for widget in (self.wait, self.looking, self.estimate, self.existing):
            layout.addWidget(widget)

    def look_at_the_rest(self) -> None:
        """Something besides this window is another."""
        self._show()

    def on_found(self, found: Found) -> None:
        """More is known of the book."""
        self._found = found
        if found.looked is not None:
            self.contents.show_book(found.looked)
            self.voice.set_text(found.looked.sample or found.looked.title)
        if found.error is None:
            self.voice.set_language(found.language)
        else:
            ways = of_calibre(self._context, found.book.id)
            self.box.set_error(found.error, {name: partial(self._leave_for, act, back=name == "format") for name, act in ways.items()})
        self._show()
        self.changed.emit()

    def choices(self) -> list[Choice]:
        """What is to be converted, and how."""
        if self._found.error is not None or self._found.queued:
            return []
        voice = self.voice if self._found.speaks or self.voice.choice.picked() else None
        return [Choice(self._found.book.id, options(self._settings, voice, self.device.device(), self.speed, self._found, self.foreign))]

    def refused(self) -> list[tuple[Candidate, PluginError]]:
        """A book that cannot be converted cannot be accepted: its error stands in the window."""
        return []

    def spoken(self) -> dict[str, SpokenVoice]:
        """Language -> who speaks it."""
        return {self._found.language: self.voice}

    def may_choose(self) -> bool:
        """Is there something to choose for the book?"""
        return self._found.error is None and not self._found.queued

    def is_ready(self) -> bool:
        """May it start with what is chosen?"""
        return self.may_choose() and self.device.is_ready() and not self.voice.choice.cannot() and not self.lacks()

    def lacks(self) -> str:
        """What the reader has to choose first, in words; empty where nothing."""
        return self.foreign.lacks() if self._found.seems_foreign else ""

    def stop(self) -> None:
        """The dialog closes."""
        self.voice.stop()
        self.device.stop()
        self.again.stop()

    def hold(self, on: bool) -> None:
        """Nobody is to be asked any more: the voice means all books, but for one with which this book goes on as it was begun."""
        self._held = on
        self._show()
        self.foreign.hold(on)

    def speed_is_begun(self) -> bool:
        """Does the book go on as it was begun? Then its speed becomes usual by nothing."""
        begun = self._found.book.goes_on
        return begun is not None and (self.voice.choice.whole(), self.speed.speed()) == (begun.voice, begun.speed)

    def others(self) -> str:
        """Who reads other books, and how fast, where this one goes on in a way of its own, without a full stop; else empty."""
        choice, speed = self.voice.choice, self._settings.speed
        if not self.speed_is_begun():
            return ""
        known = {"voice": "" if choice.kept() else choice.usual(), "language": short_name(base_language(self._found.language)), "speed": times_words(speed)}
        if self.speed.speed() == speed:
            return _("Other books in {language} are read by {voice}, as before").format(**known) if known["voice"] else ""
        text = _("Other books in {language} are read by {voice} at the speed {speed}, as before")
        return (text if known["voice"] else _("Other books are read at the speed {speed}, as before")).format(**known)

    def _leave_for(self, act: Callable[[], None], back: bool) -> None:
        """Calibre's own windows are reached when this one is closed. back: then it opens again, and looks at the book anew."""
        book, convert = self._found.book.id, self._context.convert

        def leave() -> None:
            act()
            if back:
                convert([book])

        self.window().reject()
        QTimer.singleShot(0, leave)

    def _way(self, voice: str = "") -> Way:
        """voice: another than the one that is chosen."""
        settings, begun = self._settings, self._found.book.begun
        as_begun = begun is not None and self.voice.choice.whole() == begun.voice  # of a clone also its base voice is known
        chosen = begun.voice if begun is not None and as_begun else self.voice.choice.voice()
        return Way(voice or chosen, self.speed.speed(), settings.pauses, settings.bitrate, settings.voices, settings.precision)

    def _to_look_at(self) -> Sequence[tuple[Candidate, Way]]:
        """Another voice or speed: what of the book was spoken so?"""
        way = self._way()
        return [(self._found.book, way)] if self._found.looked is not None and self.voice.choice.is_here() and way != self._found.way else []

    def _done(self, way: Way) -> str:
        """What there is to say of our audiobook, where nothing is to be spoken for it in that way; else empty."""
        return {"same": _(SAME), "tags": _(TAGS)}.get(self._found.standing(way), "") if self._ours() else ""

    def _ours(self) -> bool:
        """Does this conversion take the place of an audiobook of ours?"""
        found = self._found
        return self.foreign.renews(found) if found.foreign else found.looked is not None and found.looked.existing == "ours"

    def _on_known(self, book: Candidate, known: Known) -> None:
        self._found = known_of(self._found, known)
        self._show()

    def _changed(self) -> None:
        self.again.soon()
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        found = self._found
        self._show_foreign()
        voice = self.voice.choice
        voice.hold(self._held and not self.speed_is_begun())
        self.voice.set_way(self.device.device() if self.device.is_ready() else "", self.speed.speed())
        self.device.set_voice(voice.for_devices())
        language = _("No language given, so it is read as English") if is_unknown(found.language) else short_name(found.language)
        about = " · ".join(filter(None, (found.authors, language if found.speaks and found.error is None else "")))
        self.authors.setText(breakable(about))
        self.authors.setVisible(bool(about))
        for widget in (self.wait, self.looking):
            widget.setVisible(not found.decided)
        for widget in (self.settings, self.contents, self.hint):
            widget.setVisible(found.error is None and not (found.queued and widget is self.settings))
        self.why.setVisible(bool(self.why.text()) and self.may_choose())
        way = self._way()
        if found.text is not None:
            ways = {card.id: self._way(card.id) for card in self.voice.cards}
            texts = {id: [] if self._done(by) else [Spoken(found.text, by.speed, found.spoken(by))] for id, by in ways.items()}
            self.voice.set_times(times(self.voice.cards, texts, self._settings, self.device, self._previews, self._manner))
        ours = self._ours()
        done = self._done(way)
        self.queued.setVisible(found.queued)
        by = self._context.waits_with(found.book.id) if found.queued else ""
        self.queued.setText(_("{queued} It is spoken by {voice}.").format(queued=_(QUEUED), voice=by) if by else _(QUEUED))
        self.estimate.setVisible(found.text is not None and not done and not found.queued)
        kept = False
        if found.text is not None:
            guessed = guess(found.text, self._settings, self.device, self.speed.speed(), voice.whole(), self._previews, self._manner, found.spoken(way))
            kept = guessed.kept >= AGAIN
            told = estimates.sentence(guessed)
            if self.again.busy and way != found.way:
                told = _(estimates.LOOKING).format(estimate=told)
            turn = _("Other books come before it: it begins when its turn comes.") if self._context.busy() else ""
            self.estimate.setText(" ".join(filter(None, (self.lacks(), told, turn))))
        begun = goes_on(found, voice.whole(), self.speed.speed(), voice.is_here(), kept, self._context.resources)
        self.begun.setText(begun)
        self.begun.setVisible(bool(begun) and found.error is None and not done)
        stays = former(found, self.foreign.of_book(found)) if found.foreign else ""
        self.existing.setVisible((ours or bool(stays)) and not found.queued)
        again = _("This plugin made an audiobook of this book; the new one takes its place.")
        if found.by[1]:
            again = _("This plugin made an audiobook of this book, spoken by {voice}; the new one takes its place.")
            if found.at not in (None, self.speed.speed()):
                again = _("This plugin made an audiobook of this book, spoken by {voice} at the speed {speed}; the new one takes its place.")
            again = again.format(voice=found.by[1], speed=times_words(found.at or 1.0))
        self.existing.setText(done or (as_sentence(stays) if stays else again))

    def _show_foreign(self) -> None:
        found = self._found
        self.foreign.setVisible(found.seems_foreign and not found.queued)
        intro = _("The book has an audiobook (M4B) that this plugin did not make. It is kept, whatever you choose. What should happen?")
        if found.own:
            words = _("The book has an audiobook (M4B) that this plugin did not make, and beside it the one that it made, “{title}”. What should happen?")
            intro = words.format(title=breakable(found.own))
        elif found.folder is not None:
            words = _("The book has an audiobook (M4B) that this plugin did not make, and in the folder {folder} the one that it made. What should happen?")
            intro = words.format(folder=isolated(breakable(str(found.folder))))
        choice = self.voice.choice
        self.foreign.set_books(intro, [found], found.made_otherwise(choice.whole(), choice.name(), self.speed.speed()))


def options(settings: Settings, voice: SpokenVoice | None, device: str, speed: SpeedChoice, found: Found, foreign: ForeignChoice) -> Options:
    """Of one book. voice: None where the language is not known yet, and decides. foreign: what to do about an M4B from elsewhere, never `leave`; of one that
    only seems to be that, what is answered beforehand holds if it is."""
    how, folder = foreign.of_book(found) if found.seems_foreign else ("stop", None)
    assert how != LEAVE
    beforehand = not found.foreign and how in (RECORD, FOLDER)
    id = "" if voice is None else voice.choice.voice()
    return Options(
        voice=id or None,
        device=device,
        fetch=voice is not None and bool(id) and not voice.choice.is_here(),
        voices=settings.voices,
        speed=speed.speed(),
        pauses=settings.pauses,
        bitrate=settings.bitrate,
        precision=settings.precision,
        kept_gb=settings.kept_gb,
        foreign="stop" if beforehand else how,
        folder=folder,
        otherwise=how if beforehand else "",
    )
