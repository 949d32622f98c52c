"""As a reader does it, with the real mouse: right click, our entry, Convert, the Jobs list, the audiobook, its report."""

import os

from engine import ENTRY, action, formats, on_screen, percent, scripted
from qt.core import QDialogButtonBox


def scenario(gui, t):
    if os.environ.get("E2A_SCRIPT_M4B"):
        scripted()
    view = gui.library_view
    yield on_screen(gui, t)
    yield gui.isActiveWindow
    yield 0.5
    t.click_at(view.viewport().mapToGlobal(view.visualRect(view.model().index(0, 1)).center()), 3)
    menu = yield t.popup
    t.result["entries"] = t.entries(menu)
    yield from entered(t, menu, ENTRY)
    ours = yield lambda: t.popup() if t.popup() is not menu else None
    yield t.screen("menu")
    t.result["ours"] = t.entries(ours)
    first = ours.actions()[0]
    t.click_at(ours.mapToGlobal(ours.actionGeometry(first).center()))
    dialog = yield lambda: t.dialog() if type(t.dialog()).__name__ == "ConvertDialog" else None
    yield lambda: dialog.start.isEnabled() and not dialog._looker.running
    yield 0.3
    t.grab(dialog, "dialog")
    t.click(dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok))
    job = yield lambda: next(iter(t.jobs()), None)
    yield lambda: percent(job) > 5 or job.is_finished
    while not gui.jobs_dialog.isVisible():  # a click that comes while the dialog goes away is lost
        t.click(gui.jobs_button)
        yield 1
    said, percents = set(), set()

    def ended():
        said.add(str(job.status_text))
        percents.add(round(percent(job)))
        return job.is_finished

    yield ended
    t.grab(gui.jobs_dialog, "jobs")
    gui.jobs_dialog.hide()
    t.result["said"], t.result["percents"] = sorted(said), sorted(percents)
    t.result["details"] = job.details
    yield lambda: "M4B" in formats(gui, 1)
    window = yield lambda: t.window("Outcomes")
    yield 0.5
    t.grab(window, "outcome")
    t.grab(gui, "main")
    t.result["m4b"] = gui.current_db.new_api.format_abspath(1, "M4B")
    t.press(window, "Report")
    report = yield lambda: t.window("ReportDialog")
    yield 0.3
    t.grab(report, "report")
    report.reject()
    window.close()
    yield 0.2
    action(gui).qaction.menu().aboutToShow.emit()
    shown = [entry for entry in action(gui).qaction.menu().actions() if entry.isVisible() and not entry.isSeparator()]
    t.result["enabled"] = {t.plain(entry.text()): entry.isEnabled() for entry in shown}
    t.later(action(gui).show_report)
    report = yield lambda: t.window("ReportDialog")
    report.reject()


def entered(t, menu, text):
    """The mouse over an entry that has a menu of its own, until that is there."""
    place = menu.mapToGlobal(menu.actionGeometry(t.entry(menu, text)).center())
    t.mouse("mousemove", place.x() - 5, place.y())
    yield 0.2
    t.click_at(place)
