"""Which layer and which device speak, by table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from plugin import runtime, speakers
from plugin.errors import PluginError
from plugin.protocol import Device, Devices
from plugin.resources import Resources


@dataclass(frozen=True)
class FakeLayer:
    name: str


def no_resources(name: str) -> bytes:
    raise FileNotFoundError(name)


def chosen(kind: str) -> speakers.Chosen:
    return speakers.Chosen("v", kind, {"kind": kind})


@pytest.mark.parametrize("language", ["", "und", "mul", "UND", "zxx-Latn"])
def test_a_language_that_is_none_is_said_to_be_read_as_english(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.voices.wire_voice", lambda *_: {"kind": "piper", "language": "en-US"})
    told = speakers.voice_for(None, language, no_resources)
    assert [warning.code for warning in told.warnings] == ["language_unknown"]
    assert speakers.voice_for("v", language, no_resources).warnings == ()


CASES = [
    # voice, device asked, layers there, a GPU's driver, GPU usable -> layer, device
    ("piper", "auto", "core", False, False, "core", "cpu"),
    ("piper", "auto", "core", True, True, "core", "cpu"),
    ("piper", "auto", "core neural", False, True, "core", "cpu"),
    ("piper", "auto", "core neural", True, False, "core", "cpu"),
    ("piper", "auto", "core neural", True, True, "neural", "cuda:0"),
    ("piper", "cpu", "core neural", True, True, "core", "cpu"),
    ("piper", "cpu", "neural", False, False, "neural", "cpu"),
    ("piper", "cpu-torch", "core neural", False, False, "neural", "cpu-torch"),
    ("piper", "cuda:1", "core neural", True, True, "neural", "cuda:1"),
    ("coqui", "auto", "core neural", False, False, "neural", "cpu-torch"),
    ("coqui", "auto", "core neural", True, True, "neural", "cuda:0"),
    ("espeak", "auto", "core neural", True, True, "core", "cpu"),
    ("tone", "cuda:0", "core neural", True, True, "core", "cpu"),
]


@pytest.fixture(autouse=True)
def _no_engine_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is installed on this machine has no part in these tests."""
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path))


def place(monkeypatch: pytest.MonkeyPatch, kind: str, device: str, layers: str, driver: bool, usable: bool) -> tuple[str, str]:
    def find(name: str, resources: Resources) -> FakeLayer | None:
        return FakeLayer(name) if name in layers.split() else None

    def probe(layer: runtime.Layer) -> Devices:
        return Devices(1, (Device("cpu-torch", "", True, ""), Device("cuda:0", "GPU", usable, "" if usable else "too old")))

    monkeypatch.setattr(runtime, "find_layer", find)
    monkeypatch.setattr(speakers, "may_have_gpu", lambda: driver)
    layer, wire_device = speakers.place_for(chosen(kind), device, no_resources, None, probe)
    return layer.name, wire_device


@pytest.mark.parametrize(("kind", "device", "layers", "driver", "usable", "layer", "wire"), CASES)
def test_place(monkeypatch: pytest.MonkeyPatch, kind: str, device: str, layers: str, driver: bool, usable: bool, layer: str, wire: str) -> None:
    assert place(monkeypatch, kind, device, layers, driver, usable) == (layer, wire)


@pytest.mark.parametrize(
    ("kind", "device", "layers", "code"),
    [("piper", "cpu", "", "engine_missing"), ("piper", "cuda:0", "core", "engine_missing"), ("coqui", "cpu", "core neural", "voice_unsupported")],
)
def test_no_place(monkeypatch: pytest.MonkeyPatch, kind: str, device: str, layers: str, code: str) -> None:
    with pytest.raises(PluginError) as caught:
        place(monkeypatch, kind, device, layers, False, False)
    assert caught.value.code == code


def test_with_leave_to_fetch_the_missing_layer_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: None)
    monkeypatch.setattr(runtime, "ensure_layer", lambda name, resources, progress, stopped: FakeLayer(name))
    fetch = speakers.Fetch(lambda stage, done, text: None, lambda: False)
    layer, _ = speakers.place_for(chosen("tone"), "auto", no_resources, fetch, lambda layer: Devices(1, ()))
    assert layer.name == "core"


def test_a_voice_of_another_language_is_warned_of(tmp_path: Path) -> None:
    model, config = tmp_path / "x.onnx", tmp_path / "x.onnx.json"
    model.write_bytes(b"")
    config.write_text('{"language": {"code": "de_DE"}}')

    def resources(name: str) -> bytes:
        return b'{"voices": [], "other_voices": []}'

    warnings = speakers.voice_for(str(model), "en-GB", resources).warnings
    assert [(w.code, w.params["voice_language"]) for w in warnings] == [("voice_language", "de-DE")]
    assert not speakers.voice_for(str(model), "de", resources).warnings
