"""The plugin keeps to the golden transcripts (README.md)."""

from __future__ import annotations

import json
import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from plugin.converting import protocol
from plugin.converting.client import Sidecar
from plugin.converting.events import Done, Hello, Told
from plugin.converting.requests import Convert, Excerpt, Look, Probe, Request, Sample, Say, Warn, cancel, shutdown
from plugin.errors import PluginError, Stopped

HERE = Path(__file__).parent
TRANSCRIPTS = sorted((HERE / "transcripts").glob("*.jsonl"))
FROM_THE_FUTURE = "newer"
REQUESTS = ("convert", "probe", "look", "say", "excerpt", "sample")


def messages(transcript: Path, sender: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in transcript.read_text("utf-8").splitlines()]
    return [row["message"] for row in rows if row["from"] == sender]


def request_of(message: dict[str, Any]) -> Request:
    """The record whose line it is to be; `settings` and `warnings` are the only fields that the wire has in another shape."""
    if message["type"] == "probe":
        return Probe(message.get("voice"), message.get("language", ""), message.get("cache_dir", ""))
    same = {name: value for name, value in message.items() if name not in ("type", "id", "settings", "warnings")}
    if message["type"] == "look":
        return Look(**same, **message.get("settings", {}))
    if message["type"] == "say":
        return Say(**same, **message["settings"])
    if message["type"] == "excerpt":
        return Excerpt(**same)
    if message["type"] == "sample":
        return Sample(**same)
    warnings = tuple(Warn(warn["code"], warn["params"]) for warn in message["warnings"])
    return Convert(**same, **message["settings"], warnings=warnings)


def cancel_after(events: list[Told], heard_before: int) -> bool:
    return len(events) > heard_before


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_everything_the_sidecar_says_is_understood(transcript: Path) -> None:
    heard = [protocol.decode(json.dumps(message).encode()) for message in messages(transcript, "sidecar")]
    assert isinstance(heard[0], Hello) and len(heard) > 1


NO_NUMBERS = ("1e999", "-1e999", "NaN", "9" * 400, "9" * 5000, "[]", "{}", "[" * 900 + "]" * 900)


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_message_in_which_a_number_is_none_is_understood_without_it_or_is_a_protocol_error(transcript: Path) -> None:
    refused = 0
    for message in messages(transcript, "sidecar"):
        line = json.dumps(message)
        for number in re.finditer(r"(?<=[:\[,] )-?\d[\d.e+-]*(?=[,}\]])", line):
            for bad in NO_NUMBERS:
                try:
                    protocol.decode((line[: number.start()] + bad + line[number.end() :]).encode())
                except PluginError as error:
                    assert error.code == "protocol"
                    refused += 1
    assert refused > 10


def test_how_like_its_recording_a_clone_is_comes_with_what_it_said() -> None:
    (said,) = [m for m in messages(HERE / "transcripts" / "clone.jsonl", "sidecar") if m.get("outcome") == "said"]
    done = protocol.decode(json.dumps(said).encode())
    assert isinstance(done, Done) and (done.summary.likeness, done.summary.likeness_of_halves) == (0.712, 0.804)


@pytest.mark.parametrize("transcript", [t for t in TRANSCRIPTS if t.stem != FROM_THE_FUTURE], ids=lambda path: path.stem)
def test_everything_the_plugin_says_is_as_written_there(transcript: Path) -> None:
    for message in messages(transcript, "plugin"):
        if message["type"] in REQUESTS:
            assert json.loads(protocol.encode(request_of(message).wire(message["id"]))) == message
        elif message["type"] == "cancel":
            assert cancel(message["id"]) == message
        else:
            assert shutdown() == message


@pytest.mark.parametrize("transcript", [t for t in TRANSCRIPTS if t.stem != FROM_THE_FUTURE], ids=lambda path: path.stem)
def test_the_client_plays_its_part(transcript: Path) -> None:
    """Line by line against `replay.py`, which leaves with 1 at the first line that differs."""
    events: list[Told] = []
    ended: list[str] = []
    said = messages(transcript, "plugin")
    sidecar = Sidecar.start([sys.executable, str(HERE / "replay.py"), str(transcript)], dict(os.environ))
    with sidecar:
        for message in said:
            if message["type"] not in REQUESTS:
                continue
            cancelled = {"type": "cancel", "id": message["id"]} in said  # then it is sent at the first progress
            try:
                ended.append(sidecar.request(request_of(message), events.append, partial(cancel_after, events if cancelled else [], len(events))).outcome)
            except Stopped:
                ended.append("cancelled")
            except PluginError as error:
                ended.append(error.code)
    theirs = messages(transcript, "sidecar")
    assert ended == [m.get("outcome") or m.get("code") or m["type"] for m in theirs if m["type"] in ("done", "error", "cancelled")]
    assert len(events) == sum(m["type"] in ("progress", "warning", "devices", "looked", "sampled") for m in theirs)
    assert not sidecar.alive and sidecar.complaint == ""
