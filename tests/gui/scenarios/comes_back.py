"""Calibre after one that was quit while a book was spoken and another waited: the question in its corner, answered with the real mouse; what then is spoken."""

import json

from calibre_plugins.e2a.plugin.book import library
from calibre_plugins.e2a.plugin.converting import report
from engine import action, formats, on_screen, scripted, spoken_now
from qt.core import QLabel


def scenario(gui, t):
    scripted()
    yield on_screen(gui, t)
    question = yield lambda: action(gui)._interrupted and action(gui)._interrupted.question
    yield lambda: question.isVisible()
    yield 0.3
    t.grab(question, "question")
    t.result["asked"] = "\n".join(label.text() for label in question.findChildren(QLabel))
    t.result["in_the_way"] = [question.isModal(), not gui.frameGeometry().contains(question.geometry())]
    t.result["jobs_before"] = len(t.jobs())
    t.click(question.buttons.buttons()[0])
    yield lambda: len(t.jobs()) == 2
    t.result["asks_on"] = bool(action(gui)._interrupted.question)
    yield lambda: "M4B" in formats(gui, 1) and "M4B" in formats(gui, 2)
    yield t.idle
    t.result["spoken_again"] = [spoken_now(gui, book) for book in (1, 2)]
    keys = [library.key_of(gui.current_db.new_api, book) for book in (1, 2)]
    t.result["voices"] = [json.loads(report.latest_for(key).read_text("utf-8"))["voice"] for key in keys]
