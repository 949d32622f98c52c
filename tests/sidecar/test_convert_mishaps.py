"""A conversion when something goes wrong beside it: clips that rot, reports and stores that cannot be written, engines that die."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from e2a_sidecar import convert as convert_module
from e2a_sidecar import serve
from e2a_sidecar.assembly import Ready
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.mastering.clips import ClipStore
from e2a_sidecar.model import Line, Take
from e2a_sidecar.progress import Progress, Tracker
from e2a_sidecar.protocol import Wire, parse
from e2a_sidecar.request import Convert
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.tone import Tone
from session_driver import SOURCES, WAIT_S, Driver, conversion, write_bundle

CHAPTERS = {f"Chapter {n}": [f"Sentence number {n * 10 + k} is here." for k in range(5)] for n in range(3)}


def convert(folder: Path, **fields: Any) -> dict[str, Any]:
    """One conversion in a process of its own; returns the message that ended it."""
    if not (folder / "bundle").exists():
        write_bundle(folder / "bundle", CHAPTERS)
    with Driver() as driver:
        driver.send(**{**conversion(folder / "bundle", folder / "book.m4b", folder / "cache"), **fields})
        end = driver.end()
        driver.send(type="shutdown")
        assert driver.process.wait(WAIT_S) == 0
        return end


@pytest.mark.parametrize("rows", [1, 4])
def test_clips_that_were_damaged_on_the_disk_are_spoken_again(tmp_path: Path, rows: int) -> None:
    convert(tmp_path)
    first = (tmp_path / "book.m4b").read_bytes()
    (tmp_path / "book.m4b").unlink()
    db = sqlite3.connect(tmp_path / "cache" / "clips.sqlite")
    db.execute("UPDATE clips SET crc = crc + 1 WHERE rowid IN (SELECT rowid FROM clips ORDER BY rowid LIMIT ? OFFSET 7)", (rows,))
    db.commit()
    db.close()
    end = convert(tmp_path)
    assert end["type"] == "done" and end["outcome"] == "written", end
    assert end["report"]["spoken_now"]["sentences"] == rows
    assert (tmp_path / "book.m4b").read_bytes() == first


def test_with_less_room_for_clips_those_of_another_book_go(tmp_path: Path) -> None:
    for name in ("old", "new"):
        write_bundle(tmp_path / name, {f"In the {name} book": [f"The {name} sentence {n} is here." for n in range(3)]})
    spoken = []
    for n, (name, more) in enumerate([("old", {}), ("new", {}), ("old", {}), ("new", {"cache_bytes": 0}), ("old", {}), ("new", {})]):
        end = convert(tmp_path, bundle=str(tmp_path / name), out=str(tmp_path / f"{n}.m4b"), **more)
        spoken.append(end["report"]["spoken_now"]["sentences"])
    assert spoken == [4, 4, 0, 0, 4, 0]


def test_a_report_that_cannot_be_written_is_a_warning_for_the_audiobook_stands(tmp_path: Path) -> None:
    end = convert(tmp_path, report=str(tmp_path / "missing" / "report.json"))
    assert end["type"] == "done" and (tmp_path / "book.m4b").exists()
    assert [w["code"] for w in end["report"]["warnings"]] == ["report_unwritable"]


def by_stage(folder: Path, stage: str, happens: Callable[[], object], stopped: Callable[[], bool] = lambda: False) -> tuple[dict[str, Any], list[str]]:
    """One conversion, in which something happens when that stage begins; what came of it, and the stages as they were told."""
    write_bundle(folder / "bundle", CHAPTERS)
    request = parse(json.dumps(conversion(folder / "bundle", folder / "book.m4b", folder / "cache")).encode())
    assert isinstance(request, Convert)
    stages: list[str] = []

    def told(progress: Progress) -> None:
        if progress.stage == stage != (stages or [""])[-1]:
            happens()
        stages.append(progress.stage)

    made = convert_module.Conversion(request, serve.KeptVoice(), Tracker(told), lambda _: None, stopped)
    try:
        return {"outcome": made.run().outcome}, stages
    except SidecarError as error:
        return {"code": error.code}, stages
    finally:
        made.tidy(lambda: True)


def test_an_audiobook_that_was_bought_during_the_conversion_is_not_replaced(tmp_path: Path) -> None:
    found, stages = by_stage(tmp_path, "verify", lambda: (tmp_path / "book.m4b").write_bytes(b"bought"))
    assert found == {"code": "exists_foreign"} and stages[-1] == "verify" and (tmp_path / "book.m4b").read_bytes() == b"bought"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["book.m4b"]


@pytest.mark.parametrize(("stage", "made"), [("verify", False), ("shown", True)])
def test_a_stop_comes_in_time_until_the_audiobook_stands_and_then_no_more(tmp_path: Path, stage: str, made: bool) -> None:
    stop = threading.Event()
    if made:
        assert by_stage(tmp_path, stage, stop.set, stop.is_set)[0] == {"outcome": "written"}
    else:
        with pytest.raises(Stopped):
            by_stage(tmp_path, stage, stop.set, stop.is_set)
    assert (tmp_path / "book.m4b").exists() is made


def test_the_answer_comes_before_room_is_made_among_the_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClipStore, "prune", lambda *_: pytest.fail("before the answer"))
    write_bundle(tmp_path / "bundle", CHAPTERS)
    request = parse(json.dumps(conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache")).encode())
    assert isinstance(request, Convert)
    service = serve.Service(Wire(io.BytesIO()))
    assert service.handle(request, lambda: False)["outcome"] == "written"
    pruned: list[object] = []
    monkeypatch.setattr(ClipStore, "prune", lambda _store, most, _stopped: pruned.append(most))
    for _ in range(2):
        service.tidy(lambda: False)
    assert pruned == [None]
    service.close()


@pytest.mark.parametrize(("asked", "room_is_made"), [(True, True), (False, False)])
def test_who_asks_it_to_leave_lets_it_make_room_and_who_is_gone_does_not(tmp_path: Path, asked: bool, room_is_made: bool) -> None:
    code = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(SOURCES)!r})
from e2a_sidecar import session
from e2a_sidecar.mastering.clips import ClipStore
def prune(store, most, stopped):
    end = time.monotonic() + 2 * session.GRACE_S
    while time.monotonic() < end and not stopped():
        time.sleep(0.01)
    Path({str(tmp_path / "room")!r}).write_text("left" if stopped() else "made")
ClipStore.prune = prune
from e2a_sidecar.__main__ import main
sys.exit(main(["session"]))
"""
    write_bundle(tmp_path / "bundle", CHAPTERS)
    request = conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache")
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            assert any(json.loads(line)["type"] == "done" for line in process.stdout)
            if asked:
                process.stdin.write(b'{"type": "shutdown"}\n')
                process.stdin.flush()
            else:
                process.stdin.close()
            assert process.wait(60) == 0 and (tmp_path / "room").read_text() == ("made" if room_is_made else "left")
        finally:
            process.kill()


def test_a_pipe_in_the_audiobooks_place_is_not_waited_for(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "pipe")
    assert convert(tmp_path, existing=str(tmp_path / "pipe"))["code"] == "exists_foreign"
    files = {"model": str(tmp_path / "pipe"), "config": str(tmp_path / "pipe")}
    assert convert(tmp_path, voice={"id": "v", "kind": "piper", "files": files})["code"] == "voice_broken"


def test_a_name_that_is_too_long_is_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    assert convert(tmp_path, out=str(tmp_path / ("x" * 300)))["code"] == "output_unwritable"


def test_a_store_that_cannot_be_tidied_fails_no_conversion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ClipStore(tmp_path)

    def full(*_: object) -> None:
        raise SidecarError("disk_full", path="", need_mb=1, have_mb=0)

    store._touched.add("a")
    monkeypatch.setattr(store, "_guarded", full)
    assert store.prune() == 0
    store.close()
    with pytest.raises(sqlite3.ProgrammingError):
        store._db.execute("SELECT 1")  # it is closed all the same


def test_a_full_disk_is_no_hindrance_where_the_clips_file_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert_module, "CLIP_BYTES_A_SECOND", 10**15)
    write_bundle(tmp_path / "bundle", CHAPTERS)
    request = parse(json.dumps(conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache")).encode())
    assert isinstance(request, Convert)
    service = serve.Service(Wire(io.BytesIO()))
    with pytest.raises(SidecarError, match="disk_full"):
        service.handle(request, lambda: False)
    monkeypatch.setattr(ClipStore, "room_bytes", lambda store: 10**18)
    assert service.handle(request, lambda: False)["outcome"] == "written"
    service.close()


def test_nothing_is_encoded_once_the_conversion_gave_up() -> None:
    ready = Ready({"a"}, lambda: False)
    ready.wait("a")
    ready.give_up()
    with pytest.raises(Stopped):
        ready.wait("a")


class Dying(Tone):
    """An engine whose device fails after one batch."""

    made = 0

    def __init__(self, settings: SpeechSettings) -> None:
        super().__init__(settings)
        Dying.made += 1

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        for batch in super().speak(lines, stopped):
            yield batch
            if Dying.made == 1:
                raise SidecarError("device_unusable", device="cuda:0", reason="it fell off the bus")


def test_an_engine_that_failed_is_made_anew_for_the_next_request_which_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "make_engine", lambda _voice, _device, _language, settings, _cache: Dying(settings))
    monkeypatch.setattr(Dying, "made", 0)
    write_bundle(tmp_path / "bundle", CHAPTERS)
    request = parse(json.dumps(conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache")).encode())
    assert isinstance(request, Convert)
    service = serve.Service(Wire(io.BytesIO()))
    with pytest.raises(SidecarError, match="device_unusable"):
        service.handle(request, lambda: False)
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == []
    done: dict[str, Any] = service.handle(request, lambda: False)
    assert Dying.made == 2 and done["outcome"] == "written"
    assert 0 < done["report"]["spoken_now"]["sentences"] < done["report"]["sentences"]
    service.close()


class LostDevice(Tone):
    """The device dies after its first batch."""

    device = "cuda:0"

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        yield next(iter(super().speak(lines, stopped)))
        raise SidecarError("device_unusable", device="cuda:0", reason="it fell off the bus")


def test_a_book_goes_on_by_the_next_device_and_the_process_ends_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert_module, "rungs", lambda _voice, _device: ("cuda:0", "cpu"))
    monkeypatch.setattr(serve, "make_engine", lambda _voice, device, _language, settings, _cache: (LostDevice if device == "cuda:0" else Tone)(settings))
    write_bundle(tmp_path / "bundle", CHAPTERS)
    request = parse(json.dumps(conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache")).encode())
    assert isinstance(request, Convert)
    wire = io.BytesIO()
    service = serve.Service(Wire(wire))
    assert not service.worn
    done: dict[str, Any] = service.handle(request, lambda: False)
    report = done["report"]
    assert done["outcome"] == "written" and service.worn
    assert {s["device"]: s["sentences"] for s in report["speakers"]}.keys() == {"cuda:0", "cpu"}
    assert report["warnings"] == [{"code": "device_lost", "params": {"device": "cuda:0", "reason": "it fell off the bus", "next": "cpu"}}]
    told = [json.loads(line) for line in wire.getvalue().splitlines()]
    assert [m["code"] for m in told if m["type"] == "warning"] == ["device_lost"]
    assert {m["device"] for m in told if m["type"] == "progress"} >= {"cuda:0", "cpu"}
    service.close()


class Mute(Tone):
    """An engine that cannot speak the sentences of the second chapter."""

    mute = True

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        for batch in super().speak(lines, stopped):
            yield [replace(t, samples=t.samples[:0], words=(), flags=("failed",)) if Mute.mute and 6 < t.index < 10 else t for t in batch]


def test_what_nobody_could_speak_is_missing_is_told_and_is_tried_again_by_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "make_engine", lambda _voice, _device, _language, settings, _cache: Mute(settings))
    write_bundle(tmp_path / "bundle", CHAPTERS)
    request = parse(json.dumps(conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache")).encode())
    assert isinstance(request, Convert)
    service = serve.Service(Wire(io.BytesIO()))
    first: dict[str, Any] = service.handle(request, lambda: False)
    assert first["outcome"] == "written" and first["report"]["flagged"] == 3
    assert first["report"]["warnings"] == [{"code": "sentences_failed", "params": {"count": 3}}]
    monkeypatch.setattr(Mute, "mute", False)
    second: dict[str, Any] = service.handle(request, lambda: False)
    assert second["outcome"] == "written" and second["report"]["spoken_now"]["sentences"] == 3 and not second["report"]["warnings"]
    assert service.handle(request, lambda: False)["outcome"] == "unchanged"
    service.close()


class Deaf(Tone):
    """An engine that cannot speak every fourth sentence, and is stopped after `left` more."""

    left = 0

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        for batch in super().speak(lines, stopped):
            for take in batch:
                if not Deaf.left:
                    raise Stopped
                Deaf.left -= 1
                yield [replace(take, samples=take.samples[:0], words=(), flags=("failed",)) if take.index % 4 == 0 else take]


def test_a_book_with_many_sentences_that_fail_is_finished_by_the_run_after_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "make_engine", lambda _voice, _device, _language, settings, _cache: Deaf(settings))
    write_bundle(tmp_path / "bundle", {"A chapter": [f"Sentence number {n} is here." for n in range(99)]})
    request = parse(json.dumps(conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache")).encode())
    assert isinstance(request, Convert)
    service = serve.Service(Wire(io.BytesIO()))
    monkeypatch.setattr(Deaf, "left", 110)
    with pytest.raises(Stopped):
        service.handle(request, lambda: False)
    for _ in range(2):
        monkeypatch.setattr(Deaf, "left", 1000)
        done: dict[str, Any] = service.handle(request, lambda: False)
        assert done["outcome"] == "written" and done["report"]["warnings"] == [{"code": "sentences_failed", "params": {"count": 25}}]
    service.close()


@pytest.mark.parametrize("flags", [("failed",), ("too_long",), ("nan",)])
def test_an_audiobook_without_one_spoken_sentence_is_none(flags: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Speechless(Tone):
        def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
            for batch in super().speak(lines, stopped):
                yield [replace(take, samples=take.samples[:0], words=(), flags=flags) for take in batch]

    monkeypatch.setattr(serve, "make_engine", lambda _voice, _device, _language, settings, _cache: Speechless(settings))
    write_bundle(tmp_path / "bundle", {"A chapter": ["Three sentences.", "No more."]})
    request = parse(json.dumps(conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache")).encode())
    assert isinstance(request, Convert)
    service = serve.Service(Wire(io.BytesIO()))
    for _ in range(2):
        with pytest.raises(SidecarError) as caught:
            service.handle(request, lambda: False)
        assert caught.value.code == "speech_failed" and [p.name for p in tmp_path.iterdir() if p.is_file()] == []
    service.close()


def test_a_process_in_which_a_device_could_not_be_used_is_left_after_the_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(_voice: Any, device: str, _language: str, settings: SpeechSettings, _cache: Path) -> Tone:
        if device == "cuda:0":
            raise SidecarError("device_unusable", device=device, reason="it does not answer any more")
        return Tone(settings)

    monkeypatch.setattr(convert_module, "rungs", lambda _voice, _device: ("cuda:0", "cpu"))
    monkeypatch.setattr(serve, "make_engine", make)
    write_bundle(tmp_path / "bundle", CHAPTERS)
    request = parse(json.dumps({**conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache"), "auto": True}).encode())
    assert isinstance(request, Convert)
    service = serve.Service(Wire(io.BytesIO()))
    done: dict[str, Any] = service.handle(request, lambda: False)
    assert done["outcome"] == "written" and service.worn
    service.close()


def test_a_process_in_which_a_device_died_is_gone_with_its_answer_though_nothing_can_be_freed(tmp_path: Path) -> None:
    """As where the driver lets nobody wait for the device any more."""
    code = f"""
import sys, threading
sys.path.insert(0, {str(SOURCES)!r})
from e2a_sidecar import convert, serve
from e2a_sidecar.speaking.tone import Tone
class Stuck(Tone):
    def close(self):
        threading.Event().wait()
def make(voice, device, language, settings, cache):
    if device == "cuda:0":
        raise serve.SidecarError("device_unusable", device=device, reason="it is gone")
    return Stuck(settings)
convert.rungs = lambda voice, device: ("cuda:0", "cpu")
serve.make_engine = make
from e2a_sidecar.__main__ import main
sys.exit(main(["session"]))
"""
    write_bundle(tmp_path / "bundle", CHAPTERS)
    request = {**conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache"), "auto": True}
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()  # and stays open: nobody tells it to end
        assert process.wait(60) == 0
        assert process.stdout is not None
        assert json.loads(process.stdout.read().splitlines()[-1])["type"] == "done"
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")])
def test_too_little_memory_for_the_voice_is_said_and_is_no_fault_of_ours(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(*_: Any) -> Tone:
        raise error

    monkeypatch.setattr(serve, "make_engine", make)
    write_bundle(tmp_path / "bundle", CHAPTERS)
    request = parse(json.dumps(conversion(tmp_path / "bundle", tmp_path / "book.m4b", tmp_path / "cache")).encode())
    assert isinstance(request, Convert)
    with pytest.raises(SidecarError) as caught:
        serve.Service(Wire(io.BytesIO())).handle(request, lambda: False)
    assert caught.value.code == "speech_failed" and "memory" in str(caught.value.params["reason"])
