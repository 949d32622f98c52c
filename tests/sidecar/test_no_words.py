"""A book's words are in no detail and no line of the log, whatever somebody else's code says of them."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from e2a_sidecar.errors import MOST_FRAMES, SidecarError, trace_of
from e2a_sidecar.model import Line
from e2a_sidecar.reading.bundle import load_bundle
from e2a_sidecar.serve import Service
from e2a_sidecar.session import Session
from e2a_sidecar.speaking.phoneme_pieces import UnsaidError, pieces_of
from session_driver import write_bundle

WORDS = "It was a dark and stormy night"


class Asked:
    """A wire that brings one request, and ends when that is answered."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.answered = threading.Event()
        self.told = list[dict[str, Any]]()
        self._lines = [json.dumps(request).encode() + b"\n"]

    def readline(self, most: int) -> bytes:
        if self._lines:
            return self._lines.pop()
        assert self.answered.wait(30)
        return b""

    def write(self, data: bytes) -> None:
        self.told.append(json.loads(data))
        if self.told[-1]["type"] in ("done", "error"):
            self.answered.set()

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("error", [KeyError(WORDS), ValueError(f"a\nb: {WORDS}"), SidecarError("encoder_failed", WORDS, reason="r")], ids=repr)
def test_a_request_that_fails_logs_what_it_was_and_where(error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*given: object) -> dict[str, object]:
        raise error

    monkeypatch.setattr(Service, "handle", broken)
    wire = Asked({"type": "probe", "id": 1})
    assert Session(wire, wire).serve() == 0  # type: ignore[arg-type]
    failed = wire.told[-1]
    assert failed["type"] == "error" and failed["code"] in caplog.text and "stormy" not in caplog.text
    if failed["code"] == "internal":
        assert failed["detail"].splitlines()[0] == type(error).__name__ and "  at test_no_words.py:" in failed["detail"]
        assert "stormy" not in failed["detail"]


def test_a_line_that_a_front_end_fails_at_is_told_by_its_number(caplog: pytest.LogCaptureFixture) -> None:
    class FrontEnd:
        def encode(self, text: str) -> Any:
            raise ValueError(f"cannot say {text!r}")

    with pytest.raises(UnsaidError):
        pieces_of(FrontEnd(), Line(7, WORDS, "k"), 100)  # type: ignore[arg-type]
    assert "line 7" in caplog.text and "ValueError" in caplog.text and "stormy" not in caplog.text


def test_a_bundle_that_is_none_is_told_without_what_stands_in_it(tmp_path: Path) -> None:
    write_bundle(tmp_path, {"One": [WORDS]})
    index = json.loads((tmp_path / "bundle.json").read_text("utf-8"))
    index["metadata"]["series_index"] = WORDS
    (tmp_path / "bundle.json").write_text(json.dumps(index), "utf-8")
    with pytest.raises(SidecarError) as caught:
        load_bundle(tmp_path)
    assert caught.value.code == "bundle_broken" and "ValueError" in caught.value.detail and "stormy" not in caught.value.detail


def test_the_frames_of_a_deep_fault_are_bounded() -> None:
    def deeper() -> None:
        deeper()

    with pytest.raises(RecursionError) as caught:
        deeper()
    assert len(trace_of(caught.value).splitlines()) == 1 + MOST_FRAMES
