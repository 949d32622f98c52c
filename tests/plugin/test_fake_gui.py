"""The scripted sidecar that the windows are tried against says what the plugin understands, and its files can be read."""

from __future__ import annotations

import json
import os
import sys
import wave
from dataclasses import replace
from pathlib import Path

import pytest

from plugin.converting import report
from plugin.converting.client import Sidecar, probe
from plugin.converting.events import Looked, Progress, Told
from plugin.converting.requests import Convert, Excerpt, Look, Probe, Say
from plugin.errors import PluginError, Stopped

FAKE = Path(__file__).with_name("fake_sidecar.py")
VOICE = {"id": "v", "kind": "piper", "name": "Vera", "language": "en", "speaker": "", "files": {}, "sha256": {}}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "made.m4b").write_bytes(b"an audiobook of org.convert-to-audiobook")
    metadata = {"title": "A Book", "authors": ["A. Writer"], "language": "en"}
    (tmp_path / "bundle.json").write_text(json.dumps({"metadata": metadata, "toc": [{"title": "One"}, {"title": "Two"}, {"title": "Three"}]}))
    return tmp_path


def start(folder: Path, **more: str) -> Sidecar:
    env = {**os.environ, "E2A_FAKE_M4B": str(folder / "made.m4b"), "E2A_FAKE_LOG": str(folder / "log"), "E2A_FAKE_GPU": "A Card", **more}
    return Sidecar.start([sys.executable, str(FAKE), "gui"], env)


def conversion(folder: Path) -> Convert:
    return Convert(str(folder), str(folder / "x.m4b"), None, False, str(folder / "report.json"), str(folder), "cuda:0", VOICE)


def test_it_answers_whatever_a_window_asks(bundle: Path) -> None:
    heard: list[Told] = []
    with start(bundle) as sidecar:
        assert sidecar.request(Look(str(bundle), str(bundle / "made.m4b")), heard.append).outcome == "looked"
        assert sidecar.request(Say("Hello.", str(bundle / "a.wav"), "cpu", True, VOICE, "en", "/c"), heard.append).summary.xrt_speech == 20.5
        assert [d.device for d in probe(sidecar, wanted=Probe(VOICE, "en", "/c")).devices] == ["cpu", "cuda:0"]
        done = sidecar.request(conversion(bundle), heard.append)
        again = sidecar.request(replace(conversion(bundle), existing=str(bundle / "x.m4b")), heard.append)
        assert sidecar.request(Excerpt(str(bundle / "x.m4b"), 1.0, 2.0, str(bundle / "b.wav")), heard.append).outcome == "cut"
        with pytest.raises(PluginError) as caught:
            sidecar.request(Excerpt(str(bundle / "nothing.m4b"), 1.0, 2.0, str(bundle / "b.wav")), heard.append)
    looked = next(event for event in heard if isinstance(event, Looked))
    assert ([c.title for c in looked.chapters], looked.existing) == (["One", "Two", "Three"], "ours")
    assert (done.outcome, done.summary.device, again.outcome, caught.value.code) == ("written", "cuda:0", "unchanged", "audio_unreadable")
    assert (bundle / "x.m4b").read_bytes() == (bundle / "made.m4b").read_bytes()
    for name in ("a.wav", "b.wav"):
        with wave.open(str(bundle / name)) as f:
            assert f.getnframes() / f.getframerate() == pytest.approx(0.4)
    found = report.read(bundle / "report.json")
    assert (found.doubtful_count, found.left_out_count, found.title) == (1, 1, "A Book")
    assert [json.loads(line)["type"] for line in (bundle / "log").read_text().splitlines()][:2] == ["look", "say"]


def test_it_is_stopped_midway_and_serves_the_next(bundle: Path) -> None:
    heard: list[Told] = []
    with start(bundle, E2A_FAKE_STEP_S="0.05", E2A_FAKE_STEPS="1000") as sidecar:
        with pytest.raises(Stopped):
            sidecar.request(conversion(bundle), heard.append, lambda: len(heard) > 5)
        assert sidecar.alive and not (bundle / "x.m4b").exists()
        assert sidecar.request(Look(str(bundle)), heard.append).outcome == "looked"
    spoken = [event for event in heard if isinstance(event, Progress) and event.stage == "speak"]
    assert spoken and spoken[0].left_s is not None and 45 < spoken[0].left_s <= 50


def test_it_fails_and_refuses_a_foreign_audiobook_as_a_real_one_does(bundle: Path) -> None:
    (bundle / "foreign.m4b").write_bytes(b"of somebody else")
    with start(bundle, E2A_FAKE_FAIL="speech_failed") as sidecar:
        for request, code in ((conversion(bundle), "speech_failed"), (replace(conversion(bundle), existing=str(bundle / "foreign.m4b")), "exists_foreign")):
            with pytest.raises(PluginError) as caught:
                sidecar.request(request, lambda event: None)
            assert caught.value.code == code
