"""Two books; the one that is being spoken is removed from the library by Calibre's own command."""

import os
import time
from pathlib import Path

from engine import action, formats, on_screen, scripted, speaking


def scenario(gui, t):
    scripted()
    yield on_screen(gui, t)
    for book in (1, 2):  # one after the other: the list's order is that of the second in which each was added
        t.select(book)
        t.later(action(gui).with_usual_settings)
        yield lambda book=book: len(t.jobs()) == book
    running, _waiting = sorted(t.jobs(), key=lambda job: job.id)
    yield speaking
    (kept,) = Path(os.environ["E2A_CACHE_DIR"]).glob("scripted-*")
    book = 1
    t.select(book)
    t.later(gui.iactions["Remove Books"].delete_books)
    question = yield t.dialog
    t.later(question.accept)
    yield lambda: not gui.current_db.new_api.has_id(book)
    removed = time.monotonic()
    yield lambda: running.is_finished
    t.result["went_on_s"] = time.monotonic() - removed
    t.result["spoken"] = int(kept.read_text())
    yield lambda: "M4B" in formats(gui, 3 - book)
    yield t.idle
    window = yield lambda: t.window("Outcomes")
    yield lambda: len(window._rows) == 2
    yield 0.3
    t.grab(window, "outcome")
    t.result["told"] = {row.outcome.title: row.outcome.error.code if row.outcome.error else row.outcome.result.outcome for row in window._rows}
    (row,) = [row for row in window._rows if row.outcome.error]
    t.result["said"] = f"{row.box.happened.text()} {row.box.next.text()}"
