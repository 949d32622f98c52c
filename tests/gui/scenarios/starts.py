"""Calibre starts and quits."""


def scenario(gui, t):
    yield lambda: gui.isVisible() and gui.library_view.model().rowCount(None) > 0
