"""From books that were clicked to jobs of Calibre's: ask for voice and settings, queue, tell how each ended.

Is the engine there (else `first_install`, which goes on with the books)? The convert dialog comes if the user wants to be
asked, or if only an answer leads on (`clicked`); then each book is a job. How jobs end is told together, in one window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from calibre.gui2 import error_dialog, warning_dialog  # type: ignore[import-not-found]

from . import prefs, queue_words
from .errors import PluginError
from .impossible import Impossible
from .room import NAME, short
from .wording import isolated, times_words
from .wording import translate as _

if TYPE_CHECKING:
    from .clicked import Clicked
    from .converting.conversions import Conversions, Stop
    from .converting.installations import Underway
    from .converting.job import Options, Result
    from .engine.install_plan import Wanted
    from .first_install import FirstInstall
    from .gui.context import Context
    from .gui.outcome import Outcome, Outcomes


class Queueing:
    """context: made when it is first needed. say: shows a sentence for a moment. settings_changed: called when the convert dialog kept some. queued: called
    when books were."""

    def __init__(
        self,
        gui: Any,
        context: Callable[[], Context],
        say: Callable[[str], None],
        settings_changed: Callable[[], None],
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        self._gui, self._context, self._say = gui, context, say
        self._settings_changed, self._tell_queued = settings_changed, queued
        self._spoken_by: dict[str, str] = {}
        """Of each book that was queued (`library.key_of`): by whom it is spoken, in words."""
        self._asked: dict[int, Options] = {}
        """How each book of this library was queued last, for trying it again."""
        self._unasked: set[int] = set()
        """Those of them for which nobody was asked then."""
        self._impossible = Impossible()
        self._conversions: Conversions | None = None
        self._outcomes: Outcomes | None = None
        self._first_install: FirstInstall | None = None
        self._fetching: list[tuple[str, Any]] = []
        """Books (`library.key_of`) that follow as soon as their voice is downloaded, each with the job that does it."""
        self._said_since = ""
        """What was said while something that was stopped had still to leave."""
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

        clicked, reasons = self._clicked(api), dict[str, list[str]]()
        if not ask:
            usual = clicked.usual()
            unasked = [(book_id, clicked.going_on(book_id, usual)) for book_id in ids]
            reasons = clicked.needs_answer(unasked)
            if not reasons:
                self._queue(api, unasked, clicked)
                return
        from .gui.convert_dialog import Candidate, ConvertDialog
        from .gui.convert_why import why

        books = [Candidate(id, clicked.title(id), of(api, id), clicked.begun(id)) for id in ids if api.has_id(id)]
        if not books:
            self._say(_("What was selected is not in the library any more"))
            return
        dialog = ConvertDialog(self._gui, self._context(), books, another, why(reasons, len(books)))
        if dialog.exec():
            self._settings_changed()
            choices = dialog.choices()
            for book, error in dialog.refused():
                self._impossible.note(api, book.id, error)
            self._queue(api, [(choice.id, choice.options) for choice in choices])
            if dialog.refused():
                self._window().refused({book.id: book.title for book, _error in dialog.refused()})
        dialog.deleteLater()

    def _clicked(self, api: Any) -> Clicked:
        from .clicked import Clicked

        return Clicked(api, self._context().resources)

    def _queue(self, api: Any, books: Sequence[tuple[int, Options]], unasked: Clicked | None = None) -> None:
        """unasked: who speaks was in no window, so it is said here, and of books that are known to be impossible that they are. Voices that are not here come
        first, so that what fails does so at once."""
        from .book import library
        from .converting import begun
        from .converting.begun import Queued
        from .speaking import voices

        waits, resources, taken, clicked = self.busy(), self._context().resources, self._taken(), unasked or self._clicked(api)
        keys = {book_id: library.key_of(api, book_id) for book_id, _options in books}
        impossible = {} if unasked is None else self._known_impossible(api, [book_id for book_id, _options in books if keys[book_id] not in taken])
        able = [(book_id, options) for book_id, options in books if keys[book_id] not in taken and book_id not in impossible]
        new = [(book_id, options, clicked.voice(book_id, options)) for book_id, options in able]
        before = {book_id: clicked.begun(book_id) for book_id, _options, _voice in new}
        names = {voice: voices.name_of(voice, resources) for voice in dict.fromkeys(voice for _book, _options, voice in new)}
        queued = {}
        for book_id, options, voice in new:
            where = clicked.kept_place(book_id, options, unasked is not None)
            queued[keys[book_id]] = Queued(voice, clicked.title(book_id), options.speed, names[voice], unasked is None, *where)
            at = "" if options.speed == 1.0 else f"\u00a0· {times_words(options.speed)}"
            self._spoken_by[keys[book_id]] = names[voice] + at
            self._asked[book_id] = options
            self._impossible.tried(book_id)
            (self._unasked.discard if unasked is None else self._unasked.add)(book_id)
        begun.begin(queued)
        to_come = {voice for voice in names if clicked.readers.is_to_come(voice)}
        self._work().convert_all(api, [(book_id, options) for book_id, options, voice in new if voice not in to_come])
        fetching: dict[str, list[tuple[int, Options]]] = {}
        for book_id, options, voice in new:
            if voice in to_come:
                fetching.setdefault(voice, []).append((book_id, options))
        for voice, its in fetching.items():
            self._fetch(api, voice, its)
        if self._outcomes is not None:
            self._outcomes.queued({book_id for book_id, _options, _voice in new})
        if new:
            prefs.change(used=True)
            self._tell_queued()
        who = queue_words.speakers([(names[voice], voice, options.speed, before[book_id]) for book_id, options, voice in new]) if unasked else ""
        places = clicked.beside([book[:2] for book in new]) if unasked else ()
        title = clicked.title(new[0][0]) if len(new) == 1 else ""
        said = queue_words.queued(len(new), len(books), waits, who, [names[voice] for voice in fetching], places, len(impossible), title)
        if said:
            self._say_now(said)
        self._tell_impossible(clicked, impossible)

    def _known_impossible(self, api: Any, ids: Sequence[int]) -> dict[int, PluginError]:
        """Which of these cannot be converted, and why. None where there is no other among them: whoever clicks such books alone wants them tried again."""
        known = {book_id: error for book_id in ids if (error := self._impossible.why(api, book_id)) is not None}
        return known if len(known) < len(ids) else {}

    def _tell_impossible(self, clicked: Clicked, impossible: Mapping[int, PluginError]) -> None:
        from .gui.outcome import Outcome

        for book_id, error in impossible.items():
            self._told(Outcome(book_id, clicked.title(book_id), None, error))

    def _fetch(self, api: Any, voice: str, books: Sequence[tuple[int, Options]]) -> None:
        """Download a voice, as a job; then its books follow, or say why not: but for those that another reads now, since nobody asked for this one."""
        from .book import library
        from .converting import begun
        from .engine.install_plan import Wanted
        from .gui.outcome import Outcome
        from .speaking import voices

        keys = {book_id: library.key_of(api, book_id) for book_id, _options in books}

        def then(error: PluginError | None) -> None:
            if error is not None:  # the status bar still tells of the download
                self._say(_("Not downloaded: {voice}").format(voice=isolated(short(voices.name_of(voice, self._context().resources), NAME))))
            if api is not self._api:  # the library was switched, which told of its books
                return
            if error is None:
                self._work().convert_all(api, books)
                return
            clicked = self._clicked(api)
            by_others: list[tuple[int, Options]] = []
            for book_id, options in books:
                if api.has_id(book_id) and clicked.voice(book_id, options) != voice:
                    by_others.append((book_id, options))
                    continue
                begun.halt(keys[book_id])
                if api.has_id(book_id):
                    self._told(Outcome(book_id, clicked.title(book_id), None, error, partial(self._again, api, book_id)))
            if by_others:
                self._fetching = [(key, other) for key, other in self._fetching if other is not job]
                self._queue(api, by_others, clicked)

        def stopped() -> None:
            for book_id, _options in books if api is self._api else ():
                self._work().tell_stopped(keys[book_id], _title(api, book_id))

        job = self._work().install(Wanted((), (voice,)), then, stopped)
        self._fetching += [(key, job) for key in keys.values()]

    def _waiting(self) -> list[str]:
        """The books that wait for a voice. A job that is stopped before it runs never calls back."""
        from .converting.installations import is_unfinished

        self._fetching = [(key, job) for key, job in self._fetching if is_unfinished(job)]
        return [key for key, _job in self._fetching]

    def _again(self, api: Any, book_id: int) -> None:
        """As it was queued last."""
        if book_id in self._asked and api.has_id(book_id):
            self._queue(api, [(book_id, self._asked[book_id])], self._clicked(api) if book_id in self._unasked else None)
        else:
            self.begin([book_id], ask=True)

    def _ended(self, book_id: int, title: str, result: Result | None, error: PluginError | None) -> None:
        """A conversion has ended by itself; in the GUI's thread."""
        from .book import library
        from .gui import book_list
        from .gui.outcome import Outcome

        kept_copy, beside = False, ""
        if error is not None:
            self._impossible.note(self._api, book_id, error)
        if result is not None:
            book_list.refresh(self._gui, {book_id, result.record or book_id})
            title = _title(self._api, book_id) or title  # it may have been renamed meanwhile
            self._say(queue_words.ready(title, result.outcome))
            kept_copy = result.outcome == "written" and book_id in self._asked and self._asked[book_id].foreign == "replace"
            own = library.own_record(self._api, book_id) if kept_copy and self._api.has_id(book_id) else None
            beside = "" if own is None else _title(self._api, own)
        self._told(Outcome(book_id, title, result, error, partial(self._again, self._api, book_id), kept_copy, beside))

    def _told(self, outcome: Outcome) -> None:
        self._window().add(outcome)

    def _window(self) -> Outcomes:
        from .gui.outcome import Outcomes

        if self._outcomes is None:
            self._outcomes = Outcomes(self._gui, self._context(), lambda: self._work().to_come() + len(self._waiting()), self._go_on)
        return self._outcomes

    def _stopped(self, stops: Mapping[str, Stop]) -> None:
        """Told late, when all of it has left: what was said meanwhile still holds. The status bar may not be read in time, so the window says it, too."""
        from .book import library
        from .gui.outcome_stopped import StoppedBook

        since, self._said_since = self._said_since, ""
        if not stops:
            return
        self._say(queue_words.stopped([*stops.values()], since))
        if self.busy() or self._outcomes is not None:
            books = [(library.book_of(self._api, key), *stop) for key, stop in stops.items()]
            self._window().stopped([StoppedBook(book_id, title, left) for book_id, title, left in books if book_id is not None])

    def _go_on(self, ids: Sequence[int]) -> None:
        """With books that were stopped: by the voice and speed that have spoken them, else as they were queued."""
        api = self._api
        there = [book_id for book_id in ids if api.has_id(book_id)]
        if not there:
            self._say(_("What was selected is not in the library any more"))
            return
        clicked = self._clicked(api)
        asked = {book_id: clicked.going_on(book_id, self._asked[book_id]) for book_id in there if book_id in self._asked and book_id not in self._unasked}
        if asked:
            self._queue(api, [*asked.items()])
        if len(asked) < len(there):
            self._choose(api, [book_id for book_id in there if book_id not in asked], ask=False)

    def _say_now(self, said: str) -> None:
        if self._conversions is not None and self._conversions.leaving():
            self._said_since = said
        self._say(said)

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
        """What is told of books is told of the former library's, and so are the books that wait, be it for the speech engine."""
        from .converting import begun

        self._asked.clear()
        self._impossible.forget()
        left = self._waiting() + (self._conversions.library_changed(self._api) if self._conversions is not None else [])
        self._fetching = []
        if left:
            begun.put_off(left)
            self._say_now(queue_words.left_behind(len(left)))
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
        from .book import library

        key = library.key_of(self._api, book_id)
        return self._conversions is not None and (self._conversions.is_queued(key) or key in self._waiting())

    def waits_with(self, book_id: int) -> str:
        """By whom a book that is queued is spoken, and how fast where that is not the voice's own speed."""
        from .book import library

        return self._spoken_by.get(library.key_of(self._api, book_id), "")

    def _taken(self) -> set[str]:
        """The books that are being converted, or wait (`library.key_of`)."""
        return set() if self._conversions is None else self._conversions.queued() | {*self._waiting()}

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
        from .gui.background import soon

        if self._conversions is None:
            self._conversions = Conversions(self._gui, self._context().resources, self._ended, self._stopped, soon)
        return self._conversions

    def _installation(self) -> FirstInstall:
        from .first_install import FirstInstall

        if self._first_install is None:
            self._first_install = FirstInstall(self._gui, self._context, self._work, self._say)
        return self._first_install


def _title(api: Any, book_id: int) -> str:
    return str(api.field_for("title", book_id) or "")
