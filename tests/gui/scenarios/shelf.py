"""A shelf of books is converted at once: how long that takes of the window's thread, and whether each of them waits; then all are stopped."""

import time

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
    for job in reversed(t.jobs()):
        gui.job_manager._kill_job(job)
    yield t.idle
    yield lambda: "Stopped" in gui.status_bar.currentMessage()
