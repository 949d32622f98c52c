"""From books that were clicked to jobs of Calibre's: ask for voice and settings, queue, tell how each ended.

Is the engine there (else `first_install`, which goes on with the books)? The convert dialog comes if the user wants to be
asked, or if only an answer leads on; then each book is a job. How jobs end is told together, in one window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calibre.gui2 import error_dialog, warning_dialog  # type: ignore[import-not-found]

from . import prefs
from .errors import PluginError
from .wording import times_words
from .wording import translate as _

if TYPE_CHECKING:
    from .converting.begun import Begun
    from .converting.conversions import Conversions
    from .converting.installations import Underway
    from .converting.job import Options, Result
    from .engine.install_plan import Wanted
    from .first_install import FirstInstall
    from .gui.context import Context
    from .gui.outcome import Outcome, Outcomes
    from .speaking.readers import Readers


class Queueing:
    """context: made when it is first needed. say: shows a sentence for a moment. settings_changed: called when the convert dialog kept some."""

    def __init__(self, gui: Any, context: Callable[[], Context], say: Callable[[str], None], settings_changed: Callable[[], None]) -> None:
        self._gui, self._context, self._say, self._settings_changed = gui, context, say, settings_changed
        self._spoken_by: dict[str, str] = {}
        """Of each book that was queued (`library.key_of`): by whom it is spoken, in words."""
        self._asked: dict[int, Options] = {}
        """How each book of this library was queued last, for trying it again."""
        self._unasked: set[int] = set()
        """Those of them for which nobody was asked then."""
        self._conversions: Conversions | None = None
        self._outcomes: Outcomes | None = None
        self._first_install: FirstInstall | None = None
        self._fetching: list[tuple[str, Any]] = []
        """Books (`library.key_of`) that follow as soon as their voice is downloaded, each with the job that does it."""
        self._warns = False
        prefs.tell_unsaved(self._unsaved)

    @property
    def _api(self) -> Any:
        return self._gui.current_db.new_api

    def begin(self, ids: list[int], ask: bool, choosing: bool = False, another: bool = False) -> None:
        """Convert these books of the library that is shown; ask: with the dialog. choosing: to be asked is what the user clicked for. another: as there."""
        if not ids:
            error_dialog(self._gui, _("No book selected"), _("Select the books to convert first."), show=True)
            return
        from .first_install import engine_there, marked_reader, read_english

        if engine_there(self._context().resources):
            if prefs.load().first:  # the engine came from Preferences
                read_english(marked_reader(), self._context().resources)
            self._choose(self._api, ids, ask, another)
        else:
            self._installation().begin(self._api, ids, self._choose, choosing)

    def _choose(self, api: Any, ids: list[int], ask: bool, another: bool = False) -> None:
        """Ask for voice and settings, if that is wanted or only an answer leads on, and queue the books."""
        from .converting.conversions import of
        from .converting.job import Options

        chosen, readers = prefs.load(), self._readers()
        if not ask and not self._voiceless(api, ids, readers) and (chosen.foreign or not self._from_elsewhere(api, ids)):
            options = Options(
                device=chosen.device,
                voices=chosen.voices,
                speed=chosen.speed,
                pauses=chosen.pauses,
                bitrate=chosen.bitrate,
                precision=chosen.precision,
                kept_gb=chosen.kept_gb,
                otherwise=chosen.foreign,
                folder=Path(chosen.folder) if chosen.folder else None,
            )
            self._queue(api, [(book_id, self._going_on(api, book_id, options, readers)) for book_id in ids], unasked=True)
            return
        from .gui.convert_dialog import Candidate, ConvertDialog
        from .gui.outcome import Outcome

        books = [Candidate(id, _title(api, id), of(api, id), self._begun(api, id, readers)) for id in ids if api.has_id(id)]
        if not books:
            self._say(_("What was selected is not in the library any more"))
            return
        dialog = ConvertDialog(self._gui, self._context(), books, another)
        if dialog.exec():
            self._settings_changed()
            choices = dialog.choices()
            self._queue(api, [(choice.id, choice.options) for choice in choices])
            for book, error in dialog.refused():
                self._told(Outcome(book.id, book.title, None, error), quietly=True)
        dialog.deleteLater()

    def _from_elsewhere(self, api: Any, ids: Sequence[int]) -> bool:
        """May an audiobook stand at one of these books that this plugin did not make? Only a sidecar knows; here it is enough that there is no report, or
        that by it ours went elsewhere and is there no more."""
        from .book import library
        from .converting.audiobooks import left_its_place, report_of

        found = [book_id for book_id in ids if api.format_abspath(book_id, library.FORMAT) and library.own_record(api, book_id) is None]
        return any(report_of(api, book_id) is None or left_its_place(api, book_id) for book_id in found)

    def _beside(self, api: Any, books: Sequence[tuple[int, Options]]) -> str:
        """Where audiobooks go for which nobody was asked, though one from elsewhere stands at their book; empty where none does."""
        from .book import library
        from .converting import audiobooks

        places: dict[str, None] = {}
        for book_id, options in books:
            if not api.format_abspath(book_id, library.FORMAT) or library.own_record(api, book_id) is not None:
                continue
            folder = audiobooks.in_a_folder(api, book_id)
            if folder is not None:
                places[_("it stays in its folder, {folder}").format(folder=folder.parent)] = None
            elif options.otherwise and self._from_elsewhere(api, [book_id]):
                in_folder = _("beside the audiobook from elsewhere, in the folder {folder}").format(folder=options.folder)
                places[in_folder if options.otherwise == "folder" else _("beside the audiobook from elsewhere, as a book of its own")] = None
        return "; ".join(places)

    def _voiceless(self, api: Any, ids: Sequence[int], readers: Readers) -> bool:
        """Would espeak read one of these books, though there is a voice to be had for its language, or nobody chose it for one that it does not read?
        Hours of that start only after a question; how a book goes on is decided."""
        from .book import library
        from .speaking import voices
        from .speaking.espeak_languages import unread

        chosen = prefs.load()
        open_ones = (book_id for book_id in ids if (begun := self._begun(api, book_id, readers)) is None or not begun.goes_on)
        languages = dict.fromkeys(library.language_of(api, book_id) for book_id in open_ones)
        found = [(language, *readers.usual(language, chosen.voices, chosen.device)) for language in languages]
        by_espeak = [(language, fitting) for language, voice, fitting in found if voice == voices.ESPEAK]
        return any(fitting or (unread(language) and chosen.voices.get(voices.base_language(language)) != voices.ESPEAK) for language, fitting in by_espeak)

    def _going_on(self, api: Any, book_id: int, options: Options, readers: Readers) -> Options:
        """A book that was begun and not finished goes on with its voice and speed: others would speak all of it anew. One that only waited keeps its own."""
        begun = self._begun(api, book_id, readers)
        return replace(options, voice=begun.voice, speed=begun.speed) if begun is not None and begun.goes_on else options

    def _begun(self, api: Any, book_id: int, readers: Readers) -> Begun | None:
        """How a part of the book is spoken, or how it waited when it was left, if so."""
        from .book import library
        from .converting import begun

        found = begun.of(library.key_of(api, book_id), prefs.load().speed)
        if found is None:
            return None
        found = replace(found, here=readers.is_here(found.voice), to_come=readers.can_come(found.voice))
        return found if found.goes_on or not found.waits else None  # of that one nothing is lost

    def _readers(self) -> Readers:
        from .speaking.readers import Readers

        return Readers(self._context().resources)

    def _queue(self, api: Any, books: Sequence[tuple[int, Options]], unasked: bool = False) -> None:
        """unasked: who speaks was in no window, so it is said here. Voices that are not here come first, so that what fails does so at once."""
        from .book import library
        from .converting import begun
        from .converting.begun import Queued
        from .speaking import voices

        waits, resources, readers = self.busy(), self._context().resources, self._readers()
        new = [(book_id, options, self._voice(api, book_id, options, readers)) for book_id, options in books if not self._is_queued(api, book_id)]
        before = {book_id: self._begun(api, book_id, readers) for book_id, _options, _voice in new}
        names = {voice: voices.name_of(voice, resources) for _book, _options, voice in new}
        begun.begin({library.key_of(api, id): Queued(voice, _title(api, id), options.speed, names[voice], not unasked) for id, options, voice in new})
        for book_id, options, voice in new:
            at = "" if options.speed == 1.0 else f"\u00a0· {times_words(options.speed)}"
            self._spoken_by[library.key_of(api, book_id)] = names[voice] + at
        fetching: dict[str, list[tuple[int, Options]]] = {}
        for book_id, options, voice in new:
            self._asked[book_id] = options
            (self._unasked.add if unasked else self._unasked.discard)(book_id)
            if readers.is_to_come(voice):
                fetching.setdefault(voice, []).append((book_id, options))
            else:
                self._work().convert(api, book_id, options)
        for voice, its in fetching.items():
            self._fetch(api, voice, its)
        if self._outcomes is not None:
            self._outcomes.queued({book_id for book_id, _options, _voice in new})
        if new:
            prefs.change(used=True)
        who = _speakers([(names[voice], voice, options.speed, before[book_id]) for book_id, options, voice in new]) if unasked else ""
        who = "; ".join(filter(None, (who, self._beside(api, [book[:2] for book in new]) if unasked else "")))
        said = _queued_words(len(new), len(books), waits, who, ", ".join(names[voice] for voice in fetching))
        if said:
            self._say(said)

    def _voice(self, api: Any, book_id: int, options: Options, readers: Readers) -> str:
        """The id of the voice that will be heard: the one to be fetched, where the user agreed to it; a clone's with its base voice."""
        from .book import library

        return readers.voice(library.language_of(api, book_id), options.voice, options.voices, options.device, options.fetch)

    def _fetch(self, api: Any, voice: str, books: Sequence[tuple[int, Options]]) -> None:
        """Download a voice, as a job; then its books follow, or say why not: but for those that another reads now, since nobody asked for this one."""
        from .book import library
        from .converting import begun
        from .engine.install_plan import Wanted
        from .gui.outcome import Outcome
        from .speaking import voices

        def then(error: PluginError | None) -> None:
            if error is not None:  # the status bar still tells of the download
                self._say(_("Not downloaded: {voice}").format(voice=voices.name_of(voice, self._context().resources)))
            readers = self._readers()
            by_others: list[tuple[int, Options]] = []
            for book_id, options in books:
                if error is None:
                    self._work().convert(api, book_id, options)
                    continue
                if api.has_id(book_id) and self._voice(api, book_id, options, readers) != voice:
                    by_others.append((book_id, options))
                    continue
                begun.halt(library.key_of(api, book_id))
                if api is self._api and api.has_id(book_id):
                    self._told(Outcome(book_id, _title(api, book_id), None, error, partial(self._again, api, book_id)))
            if by_others:
                self._fetching = [(key, other) for key, other in self._fetching if other is not job]
                self._queue(api, by_others, unasked=True)

        def stopped() -> None:
            for book_id, _options in books:
                begun.stop(library.key_of(api, book_id))
            self._say(_("Stopped. What waited for the voice is not converted; converting it again goes on from there."))

        job = self._work().install(Wanted((), (voice,)), then, stopped)
        self._fetching += [(library.key_of(api, book_id), job) for book_id, _options in books]

    def _waiting(self) -> list[str]:
        """The books that wait for a voice. A job that is stopped before it runs never calls back."""
        from .converting.installations import is_unfinished

        self._fetching = [(key, job) for key, job in self._fetching if is_unfinished(job)]
        return [key for key, _job in self._fetching]

    def _again(self, api: Any, book_id: int) -> None:
        """As it was queued last."""
        if book_id in self._asked and api.has_id(book_id):
            self._queue(api, [(book_id, self._asked[book_id])], book_id in self._unasked)
        else:
            self.begin([book_id], ask=True)

    def _ended(self, book_id: int, title: str, result: Result | None, error: PluginError | None) -> None:
        """A conversion has ended by itself; in the GUI's thread."""
        from .book import library
        from .gui import book_list
        from .gui.outcome import Outcome

        kept_copy, beside = False, ""
        if result is not None:
            book_list.refresh(self._gui, {book_id, result.record or book_id})
            title = _title(self._api, book_id) or title  # it may have been renamed meanwhile
            self._say(_("Audiobook ready: {title}").format(title=title))
            kept_copy = result.outcome == "written" and book_id in self._asked and self._asked[book_id].foreign == "replace"
            own = library.own_record(self._api, book_id) if kept_copy and self._api.has_id(book_id) else None
            beside = "" if own is None else _title(self._api, own)
        self._told(Outcome(book_id, title, result, error, partial(self._again, self._api, book_id), kept_copy, beside))

    def _told(self, outcome: Outcome, quietly: bool = False) -> None:
        from .gui.outcome import Outcomes

        if self._outcomes is None:
            self._outcomes = Outcomes(self._gui, self._context(), lambda: self._work().to_come() + len(self._waiting()))
        self._outcomes.add(outcome, quietly)

    def _stopped(self, title: str, left: Begun | None) -> None:
        text = _("Stopped: {title}. What was spoken is kept; converting it again goes on from there.")
        if left is None:
            text = _("Stopped: {title}. Nothing of it was spoken yet.")
        elif left.waits:
            text = _("Stopped: {title}. Nothing of it was spoken yet. Convert it again: the voice and speed that you chose for it are kept.")
        self._say(text.format(title=title))

    def _unsaved(self, reason: str) -> None:
        """Settings could not be saved: said when what was clicked is done, and once for all of it."""
        if self._warns:
            return
        self._warns = True
        from .gui.background import soon

        def warn() -> None:
            said = _("Your settings could not be saved: {reason}. They hold until Calibre is closed.").format(reason=reason)
            warning_dialog(self._gui, _("Settings not saved"), said, show=True)
            self._warns = False

        soon(warn)

    # ---- the library, and Calibre's end -----------------------------------------------------------------------------

    def library_changed(self) -> None:
        """What is told of books is told of the former library's, and so are the books that wait for the speech engine."""
        self._asked.clear()
        if self._outcomes is not None:
            self._outcomes.close()
        if self._first_install is not None:
            self._first_install.library_changed()

    def busy(self) -> bool:
        """Are books being converted, or do they wait?"""
        return self._conversions is not None and (self._conversions.busy() or bool(self._waiting()))

    def installing(self) -> bool:
        """Does an installation wait or run?"""
        return self._conversions is not None and self._conversions.installing()

    def underway(self) -> tuple[Underway, ...]:
        """The installations that run or wait."""
        return () if self._conversions is None else self._conversions.underway()

    def is_queued(self, book_id: int) -> bool:
        """Is this book being converted, or does it wait?"""
        return self._is_queued(self._api, book_id)

    def waits_with(self, book_id: int) -> str:
        """By whom a book that is queued is spoken, and how fast where that is not the voice's own speed."""
        from .book import library

        return self._spoken_by.get(library.key_of(self._api, book_id), "")

    def _is_queued(self, api: Any, book_id: int) -> bool:
        from .book import library

        return self._conversions is not None and (self._conversions.is_queued(api, book_id) or library.key_of(api, book_id) in self._waiting())

    def install(self, wanted: Wanted, then: Callable[[Exception | None], bool | None] | None) -> None:
        """As `FirstInstall.install`."""
        self._installation().install(wanted, then)

    def release(self) -> None:
        """End the sidecar that only keeps a voice; takes seconds."""
        if self._conversions is not None:
            self._conversions.release()

    def quit(self) -> None:
        """What runs is stopped, the sidecars are ended."""
        if self._conversions is not None:
            self._conversions.quit(self._waiting())

    def _work(self) -> Conversions:
        from .converting.conversions import Conversions

        if self._conversions is None:
            self._conversions = Conversions(self._gui, self._context().resources, self._ended, self._stopped)
        return self._conversions

    def _installation(self) -> FirstInstall:
        from .first_install import FirstInstall

        if self._first_install is None:
            self._first_install = FirstInstall(self._gui, self._context, self._work, self._say)
        return self._first_install


def _title(api: Any, book_id: int) -> str:
    return str(api.field_for("title", book_id) or "")


def _speakers(books: Sequence[tuple[str, str, float, Begun | None]]) -> str:
    """Who speaks books for which nobody was asked. Of each: the voice's name, its id, the speed, and how a part of the book was spoken."""
    names = ", ".join(dict.fromkeys(name for name, *_rest in books))
    goes_on = [before is not None and not before.waits and (before.voice, before.speed) == (voice, speed) for _name, voice, speed, before in books]
    lost = next((before.name for *_rest, before in books if before is not None and not before.goes_on), "")
    if len(books) == 1 and goes_on[0]:
        return _("it goes on with the voice that began it: {voice}").format(voice=names)
    if len(books) == 1 and lost:
        return _("spoken by: {voice}; begun with {former}, which is not on this computer any more").format(voice=names, former=lost)
    if any(goes_on):
        return _("spoken by: {voices}; those that were begun go on with their own voice").format(voices=names)
    return _("spoken by: {voices}").format(voices=names)


def _queued_words(new: int, all_of_them: int, waits: bool, who: str = "", fetched: str = "") -> str:
    """For the status bar. waits: another book is being converted. who: as `_speakers` says it, where no window did. fetched: the voices that come first."""
    if new == 0:
        many = _("These books are being converted already; see the Jobs list")
        return "" if not all_of_them else _("This book is being converted already; see the Jobs list") if all_of_them == 1 else many
    if fetched:
        said = _("Downloading first: {voices}; see the Jobs list")
    elif waits:
        turn = _("{count} books wait for their turn, as another one is being converted; see the Jobs list")
        said = _("Waiting for its turn, as another book is being converted; see the Jobs list") if new == 1 else turn
    else:
        several = _("Started converting {count} books, one after another; see the Jobs list")
        said = _("Started converting to an audiobook; see the Jobs list") if new == 1 else several
    said = said.format(count=new, voices=fetched)
    return _("{what} ({who})").format(what=said, who=who) if who else said
