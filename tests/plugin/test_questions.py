"""What windows ask of their own sidecar: one at a time, and it leaves at once when it is to."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cloning import put_converter

from plugin.converting.events import Device, Summary
from plugin.converting.questions import Questions
from plugin.engine import gpus, runtime
from plugin.errors import PluginError, Stopped
from plugin.resources import from_folder
from plugin.speaking import speakers, speeds

PATIENCE_S = 20.0
FAKE = Path(__file__).with_name("fake_sidecar.py")


@dataclass(frozen=True)
class FakeLayer:
    name: str
    folder: Path
    script: str

    def command(self) -> list[str]:
        return [sys.executable, str(FAKE), self.script]

    def stamp(self) -> dict[str, str]:
        return {}


class Desk:
    """Asks, with the script that is set when the sidecar starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "a.m4b").write_bytes(b"org.convert-to-audiobook")
        self.script = "polite"
        self.questions = Questions(from_folder(Path(__file__).resolve().parents[2]))
        self.ended: list[str] = []
        self.threads: list[threading.Thread] = []

    def layer(self, name: str, resources: object) -> FakeLayer:
        return FakeLayer(name, self.folder / self.script, self.script)

    def ask(self, stopped: Callable[[], bool] = lambda: False) -> threading.Thread:
        """In a thread, which keeps how it ended."""

        def work() -> None:
            try:
                self.questions.excerpt(self.folder / "a.m4b", 0.0, 1.0, self.folder / "out.wav", stopped)
                self.ended.append("answered")
            except Stopped:
                self.ended.append("stopped")

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.threads.append(thread)
        return thread

    def sidecar(self) -> object:
        return self.questions._sidecars._sidecar


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path)
    monkeypatch.setattr(runtime, "find_layer", made.layer)
    yield made
    made.questions.close()
    for thread in made.threads:
        thread.join(PATIENCE_S)
    made.questions.release()


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_is_asked_when_the_engine_is_freed_ends_and_the_next_question_is_answered(desk: Desk) -> None:
    thread = desk.ask()
    until(desk.sidecar)
    first = desk.sidecar()
    desk.questions.release()
    assert not first.alive and desk.sidecar() is None, "no other process took its place"  # type: ignore[attr-defined]
    thread.join(PATIENCE_S)
    assert desk.ended == ["stopped"]
    desk.script = "gui"
    desk.ask().join(PATIENCE_S)
    assert desk.ended == ["stopped", "answered"]


def test_a_question_that_waits_for_another_can_be_stopped(desk: Desk) -> None:
    first = desk.ask()
    until(desk.sidecar)
    second = desk.ask(lambda: True)
    second.join(PATIENCE_S)
    assert desk.ended == ["stopped"] and first.is_alive()


@pytest.mark.parametrize(("busy", "kept"), [((False, False), False), ((True, True), True), ((False, True), True), ((True, False), True)])
def test_what_is_measured_beside_a_conversion_takes_no_better_measurements_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, busy: tuple[bool, bool], kept: bool
) -> None:
    """busy: before and after the devices have spoken."""
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(desk.folder))
    voice = {"id": "v", "kind": "piper", "name": "Vera", "language": "en", "speaker": "", "files": {}, "sha256": {"model": "ab"}}
    monkeypatch.setattr(speakers, "measurable", lambda asked, resources: voice)
    monkeypatch.setattr(gpus, "found", tuple)
    desk.script = "gui"
    key = speakers.key_of(voice, desk.layer("neural", None), ())  # type: ignore[arg-type]
    before = (Device("cpu", "a processor", True, "", 99.0),)
    speeds.remember(key, before)
    said = iter(busy)
    found = desk.questions.probe("v", lambda step: None, busy=lambda: next(said))
    assert found[0].device == "cpu" and found[0].speed != 99.0
    assert (speeds.recall(key) == before) is kept


HEART, ESPEAK = ("heart", "kokoro_student"), ("espeak", "espeak")


@pytest.mark.parametrize(("voice", "kind", "busy", "kept"), [(*HEART, False, True), (*HEART, True, False), (*ESPEAK, False, False)])
def test_a_voice_of_the_processors_alone_is_measured_by_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, voice: str, kind: str, busy: bool, kept: bool
) -> None:
    """What is measured of eSpeak is told, and not kept: its books take the time that is needed around speaking."""
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(desk.folder))
    wire = {"id": voice, "kind": kind, "name": voice, "language": "en", "speaker": "", "files": {}, "sha256": {}}
    desk.script = "gui"
    layer = desk.layer("core", None)
    monkeypatch.setattr(speakers, "voice_for", lambda asked, language, resources: speakers.Chosen(asked, kind, wire))
    monkeypatch.setattr(speakers, "place_for", lambda chosen, device, *more: speakers.Place(layer, device))  # type: ignore[arg-type]
    monkeypatch.setattr(speakers, "key_here", lambda wire, resources: speakers.key_of(wire, layer, ()))  # type: ignore[arg-type]
    found = desk.questions.measure(voice, "en", busy=lambda: busy)
    assert found.device == "cpu" and found.speed is not None
    assert speeds.recall(speakers.key_of(wire, layer, ())) == ((found,) if kept else None)  # type: ignore[arg-type]


def test_a_recording_is_heard_and_cleaned_and_one_that_is_none_is_a_reason(desk: Desk) -> None:
    desk.script = "convert"
    recording, out = desk.folder / "speech.flac", desk.folder / "sample.flac"
    recording.write_bytes(b"fLaC")
    heard = desk.questions.sample(recording, lambda step: None, start_s=2.0, end_s=32.0, out=out)
    assert (heard.verdict, heard.speech_s, heard.peaks) == ("good", 27.0, (0, 50, 100)) and out.read_bytes() == b"fLaC"
    with pytest.raises(PluginError) as caught:
        desk.questions.sample(desk.folder / "music.flac", lambda step: None)
    assert caught.value.code == "sample_unusable" and "music without speech" in caught.value.sentence()


def test_a_clone_speaks_and_is_compared_where_the_encoder_is_here(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(desk.folder / "engine"))
    monkeypatch.setenv("E2A_FAKE_LOG", str(desk.folder / "asked"))
    desk.script = "gui"
    clone = {"id": "clone-1f2e3d4c5b6a", "name": "Anna", "converter": "knnvc", "files": {"sample": "/s.flac"}, "sha256": {}}
    wire = {"id": "v", "kind": "piper", "name": "Vera", "language": "en", "speaker": "", "files": {}, "sha256": {}, "clone": clone}
    chosen = speakers.Chosen("clone-1f2e3d4c5b6a@v", "piper", wire)
    monkeypatch.setattr(speakers, "voice_for", lambda *about: chosen)
    monkeypatch.setattr(speakers, "place_for", lambda *about, **more: speakers.Place(desk.layer("neural", None), "cpu-torch"))  # type: ignore[arg-type]

    def say(likeness: bool) -> Summary:
        return desk.questions.say("Hello.", "", "en", desk.folder / "said.wav", lambda step: None, likeness=likeness).summary

    with pytest.raises(PluginError) as caught:
        say(True)
    assert caught.value.code == "voice_missing"
    put_converter(desk.folder / "engine", "d_vector", from_folder(Path(__file__).resolve().parents[2]))
    assert (say(False).likeness, say(True).likeness, say(True).likeness_of_halves) == (None, 0.7, 0.8)
    asked = [json.loads(line) for line in (desk.folder / "asked").read_text("utf-8").splitlines()]
    roles = [(sorted(one["voice"]["clone"]["files"]), one.get("likeness")) for one in asked if one["type"] == "say"]
    assert roles[:2] == [(["sample"], None), (["encoder", "encoder_config", "sample"], True)]


def test_after_the_end_nothing_is_asked_and_no_process_started(desk: Desk) -> None:
    thread = desk.ask()
    until(desk.sidecar)
    sidecar = desk.sidecar()
    desk.questions.close()
    thread.join(PATIENCE_S)
    desk.ask().join(PATIENCE_S)
    desk.questions.release()
    desk.ask().join(PATIENCE_S)
    assert desk.ended == ["stopped"] * 3 and not sidecar.alive  # type: ignore[attr-defined]
