"""One book by the real engine, from a real right click to its M4B; by hand, for `by_mouse.py`. E2A_VOICE: who reads English, if not the usual one."""

import json
import os
import time
from pathlib import Path

from calibre_plugins.e2a.plugin import prefs
from calibre_plugins.e2a.plugin.book import library
from calibre_plugins.e2a.plugin.converting import report
from clicks import entered
from engine import ENTRY, formats, on_screen, percent
from qt.core import QDialogButtonBox


def scenario(gui, t):
    t.timeout_s = float(os.environ["E2A_TIMEOUT_S"])
    if os.environ.get("E2A_VOICE"):
        prefs.change(voices={"en": os.environ["E2A_VOICE"]})
    yield on_screen(gui, t)
    yield gui.isActiveWindow
    yield 0.5
    view = gui.library_view
    t.click_at(view.viewport().mapToGlobal(view.visualRect(view.model().index(0, 1)).center()), 3)
    menu = yield t.popup
    clicked = time.monotonic()
    yield from entered(t, menu, ENTRY)
    ours = yield lambda: t.popup() if t.popup() is not menu else None
    t.click_at(ours.mapToGlobal(ours.actionGeometry(ours.actions()[0]).center()))
    dialog = yield lambda: t.dialog() if type(t.dialog()).__name__ == "ConvertDialog" else None
    yield lambda: dialog.start.isEnabled() and not dialog._looker.running
    t.result["window_after_s"] = time.monotonic() - clicked
    yield 0.3
    t.grab(dialog, "dialog")
    began = time.monotonic()
    t.click(dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok))
    job = yield lambda: next(iter(t.jobs()), None)
    said = []

    def ended():
        said.append((round(time.monotonic() - began, 1), round(percent(job)), str(job.status_text)))
        return "M4B" in formats(gui, 1)

    yield ended
    t.result["took_s"] = time.monotonic() - began
    t.result["said"] = said[:: max(1, len(said) // 20)]
    window = yield lambda: t.window("Outcomes")
    t.grab(window, "outcome")
    window.close()
    t.result["m4b"] = gui.current_db.new_api.format_abspath(1, "M4B")
    told = json.loads(Path(report.latest_for(library.key_of(gui.current_db.new_api, 1))).read_text("utf-8"))
    t.result["report"] = {name: told.get(name) for name in ("voice", "engine", "device", "duration_s", "xrt", "xrt_speech", "peak_rss_mb")}
