"""A shelf of books is converted at once, then all are stopped: how long both take of the window's thread, and whether each of them waits."""

import time
from pathlib import Path

from calibre.ptempfile import base_dir
from engine import action, on_screen, scripted


def scenario(gui, t):
    scripted()
    yield on_screen(gui, t)
    books = sorted(gui.current_db.new_api.all_book_ids())
    t.select(*books)
    yield 0.3

    def at_once():
        before = time.thread_time()
        action(gui).with_usual_settings()
        t.result["cpu_ms"] = round(1000 * (time.thread_time() - before))
        t.result["said"] = gui.status_bar.currentMessage()
        t.result["waits"] = all(action(gui)._queueing.is_queued(book) for book in books)

    t.later(at_once)
    yield lambda: len(t.jobs()) == len(books)

    def all_at_once():
        before = time.thread_time()
        gui.job_manager.kill_all_jobs()
        t.result["stop_cpu_ms"] = round(1000 * (time.thread_time() - before))
        t.result["logs"] = len(list(Path(base_dir()).glob("threaded_job_logs/*")))

    t.later(all_at_once)
    yield t.idle
    yield lambda: "Stopped" in gui.status_bar.currentMessage()
