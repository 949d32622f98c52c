"""Two books: the first is stopped in the middle and the second while it waits, both by the Jobs list; then the first goes on."""

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
    t.select(first)
    t.later(action(gui).with_usual_settings)
    yield lambda: "M4B" in formats(gui, first)
    yield t.idle
    t.result["spoken_again"] = spoken_now(gui, first)


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
