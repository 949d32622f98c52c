"""Two books: the first is stopped in the middle and the second while it waits, both by the Jobs list; then another voice becomes the usual one, and the
first goes on."""

import json

from calibre_plugins.e2a.plugin import prefs
from calibre_plugins.e2a.plugin.book import library
from calibre_plugins.e2a.plugin.converting import begun, report
from engine import action, formats, on_screen, scripted, speaking, spoken_now


def scenario(gui, t):
    scripted()
    yield on_screen(gui, t)
    t.select(1, 2)
    t.later(action(gui).with_usual_settings)
    running, waiting = yield lambda: len(t.jobs()) == 2 and sorted(t.jobs(), key=lambda job: job.id)
    yield speaking
    first = 1 if "One" in running.description else 2
    t.result["began_both"] = waiting.is_running
    yield from stop(gui, t, waiting)
    yield from stop(gui, t, running)
    yield t.idle
    t.result["after_stop"] = [sorted(formats(gui, 1)), sorted(formats(gui, 2))]
    t.result["windows"] = t.windows()
    key = library.key_of(gui.current_db.new_api, first)
    left = begun.of(key)
    t.result["left"] = [left.voice, left.share, left.here]
    prefs.change(voices={"en": "espeak"})
    t.select(first)
    t.later(action(gui).with_usual_settings)
    job = yield lambda: next((job for job in t.jobs() if not job.is_finished), None)
    t.result["said"] = gui.status_bar.currentMessage()
    told = set()
    yield lambda: told.add(str(job.status_text)) or "M4B" in formats(gui, first)
    yield t.idle
    t.result["told"] = sorted(told)
    t.result["spoken_again"] = spoken_now(gui, first)
    t.result["voice"] = json.loads(report.latest_for(key).read_text("utf-8"))["voice"]


def stop(gui, t, job):
    """As a user does: the Jobs list, the job's row, the button, yes."""
    dialog = gui.jobs_dialog
    t.later(dialog.show)
    yield dialog.isVisible

    def pressed():  # at once: Calibre sorts the list anew when a job begins, and then nothing is selected
        dialog.jobs_view.selectRow(gui.job_manager.jobs.index(job))
        dialog.kill_button.click()

    t.later(pressed)
    question = yield lambda: t.dialog() if t.dialog() is not dialog else None
    t.press(question, "Yes")
    yield lambda: job.is_finished or job.killed
    dialog.hide()
