"""A book is being spoken; the test kills Calibre."""

from engine import a_book_is_spoken, note, sidecars


def scenario(gui, t):
    yield from a_book_is_spoken(gui, t)
    note(t, "pids", " ".join(map(str, sidecars())))
    yield 60
