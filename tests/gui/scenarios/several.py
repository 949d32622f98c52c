"""Three books and a broken one at once, by one dialog; one speaks at a time, and the broken one, which the table has shown as such, is only named. Where
nobody is asked it is told, and at once, since its file is the same."""

from engine import action, formats, on_screen, scripted
from qt.core import QDialogButtonBox


def scenario(gui, t):
    scripted()
    yield on_screen(gui, t)
    t.select(1, 2, 3, 4)
    t.later(action(gui).convert_asking)
    dialog = yield lambda: t.dialog() if type(t.dialog()).__name__ == "ConvertDialog" else None
    yield lambda: not dialog._looker.running
    yield 0.3
    t.grab(dialog, "dialog")
    t.result["asked"] = [choice.id for choice in dialog._page.choices()]
    t.later(dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok).click)
    yield t.jobs
    yield t.idle
    yield lambda: all("M4B" in formats(gui, book) for book in (1, 2, 3))
    window = yield lambda: t.window("Outcomes")
    yield lambda: len(window._rows) == 3
    t.result["summed"] = window.sum.text()
    t.grab(window, "outcome")
    window.close()
    t.select(1, 4)
    yield 0.3
    t.later(action(gui).with_usual_settings)
    yield t.jobs
    yield t.idle
    window = yield lambda: t.window("Outcomes")
    yield lambda: len(window._rows) == 2
    t.grab(window, "outcome-of-a-broken-book")
    t.result["told"] = {row.outcome.title: row.outcome.error.code if row.outcome.error else row.outcome.result.outcome for row in window._rows}
