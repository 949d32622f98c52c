"""The sidecar is killed in the middle of a book, of which the user is told; Try again goes on from there."""

import os
import signal

from engine import a_book_is_spoken, formats, sidecars, spoken_now


def scenario(gui, t):
    yield from a_book_is_spoken(gui, t)
    for pid in sidecars():
        os.kill(pid, signal.SIGKILL)
    window = yield lambda: t.window("Outcomes")
    yield 0.3
    t.grab(window, "outcome")
    t.result["after"] = sorted(formats(gui, 1))
    t.press(window, "Try again")
    yield lambda: "M4B" in formats(gui, 1)
    t.result["spoken_again"] = spoken_now(gui, 1)
