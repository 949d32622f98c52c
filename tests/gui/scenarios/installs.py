"""Preferences install the engine from an index that stalls: how far it is is seen, nothing begins it twice, a book joins it, and its Stop is at hand."""

import os
import threading
from http.server import ThreadingHTTPServer

from bad_index import PATIENT_S, Index, wait_at_most
from engine import action, formats, on_screen


def scenario(gui, t):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/simple"
    os.environ.update({"PIP_INDEX_URL": address, "UV_DEFAULT_INDEX": address, "PIP_RETRIES": "0", "UV_HTTP_RETRIES": "0"})
    wait_at_most(PATIENT_S)
    yield on_screen(gui, t)
    t.later(action(gui).open_preferences, "engine")
    window = yield preferences(t)
    core, row = window.preferences.page("engine").layers["core"], window.preferences.underway
    yield core.install.isEnabled
    yield 0.5
    t.click(core.install)
    question = yield lambda: t.dialog() if t.dialog() is not window else None
    t.grab(question, "installing-question")
    t.press(question, "Yes")
    yield row.isVisible
    yield lambda: Index.asked or "Incomplete" in core.state.text() or not row.isVisible()
    if not row.isVisible():
        t.result["not_begun"] = window.preferences.page("engine").work.error.happened.text()
        return
    yield lambda: "package" in row.label.text() or "uv" in row.label.text()
    t.result["said"] = row.label.text()
    t.result["live"] = [core.install.isEnabled(), core.repair.isEnabled(), core.remove.isEnabled()]
    t.result["state"] = core.state.text()
    t.grab(window, "installing")
    window.reject()
    yield lambda: t.dialog() is None
    t.select(1)
    t.later(action(gui).convert_selected)
    yield 1
    t.result["asked"] = [name for name in t.windows() if "FirstRun" in name]
    t.result["jobs"] = [job.description for job in t.jobs()]
    t.later(action(gui).open_preferences, "voice")
    window = yield preferences(t)
    row = window.preferences.underway
    yield row.isVisible
    yield 0.5
    t.grab(window, "installing-voice")
    t.click(row.stop_button)
    yield row.isHidden
    yield t.idle
    window.preferences.show_page("engine")
    core = window.preferences.page("engine").layers["core"]
    yield core.install.isEnabled
    t.result["after"] = core.state.text()
    window.reject()
    yield lambda: t.dialog() is None
    t.result["formats"] = sorted(formats(gui, 1))


def preferences(t):
    return lambda: t.dialog() if type(t.dialog()).__name__ == "PreferencesDialog" else None
