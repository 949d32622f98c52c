"""A book by Heart: stopped, killed and gone on with as with any voice, and the same file in the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from e2a_sidecar.voices.voice import Voice
from heart import WIRE, heart
from session_driver import Driver, conversion, write_bundle

__all__ = ["heart"]

BOOK = {f"Chapter {n}": [f"Sentence number {n * 100 + k} of a book, with some words in it." for k in range(20)] for n in range(3)}
"""Far more than is spoken between a message and what is done about it."""


def asked(folder: Path, name: str, **fields: Any) -> dict[str, Any]:
    return conversion(folder / "bundle", folder / f"{name}.m4b", folder / name, voice=WIRE, report=str(folder / f"{name}.json"), **fields)


@pytest.fixture(scope="module")
def whole(heart: Voice, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a book that was spoken without a stop, on a device that she does not know."""
    folder = tmp_path_factory.mktemp("whole")
    write_bundle(folder / "bundle", BOOK)
    with Driver() as driver:
        driver.send(**asked(folder, "whole", device="cuda:0"))
        end = driver.end()
        assert end["type"] == "done", end
        words = {"text": "Hello there.", "out": str(folder / "x.wav"), "cache_dir": str(folder / "whole")}
        driver.send(type="say", id=2, device="cpu", auto=True, voice=WIRE, language="en", **words)
        driver.send(**asked(folder, "whole", id=3))
        said, again = driver.end(), driver.end()
        assert (said["report"]["engine"], again["outcome"]) == ("kokoro_student", "unchanged")
    return folder


def test_the_report_says_who_spoke_and_when_each_word_was_said(whole: Path) -> None:
    report = json.loads((whole / "whole.json").read_text("utf-8"))
    assert (report["engine"], report["device"], report["voice"], report["voice_name"]) == ("kokoro_student", "cpu", "heart", "Heart")
    assert "hibari-tts" in report["versions"] and not report["flagged"] and not report["warnings"]
    for sentence in report["sentences"]:
        times = [t for start, end, _, _ in sentence["words"] for t in (start, end)]
        assert times == sorted(times) and sentence["start_s"] <= times[0] and times[-1] <= sentence["end_s"] + 1e-3
        assert " ".join(sentence["text"][a:b] for _, _, a, b in sentence["words"]) == sentence["text"].replace(",", "").replace(".", "")


def test_one_that_was_cancelled_and_one_that_was_killed_go_on_and_become_the_same_file(whole: Path) -> None:
    kept = 0
    for how in ("cancelled", "killed"):
        with Driver() as driver:
            driver.send(**asked(whole, "ended"))
            while driver.until("progress")["sentences"] <= kept:
                pass
            if how == "cancelled":
                driver.send(type="cancel", id=1)
                assert driver.end()["type"] == "cancelled" and driver.process.poll() is None
            else:
                driver.process.kill()
                driver.process.wait()
        assert not (whole / "ended.m4b").exists()
    with Driver() as driver:
        driver.send(**asked(whole, "ended"))
        end = driver.end()
    assert end["type"] == "done" and end["report"]["kept"] > 0, end
    assert end["report"]["spoken_now"]["sentences"] + end["report"]["kept"] == end["report"]["sentences"]
    assert (whole / "ended.m4b").read_bytes() == (whole / "whole.m4b").read_bytes()
