"""The first run against a package index of this machine that answers badly: it stalls and is stopped, cuts its files, lies about them."""

import os
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from calibre_plugins.e2a.plugin.cli import installed_resources
from engine import action, formats, on_screen
from qt.core import QDialogButtonBox, QLabel

PATIENT_S, IMPATIENT_S = 120, 4

VERSIONS = dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", installed_resources()("plugin/locks/core.txt").decode(), re.MULTILINE))


class Index(BaseHTTPRequestHandler):
    """mode: what it does. A page names one wheel for whatever package is asked for."""

    mode = "stalls"
    asked = 0

    def do_GET(self):
        Index.asked += 1
        if Index.mode == "stalls":
            time.sleep(300)
            return
        if self.path.endswith(".whl"):
            self.send_response(200)
            self.send_header("Content-Length", "4000")
            self.end_headers()
            self.wfile.write(b"x" * (1000 if Index.mode == "cuts" else 4000))
            return
        name = self.path.strip("/").split("/")[-1]
        wheel = f"{name.replace('-', '_')}-{VERSIONS.get(name, '1.0.0')}-py3-none-any.whl"
        page = f'<a href="/files/{wheel}">{wheel}</a>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *about):
        pass


def scenario(gui, t):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/simple"
    os.environ.update({"PIP_INDEX_URL": address, "UV_DEFAULT_INDEX": address, "PIP_RETRIES": "0", "UV_HTTP_RETRIES": "0"})
    wait_at_most(PATIENT_S)  # so that nothing but the stop can end it
    yield on_screen(gui, t)
    t.select(1)
    t.later(action(gui).convert_selected)
    first = yield lambda: t.dialog() if type(t.dialog()).__name__ == "FirstRun" else None
    yield 0.5
    t.grab(first, "first-run")
    t.result["told"] = [label.text() for label in t.all(first, QLabel)]
    first.readers[1].click()
    first.ask.click()
    t.later(first.install.click)
    job = yield lambda: next(iter(t.jobs()), None)
    yield lambda: Index.asked or t.dialog()
    if t.dialog():
        t.result["not_begun"] = t.dialog().box.happened.text()
        return
    yield 0.5
    began = time.monotonic()
    gui.job_manager._kill_job(job)
    yield lambda: job.is_finished and not job.is_running
    t.result["stopped_after_s"] = time.monotonic() - began
    t.result["windows_after_stop"] = t.windows()
    Index.mode = "cuts"
    wait_at_most(IMPATIENT_S)
    t.later(action(gui).convert_selected)
    first = yield lambda: t.dialog() if type(t.dialog()).__name__ == "FirstRun" else None
    yield 0.3
    t.result["kept"] = [first.readers[1].isChecked(), first.ask_first]
    first.readers[0].click()
    t.later(first.install.click)
    error = yield from told(t, "cuts")
    Index.mode = "lies"
    t.press(error, "Try again")
    yield lambda error=error: t.dialog() is not error
    error = yield from told(t, "lies")
    t.later(error.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Close).click)
    yield lambda: t.dialog() is None
    t.result["formats"] = sorted(formats(gui, 1))
    t.result["asked"] = Index.asked


def wait_at_most(seconds):
    """Of pip and uv, which are started from now on."""
    os.environ["PIP_TIMEOUT"] = os.environ["UV_HTTP_TIMEOUT"] = str(seconds)


def told(t, mode):
    """The dialog that says what went wrong."""
    error = yield lambda: t.dialog() if type(t.dialog()).__name__ == "ErrorDialog" else None
    yield 0.2
    t.grab(error, f"error-{mode}")
    t.result[mode] = [error.box.happened.text(), error.box.next.text(), error.box.details.toPlainText()]
    return error
