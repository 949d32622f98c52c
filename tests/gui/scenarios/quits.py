"""Calibre is quit, with its own question answered, while a book is being spoken and another one waits."""

from engine import a_book_is_spoken, action, note, sidecars
from qt.core import QDialogButtonBox


def scenario(gui, t):
    yield from a_book_is_spoken(gui, t)
    t.select(2)
    t.later(action(gui).with_usual_settings)
    yield lambda: len(t.jobs()) == 2
    note(t, "pids", " ".join(map(str, sidecars())))
    t.result["quits_itself"] = True
    t.later(gui.quit)
    question = yield t.dialog
    t.result["question"] = question.windowTitle()
    box = question.findChild(QDialogButtonBox)
    yes = box.button(QDialogButtonBox.StandardButton.Yes) or box.button(QDialogButtonBox.StandardButton.Ok)  # "Quit anyway" in newer ones
    t.later(yes.click)
