"""The entry in Calibre's menus: what a click leads to. Windows are in `gui/`, jobs in `conversions`; nothing of either is loaded before it is needed.

A click on books: is the engine there (else `first_install`, which goes on with the books)? Ask for voice and settings,
if the user wants to be asked, then queue a job for each book.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calibre.gui2 import error_dialog, open_local_file  # type: ignore[import-not-found]
from calibre.gui2.actions import InterfaceAction  # type: ignore[import-not-found]
from qt.core import QTimer, QToolButton  # type: ignore[import-not-found]

from .errors import PluginError
from .wording import N_
from .wording import translate as _

if TYPE_CHECKING:
    from .converting.conversions import Conversions
    from .converting.job import Options, Result
    from .first_install import FirstInstall
    from .gui.context import Context
    from .gui.outcome import Outcomes
    from .resources import Resources

ICON = "plugin/images/audiobook.png"
SAID_MS = 5000
WARM_MS = 4000
ON_DEVICE = N_("Books on a device cannot be converted: go back to the library first")
NOTHING_TO_REPEAT = N_("Convert a book once; from then on this converts others in the same way")


class ConvertToAudiobook(InterfaceAction):  # type: ignore[misc]
    """Right-click, Convert to audiobook."""

    name = "Convert to Audiobook"
    action_spec = (_("Convert to audiobook"), None, _("Turn the selected books into audiobooks"), ())
    action_type = "current"
    action_add_menu = True
    popup_type = QToolButton.ToolButtonPopupMode.MenuButtonPopup
    dont_add_to = frozenset({"toolbar-device", "context-menu-device", "menubar-device"})

    def genesis(self) -> None:
        """Called once, before the library is shown and the menus are built."""
        from . import placement

        self._conversions: Conversions | None = None
        self._context: Context | None = None
        self._outcomes: Outcomes | None = None
        self._first_install: FirstInstall | None = None
        self._announce = placement.place_once(self.name)
        self._icon = get_icons(ICON, self.name)  # type: ignore[name-defined]  # noqa: F821  (Calibre's zip loader puts it here)
        for action in (self.qaction, self.menuless_qaction):
            action.setIcon(self._icon)
        self.qaction.triggered.connect(self.convert_selected)
        self._build_menu()

    def initialization_complete(self) -> None:
        """Say once that the entry is in the right-click menu; and when Calibre has come to rest, load our code beside it, for the first click."""
        QTimer.singleShot(WARM_MS, lambda: threading.Thread(target=_warm, name="audiobook warm", daemon=True).start())
        if self._announce:
            self.gui.status_bar.show_message(_("“Convert to audiobook” is in the right-click menu of your books now"), 4 * SAID_MS)

    def location_selected(self, loc: str) -> None:
        """Books on a device cannot be converted."""
        here = loc == "library"
        for action in (self.qaction, self.menuless_qaction, *self._of_books):
            action.setEnabled(here)
            action.setToolTip(action.statusTip() if here else _(ON_DEVICE))

    def library_changed(self, db: Any) -> None:
        """What is told of books is told of the former library's, and so are the books that wait for the speech engine."""
        if self._outcomes is not None:
            self._outcomes.close()
        if self._first_install is not None:
            self._first_install.library_changed()

    def apply_settings(self) -> None:
        """The entries say whether a click asks; Calibre's Customize calls it when Preferences were kept."""
        from . import prefs

        asks = prefs.asks()
        self._ask.setText(_("Convert to audiobook…") if asks else _("Convert to audiobook, choosing voice and settings…"))
        at_once = _("Convert the selected books at once, as chosen last; the menu's first entry asks for voice and settings")
        tip = _("Turn the selected books into audiobooks") if asks else at_once
        for action in (self.qaction, self.menuless_qaction):
            action.setStatusTip(tip)
            if action.isEnabled():
                action.setToolTip(tip)

    def shutting_down(self) -> None:
        """Calibre quits: what runs is stopped, the sidecars are ended."""
        if self._conversions is not None:
            self._conversions.quit()
        if self._context is not None:
            self._context.questions.close()

    # ---- the menu ---------------------------------------------------------------------------------------------------

    def _build_menu(self) -> None:
        menu = self.qaction.menu()
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(self._update_menu)
        menu.aboutToHide.connect(partial(QTimer.singleShot, 0, self._allow_shortcuts))
        add = partial(self.create_menu_action, menu)
        self._ask = add("e2a-convert", _("Convert to audiobook…"), self._icon, None, _("Choose voice and settings, then convert"), self.convert_asking)
        at_once = _("Convert at once, as chosen last; a question comes only where a voice is missing")
        self._same = add("e2a-again", _("Convert with the last settings"), None, None, at_once, self.with_last_settings)
        menu.addSeparator()
        self._open = add("e2a-open", _("Open the audiobook"), "view.png", None, _("Play it with this computer's own program"), self.open_audiobook)
        self._report = add("e2a-report", _("Show its report"), "reports.png", None, _("What was read, what was left out, what may sound odd"), self.show_report)
        menu.addSeparator()
        self._of_books = (self._ask, self._same, self._open, self._report)
        add(
            "e2a-preferences",
            _("Preferences of Convert to audiobook…"),
            "config.png",
            None,
            _("Voices, devices, conversion, speech engine"),
            self.open_preferences,
        )
        self.apply_settings()

    def _update_menu(self) -> None:
        """What makes sense for the selected books, with the reason where something does not."""
        from . import prefs

        ids = self._selected()
        here = self.gui.current_view() is self.gui.library_view
        nothing = "" if ids else _("Select a book first")
        if not here:
            nothing = _(ON_DEVICE)
        unreadable = nothing or ("" if self._readable(ids) else _("This book has no format that can be read aloud; add an EPUB or another text format"))
        one = nothing or ("" if len(ids) == 1 else _("Select a single book"))
        for action, why_not in (
            (self._ask, unreadable),
            (self._same, unreadable or ("" if prefs.used() else _(NOTHING_TO_REPEAT))),
            (self._open, one or ("" if self._audiobook(ids[0]) else _("This book has no audiobook yet"))),
            (self._report, one or ("" if self._report_of(ids[0]) else _("There is no report: this plugin has not converted this book on this computer"))),
        ):
            action.setEnabled(not why_not)
            action.setToolTip(why_not or action.statusTip())

    def _allow_shortcuts(self) -> None:
        """While no menu is seen an entry's shortcut must work, whatever was selected when the menu was seen; each says itself why it cannot."""
        if self.qaction.isEnabled():
            for action in self._of_books:
                action.setEnabled(True)

    def _selected(self) -> list[int]:
        """As they stand in the list, from above."""
        view = self.gui.library_view
        return sorted((int(book_id) for book_id in view.get_selected_ids()), key=view.model().db.data.id_to_index)

    def _readable(self, ids: Sequence[int]) -> bool:
        from .book import library

        return len(ids) != 1 or bool(library.source_formats(self._api, ids[0]))

    @property
    def _api(self) -> Any:
        return self.gui.current_db.new_api

    # ---- what the entries do ----------------------------------------------------------------------------------------

    def convert_selected(self) -> None:
        """The entry itself, its button and its shortcut: asks unless the user does not want to be asked."""
        from . import prefs

        self._begin(self._selected(), ask=prefs.load().ask)

    def convert_asking(self) -> None:
        """With the dialog, whatever was chosen before."""
        self._begin(self._selected(), ask=True)

    def with_last_settings(self) -> None:
        """Without the dialog."""
        from . import prefs

        if prefs.used():
            self._begin(self._selected(), ask=False)
        else:
            self._say(_(NOTHING_TO_REPEAT))

    def convert_books(self, ids: list[int]) -> None:
        """Of a window: convert these, asking."""
        self._begin(ids, ask=True)

    def open_audiobook(self) -> None:
        """In the system's player."""
        path = self._audiobook(ids[0]) if len(ids := self._selected()) == 1 else ""
        if path:
            self._open_file(path)
        else:
            self._say(_("This book has no audiobook yet"))

    def show_report(self) -> None:
        """Of the last conversion of the selected book."""
        from .gui.report_dialog import show_report

        path = self._report_of(ids[0]) if len(ids := self._selected()) == 1 else None
        if path is None:
            self._say(_("There is no report: this plugin has not converted this book on this computer"))
        else:
            show_report(self.gui, self.context(), path, self._audiobook(ids[0]))

    def open_preferences(self, page: str = "voice") -> None:
        """Ours, at a page of `gui.context.PAGES`."""
        from .gui.preferences import PreferencesDialog

        PreferencesDialog(self.gui, self.context(), page if isinstance(page, str) and page else "voice").exec()
        self.apply_settings()

    def place_in_menu(self) -> str:
        """Put the entry into the right-click menus, now; gives the sentence to show."""
        from . import placement

        if not placement.place(self.name):
            return _("“Convert to audiobook” is in the right-click menu of your books already.")
        placement.rebuild(self.gui)
        return _("“Convert to audiobook” is in the right-click menu of your books now.")

    # ---- from a click to jobs ---------------------------------------------------------------------------------------

    def _begin(self, ids: list[int], ask: bool) -> None:
        if not ids:
            error_dialog(self.gui, _("No book selected"), _("Select the books to convert first."), show=True)
            return
        from .first_install import engine_there

        if engine_there(self.context().resources):
            self._choose(self._api, ids, ask)
        else:
            self._installing().begin(self._api, ids, self._choose)

    def _choose(self, api: Any, ids: list[int], ask: bool) -> None:
        """Ask for voice and settings, if that is wanted, and queue the books."""
        from . import prefs
        from .converting.conversions import of
        from .converting.job import Options

        chosen = prefs.load()
        if not ask and not self._voiceless(api, ids, chosen.voices):
            options = Options(device=chosen.device, voices=chosen.voices, speed=chosen.speed, pauses=chosen.pauses, bitrate=chosen.bitrate)
            self._queue(api, [(book_id, options) for book_id in ids])
            return
        from .gui.convert_dialog import Candidate, ConvertDialog

        books = [Candidate(book_id, str(api.field_for("title", book_id) or ""), of(api, book_id)) for book_id in ids if api.has_id(book_id)]
        if not books:
            self._say(_("These books are not in the library any more"))
            return
        dialog = ConvertDialog(self.gui, self.context(), books)
        if dialog.exec():
            self.apply_settings()
            self._queue(api, [(choice.id, choice.options) for choice in dialog.choices()])
        dialog.deleteLater()

    def _voiceless(self, api: Any, ids: Sequence[int], chosen: Mapping[str, str]) -> bool:
        """Would espeak read one of these books, though there is a voice to be had for its language? Hours of that start only after a question."""
        from .speaking import voices

        resources = self.context().resources
        languages = dict.fromkeys(next(iter(api.field_for("languages", book_id) or ()), "") for book_id in ids)
        found = [voices.for_language(language, resources, chosen) for language in languages]
        return any(voice == voices.ESPEAK and fitting for voice, fitting in found)

    def _queue(self, api: Any, books: Sequence[tuple[int, Options]]) -> None:
        from . import prefs

        work = self._work()
        new = [(book_id, options) for book_id, options in books if not work.is_queued(api, book_id)]
        for book_id, options in new:
            work.convert(api, book_id, options)
        if new:
            prefs.change(used=True)
            self._say(_("Started converting to an audiobook; see the Jobs list"))
        elif books:
            self._say(_("These books are being converted already; see the Jobs list"))

    def _ended(self, book_id: int, title: str, result: Result | None, error: PluginError | None) -> None:
        """A conversion has ended by itself; in the GUI's thread."""
        from .gui import book_list
        from .gui.outcome import Outcome, Outcomes

        if result is not None:
            book_list.refresh(self.gui, {book_id, result.record or book_id})
            self._say(_("Audiobook ready: {title}").format(title=title))
        if self._outcomes is None:
            self._outcomes = Outcomes(self.gui, self.context())
        self._outcomes.add(Outcome(book_id, title, result, error))

    def _stopped(self, title: str) -> None:
        self._say(_("Stopped: {title}. What was spoken is kept; converting it again goes on from there.").format(title=title))

    def _say(self, text: str) -> None:
        self.gui.status_bar.show_message(text, SAID_MS)

    # ---- what is made when it is needed -----------------------------------------------------------------------------

    def context(self) -> Context:
        """What our windows are given."""
        from . import log
        from .cli import installed_resources
        from .converting.questions import Questions
        from .gui.context import Context

        if self._context is None:
            log.setup()
            resources: Resources = installed_resources()
            self._context = Context(
                gui=self.gui,
                resources=resources,
                questions=Questions(resources),
                install=self._installing().install,
                preferences=self.open_preferences,
                busy=lambda: self._conversions is not None and self._conversions.busy(),
                release=self._release,
                convert=self.convert_books,
                open_file=self._open_file,
            )
        return self._context

    def _work(self) -> Conversions:
        from .converting.conversions import Conversions

        if self._conversions is None:
            self._conversions = Conversions(self.gui, self.context().resources, self._ended, self._stopped)
        return self._conversions

    def _installing(self) -> FirstInstall:
        from .first_install import FirstInstall

        if self._first_install is None:
            self._first_install = FirstInstall(self.gui, self.context, self._work, self._say)
        return self._first_install

    def _release(self) -> None:
        if self._conversions is not None:
            self._conversions.release()
        if self._context is not None:
            self._context.questions.release()

    def _open_file(self, path: str) -> None:
        if Path(path).is_file():
            open_local_file(path)
        else:
            text = _("The audiobook is not where it was: {path}. If the book was renamed, open its audiobook from the book list.").format(path=path)
            error_dialog(self.gui, _("It is not there any more"), text, show=True)

    def _audiobook(self, book_id: int) -> str:
        """Where the book's audiobook stands; empty where there is none."""
        from .book import library

        record = library.own_record(self._api, book_id)
        return str((record is not None and self._api.format_abspath(record, library.FORMAT)) or self._api.format_abspath(book_id, library.FORMAT) or "")

    def _report_of(self, book_id: int) -> Path | None:
        from .book import library
        from .converting import report

        return report.latest_for(library.key_of(self._api, book_id))


def _warm() -> None:
    """Load what the first click needs: a fifth of a second of reading files, which nobody then waits for."""
    with suppress(Exception):  # whatever is wrong will be said when it is needed
        from . import first_install, log  # noqa: F401
        from .converting import conversions, questions  # noqa: F401
        from .engine import install_plan, runtime  # noqa: F401
        from .gui import convert_dialog, first_run, outcome  # noqa: F401
        from .gui.preferences import device, engine, sound, voice  # noqa: F401
