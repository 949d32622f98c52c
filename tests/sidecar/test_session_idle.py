"""A sidecar that nobody needs ends by itself, and the voice's memory with it; one that serves does not, however long that takes."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from collections.abc import Callable

import pytest
from e2a_sidecar import serve, session
from e2a_sidecar.request import Served
from session_driver import WAIT_S

IDLE_S = 0.2


def test_one_that_is_idle_leaves_and_one_that_serves_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    left, go_on = threading.Event(), threading.Event()
    codes: list[int] = []

    class Slow(serve.Service):
        def handle(self, request: Served, stopped: Callable[[], bool]) -> dict[str, object]:
            assert go_on.wait(WAIT_S)
            return {"outcome": "probed"}

    def leave(code: int) -> None:
        codes.append(code)
        left.set()

    monkeypatch.setattr(serve, "Service", Slow)
    monkeypatch.setattr(session, "_leave", leave)
    ours, theirs = os.pipe()
    with open(ours, "rb") as reader, open(theirs, "wb", buffering=0) as wire:
        answers = io.BytesIO()
        sidecar = session.Session(reader, answers, IDLE_S)
        sidecar._last_use = time.monotonic() + WAIT_S  # however slowly this machine comes to the first request
        wire.write(json.dumps({"type": "probe", "id": 7}).encode() + b"\n")
        serving = threading.Thread(target=sidecar.serve)
        serving.start()
        assert not left.wait(5 * IDLE_S)
        go_on.set()
        assert left.wait(WAIT_S) and codes == [0], "its other side still has the pipe open"
        wire.close()
        serving.join(WAIT_S)
    said = [json.loads(line) for line in answers.getvalue().splitlines()]
    assert [(message["type"], message.get("id")) for message in said] == [("hello", None), ("done", 7)]
