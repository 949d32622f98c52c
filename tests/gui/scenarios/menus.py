"""What the entries allow, and say where not; where they stand; the library is not switched while a job runs.

Before any book was converted there is nothing to repeat, and who does not want to be asked is told what asks all the same.
"""

import os

from calibre.gui2 import gprefs
from calibre.gui2.main_window import clone_menu
from calibre_plugins.e2a.plugin import prefs
from engine import NAME, action, on_screen, percent, scripted

PLACES = ("context-menu", "context-menu-split", "context-menu-cover-browser")


def scenario(gui, t):
    scripted()
    yield on_screen(gui, t)
    t.result["places"] = {place: list(gprefs[f"action-layout-{place}"]).count(NAME) for place in PLACES}
    t.result["layout"] = list(gprefs["action-layout-context-menu"])
    if os.environ.get("E2A_PLACES_ALONE"):
        return
    menu = action(gui).qaction.menu()

    def entries():
        return [entry for entry in menu.actions() if not entry.isSeparator() and entry.statusTip()]

    def allowed():
        menu.aboutToShow.emit()
        return {t.plain(action(gui).names.get(entry, entry.text())): entry.toolTip() if not entry.isEnabled() else True for entry in entries()}

    def reasons():
        """The grey entries as they stand in the right-click menu, which on Linux is Calibre's copy of ours, without tooltips."""
        copy = clone_menu(menu)
        return [t.plain(entry.text()) for entry in copy.actions() if not entry.isEnabled() and not entry.isSeparator()]

    prefs.change(used=False)
    t.select(1)
    yield 0.2
    t.result["before_any_book"] = allowed()
    why = t.result["reasons"] = {"before_any_book": reasons()}
    yield 0.2
    action(gui).with_usual_settings()
    t.result["said_before_any_book"] = [gui.status_bar.currentMessage(), len(t.jobs()), t.windows()]
    prefs.change(used=True)
    gui.library_view.clearSelection()
    gui.library_view.selectionModel().clear()
    t.result["nothing"] = allowed()
    why["nothing"] = reasons()
    for name, books in (("good", (1,)), ("unreadable", (2,)), ("several", (1, 2))):
        t.select(*books)
        yield 0.2
        t.result[name] = allowed()
        why[name] = reasons()
    t.select(1)
    yield 0.2  # the copy is gone; ours was never shown, so it does not hide
    t.result["by_shortcut"] = [entry.isEnabled() for entry in entries()]
    action(gui).location_selected("main")
    menu.aboutToHide.emit()
    yield 0.2
    t.result["by_shortcut_on_a_device"] = [entry.isEnabled() for entry in entries()]
    t.result["on_a_device"] = [action(gui).qaction.isEnabled(), action(gui).qaction.toolTip()]
    action(gui).location_selected("library")
    t.select(1)
    named = t.result["named"] = {True: [allowed(), action(gui).qaction.toolTip()]}
    prefs.change(ask=False)
    action(gui).apply_settings()
    named[False] = [allowed(), action(gui).qaction.toolTip()]
    t.later(menu.actions()[1].trigger)
    dialog = yield lambda: t.dialog() if type(t.dialog()).__name__ == "ConvertDialog" else None
    t.result["where_to_be_asked_again"] = dialog.where.text() if dialog.where.isVisible() else ""
    t.later(dialog.reject)
    yield lambda: t.dialog() is None
    t.later(action(gui).qaction.trigger)
    job = yield lambda: next(iter(t.jobs()), None)
    yield lambda: percent(job) > 10
    t.later(gui.iactions["Choose Library"].switch_requested, os.environ["E2A_OTHER_LIBRARY"])
    dialog = yield t.dialog
    t.result["switching"] = dialog.windowTitle()
    t.grab(dialog, "switching")
    dialog.accept()
    t.result["same_library"] = gui.current_db.library_path
    gui.job_manager._kill_job(job)
    yield t.idle
    t.result["again"] = action(gui).place_in_menu()
