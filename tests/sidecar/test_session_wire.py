"""The wire's corners on a real process: what waits and is cancelled, numbers used twice, values that no request may carry."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from e2a_sidecar.protocol import MAX_LINE_BYTES, Wire
from session_driver import SOURCES, WAIT_S, Driver, conversion, write_bundle

LONG = {f"Chapter {n}": [f"Sentence number {n * 1000 + k} of a long book, with some words in it." for k in range(20)] for n in range(8)}


def test_a_request_that_waits_is_cancelled_at_once_and_never_begins(tmp_path: Path) -> None:
    write_bundle(tmp_path / "long", LONG)
    write_bundle(tmp_path / "short", {"A": ["One two."]})
    with Driver() as driver:
        driver.send(**conversion(tmp_path / "long", tmp_path / "long.m4b", tmp_path / "cache"))
        driver.send(**conversion(tmp_path / "short", tmp_path / "never.m4b", tmp_path / "cache", id=2))
        driver.send(type="probe", id=3)
        for number in (2, 3, 99):
            driver.send(type="cancel", id=number)
        driver.send(**conversion(tmp_path / "short", tmp_path / "after.m4b", tmp_path / "cache", id=2))
        ends = [driver.end() for _ in range(4)]
        driver.send(type="cancel", id=2)
        driver.send(type="probe", id=4)
        assert driver.end()["outcome"] == "probed"
    assert [(e["type"], e["id"]) for e in ends] == [("cancelled", 2), ("cancelled", 3), ("done", 1), ("done", 2)]
    assert not (tmp_path / "never.m4b").exists() and (tmp_path / "after.m4b").exists()


def test_a_number_that_is_still_open_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    write_bundle(tmp_path / "long", LONG)
    with Driver() as driver:
        for _ in range(2):
            driver.send(**conversion(tmp_path / "long", tmp_path / "long.m4b", tmp_path / "cache"))
        refused, done = driver.end(), driver.end()
        assert (refused["code"], refused["id"]) == ("bad_request", None)
        assert (done["type"], done["id"]) == ("done", 1)
        driver.send(type="probe", id=1)
        assert driver.end()["outcome"] == "probed"


VALUES: list[dict[str, Any]] = [
    {"settings": {"bitrate": float("inf")}},
    {"settings": {"speed": float("nan")}},
    {"settings": {"precision": "bfloat16"}},
    {"settings": {"speed": 10**400}},
    {"warnings": [{"code": "x", "params": [1]}]},
    {"warnings": [{"code": "x", "params": {"a": float("nan")}}]},
    {"voice": {"id": "v", "kind": "piper", "files": {"model": "/a\0b"}}},
    {"voice": {"id": "v", "kind": "piper", "files": {"model": "/\ud800"}}},
    {"cache_dir": "/\ud800"},
    *({"cache_bytes": value} for value in (-1, "5", 2.5, True)),
    {"bundle": "/\ud800"},
]


def test_values_that_no_request_may_carry_are_refused_and_the_process_goes_on(tmp_path: Path) -> None:
    with Driver() as driver:
        for fields in VALUES:
            driver.send(**{**conversion(tmp_path, tmp_path / "book.m4b", tmp_path / "cache"), **fields})
            assert driver.end()["code"] == "bad_request", fields
        driver.send(type="probe", id=9)
        assert driver.end()["outcome"] == "probed"


def test_no_line_is_longer_than_the_wire_allows() -> None:
    out = io.BytesIO()
    wire = Wire(out)
    chapters = [{"title": "é" * 300, "level": 1, "start_s": 1.5, "end_s": 2.5} for _ in range(5000)]
    wire.send("done", id=1, outcome="written", report={"book": {"title": "é" * 10**6}, "chapters": chapters, "xrt": 2.5})
    wire.send("done", id=2, outcome="written", report={"chapters": [chapters[0]] * 50_000})
    wire.send("done", id=3, outcome="written", report={"book": {"title": "x" * 2000}})
    first, second, third = out.getvalue().splitlines(keepends=True)
    assert max(map(len, (first, second, third))) <= MAX_LINE_BYTES
    assert len(json.loads(first)["report"]["chapters"]) == 5000 and json.loads(first)["report"]["xrt"] == 2.5
    assert json.loads(second) == {"type": "done", "id": 2, "outcome": "written"}
    assert len(json.loads(third)["report"]["book"]["title"]) == 2000


@pytest.mark.parametrize("broken", ["e2a_sidecar.serve", "e2a_sidecar.convert"])
def test_a_process_that_cannot_serve_ends_and_lets_nobody_wait(broken: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(SOURCES)!r}); sys.modules[{broken!r}] = None; from e2a_sidecar.__main__ import main; main(['session'])"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.wait(WAIT_S) == 1  # its stdin is open still
        assert process.stderr is not None and b"the worker died" in process.stderr.read()
    finally:
        process.kill()
        process.communicate()
