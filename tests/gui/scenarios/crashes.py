"""A book is being spoken; the test kills Calibre."""

from engine import action, note, on_screen, scripted, sidecars, speaking


def scenario(gui, t):
    scripted()
    yield on_screen(gui, t)
    t.select(1)
    t.later(action(gui).with_last_settings)
    yield t.jobs
    yield speaking
    note(t, "pids", " ".join(map(str, sidecars())))
    yield 60
