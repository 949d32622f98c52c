"""The entry in Calibre's menus: what can be clicked, and why not. From a click on books to jobs leads `queueing`; windows are in `gui/`.

Nothing of either is loaded before it is needed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calibre.constants import islinux  # type: ignore[import-not-found]
from calibre.gui2 import error_dialog  # type: ignore[import-not-found]
from calibre.gui2.actions import InterfaceAction  # type: ignore[import-not-found]
from qt.core import QIcon, QTimer, QToolButton  # type: ignore[import-not-found]

from .queueing import Queueing
from .room import MOST_MS, TITLE, short, shown_ms
from .wording import CHOOSING, N_, isolated
from .wording import translate as _

if TYPE_CHECKING:
    from .gui.context import Context
    from .gui.interrupted import InterruptedBooks
    from .resources import Resources

ICON = "plugin/images/audiobook.png"
WARM_MS = 4000
USUALLY = N_("Convert at once, with your usual settings")
WHY_NOT = {
    "nothing": (N_("select a book first"), N_("Select a book first")),
    "device": (N_("not on a device"), N_("Books on a device cannot be converted: go back to the library first")),
    "unreadable": (N_("no text to read"), N_("This book has no format that can be read aloud; add an EPUB or another text format")),
    "several": (N_("select one book"), N_("Select a single book")),
    "unused": (N_("after the first book"), N_("Convert a book once, or press OK in Preferences; then this uses your usual settings")),
    "unheard": (N_("none yet"), N_("This book has no audiobook yet")),
    "unreported": (N_("none yet"), N_("There is no report: this plugin has not converted this book on this computer")),
}
"""Why an entry is grey: as it stands in the entry, and in its tooltip."""


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

        self._queueing = Queueing(self.gui, self.context, self._say, self.apply_settings, self._look_at_interrupted)
        self._context: Context | None = None
        self._interrupted: InterruptedBooks | None = None
        self._announce = placement.place_once(self.name)
        self._icon = get_icons(ICON, self.name)  # type: ignore[name-defined]  # noqa: F821  (Calibre's zip loader puts it here)
        for action in (self.qaction, self.menuless_qaction):
            action.setIcon(self._icon)
        self.qaction.triggered.connect(self.convert_selected)
        self._build_menu()

    def initialization_complete(self) -> None:
        """Say once that the entry is in the right-click menu; and when Calibre has come to rest, load our code beside it, for the first click."""
        QTimer.singleShot(WARM_MS, lambda: threading.Thread(target=_warm, name="audiobook warm", daemon=True).start())
        QTimer.singleShot(WARM_MS, self._ask_interrupted)
        if self._announce:
            self.gui.status_bar.show_message(_("“Convert to audiobook” is in the right-click menu of your books now"), MOST_MS)

    def _ask_interrupted(self, switched: bool = False) -> None:
        """About books that were being converted, or waited, when Calibre ended or their library was switched."""
        from .converting import begun

        if begun.interrupted():
            from .gui.interrupted import InterruptedBooks

            self._interrupted = self._interrupted or InterruptedBooks(self.gui, partial(self._queueing.begin, ask=False))
        if self._interrupted is not None:
            (self._interrupted.library_changed if switched else self._interrupted.look)()

    def _look_at_interrupted(self) -> None:
        if self._interrupted is not None:
            self._interrupted.look()

    def location_selected(self, loc: str) -> None:
        """Books on a device cannot be converted."""
        here = loc == "library"
        for action in (self.qaction, self.menuless_qaction, *self._of_books):
            action.setEnabled(here)
            action.setToolTip(action.statusTip() if here else _(WHY_NOT["device"][1]))

    def library_changed(self, db: Any) -> None:
        """What was asked of books was asked of the former library's."""
        self._queueing.library_changed()
        self._ask_interrupted(switched=True)

    def apply_settings(self) -> None:
        """The entries say whether a click asks, and the first one does what the click means; Calibre's Customize calls it when Preferences were kept."""
        from . import prefs

        asks = prefs.asks()
        self.names = {
            self._ask: _("Convert to audiobook…") if asks else _(CHOOSING),
            self._same: _(USUALLY) if asks else _("Convert to audiobook"),
            self._open: _("Open the audiobook"),
            self._report: _("Show its report"),
        }
        self._allow_shortcuts()
        first, second = (self._ask, self._same) if asks else (self._same, self._ask)
        self.qaction.menu().insertAction(second, first)
        first.setIcon(self._icon)
        second.setIcon(QIcon())
        at_once = _(
            "Convert the selected books at once, with your usual settings; a book that was begun goes on with its own voice and speed. "
            "The menu's second entry asks for voice and settings"
        )
        tip = _("Turn the selected books into audiobooks") if asks else at_once
        for action in (self.qaction, self.menuless_qaction):
            action.setStatusTip(tip)
            if action.isEnabled():
                action.setToolTip(tip)

    def shutting_down(self) -> None:
        """Calibre quits: what runs is stopped, the sidecars are ended."""
        self._queueing.quit()
        if self._interrupted is not None:
            self._interrupted.withdraw()
        if self._context is not None:
            self._context.questions.close()

    # ---- the menu ---------------------------------------------------------------------------------------------------

    def _build_menu(self) -> None:
        menu = self.qaction.menu()
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(self._update_menu)
        menu.aboutToHide.connect(partial(QTimer.singleShot, 0, self._allow_shortcuts))
        add = partial(self.create_menu_action, menu)
        # named in Calibre's list of shortcuts by what they do whatever is chosen
        choosing, at_once = _("Convert to audiobook, choosing voice and settings"), _("Convert to audiobook at once, with the usual settings")
        chooses = _("Choose voice and settings, then convert")
        self._ask = add("e2a-convert", _("Convert to audiobook…"), None, None, chooses, self.convert_asking, choosing)
        tip = _(
            "Convert at once, with your usual voices and settings; a book that was begun goes on with its own voice and speed. "
            "Asks only where a voice has to be downloaded or another audiobook is in the way"
        )
        self._same = add("e2a-again", _(USUALLY), None, None, tip, self.with_usual_settings, at_once)
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
        from .converting import audiobooks

        ids = self._selected()
        here = self.gui.current_view() is self.gui.library_view
        nothing = "device" if not here else "" if ids else "nothing"
        unreadable = nothing or ("" if self._readable(ids) else "unreadable")
        one = nothing or ("" if len(ids) == 1 else "several")
        at_once = unreadable or ("" if prefs.used() or not prefs.asks() else "unused")
        unheard = one or ("" if audiobooks.audiobook(self._api, ids[0]) else "unheard")
        unreported = one or ("" if audiobooks.report_of(self._api, ids[0]) else "unreported")
        apart = len(ids) == 1 and audiobooks.is_apart(self._api, ids[0])
        self.names[self._open] = _("Open the audiobook that this plugin made") if apart else _("Open the audiobook")
        if not unheard:
            from .gui.opening import ask_ahead

            ask_ahead()
        for action, why_not in ((self._ask, unreadable), (self._same, at_once), (self._open, unheard), (self._report, unreported)):
            short, long = WHY_NOT.get(why_not, ("", ""))
            name = self.names[action] if not why_not else _("Convert at once") if self.names[action] == _(USUALLY) else self.names[action].rstrip("…")
            # in the entry itself: on Linux Calibre's right-click menu is a copy, which leaves tooltips out (`clone_menu`)
            action.setText(_("{entry} ({why})").format(entry=name, why=_(short)) if why_not else name)
            action.setEnabled(not why_not)
            action.setToolTip(_(long) if why_not else action.statusTip())
        if islinux:
            QTimer.singleShot(0, self._allow_if_copied)

    def _allow_if_copied(self) -> None:
        """Calibre's copy has what it needs of our menu, which itself is neither shown nor ever hidden then."""
        if not self.qaction.menu().isVisible():
            self._allow_shortcuts()

    def _allow_shortcuts(self) -> None:
        """While no menu is seen an entry's shortcut must work, whatever was selected when the menu was seen; each says itself why it cannot."""
        for action, name in self.names.items():
            action.setText(name)
            if self.qaction.isEnabled():
                action.setEnabled(True)

    def _selected(self) -> list[int]:
        """As they stand in the list, from above."""
        view = self.gui.library_view  # its `get_selected_ids` and Qt's `selectedRows` ask each column of each line
        lines = {line for part in view.selectionModel().selection() for line in range(part.top(), part.bottom() + 1)}
        ids = {int(view.model().id(line)) for line in lines}
        return sorted(ids, key=view.model().db.data.id_to_index)

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

        self._queueing.begin(self._selected(), ask=prefs.load().ask)

    def convert_asking(self) -> None:
        """With the dialog, whatever was chosen before."""
        from . import prefs

        self._queueing.begin(self._selected(), ask=True, choosing=not prefs.asks())

    def with_usual_settings(self) -> None:
        """Without the dialog."""
        from . import prefs

        if prefs.used() or not prefs.asks():
            self._queueing.begin(self._selected(), ask=False)
        else:
            self._say(_(WHY_NOT["unused"][1]))

    def convert_books(self, ids: list[int]) -> None:
        """Of a window: convert these, asking."""
        self._queueing.begin(ids, ask=True)

    def open_audiobook(self) -> None:
        """In the system's player."""
        from .converting import audiobooks

        path = audiobooks.audiobook(self._api, ids[0]) if len(ids := self._selected()) == 1 else ""
        if path:
            self._say(self._open_file(path, short(Path(path).name, TITLE)))
        else:
            self._say(_(WHY_NOT["unheard"][1]))

    def show_report(self) -> None:
        """Of the last conversion of the selected book."""
        from .converting import audiobooks
        from .gui.report_dialog import show_report

        path = audiobooks.report_of(self._api, ids[0]) if len(ids := self._selected()) == 1 else None
        if path is None:
            self._say(_(WHY_NOT["unreported"][1]))
        else:
            show_report(self.gui, self.context(), path, audiobooks.audiobook(self._api, ids[0]))

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

    def _say(self, text: str) -> None:
        if not text:
            return
        plain = text.replace("<", "‹").replace(">", "›")  # it becomes a notification, too, in which some desktops see markup: a title is in it
        self.gui.status_bar.show_message(plain, shown_ms(plain))

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
                install=self._queueing.install,
                preferences=self.open_preferences,
                busy=self._queueing.busy,
                release=self._release,
                installing=self._queueing.installing,
                underway=self._queueing.underway,
                queued=self._queueing.is_queued,
                waits_with=self._queueing.waits_with,
                convert=self.convert_books,
                another=lambda ids: self._queueing.begin(ids, ask=True, another=True),
                open_file=self._open_file,
            )
        return self._context

    def _release(self) -> None:
        self._queueing.release()
        if self._context is not None:
            self._context.questions.release()

    def _open_file(self, path: str, named: str = "") -> str:
        """Gives what came of it; empty where a window has told. named: of the menu, as for `open_from_menu`."""
        from .paths import is_file

        if is_file(Path(path)):
            from .gui.opening import open_from_menu, open_in_system

            return open_from_menu(self.gui, path, named) if named else open_in_system(path)
        text = _("The audiobook is not where it was: {path}. If the book was renamed, open its audiobook from the book list.").format(path=isolated(path))
        error_dialog(self.gui, _("It is not there any more"), text, show=True)
        return ""


def _warm() -> None:
    """Load what the first click needs: a fifth of a second of reading files, which nobody then waits for."""
    with suppress(Exception):  # whatever is wrong will be said when it is needed
        from . import first_install, log  # noqa: F401
        from .converting import conversions, questions  # noqa: F401
        from .engine import install_plan, runtime  # noqa: F401
        from .gui import convert_dialog, first_run, outcome  # noqa: F401
        from .gui.preferences import device, engine, sound, voice  # noqa: F401
