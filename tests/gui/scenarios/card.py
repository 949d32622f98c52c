"""A graphics card is chosen in Preferences, and OK; then a book is converted at once, and what its sidecar was asked for stands in the report."""

import json

from calibre_plugins.e2a.plugin.book import library
from calibre_plugins.e2a.plugin.converting import report
from calibre_plugins.e2a.plugin.engine import gpus
from engine import action, formats, on_screen, scripted
from qt.core import QDialogButtonBox, QRadioButton

CARD = gpus.of_nvidia("NVIDIA GeForce RTX 4070", "580.95.05")


def scenario(gui, t):
    scripted(("core", "neural"))
    gpus.found = lambda *about, **more: (CARD,)
    yield on_screen(gui, t)
    t.later(action(gui).open_preferences, "device")
    window = yield lambda: t.dialog() if type(t.dialog()).__name__ == "PreferencesDialog" else None
    card = yield lambda: next((radio for radio in t.all(window, QRadioButton) if CARD.name in radio.text() and radio.isEnabled()), None)
    card.click()
    yield 0.2
    t.grab(window, "device")
    t.later(window.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok).click)
    yield lambda: t.dialog() is None
    t.select(1)
    t.later(action(gui).with_usual_settings)
    job = yield lambda: next(iter(t.jobs()), None)
    yield lambda: "M4B" in formats(gui, 1)
    yield t.idle
    told = json.loads(report.latest_for(library.key_of(gui.current_db.new_api, 1)).read_text("utf-8"))
    t.result["asked_for"] = told["device"]
    t.result["details"] = job.details
