"""What is installed by jobs: each thing once, told to all who asked, in megabytes of all of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plugin.converting import installations
from plugin.converting.installations import Installations
from plugin.engine import install_plan
from plugin.engine.install_plan import Wanted
from plugin.engine.install_progress import Amount
from plugin.errors import PluginError
from plugin.resources import from_folder
from plugin.speaking import speakers, voices

RESOURCES = from_folder(Path(__file__).resolve().parents[2])
JOE, PAOLA = "en_US-joe-medium", "it_IT-paola-medium"
EXTRA = Wanted(("neural",))


@dataclass
class Job:
    """As Calibre's."""

    description: str
    work: Any
    ended: Any
    start_time: float | None = None
    duration: float | None = None
    killed: bool = False
    percent: float = 0.0
    status_text: str = "Working..."
    result: Any = None

    def ends(self, error: PluginError | None = None) -> None:
        self.duration, self.result = 1.0, error is None
        self.ended(self, error)


class Desk:
    """Jobs that do nothing by themselves."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.told: list[str] = []
        self.installations = Installations(self._run, self._stop, RESOURCES)

    def _run(self, *about: Any) -> Job:
        self.jobs.append(Job(*about))
        return self.jobs[-1]

    def _stop(self, job: Job) -> None:
        job.killed = True
        job.duration = 0.0
        job.ended(job, None)

    def begin(self, wanted: Wanted, name: str = "", saw: bool = True) -> Any:
        def then(error: PluginError | None) -> bool:
            self.told.append(f"{name} {error.code if error else 'done'}")
            return saw

        return self.installations.begin(wanted, then if name else None, self._stopped, lambda error: self.told.append("the user"))

    def _stopped(self) -> None:
        self.told.append("stopped")


def test_what_is_asked_for_twice_is_one_job_of_which_both_hear() -> None:
    desk = Desk()
    first = desk.begin(Wanted(("neural",), (JOE,)), "page")
    assert desk.begin(EXTRA, "window") is first and desk.begin(Wanted((), (JOE,)), "book") is first and len(desk.jobs) == 1
    assert desk.begin(Wanted((), (PAOLA,))) is not first
    first.ends()
    assert desk.told == ["page done", "window done", "book done"]
    assert desk.begin(EXTRA) is not first, "it may have been removed since"
    assert [job.description for job in desk.jobs] == [
        "Install the extra part of the speech engine, with Joe (Convert to Audiobook)",
        "Download the voice Paola",
        "Install the extra part of the speech engine (Convert to Audiobook)",
    ]


def test_the_two_parts_of_the_engine_have_names_of_their_own() -> None:
    titles = [installations.described(Wanted(layers), RESOURCES) for layers in (("core",), ("neural",), ("core", "neural"))]
    assert "basic part" in titles[0] and "extra part" in titles[1] and len(set(titles)) == 3


@pytest.mark.parametrize(("saw", "told"), [((True, False), 0), ((False, False), 1), ((), 1)])
def test_the_user_is_told_once_where_no_window_did(saw: tuple[bool, ...], told: int) -> None:
    for error in (None, PluginError("engine_install_failed", step="torch", reason="no room")):
        desk = Desk()
        job = desk.begin(EXTRA)
        for number, one in enumerate(saw):
            desk.begin(EXTRA, f"window {number}", one)
        job.ends(error)
        assert desk.told.count("the user") == told


@pytest.mark.parametrize("begun", [True, False])
def test_a_stop_is_told_once_be_it_that_of_one_which_waits(begun: bool) -> None:
    desk = Desk()
    job = desk.begin(EXTRA, "page")
    desk.begin(EXTRA, "window")
    job.start_time = 1.0 if begun else None
    (one,) = desk.installations.underway()
    assert one.runs == begun and one.brings(layer="neural") and not one.brings(layer="core") and ("waits" in one.text) != begun
    one.stop()
    assert desk.told == ["stopped"] and not desk.installations.underway()
    one.stop()
    assert desk.told == ["stopped"]


def test_that_which_runs_stands_first_with_what_calibre_says_of_it() -> None:
    desk = Desk()
    desk.begin(Wanted(("core",)))
    running = desk.begin(Wanted((), ("clone-0123456789ab@en_US-joe-medium",)))
    running.start_time, running.percent, running.status_text = 1.0, 42.0, "Downloading, 26 of 63 MB"
    first, second = desk.installations.underway()
    assert (first.text, first.done) == ("Downloading, 26 of 63 MB", 0.42) and second.wanted.layers == ("core",)
    assert first.brings(voice="clone-0123456789ab") and first.brings(voice="clone-0123456789ab@en_US-joe-medium") and not first.brings(voice=JOE)


def test_megabytes_and_percentage_are_those_of_all_parts_and_never_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def layer(name: str, resources: Any, fetch: speakers.Fetch) -> None:
        for have in (0, 100, 60, 345):
            fetch.progress("install", have / 345, Amount("downloading PyTorch", have, 345))
        fetch.progress("install", 1.0, "speaking a word")

    def voice(id: str, resources: Any, progress: Any, stopped: Any) -> None:
        for have in (0, 30, 63):
            progress("fetch", have / 63, Amount("", have, 63))

    monkeypatch.setattr(speakers, "layer", layer)
    monkeypatch.setattr(voices, "ensure_voice", voice)
    monkeypatch.setattr(installations, "amounts", lambda wanted, resources: [345.0, 63.0])
    told: list[tuple[float, str]] = []
    installations.install(Wanted(("neural",), (JOE,)), RESOURCES, lambda done, text: told.append((done, text)), threading.Event().is_set)
    shares = [done for done, _text in told]
    assert shares == sorted(shares) and shares[-1] == 1.0 and shares[4] == pytest.approx(345 / 408)
    assert [text for _done, text in told] == [
        *(f"Downloading PyTorch, {have} of 408 MB" for have in (0, 100, 60, 345)),
        "Speaking a word",
        *(f"Downloading Joe, {have} of 408 MB" for have in (345, 375, 408)),
    ]


def test_what_a_job_brings_is_what_was_announced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path))
    monkeypatch.setattr(installations, "wanted_device", lambda env: "cpu")
    for wanted in (EXTRA, Wanted(("core",), (JOE, PAOLA)), Wanted((), (JOE,)), Wanted(("core", "neural"), (JOE,))):
        assert sum(installations.amounts(wanted, RESOURCES)) == install_plan.plan(RESOURCES, wanted.layers, wanted.voices).fetch_mb
