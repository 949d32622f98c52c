"""A book with an audiobook from elsewhere, once for each thing that can be done with it."""

import os
from pathlib import Path

from engine import action, formats, on_screen, scripted
from qt.core import QDialogButtonBox


def scenario(gui, t):
    scripted()
    api = gui.current_db.new_api
    for book in (1, 2, 3):
        api.add_format(book, "M4B", os.environ["E2A_BOUGHT"], run_hooks=False)
    folder = t.out / "folder"
    folder.mkdir()
    yield on_screen(gui, t)
    for book, how in ((1, "record"), (2, "folder"), (3, "replace")):
        t.select(book)
        t.later(action(gui).convert_asking)
        dialog = yield lambda: t.dialog() if type(t.dialog()).__name__ == "ConvertDialog" else None
        foreign = dialog.one.foreign
        yield foreign.isVisible
        foreign.radios[how].click()
        if how == "folder":
            t.result["ready_without_folder"] = dialog.start.isEnabled()
            foreign._choose = lambda *about: str(folder)
            foreign.button.click()
        yield 0.2
        t.grab(dialog, f"dialog-{how}")
        t.later(dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok).click)
        yield t.jobs
        yield t.idle
    yield lambda: "ORIGINAL_M4B" in formats(gui, 3) and api.format(3, "M4B").endswith(b"ours")
    t.result["formats"] = {book: sorted(formats(gui, book)) for book in sorted(api.all_book_ids())}
    bought = Path(os.environ["E2A_BOUGHT"]).read_bytes()
    t.result["bought_is_there"] = [api.format(book, fmt) == bought for book, fmt in ((1, "M4B"), (2, "M4B"), (3, "ORIGINAL_M4B"))]
    t.result["ours_is_there"] = api.format(3, "M4B").endswith(b"ours")
    t.result["in_folder"] = [path.name for path in folder.iterdir()]
    t.select(1)
    yield 0.2
    t.later(action(gui).with_usual_settings)
    yield t.jobs
    yield t.idle
    yield 0.3
    t.result["asked_nobody"] = sorted(formats(gui, 1))
