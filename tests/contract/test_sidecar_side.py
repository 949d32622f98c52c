"""The sidecar against the golden transcripts: it understands every line of the plugin's, and says what stands there."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import recordings
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.protocol import parse
from e2a_sidecar.request import Cancel, Convert, Excerpt, Look, Probe, Sample, Say, Shutdown
from session_driver import Driver, conversion, write_bundle

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.jsonl"))
KINDS = {"convert": Convert, "probe": Probe, "look": Look, "say": Say, "excerpt": Excerpt, "sample": Sample, "cancel": Cancel, "shutdown": Shutdown}


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
            clone = request.voice.clone
            assert (clone is None) == ("clone" not in sent)
            if clone is not None:
                assert (clone.id, clone.name, clone.converter) == tuple(sent["clone"][name] for name in ("id", "name", "converter"))
                assert {role: str(path) for role, path in clone.files} == sent["clone"]["files"] and dict(clone.sha256) == sent["clone"]["sha256"]
            assert (str(request.bundle), str(request.out), request.replace) == (message["bundle"], message["out"], message["replace"])
            settings = request.settings
            assert {"speed": settings.speed, "pauses": settings.pauses, "bitrate": settings.bitrate} == message["settings"]
            assert [w.code for w in request.warnings] == [w["code"] for w in message["warnings"]]
        if isinstance(request, Look):
            assert (str(request.bundle), request.existing and str(request.existing)) == (message["bundle"], message["existing"])
        if isinstance(request, Say):
            assert (request.text, str(request.out), request.device, request.auto) == tuple(message[name] for name in ("text", "out", "device", "auto"))
            assert (request.voice.id, request.voice.speaker) == (message["voice"]["id"], message["voice"]["speaker"])
            assert (request.language, str(request.cache_dir)) == (message["language"], message["cache_dir"])
            assert request.settings.speed == message["settings"]["speed"] and request.likeness == message.get("likeness", False)
        if isinstance(request, Excerpt):
            assert (str(request.path), request.start_s, request.end_s, str(request.out)) == tuple(message[n] for n in ("path", "start_s", "end_s", "out"))
        if isinstance(request, Sample):
            sent = {name: message.get(name) for name in ("path", "out", "before", "after")}
            assert {name: path and str(path) for name, path in dataclasses.asdict(request).items() if name in sent} == sent
            assert (request.start_s, request.end_s) == (message.get("start_s"), message.get("end_s"))


NO_REQUESTS = [
    b"{}",
    b'{"type":"convert","id":1}',
    b'{"type":"probe","id":true}',
    b'{"type":"sing","id":1}',
    b'{"type":["look"],"id":1}',
    b'{"type":"look","id":1,"bundle":"relative"}',
    b'{"type":"say","id":1,"text":5,"out":"/o.wav","cache_dir":"/c","voice":{"id":"tone","kind":"tone"}}',
    b'{"type":"say","id":1,"text":"x","out":"/o.wav","cache_dir":"/c","voice":{"id":"tone","kind":"tone"},"likeness":true}',
    b'{"type":"say","id":1,"text":"x","out":"/o.wav","cache_dir":"/c","likeness":true,'
    b'"voice":{"id":"v","kind":"piper","clone":{"id":"clone-1f2e3d4c5b6a","converter":"knnvc","files":{"encoder":"/e"}}}}',
    b'{"type":"excerpt","id":1,"path":"/a.m4b","out":"/o.wav","start_s":5,"end_s":5}',
    b'{"type":"excerpt","id":1,"path":"/a.m4b","out":"/o.wav","start_s":0,"end_s":1e999}',
    b'{"type":"sample","id":1}',
    b'{"type":"sample","id":1,"path":"a.wav"}',
    b'{"type":"sample","id":1,"path":"/a.wav","start_s":3}',
    b'{"type":"sample","id":1,"path":"/a.wav","start_s":-3,"end_s":3}',
    b"[" * 100_000,
    b"\xff\xfe",
]


@pytest.mark.parametrize("line", NO_REQUESTS, ids=range(len(NO_REQUESTS)))
def test_what_is_no_request_is_refused_and_nothing_breaks(line: bytes) -> None:
    with pytest.raises(SidecarError) as caught:
        parse(line)
    assert caught.value.code == "bad_request"


def test_a_real_conversation_has_the_fields_of_the_transcripts(tmp_path: Path) -> None:
    """Every kind of message that a sidecar sends, from a real process: written, unchanged, an error, a probe, a look, a cancel ..."""
    golden = fields_by_type()
    bundle = write_bundle(tmp_path / "bundle", {"One": ["A sentence to be spoken."]})
    long = write_bundle(tmp_path / "long", {"One": [f"Sentence number {n} of many." for n in range(400)]})
    speech = recordings.write(tmp_path / "speech.wav", recordings.speech())
    seen: dict[str, set[str]] = {}
    with Driver() as driver:
        driver.send(type="probe", id=1)
        driver.send(**conversion(bundle, tmp_path / "a.m4b", tmp_path / "cache", id=2, warnings=[{"code": "toc_empty", "params": {}}]))
        driver.send(**conversion(bundle, tmp_path / "a.m4b", tmp_path / "cache", id=3))
        driver.send(**conversion(bundle, tmp_path / "nowhere" / "a.m4b", tmp_path / "cache", id=4))
        driver.send(**{**conversion(bundle, tmp_path / "a.m4b", tmp_path / "cache"), "type": "look", "id": 5, "existing": str(tmp_path / "a.m4b")})
        said = {**conversion(bundle, tmp_path / "a.wav", tmp_path / "cache"), "type": "say", "id": 6, "text": "Ein Wort.", "language": "de"}
        driver.send(**said)
        driver.send(type="excerpt", id=7, path=str(tmp_path / "a.m4b"), start_s=0.5, end_s=1.0, out=str(tmp_path / "b.wav"))
        driver.send(**conversion(long, tmp_path / "b.m4b", tmp_path / "cache", id=8))
        driver.send(type="cancel", id=8)
        driver.send(type="sample", id=9, path=str(speech), out=str(tmp_path / "sample.flac"))
        ends = []
        while len(ends) < 9:
            message = driver.next()
            seen.setdefault(message["type"], set()).update(message)
            if message["type"] in ("done", "error", "cancelled"):
                ends.append((message["id"], message["type"], message.get("outcome") or message.get("code")))
    ends.sort(key=lambda end: end[0])  # what waits is cancelled at once, before those ahead of it are done
    done = [(1, "done", "probed"), (2, "done", "written"), (3, "done", "unchanged"), (4, "error", "output_unwritable")]
    assert ends == [*done, (5, "done", "looked"), (6, "done", "said"), (7, "done", "cut"), (8, "cancelled", None), (9, "done", "sampled")]
    assert seen.keys() | {"hello"} == golden.keys()
    for kind, fields in seen.items():
        assert fields == golden[kind], kind
