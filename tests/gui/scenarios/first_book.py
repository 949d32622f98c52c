"""From nothing to the first book: the first run, Install against the index that this machine is set to, then the book by itself."""

import time

from engine import action, formats, on_screen, percent
from qt.core import QDialogButtonBox


def scenario(gui, t):
    t.timeout_s = 240
    yield on_screen(gui, t)
    t.select(1)
    began = time.monotonic()
    t.later(action(gui).convert_selected)
    first = yield lambda: t.dialog() if type(t.dialog()).__name__ == "FirstRun" else None
    t.later(first.install.click)
    job = yield lambda: next(iter(t.jobs()), None)
    said = []

    def ended():
        said.append((round(time.monotonic() - began, 1), round(percent(job)), str(job.status_text)))
        return job.is_finished

    yield ended
    t.result["installed_after_s"] = time.monotonic() - began
    t.result["said"] = said[:: max(1, len(said) // 40)]
    window = yield lambda: t.jobs() or t.dialog()
    if t.dialog() is not None and type(t.dialog()).__name__ == "ErrorDialog":
        t.result["not_installed"] = t.dialog().box.happened.text() + " " + t.dialog().box.details.toPlainText()
        return
    if type(t.dialog()).__name__ == "ConvertDialog":
        t.later(t.dialog().findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok).click)
        yield t.jobs
    job = t.jobs()[0]
    yield lambda: job.is_finished or " 1 of" in str(job.status_text) or "speak" in str(job.status_text).lower()
    t.result["speaks_after_s"] = time.monotonic() - began
    yield lambda: "M4B" in formats(gui, 1)
    t.result["book_after_s"] = time.monotonic() - began
    t.result["m4b"] = gui.current_db.new_api.format_abspath(1, "M4B")
    yield t.idle
    t.result["window"] = type(window).__name__
