"""Calibre is quit, with its own question answered, while a book is being spoken."""

from engine import action, note, on_screen, scripted, sidecars, speaking
from qt.core import QDialogButtonBox


def scenario(gui, t):
    scripted()
    yield on_screen(gui, t)
    t.select(1)
    t.later(action(gui).with_last_settings)
    yield t.jobs
    yield speaking
    note(t, "pids", " ".join(map(str, sidecars())))
    t.result["quits_itself"] = True
    t.later(gui.quit)
    question = yield t.dialog
    t.result["question"] = question.windowTitle()
    box = question.findChild(QDialogButtonBox)
    yes = box.button(QDialogButtonBox.StandardButton.Yes) or box.button(QDialogButtonBox.StandardButton.Ok)  # "Quit anyway" in newer ones
    t.later(yes.click)
