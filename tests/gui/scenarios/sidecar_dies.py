"""The sidecar is killed in the middle of a book, of which the user is told; Try again goes on from there."""

import os
import signal

from engine import a_book_is_spoken, formats, sidecars, spoken_now
from qt.core import QDialogButtonBox


def scenario(gui, t):
    yield from a_book_is_spoken(gui, t)
    for pid in sidecars():
        os.kill(pid, signal.SIGKILL)
    window = yield lambda: t.window("Outcomes")
    yield 0.3
    t.grab(window, "outcome")
    t.result["after"] = sorted(formats(gui, 1))
    t.press(window, "Try again")
    dialog = yield lambda: t.dialog() if type(t.dialog()).__name__ == "ConvertDialog" else None
    t.later(dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok).click)
    yield lambda: "M4B" in formats(gui, 1)
    t.result["spoken_again"] = spoken_now(gui, 1)
