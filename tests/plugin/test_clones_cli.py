"""Cloned voices on the command line: a recording is heard, kept, and speaks; every refusal is one sentence with its number."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cloning import JOE, ROOT, put_converter, put_voice, recording

from plugin import cli
from plugin.book.export import Exported
from plugin.converting import job
from plugin.engine import gpus, runtime
from plugin.resources import from_folder
from plugin.speaking import clones

REAL = from_folder(ROOT)
FAKE = Path(__file__).with_name("fake_sidecar.py")


@dataclass(frozen=True)
class FakeLayer:
    name: str
    folder: Path

    def command(self) -> list[str]:
        return [sys.executable, str(FAKE), "convert"]

    def stamp(self) -> dict[str, str]:
        return {}


class Desk:
    """The command line, with both layers and all that freevc24 needs; `layers` are those that are installed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.layers = folder, {"core", "neural"}
        self.book = folder / "book.epub"
        self.book.write_bytes(b"PK")
        self.recording = recording(folder)
        self.out, self.err = io.StringIO(), io.StringIO()
        put_voice(folder / "engine", JOE)
        put_converter(folder / "engine", "freevc24", REAL)

    def run(self, *arguments: str) -> int:
        self.out, self.err = io.StringIO(), io.StringIO()
        return cli.main(arguments, REAL, self.out, self.err)

    def convert(self, *more: str) -> int:
        return self.run(str(self.book), "-o", str(self.folder / "out.m4b"), "--report", str(self.folder / "report.json"), "--replace", *more)

    @property
    def asked(self) -> dict[str, Any]:
        """The voice that the sidecar was to speak in."""
        return dict(json.loads((self.folder / "report.json").read_text("utf-8"))["request"]["voice"])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    monkeypatch.setenv("E2A_CLONES_DIR", str(tmp_path / "kept"))
    for name in ("E2A_CACHE_DIR", "XDG_CACHE_HOME", "HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    desk = Desk(tmp_path)
    monkeypatch.setattr(job, "export_book", lambda book, folder, *rest, **named: Exported(folder, "Title", "en", "book", ()))
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: FakeLayer(name, tmp_path / name) if name in desk.layers else None)
    monkeypatch.setattr(runtime, "is_outdated", lambda name, resources: False)
    monkeypatch.setattr(gpus, "found", lambda: ())
    return desk


def test_a_recording_speaks_and_is_in_no_list(desk: Desk) -> None:
    assert desk.convert("--clone", str(desk.recording), "--device", "cpu-torch") == 0
    clone = desk.asked["clone"]
    assert (desk.asked["id"], clone["converter"]) == (JOE, "freevc24") and clone["id"] == clones.id_of(clones.digest_of(desk.recording))
    assert Path(clone["files"]["sample"]).read_bytes() == desk.recording.read_bytes() and clones.all_of_them() == []
    assert "(clone) over Joe (vits)" in desk.out.getvalue()


def test_the_same_recording_again_is_the_same_voice(desk: Desk) -> None:
    desk.convert("--clone", str(desk.recording), "--device", "cpu-torch")
    first = desk.asked
    assert desk.convert("--clone", str(desk.recording), "--device", "cpu-torch") == 0 and desk.asked == first


def test_under_a_name_it_is_kept_and_speaks_by_name_from_then_on(desk: Desk) -> None:
    assert desk.run("--clone", str(desk.recording), "--clone-name", "Anna") == 0
    kept = clones.by_name("Anna")
    assert kept is not None and desk.out.getvalue().strip() == kept.id and kept.measures.speech_s == 27.0
    for voice in ("Anna", kept.id, f"Anna@{JOE}"):
        assert desk.convert("--voice", voice, "--device", "cpu-torch") == 0 and desk.asked["clone"]["id"] == kept.id
        assert "Anna (clone) over Joe" in desk.out.getvalue()
    assert desk.run("--voices", "de") == 0
    assert f"{kept.id}  Anna (clone)  –  –  here" in desk.out.getvalue()


def test_another_converter_and_another_base_are_those_that_were_asked_for(desk: Desk) -> None:
    put_converter(desk.folder / "engine", "knnvc", REAL)
    put_voice(desk.folder / "engine", "en_GB-alan-medium")
    desk.run("--clone", str(desk.recording), "--clone-name", "Anna")
    assert desk.convert("--clone", str(desk.recording), "--converter", "knnvc", "--voice", "en_GB-alan-medium", "--device", "cpu-torch") == 0
    assert (desk.asked["id"], desk.asked["clone"]["converter"], desk.asked["clone"]["name"]) == ("en_GB-alan-medium", "knnvc", "Anna")
    assert desk.convert("--voice", "Anna", "--converter", "knnvc", "--device", "cpu-torch") == 0 and desk.asked["clone"]["converter"] == "knnvc"
    kept = clones.by_name("Anna")
    assert kept is not None and kept.converter == "freevc24", "the list is as it was"


def test_auto_takes_the_fastest_that_spoke_it_and_the_neural_layer(desk: Desk) -> None:
    assert desk.convert("--clone", str(desk.recording)) == 0
    assert json.loads((desk.folder / "report.json").read_text("utf-8"))["request"]["device"] == "cpu"


def refused(desk: Desk, code: int, word: str, *arguments: str) -> None:
    assert desk.convert(*arguments) == code, desk.err.getvalue()
    assert word in desk.err.getvalue() and not (desk.folder / "out.m4b").exists() and "Traceback" not in desk.err.getvalue()


def test_what_cannot_be_is_one_sentence_with_its_number(desk: Desk) -> None:
    music = desk.recording.rename(desk.folder / "music.flac")
    refused(desk, 6, "music", "--clone", str(music))
    poor = music.rename(desk.folder / "poor.flac")
    refused(desk, 2, "--clone", "--converter", "knnvc")
    refused(desk, 2, "--clone", "--clone-name", "Anna")
    refused(desk, 2, "invalid choice", "--clone", str(poor), "--converter", "sox")
    refused(desk, 6, "no voice called", "--voice", "clone-000000000000")
    refused(desk, 6, "characters", "--clone", str(poor), "--clone-name", "a\x1bb")
    refused(desk, 6, "eSpeak NG cannot be cloned over", "--clone", str(poor), "--voice", "espeak", "--device", "cpu-torch")
    refused(desk, 6, "d-vectors", "--clone", str(poor), "--converter", "d_vector", "--device", "cpu-torch")
    refused(desk, 6, "--setup", "--clone", str(poor), "--converter", "openvoice_v2")
    assert desk.run("--clone", str(poor), "--clone-name", "Anna") == 0 and "poor" in desk.err.getvalue()
    refused(desk, 2, "cloned over", "--clone", str(poor), "--voice", "Anna")
    desk.layers.discard("neural")
    refused(desk, 11, "neural", "--voice", "Anna", "--converter", "openvoice_v2")
    refused(desk, 11, "neural", "--voice", "Anna")
    desk.layers.clear()
    refused(desk, 11, "core", "--clone", str(poor))
