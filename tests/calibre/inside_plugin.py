"""In Calibre's interpreter: the plugin as Calibre sees it, and its menu entry's job as a ThreadedJob runs it."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from calibre.constants import numeric_version  # type: ignore[import-not-found]
from calibre.customize.ui import find_plugin  # type: ignore[import-not-found]

sys.path.append(str(Path(__file__).parent))
import inside_library  # type: ignore[import-not-found]
from inside_library import Shelf, shelf  # noqa: F401


def test_calibre_lists_it() -> None:
    plugin = find_plugin("Convert to Audiobook")
    assert plugin.version == (0, 1, 0) and tuple(plugin.minimum_calibre_version) <= tuple(numeric_version[:3])
    assert plugin.actual_plugin == "calibre_plugins.e2a.plugin.action:ConvertToAudiobook" and not plugin.is_customizable()


def test_the_actions_strings_and_shape() -> None:
    from calibre_plugins.e2a.plugin.action import ConvertToAudiobook  # type: ignore[import-not-found]

    assert ConvertToAudiobook.action_type == "current" and "context-menu-device" in ConvertToAudiobook.dont_add_to
    assert len(ConvertToAudiobook.action_spec) == 4 and ConvertToAudiobook.action_spec[3] == ()


class Told(queue.Queue[tuple[float, str]]):
    """What a job tells of its progress; `kill` is called as soon as it speaks."""

    def __init__(self, kill: Callable[[], None] | None) -> None:
        super().__init__()
        self.kill = kill
        self.texts: list[str] = []

    def put(self, item: tuple[float, str], block: bool = True, timeout: float | None = None) -> None:
        assert 0 <= item[0] <= 1
        self.texts.append(item[1])
        if "Speaking" in item[1] and self.kill is not None:
            kill, self.kill = self.kill, None
            kill()


def run_job(shelf: Shelf, killed: bool = False) -> tuple[Any, list[str]]:  # noqa: F811
    """As Calibre runs a ThreadedJob, but in this thread: the job, and all that it told; killed: as from the job list."""
    from calibre.gui2.threaded_jobs import ThreadedJob  # type: ignore[import-not-found]
    from calibre_plugins.e2a.plugin.action import convert_in_job
    from calibre_plugins.e2a.plugin.job import Sidecars  # type: ignore[import-not-found]

    called: list[Any] = []
    sidecars = Sidecars()
    job = ThreadedJob("t", "d", convert_in_job, (shelf.api, shelf.id, lambda name: b"{}", sidecars, threading.Event()), {}, called.append)
    told = job.kwargs["notifications"] = Told(job.kill if killed else None)
    try:
        job.start_work()
    finally:
        sidecars.close()
    assert called == [job]
    return job, told.texts


@pytest.fixture
def tone(monkeypatch: pytest.MonkeyPatch) -> None:
    from calibre_plugins.e2a.plugin import voices  # type: ignore[import-not-found]

    monkeypatch.setattr(voices, "for_language", lambda language, resources: ("tone", None))


@pytest.mark.usefixtures("tone")
def test_a_job_adds_the_audiobook_and_tells_how_far_it_is(shelf: Shelf) -> None:  # noqa: F811
    job, told = run_job(shelf)
    assert not job.failed and job.result.outcome == "written" and "M4B" in shelf.api.formats(shelf.id)
    assert any("Speaking" in text for text in told)


@pytest.mark.usefixtures("tone")
def test_a_job_that_fails_gives_the_sentence(shelf: Shelf) -> None:  # noqa: F811
    shelf.script = "refuses"
    job, _ = run_job(shelf)
    assert not job.failed and "MB are needed" in job.result


@pytest.mark.usefixtures("tone")
def test_a_job_that_is_stopped_returns_and_leaves_no_process(shelf: Shelf) -> None:  # noqa: F811
    shelf.script = "deaf"
    job, _ = run_job(shelf, killed=True)
    assert job.killed and job.result is None and job.exception is None and set(shelf.api.formats(shelf.id)) == {"EPUB"}
    fake, ours = str(inside_library.FAKE).encode(), f"HOME={os.environ['HOME']}\0".encode()  # another run of these tests has another home
    assert not [p for p in Path("/proc").glob("[0-9]*") if fake in _read(p / "cmdline") and ours in _read(p / "environ")]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
