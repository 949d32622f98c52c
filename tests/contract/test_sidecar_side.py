"""The sidecar against the golden transcripts: it understands every line of the plugin's, and says what stands there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.protocol import Cancel, Convert, Probe, Shutdown, parse
from session_driver import Driver, conversion, write_bundle

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.jsonl"))
KINDS = {"convert": Convert, "probe": Probe, "cancel": Cancel, "shutdown": Shutdown}


def turns(path: Path, who: str) -> list[dict[str, Any]]:
    rows = [json.loads(row) for row in path.read_text("utf-8").splitlines()]
    return [row["message"] for row in rows if row["from"] == who]


def fields_by_type() -> dict[str, set[str]]:
    """Of the sidecar's messages in all transcripts but the newer one: every field that any of a type has."""
    found: dict[str, set[str]] = {}
    for path in TRANSCRIPTS:
        if path.stem != "newer":
            for message in turns(path, "sidecar"):
                found.setdefault(message["type"], set()).update(message)
    return found


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda p: p.stem)
def test_every_line_of_the_plugin_is_understood(path: Path) -> None:
    messages = turns(path, "plugin")
    assert messages
    for message in messages:
        request = parse(json.dumps(message).encode())
        assert isinstance(request, KINDS[message["type"]])
        if isinstance(request, Probe) and "voice" in message:
            assert request.voice is not None and request.voice.id == message["voice"]["id"]
            assert (request.language, str(request.cache_dir)) == (message["language"], message["cache_dir"])
        if isinstance(request, Convert):
            sent = message["voice"]
            assert (request.voice.id, request.voice.kind, request.device) == (sent["id"], sent["kind"], message["device"])
            assert {str(p) for _, p in request.voice.files} == set(sent["files"].values())
            assert (str(request.bundle), str(request.out), request.replace) == (message["bundle"], message["out"], message["replace"])
            assert (request.settings.speed, request.settings.bitrate) == (message["settings"]["speed"], message["settings"]["bitrate"])
            assert [w.code for w in request.warnings] == [w["code"] for w in message["warnings"]]


@pytest.mark.parametrize("line", [b"{}", b'{"type":"convert","id":1}', b'{"type":"probe","id":true}', b'{"type":"sing","id":1}', b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_request_is_refused_and_nothing_breaks(line: bytes) -> None:
    with pytest.raises(SidecarError) as caught:
        parse(line)
    assert caught.value.code == "bad_request"


def test_a_real_conversation_has_the_fields_of_the_transcripts(tmp_path: Path) -> None:
    """Every kind of message that a sidecar sends, from a real process: written, unchanged, an error, a probe, a cancel."""
    golden = fields_by_type()
    bundle = write_bundle(tmp_path / "bundle", {"One": ["A sentence to be spoken."]})
    long = write_bundle(tmp_path / "long", {"One": [f"Sentence number {n} of many." for n in range(400)]})
    seen: dict[str, set[str]] = {}
    with Driver() as driver:
        driver.send(type="probe", id=1)
        driver.send(**conversion(bundle, tmp_path / "a.m4b", tmp_path / "cache", id=2, warnings=[{"code": "toc_empty", "params": {}}]))
        driver.send(**conversion(bundle, tmp_path / "a.m4b", tmp_path / "cache", id=3))
        driver.send(**conversion(bundle, tmp_path / "nowhere" / "a.m4b", tmp_path / "cache", id=4))
        driver.send(**conversion(long, tmp_path / "b.m4b", tmp_path / "cache", id=5))
        driver.send(type="cancel", id=5)
        ends = []
        while len(ends) < 5:
            message = driver.next()
            seen.setdefault(message["type"], set()).update(message)
            if message["type"] in ("done", "error", "cancelled"):
                ends.append((message["id"], message["type"], message.get("outcome") or message.get("code")))
    ends.sort(key=lambda end: end[0])  # what waits is cancelled at once, before those ahead of it are done
    assert ends == [(1, "done", "probed"), (2, "done", "written"), (3, "done", "unchanged"), (4, "error", "output_unwritable"), (5, "cancelled", None)]
    assert seen.keys() | {"hello"} == golden.keys()
    for kind, fields in seen.items():
        assert fields == golden[kind], kind
