"""A book becomes ready while the reader types in Calibre's search box."""

from engine import action, on_screen, scripted
from qt.core import QApplication


def scenario(gui, t):
    scripted()
    yield on_screen(gui, t)
    yield gui.isActiveWindow
    t.select(1)
    gui.search.setFocus()
    yield lambda: QApplication.focusWidget() is not None  # an empty box is false itself
    typing = QApplication.focusWidget()
    t.result["before"] = typing is not gui.library_view and gui.isActiveWindow()
    t.later(lambda: action(gui)._queueing.begin([1], ask=False))
    yield t.jobs
    yield t.idle
    window = yield lambda: t.window("Outcomes")
    yield 0.5
    t.result["after"] = typing.hasFocus() and gui.isActiveWindow() and not window.isActiveWindow()
