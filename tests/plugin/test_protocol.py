"""Lines to events and requests to lines, at the edges; the transcripts themselves are in tests/contract."""

from __future__ import annotations

import pytest

from plugin.converting.events import Cancelled, Done, Progress
from plugin.converting.protocol import MAX_LINE_BYTES, decode, encode
from plugin.converting.requests import Convert
from plugin.errors import PluginError

BROKEN = [
    b"",
    b"not json",
    b"[]",
    b"null",
    b'"hello"',
    b"{}",
    b'{"type": "surprise", "id": 1}',
    b'{"type": "done", "id": 1, "outcome": "exploded"}',
    b'{"type": "progress", "id": "x", "stage": "speak", "done": 0}',
    b'{"type": "progress", "id": 1, "stage": "speak"}',
    b'{"type": "hello", "protocol": 2, "version": "9", "layer": "core", "pid": 1}',
    b'{"type": "devices", "id": 1, "devices": [1]}',
    b'{"type": ["cancelled"], "id": 1}',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"type": "progress", "id": 1, "stage": "speak", "done": 0.5, "sentences": 1e999}',
    b'{"type": "progress", "id": 1, "stage": "speak", "done": 0.5, "left_s": -1e999}',
    b'{"type": "progress", "id": 1, "stage": "speak", "done": NaN}',
    b'{"type": "progress", "id": 1, "stage": "speak", "done": 0.5, "of": ' + b"9" * 400 + b"}",
    b'{"type": "progress", "id": 1, "stage": "speak", "done": ' + b"9" * 5000 + b"}",
    b'{"type": "progress", "id": 1, "stage": "speak", "done": 0, "sentences": "' + b"9" * 5000 + b'"}',
    b'{"type": "devices", "id": 1, "devices": [{"device": "cpu", "usable": true, "speed": Infinity}]}',
    b'{"type": "sampled", "id": 1, "peaks": ' + b"[" * 900 + b"]" * 900 + b"}",
]


@pytest.mark.parametrize("line", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_event_is_a_protocol_error(line: bytes) -> None:
    with pytest.raises(PluginError) as caught:
        decode(line)
    assert caught.value.code == "protocol" and len(caught.value.detail) < 1000


def test_unknown_fields_are_ignored() -> None:
    assert decode(b'{"type": "cancelled", "id": 7, "mood": "sad"}') == Cancelled(7)


def test_progress_stays_within_bounds() -> None:
    event = decode(b'{"type": "progress", "id": 1, "stage": "speak", "done": 1.7, "left_s": -3}')
    assert isinstance(event, Progress) and (event.done, event.left_s) == (1.0, 0.0)


def test_done_without_a_report_is_done() -> None:
    event = decode(b'{"type": "done", "id": 1, "outcome": "probed"}')
    assert isinstance(event, Done) and event.summary.duration_s == 0.0 and event.summary.xrt is None


def test_a_likeness_is_between_nothing_and_the_same() -> None:
    def likeness(said: str) -> float | None:
        event = decode(b'{"type": "done", "id": 1, "outcome": "said", "report": {%s}}' % said.encode())
        assert isinstance(event, Done)
        return event.summary.likeness

    assert [likeness(said) for said in ("", '"likeness": -0.2', '"likeness": 0.5', '"likeness": 1.0001')] == [None, 0.0, 0.5, 1.0]


def test_a_request_is_one_line_whatever_its_text() -> None:
    assert "cache_bytes" not in Convert("/b", "/o", None, False, None, "/c", "cpu", {}).wire(1)
    assert Convert("/b", "/o", None, False, None, "/c", "cpu", {}, cache_bytes=5).wire(1)["cache_bytes"] == 5
    request = Convert("/b\nc", "/ö.m4b", None, False, None, "/c", "cpu", {"id": "tone", "kind": "tone"})
    line = encode(request.wire(1))
    assert line.count(b"\n") == 1 and line.endswith(b"\n") and "ö".encode() in line


def test_precision_is_told_where_it_is_not_the_usual_one() -> None:
    usual, half = (Convert("/b", "/o", None, False, None, "/c", "cpu", {}, **more).wire(1)["settings"] for more in ({}, {"precision": "half"}))  # type: ignore[arg-type]
    assert "precision" not in usual and half == {**usual, "precision": "half"}


def test_a_request_over_the_limit_is_not_sent() -> None:
    with pytest.raises(PluginError):
        encode({"type": "convert", "bundle": "x" * MAX_LINE_BYTES})


def test_a_path_that_cannot_be_said_is_named() -> None:
    with pytest.raises(PluginError) as caught:
        encode({"type": "say", "voice": {"files": {"model": "/m\udcfcller/x.onnx"}}, "warnings": [{"params": {"n": 1}}]})
    assert caught.value.code == "output_unwritable" and "/m" in caught.value.what() and "not written in UTF-8" in caught.value.what()
