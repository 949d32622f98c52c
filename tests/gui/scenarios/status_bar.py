"""The status bar of a small window: how much room it has, how much sentences of E2A_SAID take, and how long one of ours stays."""

import json
import os

from engine import action, on_screen, scripted
from qt.core import QFontMetrics, QWidget

SMALL = (1024, 700)


def scenario(gui, t):
    scripted()
    yield on_screen(gui, t)
    gui.showNormal()
    gui.resize(*SMALL)
    yield lambda: gui.width() == SMALL[0]
    bar = gui.status_bar
    t.result["room"] = min(widget.x() for widget in (gui.jobs_button, gui.layout_button) if widget.isVisible())
    width = QFontMetrics(bar.font()).horizontalAdvance
    t.result["widths"] = {text: width(text) for text in json.loads(os.environ["E2A_SAID"])}
    widest = max(t.result["widths"], key=t.result["widths"].get)
    action(gui)._say(widest)
    yield lambda: not [child for child in bar.findChildren(QWidget) if child is bar.defmsg and child.isVisible()]
    t.grab(bar, "widest")
