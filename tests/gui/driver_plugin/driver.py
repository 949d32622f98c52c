"""Steps a scenario, which is a generator, from a timer in the GUI's thread; writes what it found as JSON and quits Calibre.

A scenario is a Python file with `def scenario(gui, t)`. What it yields says when it goes on:

    yield               at the next tick
    yield 0.5           after so many seconds
    yield callable      when that gives something true, which is what `yield` then gives

What opens a modal dialog must be started by `t.later`: a generator cannot go on while one of its steps has not come back.
The ticks go on inside the dialog's own loop, so the next step can look at it and press its buttons.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

from calibre.gui2.actions import InterfaceAction  # type: ignore[import-not-found]
from calibre_plugins.e2a_test_driver.blocks import Blocks  # type: ignore[import-not-found]
from qt.core import QAbstractButton, QApplication, QContextMenuEvent, QDialog, QMenu, QTimer, QWidget  # type: ignore[import-not-found]

TICK_MS = 40


class Hands:
    """What a scenario can do and see; given to it as `t`."""

    def __init__(self, gui):
        self.gui = gui
        self.out = Path(os.environ["E2A_RESULT"]).parent
        self.result = {}
        self.timeout_s = float(os.environ.get("E2A_WAIT_S", "30"))
        self.blocks = Blocks(gui)

    def later(self, do, *arguments, after_ms=0):
        """Do it from the event loop."""
        QTimer.singleShot(after_ms, lambda: do(*arguments))

    def grab(self, widget, name):
        """A picture of one widget."""
        assert widget.grab().save(str(self.out / f"{name}.png")), name

    def screen(self, name):
        """A picture of the whole screen, menus too; gives what to wait for."""
        taking = subprocess.Popen(["import", "-window", "root", str(self.out / f"{name}.png")])
        return lambda: taking.poll() is not None

    def mouse(self, *arguments):
        """Real X events, by xdotool; the GUI must go on meanwhile, so nothing is waited for."""
        subprocess.Popen(["xdotool", *map(str, arguments)])

    def click(self, widget, button=1):
        """The real mouse in the middle of a widget."""
        self.click_at(widget.mapToGlobal(widget.rect().center()), button)

    def click_at(self, point, button=1):
        self.mouse("mousemove", point.x(), point.y(), "click", button)

    def dialog(self):
        """The modal dialog on top."""
        top = QApplication.activeModalWidget()
        return top if isinstance(top, QDialog) else None

    def popup(self):
        """The menu that is open."""
        top = QApplication.activePopupWidget()
        return top if isinstance(top, QMenu) else None

    def window(self, kind):
        """The visible window of that class, by name."""
        return next((w for w in QApplication.topLevelWidgets() if w.isVisible() and type(w).__name__ == kind), None)

    def windows(self):
        """What is visible, by class and title."""
        return [f"{type(w).__name__}: {w.windowTitle()}" for w in QApplication.topLevelWidgets() if w.isVisible()]

    def all(self, parent, kind):
        """The visible children of that class."""
        return [w for w in parent.findChildren(kind) if w.isVisible()]

    def button(self, parent, text):
        """The visible button that says so."""
        found = [w for w in self.all(parent, QAbstractButton) if plain(w.text()) == text]
        assert found, f"no button {text!r}, but {sorted(plain(w.text()) for w in self.all(parent, QAbstractButton))}"
        return found[0]

    def press(self, parent, text):
        """That button, from the event loop."""
        self.later(self.button(parent, text).click)

    def entry(self, menu, text):
        """The menu's entry that says so."""
        found = [a for a in menu.actions() if plain(a.text()) == text]
        assert found, f"no entry {text!r}, but {[plain(a.text()) for a in menu.actions()]}"
        return found[0]

    def entries(self, menu):
        return [plain(a.text()) for a in menu.actions() if a.isVisible() and not a.isSeparator()]

    def select(self, *ids):
        """Select these books."""
        self.gui.library_view.select_rows(list(ids), using_ids=True)

    def right_click(self):
        """Ask for the book list's menu inside Qt, without a mouse."""
        view = self.gui.library_view
        place = view.visualRect(view.currentIndex()).center()
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, view.viewport().mapToGlobal(place))
        self.later(QApplication.sendEvent, view.viewport(), event)

    @staticmethod
    def plain(text):
        return plain(text)

    def jobs(self):
        """Calibre's jobs that have not ended."""
        return list(self.gui.job_manager.unfinished_jobs())

    def idle(self):
        return not self.jobs()


def plain(text):
    """As it is read: without the mark of its shortcut, without what stands behind a tab."""
    return text.split("\t")[0].replace("&&", "\0").replace("&", "").replace("\0", "&").strip()


class Driver(InterfaceAction):
    """The timer."""

    name = "E2A Test Driver"
    action_spec = ("E2A test driver", None, None, None)
    dont_add_to = InterfaceAction.all_locations

    def initialization_complete(self):
        path = os.environ.get("E2A_SCENARIO")
        if not path:
            return
        self.t = Hands(self.gui)
        self.timer = None
        try:
            sys.path.insert(0, str(Path(path).parent))
            self.steps = importlib.import_module(Path(path).stem).scenario(self.gui, self.t)
        except Exception:  # noqa: BLE001  (whatever a scenario raises is its result)
            self.end(traceback.format_exc())
            return
        self.wait = None
        self.until = 0.0
        self.overall = time.monotonic() + float(os.environ.get("E2A_TIMEOUT_S", "120"))
        self.busy = False
        self.timer = QTimer(self)
        self.timer.timeout.connect(self.tick)
        self.timer.start(TICK_MS)
        self.t.blocks.start()

    def tick(self):
        if self.busy:  # inside a loop that a step of ours has opened
            if time.monotonic() > self.overall:
                self.end(f"a step does not come back (a dialog that was not opened by t.later?): {QApplication.activeModalWidget()!r}")
            return
        self.busy = True
        with self.t.blocks.not_counted():
            try:
                self.step()
            except StopIteration:
                self.end(None)
            except BaseException:  # noqa: BLE001  (as above)
                self.end(traceback.format_exc())
            finally:
                self.busy = False

    def step(self):
        now = time.monotonic()
        where = f"at {Path(os.environ['E2A_SCENARIO']).name}:{getattr(self.steps.gi_frame, 'f_lineno', '?')}"
        if now > self.overall:
            raise TimeoutError(f"the whole scenario, {where}")
        value = None
        if callable(self.wait):
            value = self.wait()
            if not value:
                if now > self.until:
                    raise TimeoutError(f"waiting {where}; visible: {self.t.windows()}")
                return
        elif self.wait is not None and now < self.until:
            return
        self.wait = self.steps.send(value)
        self.until = time.monotonic() + (self.wait if isinstance(self.wait, (int, float)) else self.t.timeout_s)

    def end(self, error):
        if self.timer is not None:
            self.timer.stop()
        self.t.blocks.stop()
        if error:
            for n, widget in enumerate(w for w in QApplication.topLevelWidgets() if w.isVisible() and isinstance(w, QWidget)):
                self.t.grab(widget, f"failed-{n}-{type(widget).__name__}")
        result = {"error": error, **self.t.result, "blocks": self.t.blocks.told()}
        place = Path(os.environ["E2A_RESULT"])
        part = place.with_suffix(".part")
        part.write_text(json.dumps(result, indent=1, default=str), "utf-8")
        part.replace(place)
        if error is None and self.t.result.get("quits_itself"):
            return
        while QApplication.activePopupWidget():
            QApplication.activePopupWidget().close()
        for widget in QApplication.topLevelWidgets():  # a modal dialog would keep its loop alive
            if isinstance(widget, QDialog) and widget.isVisible():
                widget.reject()
        QTimer.singleShot(200, lambda: self.gui.quit(confirm_quit=False))
