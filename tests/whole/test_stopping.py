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

from plugin.engine.runtime import students_layer
from plugin.resources import from_folder

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found by /proc")

WAIT_S = 90.0
PAGE = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body>{}</body></html>'
JOE, HEART = "en_US-joe-medium", "heart"
LONG = {JOE: 45, HEART: 110}
"""Sentences that take a voice longer than a test needs to stop it again and again."""
HARD = "<h1>Hard</h1><p>Dr. Thaddeus Quibblethwaite paid £12.50 on 3 March 1843, for <i>Xhosa</i> and 北京.</p>"
"""What no lexicon holds."""


@pytest.fixture(params=[JOE, HEART])
def voice(request: pytest.FixtureRequest) -> str:
    """Heart is to be in the engine of this run, unless `E2A_WITHOUT_HEART` says that her package cannot be had."""
    if request.param == HEART and students_layer(from_folder(Path(__file__).resolve().parents[2])) is None:
        if os.environ.get("E2A_WITHOUT_HEART"):
            pytest.skip("hibari-tts is not in the engine (E2A_WITHOUT_HEART)")
        pytest.fail("hibari-tts is not in the engine; where it cannot be had, set E2A_WITHOUT_HEART=1", pytrace=False)
    return str(request.param)


def book(folder: Path, body: str) -> Path:
    source = folder / "book.htm"
    source.write_text(PAGE.format(body), "utf-8")
    return source


def long_book(folder: Path, sentences: int) -> Path:
    words = ("lamp", "tide", "stone", "harbour", "morning", "keeper")
    said = (f"Number {n} was written about the {words[n % 6]}, and the {words[(n // 6) % 6]} was still there at the end of it." for n in range(sentences))
    return book(folder, "<h1>Long</h1>" + "".join(f"<p>{sentence}</p>" for sentence in said))


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

    def __init__(self, profile: Profile, voice: str, source: Path, out: Path, clips: Path) -> None:
        self.clips = str(clips)
        command = ["calibre-debug", "-r", NAME, "--", str(source), "-o", str(out), "--voice", voice, "--device", "cpu"]
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
        """Return when this run has put some sentences on the disk."""

        def speaks() -> bool:
            percents = [int(found[1]) for line in self.lines if (found := re.match(r"Speaking.*? (\d+) %", line))]
            return bool(percents) and percents[-1] > percents[0]

        with self._news:
            assert self._news.wait_for(speaks, WAIT_S), self.said()

    def said(self) -> str:
        return "".join(self.lines)

    def read_on(self) -> None:
        """Until its end has been read."""
        self._reader.join(WAIT_S)

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
        self.read_on()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


def ctrl_c(running: Running) -> None:
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(WAIT_S) == 130


def the_sidecar_is_killed(running: Running) -> None:
    for pid in sidecars(running.clips):
        os.kill(pid, signal.SIGKILL)
    assert running.process.wait(WAIT_S) == 11
    running.read_on()
    assert "ended unexpectedly" in running.said()


def the_sidecar_does_not_answer(running: Running) -> None:
    for pid in sidecars(running.clips):
        os.kill(pid, signal.SIGSTOP)
    ctrl_c(running)


def calibre_is_killed(running: Running) -> None:
    running.process.kill()
    running.process.wait()


ENDS = {JOE: (ctrl_c, the_sidecar_is_killed), HEART: (ctrl_c, the_sidecar_is_killed, the_sidecar_does_not_answer, calibre_is_killed)}
"""Which engine it is makes no difference to the last two."""


def test_however_a_conversion_ends_nothing_speaks_on_nothing_is_left_and_the_next_one_goes_on(voice: str, profile: Profile, tmp_path: Path) -> None:
    source, out, clips, report = long_book(tmp_path, LONG[voice]), tmp_path / "out" / "book.m4b", tmp_path / "clips", tmp_path / "report.json"
    out.parent.mkdir()
    for end in ENDS[voice]:
        running = Running(profile, voice, source, out, clips)
        try:
            running.until_speaking()
            assert sidecars(running.clips)
            end(running)
            assert running.all_gone(5.0), end
            assert list(out.parent.iterdir()) == [] and "Traceback" not in running.said(), (end, running.said())
        finally:
            running.close()
    command = ("calibre-debug", "-r", NAME, "--", str(source), "-o", str(out), "--device", "cpu", "--voice", voice, "--report", str(report))
    again = profile.run(*command, timeout=600, E2A_CACHE_DIR=str(clips))
    assert again.returncode == 0, again.stderr
    began = re.search(r"Loading the voice (\d+) %", again.stderr)
    assert began is not None and int(began[1]) > 2, again.stderr  # what is kept counts: a fresh book has 2 % there
    found = json.loads(report.read_text("utf-8"))
    assert found["voice"] == voice and 0 < found["spoken_now"]["sentences"] < len(found["sentences"]) - 2 * len(ENDS[voice])


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="a network namespace needs root on Linux")
def test_a_conversion_needs_no_network(voice: str, profile: Profile, tmp_path: Path) -> None:
    out = tmp_path / "book.m4b"
    command = ["unshare", "--net", "calibre-debug", "-r", NAME, "--", str(book(tmp_path, HARD)), "-o", str(out), "--voice", voice, "--device", "cpu"]
    ran = profile.run(*command, timeout=300, E2A_CACHE_DIR=str(tmp_path / "clips"))
    if "unshare" in ran.stderr and not out.exists():
        pytest.skip("this machine gives no network namespace")
    assert ran.returncode == 0, ran.stderr
    assert out.stat().st_size > 20_000
