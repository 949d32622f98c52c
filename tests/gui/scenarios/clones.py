"""With the real mouse and the real engine: a recording becomes a clone by a converter that is chosen, is heard, used for a language, and reads a book."""

import json
import os
from pathlib import Path

from calibre_plugins.e2a.plugin.book import library
from calibre_plugins.e2a.plugin.converting import report
from calibre_plugins.e2a.plugin.gui.clone import dialog as clone_dialog
from clicks import entered
from engine import ENTRY, action, formats, on_screen
from qt.core import QDialogButtonBox


def scenario(gui, t):
    yield on_screen(gui, t)
    yield gui.isActiveWindow
    recording, converter = os.environ["E2A_RECORDING"], os.environ["E2A_CONVERTER"]
    clone_dialog.choose_files = lambda *about, **more: [recording]  # the system's own chooser
    yield from cloned(gui, t, "Anna", converter)
    yield from converted(gui, t, 1)


def cloned(gui, t, name, converter):
    """Preferences > Voice > Clone a voice, to the end; then it is the voice of English."""
    t.later(action(gui).open_preferences, "voice")
    window = yield lambda: t.dialog() if type(t.dialog()).__name__ == "PreferencesDialog" else None
    page = window.preferences.page("voice")
    yield lambda: page.model.rowCount() > 0
    yield 0.5
    t.click(page.clones.make)
    made = yield lambda: t.dialog() if type(t.dialog()).__name__ == "CloneDialog" else None
    yield lambda: made.needs.text()
    yield 0.3
    t.click(made.choose)
    yield lambda: made.listened is not None and not made.work.running
    made.unfold(True)
    made.called.line.setText(name)
    made.converter.choose(converter)
    yield 0.5
    t.result["needs"] = made.needs.text()
    t.grab(made, "clone")
    t.click(made.keep)
    yield lambda: t.dialog() is window
    yield lambda: page.row is not None and page.row.name.startswith(name)
    page.language.setCurrentIndex(page.language.findData("en"))
    yield lambda: page.play.isEnabled() and page.use.isEnabled()
    assert page.row.name.startswith(name), page.row.name
    yield 0.3
    t.click(page.use)
    yield lambda: not page.row or page.spoken.text()
    yield 0.2
    t.grab(window, "page")
    t.click(window.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok))
    yield lambda: t.dialog() is None


def converted(gui, t, book):
    """A right click on the book, our entry, Convert."""
    view = gui.library_view
    row = view.model().db.data.id_to_index(book)
    t.click_at(view.viewport().mapToGlobal(view.visualRect(view.model().index(row, 1)).center()), 3)
    menu = yield t.popup
    yield from entered(t, menu, ENTRY)
    ours = yield lambda: t.popup() if t.popup() is not menu else None
    t.click_at(ours.mapToGlobal(ours.actionGeometry(ours.actions()[0]).center()))
    dialog = yield lambda: t.dialog() if type(t.dialog()).__name__ == "ConvertDialog" else None
    yield lambda: dialog.start.isEnabled() and not dialog._looker.running
    yield 0.3
    t.grab(dialog, "convert")
    t.click(dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok))
    yield t.jobs
    yield lambda: "M4B" in formats(gui, book)
    window = yield lambda: t.window("Outcomes")
    t.grab(window, "outcome")
    window.close()
    yield t.idle
    told = json.loads(Path(report.latest_for(library.key_of(gui.current_db.new_api, book))).read_text("utf-8"))
    t.result["report"] = {name: told.get(name) for name in ("clone", "voice", "device", "engine", "flags", "warnings", "duration_s")}
    t.result["m4b"] = gui.current_db.new_api.format_abspath(book, "M4B")
