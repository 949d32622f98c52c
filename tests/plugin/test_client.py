"""The client against scripted sidecars: what it hands on, how it stops them, what it says when they misbehave."""

from __future__ import annotations

import io
import os
import platform
import queue
import sys
import threading
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from plugin.converting.client import Patience, Sidecar, _read_events, probe
from plugin.converting.events import Devices, Progress, Warned
from plugin.converting.requests import Convert, Probe
from plugin.errors import PluginError, Stopped

FAKE = Path(__file__).with_name("fake_sidecar.py")
QUICK = Patience(hello_s=20.0, answer_s=0.3, eof_s=0.3, terminate_s=0.3)

Event = Progress | Warned | Devices


def start(script: str, patience: Patience = QUICK) -> Sidecar:
    return Sidecar.start([sys.executable, str(FAKE), script], dict(os.environ), patience=patience)


def conversion(tmp_path: Path) -> Convert:
    voice = {"id": "tone", "kind": "tone"}
    return Convert(str(tmp_path), str(tmp_path / "x.m4b"), None, False, None, str(tmp_path), "cpu", voice)


def gone(pid: int) -> bool:
    """No such process, or a zombie that waits for its parent."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def until_gone(pid: int) -> bool:
    for _ in range(100):
        if gone(pid):
            return True
        threading.Event().wait(0.05)
    return False


def stop_after(events: list[Event], n: int) -> Callable[[], bool]:
    return lambda: len(events) >= n


def test_a_conversion_reports_progress_in_order_and_its_result(tmp_path: Path) -> None:
    events: list[Event] = []
    with start("convert") as sidecar:
        assert sidecar.hello is not None and sidecar.hello.layer == "core" and sidecar.hello.pid == sidecar.pid
        done = sidecar.request(conversion(tmp_path), events.append)
    assert [(e.done, e.sentences) for e in events if isinstance(e, Progress)] == [(0.0, 0), (0.5, 1), (1.0, 2)]
    assert [e.code for e in events if isinstance(e, Warned)] == ["cover_unreadable"]
    assert (done.outcome, done.summary.chapters, done.summary.voice, done.summary.xrt) == ("written", 2, "Tone", 9.5)
    assert not sidecar.alive


def test_one_process_serves_a_queue_of_books(tmp_path: Path) -> None:
    events: list[Event] = []
    with start("convert") as sidecar:
        sidecar.request(Probe(), events.append)
        first = sidecar.request(conversion(tmp_path), events.append)
        second = sidecar.request(conversion(tmp_path), events.append)
        assert sidecar.alive
    assert (first.id, second.id) == (2, 3)
    assert isinstance(events[0], Devices) and [d.usable for d in events[0].devices] == [True, False]


def test_a_cancel_that_is_answered_keeps_the_process_for_the_next_book(tmp_path: Path) -> None:
    events: list[Event] = []
    with start("polite", Patience(answer_s=20.0)) as sidecar:
        with pytest.raises(Stopped):
            sidecar.request(conversion(tmp_path), events.append, stop_after(events, 1))
        assert sidecar.alive
        with pytest.raises(Stopped):
            sidecar.request(conversion(tmp_path), events.append, stop_after(events, 2))
    assert [e.id for e in events] == [1, 2]


@pytest.mark.parametrize("script", ["stands", "stands_and_dies", "stands_and_fails"])
def test_a_file_that_stands_is_done_though_a_stop_comes_or_its_report_cannot_be_written(script: str, tmp_path: Path) -> None:
    events: list[Event] = []
    with start(script) as sidecar:
        done = sidecar.request(conversion(tmp_path), events.append, stop_after(events, 1))
    assert (done.outcome, done.summary.duration_s) == ("written", 3.0 if script == "stands" else 0.0) and (tmp_path / "x.m4b").exists()


def test_one_that_tidies_up_after_a_book_is_given_the_time(tmp_path: Path) -> None:
    with start("tidies") as sidecar:
        sidecar.request(conversion(tmp_path), lambda event: None)
    assert (tmp_path / "x.tidied").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_a_sidecar_that_ignores_everything_is_killed_with_its_children(tmp_path: Path) -> None:
    events: list[Event] = []
    with start("deaf") as sidecar:
        with pytest.raises(Stopped):
            sidecar.request(conversion(tmp_path), events.append, stop_after(events, 1))
        assert not sidecar.alive
    assert isinstance(events[0], Progress)
    assert until_gone(sidecar.pid) and until_gone(events[0].sentences)


@pytest.mark.skipif(os.name == "nt", reason="the fake one ignores POSIX signals")
def test_a_sidecar_that_had_to_be_killed_leaves_no_half_file(tmp_path: Path) -> None:
    events: list[Event] = []
    with start("deaf") as sidecar:
        here = f"{zlib.crc32(platform.node().encode()):08x}"
        written = ((here, sidecar.pid), (here, sidecar.pid + 1), ("0123abcd", sidecar.pid))
        ours, *theirs = (tmp_path / f".convert-to-audiobook-{host}-{pid}-89abcdef.part" for host, pid in written)
        for part in (ours, *theirs):
            part.write_bytes(b"half")
        with pytest.raises(Stopped):
            sidecar.request(conversion(tmp_path), events.append, stop_after(events, 1))
    assert sorted(tmp_path.iterdir()) == sorted(theirs), "another process may be writing its own, on another computer by the same number"


def test_one_that_cannot_be_killed_holds_nobody_and_is_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process that waits in the kernel for a driver that hangs."""
    sidecar = start("deaf", replace(QUICK, killed_s=0.3))
    try:
        with monkeypatch.context() as patch:
            patch.setattr(sidecar, "_signal", lambda hard: None)
            with pytest.raises(PluginError) as caught:
                probe(sidecar, limit_s=0.3)
        assert caught.value.code == "engine_stuck" and not sidecar.alive and sidecar._process.poll() is None
    finally:
        sidecar.close()
    assert until_gone(sidecar.pid)


@pytest.mark.parametrize("script", ["garbage", "endless_line"])
def test_what_is_not_the_wire_ends_the_process(script: str, tmp_path: Path) -> None:
    with start(script) as sidecar:
        with pytest.raises(PluginError) as caught:
            sidecar.request(conversion(tmp_path), lambda event: None)
        assert caught.value.code == "protocol" and not sidecar.alive


def test_a_living_sidecar_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with start("silent", replace(QUICK, silence_s=0.3)) as sidecar:
        with pytest.raises(PluginError) as caught:
            sidecar.request(conversion(tmp_path), lambda event: None)
        assert not sidecar.alive
    assert (caught.value.code, caught.value.exit) == ("engine_stuck", 11) and "kept" in caught.value.sentence()


@pytest.mark.parametrize("script", ["silent", "polite"])
def test_a_driver_that_hangs_does_not_hold_a_probe_for_ever(script: str) -> None:
    with start(script) as sidecar:
        with pytest.raises(PluginError) as caught:
            probe(sidecar, limit_s=0.3)
        assert caught.value.code == "engine_stuck"
    with start(script) as sidecar, pytest.raises(Stopped):
        probe(sidecar, lambda: True)


def test_a_sidecar_that_was_killed_because_calibre_quits_is_not_taken_for_a_driver_that_fails() -> None:
    with start("silent") as sidecar:

        def quitting() -> bool:
            sidecar.stop_now()
            sidecar._process.wait()
            return True

        with pytest.raises(Stopped):
            probe(sidecar, quitting)


def test_a_request_that_cannot_be_written_is_no_death_of_the_sidecar(tmp_path: Path) -> None:
    with start("convert") as sidecar:
        with pytest.raises(PluginError) as caught:
            sidecar.request(replace(conversion(tmp_path), out="/x/\udcff.m4b"), lambda event: None)
        assert caught.value.code == "output_unwritable" and "not written in UTF-8" in caught.value.what() and sidecar.alive
        assert sidecar.request(conversion(tmp_path), lambda event: None).outcome == "written"


def test_a_death_is_told_with_the_last_words_only(tmp_path: Path) -> None:
    with start("dies") as sidecar, pytest.raises(PluginError) as caught:
        sidecar.request(conversion(tmp_path), lambda event: None)
    assert caught.value.code == "engine_died" and caught.value.exit == 11
    assert "exit code 3" in caught.value.detail and "out of memory, äöü" in caught.value.detail
    assert "first words" not in caught.value.detail and len(caught.value.detail) < 4100
    assert "memory" not in caught.value.sentence()


def test_a_dead_sidecar_is_noticed_by_the_next_request(tmp_path: Path) -> None:
    with start("convert") as sidecar:
        sidecar.stop_now()
        with pytest.raises(PluginError) as caught:
            sidecar.request(conversion(tmp_path), lambda event: None)
    assert caught.value.code == "engine_died"


@pytest.mark.parametrize(("script", "code"), [("stillborn", "engine_broken"), ("other_protocol", "protocol")])
def test_a_start_that_fails_says_why(script: str, code: str) -> None:
    with pytest.raises(PluginError) as caught:
        start(script)
    assert caught.value.code == code
    assert script != "stillborn" or "ModuleNotFoundError" in caught.value.detail


def test_a_start_without_a_word_is_given_up() -> None:
    with pytest.raises(PluginError) as caught:
        start("mute", Patience(hello_s=0.3, eof_s=0.3, terminate_s=0.3))
    assert caught.value.code == "engine_silent"


def test_a_start_can_be_stopped() -> None:
    with pytest.raises(Stopped):
        Sidecar.start([sys.executable, str(FAKE), "mute"], dict(os.environ), stopped=lambda: True, patience=QUICK)


def test_a_program_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(PluginError) as caught:
        Sidecar.start([str(tmp_path / "nothing")], {}, patience=QUICK)
    assert caught.value.code == "engine_broken" and "Repair" in caught.value.next_step() and "--install" in caught.value.sentence()


def test_the_sidecars_own_error_keeps_code_and_parameters(tmp_path: Path) -> None:
    with start("refuses") as sidecar:
        with pytest.raises(PluginError) as caught:
            sidecar.request(conversion(tmp_path), lambda event: None)
        assert sidecar.alive
    assert caught.value.exit == 9 and caught.value.detail == "statvfs"
    assert "90 MB are needed, 3 MB are free" in caught.value.sentence()


@pytest.mark.skipif(sys.platform == "win32", reason="process groups of POSIX")
def test_a_terminals_ctrl_c_does_not_reach_the_sidecar() -> None:
    with start("convert") as sidecar:
        assert os.getpgid(sidecar.pid) == sidecar.pid != os.getpgrp()


def test_the_sidecar_gets_only_the_environment_it_is_given() -> None:
    with pytest.raises(PluginError) as caught:
        Sidecar.start([sys.executable, "-I", str(FAKE), "environment"], {"E2A_CACHE_DIR": "/x", "PATH": os.environ["PATH"]}, patience=QUICK)
    assert "E2A_CACHE_DIR" in caught.value.detail and "HOME" not in caught.value.detail


def test_close_leaves_no_pipe_and_no_thread_behind() -> None:
    before = threading.active_count()
    sidecar = start("convert")
    sidecar.close()
    sidecar.close()
    assert not sidecar.alive and threading.active_count() == before


@pytest.mark.parametrize("line", [b'{"type":"progress","id":1,"stage":"speak","done":0.5,"sentences":1e999}\n', b"", b"{}\n"])
def test_whoever_waits_is_told_once_whatever_a_sidecar_writes(line: bytes) -> None:
    told: queue.Queue[object] = queue.Queue()
    _read_events(io.BufferedReader(io.BytesIO(line)), told)  # type: ignore[arg-type]
    assert told.qsize() == 1


def test_whoever_waits_is_told_also_when_reading_itself_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(line: bytes) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr("plugin.converting.protocol.decode", fails)
    told: queue.Queue[object] = queue.Queue()
    with pytest.raises(ZeroDivisionError):
        _read_events(io.BufferedReader(io.BytesIO(b"{}\n")), told)  # type: ignore[arg-type]
    assert told.get_nowait() is None
