"""Each state of `states.py` in each variant: a picture where E2A_SHOTS names a folder, and what the geometry says against it."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from calibre.gui2 import gprefs  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin import prefs  # type: ignore[import-not-found]
from calibre_plugins.e2a_test_driver.pseudo import MARKED  # type: ignore[import-not-found]
from engine import action, on_screen, scripted  # type: ignore[import-not-found]
from qt.core import QApplication, QMenu, Qt, QWidget  # type: ignore[import-not-found]

sys.path.insert(0, str(Path(__file__).parents[1]))
from geometry import flaws
from states import DATA, GOOD, OURS, states

WIDE = 1250
STILL = 4
"""So many looks in a row must find it at rest: what comes from a thread may begin something else."""


@dataclass(frozen=True)
class Variant:
    dark: bool
    width: str

    def __str__(self):
        return f"{'dark' if self.dark else 'light'}-{self.width}"


VARIANTS = {
    "": (Variant(False, "own"), Variant(True, "own"), Variant(False, "narrow"), Variant(False, "wide")),
    "long": (Variant(False, "own"), Variant(False, "narrow")),
    "rtl": (Variant(True, "own"), Variant(False, "narrow")),
}
"""For looking at."""
JUDGED = {"": (Variant(False, "own"), Variant(False, "narrow")), "long": (Variant(False, "own"), Variant(False, "narrow")), "rtl": (Variant(False, "narrow"),)}
"""Where no pictures are wanted: colours move nothing, and what fits in its own width fits in a greater one."""


def scenario(gui, t):
    language = os.environ.get("E2A_PSEUDO", "")
    folder = os.environ.get("E2A_SHOTS")
    only = os.environ.get("E2A_STATES", "").split()
    found = t.result["flaws"] = {}
    t.result["states"] = []
    scripted()
    yield on_screen(gui, t)
    if language == "rtl":
        QApplication.instance().setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    yield from jobs(gui, t)
    dark_now = None
    for variant in (VARIANTS if folder else JUDGED)[language]:
        if variant.dark != dark_now:
            dark_now = variant.dark
            painted(dark_now)
            yield 0.1
        for state in states(gui):
            if only and not any(state.name.startswith(name) for name in only):
                continue
            with gprefs:
                for kept in [name for name in gprefs if "convert-to-audiobook" in name]:
                    del gprefs[kept]  # the size that the window had before
            window = state.build()
            resized(window, "own")
            window.show()
            yield 0
            resized(window, variant.width)
            until, still = time.monotonic() + t.timeout_s, 0
            while state.ready is not None and still < STILL:
                assert time.monotonic() < until, f"{state.name} does not come to rest"
                still = still + 1 if state.ready(window) else 0
                yield
            shape, still = None, 0
            while still < STILL:
                assert time.monotonic() < until, f"{state.name} does not keep its shape"
                resized(window, variant.width)
                yield 0
                before, shape = shape, shape_of(window)
                still = still + 1 if shape == before else 0
            if str(variant) == "light-own":
                t.result["states"].append(state.name)
            name = f"{state.name}-{language or 'plain'}-{variant}"
            said = flaws(window, MARKED if language else None, (*DATA, *state.data)) if state.ours else []
            if said:
                found[name] = said
            if folder:
                assert window.grab().save(str(Path(folder) / f"{name}.png")), name
            window.close()
            if state.ours and not isinstance(window, QMenu):
                window.deleteLater()


def jobs(gui, t):
    """One that ended well and one that was stopped, for the picture of the Jobs list; and the selection, for the menu's."""
    last = -1
    prefs.change(foreign="record")  # nobody is asked about the audiobook that one of them has
    for book in (GOOD, OURS):
        t.select(book)
        yield 0.2
        t.later(action(gui).with_usual_settings)
        job = yield lambda last=last: next((job for job in t.jobs() if job.id > last), None)
        last = job.id
    gui.job_manager._kill_job(job)
    yield t.idle
    window = yield lambda: t.window("Outcomes")
    window.close()
    prefs.change(foreign="")
    t.select(GOOD)


def painted(dark):
    """Calibre's own palettes."""
    manager = QApplication.instance().palette_manager
    (manager.set_dark_mode_palette if dark else manager.set_light_mode_palette)()
    manager.on_palette_change()


def shape_of(window):
    """Where everything in it lies: what comes in late, as on a busy machine, moves the rest a turn later."""
    return [(w.objectName(), w.isVisible(), w.geometry().getRect()) for w in (window, *window.findChildren(QWidget))]


def resized(window, width):
    """narrow: as narrow as it can be made; the height is what that width needs."""
    if isinstance(window, QMenu) or width == "own":
        return
    wanted = window.minimumSizeHint().width() if width == "narrow" else WIDE
    need = window.layout().totalHeightForWidth(wanted) if window.layout() is not None and window.layout().hasHeightForWidth() else 0
    window.resize(wanted, max(window.height(), need, window.minimumSizeHint().height()))
