"""A whole Calibre on a screen of its own: profile, library, driver, and how a scenario ended.

    Desk(root, zip)     a profile with the plugin, the driver and a library; `copy` is cheap, so each scenario has its own
    Desk.play(...)      Xvfb, a window manager and Calibre; gives Played, with what the scenario noted

Where `unshare -n` is allowed, Calibre runs in a network of its own, so that several run beside each other and nothing of
them reaches out; else (and for `network=True`) one at a time on this machine.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]
from calibre_profile import in_calibres_root, isolated  # noqa: E402 -- after its folder is on the path

from build_steps.machine import can_be_alone  # noqa: E402

SCENARIOS = HERE / "scenarios"
VOICE = "en_US-joe-medium"
PROGRAMS = ("Xvfb", "openbox", "xdotool", "import", "calibre")
SCREEN = "1600x1000x24"
SPOKEN = ("The Tide", "A Light at Sea", "Morning")
"""Chapters of what the scripted engine gives; those that it tells are others."""
OURS = "calibre_plugins.e2a.plugin"
TOLD = "calibre_plugins.e2a.plugin.errors.PluginError"
"""What a job may fail with; Calibre writes that into its log, the user gets its sentence."""
TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)+\S.*", re.MULTILINE)
MOST_CPU_MS = 250
"""That the plugin may compute in the GUI's thread between two turns of its loop, however long that is on the clock of a machine that does other things too.

A reader's window is to answer within 100 ms; what computes 60 ms on two idle cores (a window of Preferences made and shown) has computed three times as
much with three Calibres and other tests beside it, so this is a bound for such machines. `measures.py` on a quiet one tells more.
"""
QUIT_S = 20
"""How long Calibre may take to quit after the scenario's end."""
SETTLED = """
from calibre.gui2 import dynamic, gprefs
dynamic.set("welcome_wizard_was_run", True)
gprefs["quick_start_guide_added"] = True
gprefs["show_splash_screen"] = False
gprefs["book_list_tooltips"] = False
from calibre.utils.config import prefs
prefs["installation_uuid"] = "00000000-0000-4000-8000-000000000000"
"""
FILLED = """
import json, sys
from calibre.db.legacy import LibraryDatabase
from calibre.ebooks.metadata.book.base import Metadata
db = LibraryDatabase(sys.argv[1]).new_api
for title, language, formats in json.loads(sys.argv[2]):
    mi = Metadata(title, ["An Author"])
    mi.languages = [language] if language else []
    book = db.create_book_entry(mi)
    for fmt, path in formats.items():
        db.add_format(book, fmt, path, run_hooks=False)
"""


@dataclass(frozen=True)
class Book:
    """For the library. formats: upper case -> a file. language: Calibre's code of three letters."""

    title: str
    formats: Mapping[str, Path]
    language: str = "eng"


def shelf_of_states(epub: Path) -> list[Book]:
    """The library that `states.py` speaks of."""
    both = {"EPUB": epub, "M4B": epub}
    return [
        Book("Adventures", {"EPUB": epub}),
        Book("Locked Away", {"EPUB": epub}),
        Book("Only Sound", {"M4B": epub}),
        Book("Bought Already", both),
        Book("The Lamp", both),
        Book("El far", {"EPUB": epub}, "cat"),
    ]


OF_TORCH: Final = "torchinductor_"
"""An empty folder with the user's name behind it, which PyTorch makes when a part of it is imported, and uses again."""


@dataclass(frozen=True)
class Played:
    """result: what the scenario noted, `error` first of all. out: pictures and logs. left: what this Calibre's end left in the folder for temporary files."""

    result: dict[str, Any]
    out: Path
    log: str
    took_s: float
    left: tuple[str, ...] = ()

    def fine(self) -> dict[str, Any]:
        """What was noted; fails with the scenario's own words where it did not come to its end, and where the plugin held the GUI's thread."""
        assert self.result.get("error") is None, f"{self.result.get('error')}\n{self.out}\n{self.log[-4000:]}"
        faults = [trace for trace in TRACEBACK.findall(self.log) if OURS in trace and not trace.rpartition("\n")[2].startswith(TOLD)]
        assert not faults, "\n".join(faults)
        assert not self.left, f"temporary files that nobody removes: {self.left}"
        heaviest = self.result["blocks"]["heaviest"]
        assert heaviest["cpu_ms"] <= MOST_CPU_MS, f"the plugin held the window for {heaviest['cpu_ms']} ms of computing: {heaviest['in']}"
        return self.result


@dataclass(frozen=True)
class Desk:
    """root: everything of this Calibre lies there."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def made(root: Path, plugin: Path | None, books: list[Book]) -> Desk:
        """A new one. plugin: its zip; None for a Calibre without it."""
        root.mkdir(parents=True, exist_ok=True)
        desk = Desk(root, {name: value for name, value in isolated(root).items() if name != "QT_QPA_PLATFORM"})
        driver = root / "driver.zip"
        with zipfile.ZipFile(driver, "w") as archive:
            for path in sorted((HERE / "driver_plugin").glob("*.*")):
                archive.write(path, path.name)
        desk.script(SETTLED)
        for zipped in (plugin, driver):
            if zipped is not None:
                desk.must("calibre-customize", "-a", str(zipped))
        desk.fill(books)
        return desk

    def fill(self, books: list[Book]) -> None:
        """Put these into the library, which is made where there is none; the first has the number 1."""
        self.script(FILLED, str(self.library), json.dumps([(b.title, b.language, {fmt: str(path) for fmt, path in b.formats.items()}) for b in books]))

    def give_voice(self) -> None:
        """The standard voice is there, by name and size: a scripted engine does not look into it."""
        from plugin.resources import from_folder
        from plugin.speaking.voices import catalogue

        folder = Path(self.env["E2A_ENGINE_DIR"]) / "voices" / VOICE
        folder.mkdir(parents=True)
        for file in catalogue(from_folder(HERE.parents[1]))[VOICE].files:
            with open(folder / file.name, "wb") as f:
                f.truncate(file.size_bytes)

    def script(self, text: str, *arguments: str) -> None:
        """Run it in Calibre's interpreter."""
        path = self.root / "script.py"
        path.write_text(text, "utf-8")
        self.must("calibre-debug", "-e", str(path), "--", *arguments)

    def must(self, *command: str) -> None:
        ran = self.run(*command)
        assert ran.returncode == 0, ran.stdout + ran.stderr

    @property
    def library(self) -> Path:
        return self.root / "library"

    def copy(self, root: Path) -> Desk:
        """The same in another place."""
        shutil.copytree(self.root, root, symlinks=True)
        return Desk(root, {name: value.replace(str(self.root), str(root)) for name, value in self.env.items()})

    def run(self, *command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """One of Calibre's programs without a screen."""
        env = {**self.env, "QT_QPA_PLATFORM": "offscreen"}
        return subprocess.run(in_calibres_root(command), env=env, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False)

    def start(self, scenario: str, *, screen: bool = True, network: bool = False, timeout_s: float = 120, wait_s: float = 30, **more: str) -> Playing:
        """Begin; `Playing.end` waits for it. screen: a real one, for mouse and keyboard. network: of this machine. more: of the environment."""
        n = sum(1 for _ in self.root.glob("played-*"))
        out = self.root / f"played-{n}-{scenario}"
        out.mkdir()
        return Playing(self, scenario, out, screen, network, timeout_s, {"E2A_WAIT_S": str(wait_s), "E2A_TIMEOUT_S": str(timeout_s), **more})

    def play(self, scenario: str, **options: Any) -> Played:
        """From beginning to end. `scenario`: of scenarios/, without `.py`."""
        with self.start(scenario, **options) as playing:
            return playing.end()


class Playing:
    """A running Calibre."""

    def __init__(self, desk: Desk, scenario: str, out: Path, screen: bool, network: bool, timeout_s: float, more: Mapping[str, str]) -> None:
        self.out = out
        self._temporary = Path(desk.env["TMPDIR"])
        self._before = frozenset(self._temporary.iterdir())
        self._timeout_s = timeout_s
        self._began = time.monotonic()
        self._ours: list[subprocess.Popen[Any]] = []
        apart = not network and can_be_alone()
        self._turn = None if apart else _turn()
        env = {
            **desk.env,
            **more,
            **({"DISPLAY": self._screen()} if screen else {"QT_QPA_PLATFORM": f"offscreen:configfile={self._no_screen()}"}),
            "CALIBRE_DEBUG": "1",
            "E2A_SCENARIO": str(SCENARIOS / f"{scenario}.py"),
            "E2A_RESULT": str(out / "result.json"),
            "QTWEBENGINE_DISABLE_SANDBOX": "1",
            "QTWEBENGINE_CHROMIUM_FLAGS": "--no-sandbox --disable-gpu",
            "QT_LOGGING_RULES": "qt.qpa.*=false",
        }
        command = in_calibres_root(["calibre", "--with-library", str(desk.library), "--no-update-check"])
        if apart:
            command = ["unshare", "-n", sys.executable, str(HERE.parent / "alone.py"), *command]
        self._log = open(out / "calibre.log", "wb")  # noqa: SIM115  (closed in __exit__)
        self.calibre = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True)

    def _no_screen(self) -> Path:
        """What Qt's offscreen platform takes for a screen; by itself it has a very small one."""
        path = self.out / "screen.json"
        screen = {"name": "screen", "x": 0, "y": 0, "width": 1600, "height": 1000, "logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1}
        path.write_text(json.dumps({"synchronousWindowSystemEvents": False, "windowFrameMargins": True, "screens": [screen]}), "utf-8")
        return path

    def _screen(self) -> str:
        read, write = os.pipe()
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", SCREEN, "-nolisten", "tcp"]
        self._ours.append(subprocess.Popen(command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        os.close(write)
        with os.fdopen(read) as f:
            display = f":{f.readline().strip()}"  # comes when it can be used
        self._ours.append(subprocess.Popen(["openbox"], env={**os.environ, "DISPLAY": display}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return display

    def noted(self, name: str, within_s: float = 60) -> str:
        """The text of the file that the scenario writes into `out`, once it is there."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if (self.out / name).exists():
                return (self.out / name).read_text("utf-8")
            assert self.calibre.poll() is None, self._text()
            time.sleep(0.05)
        raise AssertionError(f"the scenario did not write {name}\n{self._text()}")

    def kill(self) -> None:
        """As a crash: at once, and Calibre alone."""
        self.calibre.kill()
        self.calibre.wait(10)

    def end(self) -> Played:
        """Wait for its end."""
        place = self.out / "result.json"
        until = time.monotonic() + self._timeout_s + QUIT_S
        while self.calibre.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
            if place.exists():
                until = min(until, place.stat().st_mtime - time.time() + time.monotonic() + QUIT_S)
        hung = self.calibre.poll() is None
        result = json.loads(place.read_text("utf-8")) if place.exists() else {"error": "the scenario wrote no result"}
        if hung and result["error"] is None:
            result["error"] = "Calibre did not quit"
        added = [new for new in set(self._temporary.iterdir()) - self._before if not (new.name.startswith(OF_TORCH) and not any(new.iterdir()))]
        left = [str(path.relative_to(self._temporary)) for new in added for path in (new, *new.rglob("*"))]
        return Played(result, self.out, self._text(), time.monotonic() - self._began, tuple(sorted(left)))

    def _text(self) -> str:
        return (self.out / "calibre.log").read_text("utf-8", "replace")

    def __enter__(self) -> Playing:
        return self

    def __exit__(self, *about: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.calibre.pid, signal.SIGKILL)
        self.calibre.wait(10)
        for process in reversed(self._ours):
            process.terminate()
            process.wait(10)
        self._log.close()
        if self._turn is not None:
            self._turn.close()


def alive(pid: int) -> bool:
    """Is that process still running (a zombie is not)?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int, within_s: float = 10) -> bool:
    """Does that process end soon?"""
    until = time.monotonic() + within_s
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not alive(pid)


def another_calibre() -> bool:
    """Does this user run a Calibre already, to which a second one in the same network would hand over?"""
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.bind(f"\0calibre-singleinstance-{os.geteuid()}-GUI")
        except OSError:
            return True
    return False


def _turn() -> Any:
    """Held by the one Calibre of this user that is not in a network of its own."""
    f = open(f"/tmp/e2a-gui-{os.geteuid()}.lock", "w")  # noqa: SIM115  (its holder closes it)
    fcntl.flock(f, fcntl.LOCK_EX)
    return f
