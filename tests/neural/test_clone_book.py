"""A book in a cloned voice, by the real sidecar process: spoken, stopped, resumed, looked at, said; and when its words are heard."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import tiny_converters
import tiny_passing
import torch
from e2a_sidecar.speaking.clone.resample import resampled
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_onnx import VitsOnnx
from e2a_sidecar.voices.voice import Voice
from numpy.typing import NDArray
from real_clock import PARAGRAPHS, edges, real_book

from .conftest import lines, spoken

sys.path.append(str(Path(__file__).resolve().parents[1] / "sidecar"))
from session_driver import Driver, conversion, write_bundle

CHAPTERS = {"One": [f"This is sentence number {n}, which says what a sentence says." for n in range(14)], "Two": ["And a last one."]}


@pytest.fixture(scope="module")
def voice(voices: Callable[[str], Voice], tmp_path_factory: pytest.TempPathFactory) -> Voice:
    return tiny_converters.cloned(voices("piper"), tmp_path_factory.mktemp("cloned"))


@pytest.fixture(scope="module")
def sidecar() -> Iterator[Driver]:
    """One that goes on where another was stopped, and then serves on."""
    with Driver() as driver:
        yield driver


def clips(cache: Path) -> int:
    with contextlib.closing(sqlite3.connect(cache / "clips.sqlite")) as db:
        return int(db.execute("SELECT count(*) FROM clips").fetchone()[0])


def test_a_book_is_spoken_in_the_clone_stopped_and_gone_on_with_and_nothing_twice(voice: Voice, sidecar: Driver, tmp_path: Path) -> None:
    bundle, cache, out, report = write_bundle(tmp_path / "b", CHAPTERS), tmp_path / "cache", tmp_path / "x.m4b", tmp_path / "report.json"
    message = conversion(bundle, out, cache, voice=tiny_converters.on_wire(voice), device="cpu", report=str(report))
    with Driver() as driver:
        driver.send(**message)
        while driver.until("progress")["sentences"] < 3:
            pass
        driver.send(type="cancel", id=1)
        assert driver.end()["type"] == "cancelled" and not out.exists()
    kept = clips(cache)
    assert 3 <= kept < 16
    sidecar.send(**message)
    done = sidecar.end()
    assert done["type"] == "done" and done["outcome"] == "written", done
    sidecar.send(**message | {"id": 2, "report": None})
    assert sidecar.end()["outcome"] == "unchanged"
    sidecar.send(type="look", id=3, bundle=str(bundle), existing=None, own=str(out), voice=message["voice"], cache_dir=str(cache), settings={})
    looked = sidecar.until("looked")
    assert looked["standing"] == "same" and looked["spoken"] == looked["characters"] and sidecar.end()["outcome"] == "looked"
    whole = json.loads(report.read_text("utf-8"))
    assert whole["kept"] == kept and whole["spoken_now"]["sentences"] + kept == len(whole["sentences"]) == clips(cache)
    clone = voice.clone
    assert clone is not None
    assert whole["clone"] == {"id": clone.id, "name": "Anna", "converter": "freevc24"} and whole["voice"] == voice.id
    assert (whole["engine"], whole["device"]) == ("vits_torch", "cpu-torch") and whole["speakers"] == [whole["speakers"][0]]
    assert whole["transfers"] == {"host_copies_per_batch": 2, "uploads_per_batch": 3, "hidden_syncs": 0}
    with av.open(str(out)) as container:
        assert container.streams.audio[0].rate == 24_000
        samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)])
        assert "Anna" in str(container.metadata)
    assert abs(len(samples) / 24_000 - whole["duration_s"]) < 0.2 and float(np.abs(samples).max()) > 0.1


def test_a_book_without_the_clone_is_another_and_the_clone_is_said_as_a_preview(voice: Voice, sidecar: Driver, tmp_path: Path) -> None:
    bundle, cache = write_bundle(tmp_path / "b", {"One": ["Hello there."]}), tmp_path / "cache"
    plain = tiny_converters.on_wire(replace(voice, clone=None))
    sidecar.send(**conversion(bundle, tmp_path / "x.m4b", cache, voice=tiny_converters.on_wire(voice), device="cpu-torch", id=4))
    assert sidecar.end()["report"]["clone"]["name"] == "Anna"
    sidecar.send(**conversion(bundle, tmp_path / "y.m4b", cache, voice=plain, device="cpu", id=5))
    report = sidecar.end()["report"]
    assert report["clone"] is None and report["kept"] == 0 and report["engine"] == "vits_onnx"
    out = tmp_path / "said.wav"
    said: dict[str, Any] = {"type": "say", "id": 6, "text": "Hello there.", "out": str(out), "device": "cpu", "auto": True, "language": "en"}
    sidecar.send(**said, voice=tiny_converters.on_wire(voice), cache_dir=str(cache), settings={"speed": 1.0})
    done = sidecar.end()
    assert done["outcome"] == "said" and done["report"]["device"] == "cpu-torch" and done["report"]["voice_name"] == "Anna"
    heard, rate_hz = soundfile.read(out)
    assert rate_hz == 24_000 and np.abs(heard).max() > 0.1


def to_16_khz(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return resampled(torch.from_numpy(samples), 22_050, 16_000).numpy()


def test_words_beside_pauses_are_heard_when_the_report_says(joe: Voice, tmp_path: Path, cache: Path) -> None:
    """The real voice through a converter that is as loud as its source, mastered, encoded, decoded: judged by the file's own sound."""
    takes = spoken(VitsOnnx(joe, "en-us", SpeechSettings(), cache), lines(PARAGRAPHS))
    heard = to_16_khz(np.concatenate([takes[n].samples for n in sorted(takes)]).astype(np.float32) / 32768)
    files = tiny_passing.freevc(tmp_path / "passing", heard)
    clone = tiny_converters.clone_of(tiny_converters.sample(tmp_path / "sample.flac"), "freevc24", files)
    wire = tiny_converters.on_wire(replace(joe, clone=clone))
    for found in edges(real_book(tmp_path, "cpu", cache, wire["clone"])):
        assert len(found) > 35
        far = [edge for edge in found if abs(edge.late_s) > 0.03]
        assert len(far) <= 0.05 * len(found), far
        assert abs(np.median([edge.late_s for edge in found])) < 0.01
