"""Stopping midway, in every way: nothing speaks on, nothing half-made is left, and the next run goes on from there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from calibre_profile import NAME, Profile

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found by /proc")

WAIT_S = 90.0
PAGE = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body>{}</body></html>'


@pytest.fixture
def long_book(tmp_path: Path) -> Path:
    """A book that takes longer to speak than a test needs to stop it."""
    words = ("lamp", "tide", "stone", "harbour", "morning", "keeper")
    body = "".join(
        f"<p>Number {n} was written about the {words[n % 6]}, and the {words[(n // 6) % 6]} was still there at the end of it.</p>" for n in range(150)
    )
    source = tmp_path / "long.htm"
    source.write_text(PAGE.format("<h1>Long</h1>" + body), "utf-8")
    return source


def sidecars(marker: str) -> list[int]:
    """Live processes of a sidecar started for this test: its environment names our clips."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command, env, status = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes(), (entry / "stat").read_text()
        except OSError:
            continue
        if b"e2a_sidecar" in command and marker.encode() in env and status.rsplit(")", 1)[1].split()[0] != "Z":
            found.append(int(entry.name))
    return found


class Running:
    """A conversion in real Calibre, seen from outside."""

    def __init__(self, profile: Profile, source: Path, out: Path, clips: Path, *more: str) -> None:
        self.clips = str(clips)
        command = ["calibre-debug", "-r", NAME, "--", str(source), "-o", str(out), "--voice", "en_US-joe-medium", "--device", "cpu", *more]
        env = {**profile.env, "E2A_CACHE_DIR": self.clips}
        self.process = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()

    def until_speaking(self) -> None:
        """Return when some sentences are on the disk."""

        def speaks() -> bool:
            return any(re.search(r"\b([3-9]|\d\d) ?%", line) for line in self.lines)

        with self._news:
            assert self._news.wait_for(speaks, WAIT_S), "".join(self.lines)

    def all_gone(self, within_s: float) -> bool:
        """No sidecar of ours is left, at the latest after so long."""
        end = time.monotonic() + within_s
        while sidecars(self.clips):
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def close(self) -> None:
        for pid in [*sidecars(self.clips), self.process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()
        self._reader.join(WAIT_S)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def running(profile: Profile, long_book: Path, tmp_path: Path):  # type: ignore[no-untyped-def] # a generator fixture of Running
    started = Running(profile, long_book, tmp_path / "out" / "book.m4b", tmp_path / "clips")
    yield started
    started.close()


@pytest.fixture(autouse=True)
def out_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_ctrl_c_stops_at_once_and_the_next_run_goes_on(running: Running, profile: Profile, long_book: Path, tmp_path: Path) -> None:
    running.until_speaking()
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(WAIT_S) == 130
    assert running.all_gone(5.0)
    assert list((tmp_path / "out").iterdir()) == []
    assert "Traceback" not in "".join(running.lines)
    report = tmp_path / "report.json"
    again = profile.run(
        *("calibre-debug", "-r", NAME, "--", str(long_book), "-o", str(tmp_path / "out" / "book.m4b"), "--device", "cpu"),
        *("--voice", "en_US-joe-medium", "--report", str(report)),
        timeout=600,
        E2A_CACHE_DIR=running.clips,
    )
    assert again.returncode == 0, again.stderr
    began = re.search(r"Loading the voice (\d+) %", again.stderr)
    assert began is not None and int(began[1]) > 2, again.stderr  # what is kept counts: a fresh book has 2 % there
    found = json.loads(report.read_text("utf-8"))
    assert 0 < found["spoken_now"]["sentences"] < len(found["sentences"])


def test_a_killed_calibre_takes_its_sidecar_with_it(running: Running, tmp_path: Path) -> None:
    running.until_speaking()
    assert sidecars(running.clips)
    running.process.kill()
    running.process.wait()
    assert running.all_gone(5.0)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_sidecar_that_does_not_answer_is_ended(running: Running) -> None:
    running.until_speaking()
    for pid in sidecars(running.clips):
        os.kill(pid, signal.SIGSTOP)
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(WAIT_S) == 130
    assert running.all_gone(5.0)


def test_a_sidecar_that_dies_is_one_sentence(running: Running, tmp_path: Path) -> None:
    running.until_speaking()
    for pid in sidecars(running.clips):
        os.kill(pid, signal.SIGKILL)
    code = running.process.wait(WAIT_S)
    said = "".join(running.lines)
    assert code == 11 and "ended unexpectedly" in said
    assert "Traceback" not in said and not (tmp_path / "out" / "book.m4b").exists()


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="a network namespace needs root on Linux")
def test_a_conversion_needs_no_network(profile: Profile, sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "book.m4b"
    command = ["unshare", "--net", "calibre-debug", "-r", NAME, "--", str(sample), "-o", str(out), "--voice", "en_US-joe-medium", "--device", "cpu"]
    ran = profile.run(*command, timeout=300, E2A_CACHE_DIR=str(tmp_path / "clips"))
    if "unshare" in ran.stderr and not out.exists():
        pytest.skip("this machine gives no network namespace")
    assert ran.returncode == 0, ran.stderr
    assert out.stat().st_size > 100_000
