"""Three books; the one that is spoken is stopped, takes its time to leave, and the library is switched as soon as Calibre allows it, and then back."""

import os

from engine import action, formats, on_screen, scripted, speaking
from qt.core import QLabel


def scenario(gui, t):
    scripted()
    yield on_screen(gui, t)
    first, other = gui.current_db.library_path, os.environ["E2A_OTHER_LIBRARY"]
    t.select(1, 2, 3)
    t.later(action(gui).with_usual_settings)
    yield lambda: len(t.jobs()) == 3
    yield speaking
    action(gui)._ask_interrupted()  # as some seconds after Calibre's start
    t.result["taken_for_interrupted"] = action(gui)._interrupted is not None
    (running,) = (job for job in t.jobs() if job.is_running)
    t.result["stopped"] = running.description.removesuffix(" (audiobook)")
    gui.job_manager._kill_job(running)
    yield lambda: not gui.job_manager.has_jobs()
    t.later(gui.iactions["Choose Library"].switch_requested, other)
    yield lambda: gui.current_db.library_path == other
    t.result["said_at_once"] = gui.status_bar.currentMessage()
    yield lambda: "Stopped" in gui.status_bar.currentMessage()
    t.result["said"] = gui.status_bar.currentMessage()
    t.result["windows"] = t.windows()
    t.result["failed"] = [job.description for job in gui.job_manager.jobs if job.failed and not job.killed]
    t.later(gui.iactions["Choose Library"].switch_requested, first)
    question = yield lambda: action(gui)._interrupted and action(gui)._interrupted.question
    t.result["asked"] = "\n".join(label.text() for label in question.findChildren(QLabel))
    t.press(question, "Go on now")
    yield lambda: sum("M4B" in formats(gui, book) for book in (1, 2, 3)) == 2
    yield t.idle
