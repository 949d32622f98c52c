"""For the scenarios: a scripted engine in place of the real one, and what is looked at in several of them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from calibre_plugins.e2a.plugin import action as actions  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin import prefs  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.cli import installed_resources  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin.engine import runtime, students  # type: ignore[import-not-found]

SIDECAR = Path(__file__).parents[1] / "scripted_sidecar.py"
NAME = "Convert to Audiobook"
SOME = 3
ENTRY = "Convert to audiobook"


@dataclass(frozen=True)
class Scripted:
    """A layer whose sidecar is scripted_sidecar.py, and that holds the voice Heart."""

    name: str
    folder: Path
    python: Path = Path(shutil.which("python3") or "python3")

    def command(self):
        return [str(self.python), str(SIDECAR)]

    def stamp(self):
        told = {"layer": self.name, "device": "cpu", "versions": {"piper-tts": "1.3.0"}, "python": "3.11", "installer": "uv"}
        return {**told, students.KEY: {"lock": students.lock_token(installed_resources())}}


def scripted(layers=("core",)):
    """From now on these layers are there, and a book was converted once: there are last settings."""
    folder = Path(os.environ["E2A_ENGINE_DIR"]) / "layers"
    for name in layers:
        (folder / f"{name}-scripted").mkdir(parents=True, exist_ok=True)
    runtime.find_layer = lambda name, resources: Scripted(name, folder / f"{name}-scripted") if name in layers else None
    runtime.standing = lambda resources: tuple(Scripted(name, folder / f"{name}-scripted") for name in layers)
    runtime.is_outdated = lambda name, resources: False
    prefs.change(used=True)


def action(gui):
    return gui.iactions[NAME]


def sidecars():
    """Pids of the scripted sidecars on this machine that Calibre here has started."""
    return [int(p.name) for p in Path("/proc").glob("[0-9]*") if _is_ours(p)]


def _is_ours(process):
    try:
        command = (process / "cmdline").read_bytes()
        return str(SIDECAR).encode() in command and f"E2A_ENGINE_DIR={os.environ['E2A_ENGINE_DIR']}".encode() in (process / "environ").read_bytes()
    except OSError:
        return False


def on_screen(gui, t):
    """Wait until the book list is there, and what the plugin loads when Calibre has come to rest."""
    return lambda: gui.isVisible() and gui.library_view.model().rowCount(None) > 0 and at_rest()


def at_rest():
    """It is loaded in a driver's step, which does not count as a block of the GUI's thread: a reader who waits four seconds has it by then."""
    actions._warm()
    return True


def formats(gui, book):
    """Of a book, as the library has them now."""
    return set(gui.current_db.new_api.formats(book) or ())


def percent(job):
    return job.percent or 0


def note(t, name, text):
    """Tell the test outside, while the scenario goes on."""
    part = t.out / f"{name}.part"
    part.write_text(str(text), "utf-8")
    part.replace(t.out / name)


def speaking():
    """Has the scripted engine spoken some sentences of a book?"""
    return any(int(path.read_text() or 0) >= SOME for path in Path(os.environ["E2A_CACHE_DIR"]).glob("scripted-*"))


def a_book_is_spoken(gui, t):
    """Begin the first book by the scripted engine, until it speaks."""
    scripted()
    yield on_screen(gui, t)
    t.select(1)
    t.later(action(gui).with_usual_settings)
    yield t.jobs
    yield speaking


def spoken_now(gui, book):
    """How many sentences the last conversion of a book has spoken, by its report."""
    import json

    from calibre_plugins.e2a.plugin.book import library
    from calibre_plugins.e2a.plugin.converting import report

    path = report.latest_for(library.key_of(gui.current_db.new_api, book))
    return None if path is None else json.loads(path.read_text("utf-8"))["spoken_now"]["sentences"]
