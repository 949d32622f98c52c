"""What the plugin fetches and names, the sidecar takes: files held to what came first, speakers by name and number."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from pathlib import Path

import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.voices.piper import PiperConfig
from e2a_sidecar.voices.voice import Voice
from file_server import Server, server
from heart import needs_her_package
from layers import put_layer

from plugin.commands import never
from plugin.errors import PluginError
from plugin.resources import Resources, from_folder
from plugin.speaking import voices

__all__ = ["server"]
REAL = from_folder(Path(__file__).resolve().parents[2])
ID = "en_US-crowd-medium"
CONFIG = {
    "audio": {"sample_rate": 22050},
    "espeak": {"voice": "en-us"},
    "num_symbols": 256,
    "num_speakers": 3,
    "speaker_id_map": {"p3922": 0, "zoë": 1, "0": 2},
    "phoneme_id_map": {"_": [0], "^": [1], "$": [2], "a": [3]},
}


@pytest.fixture
def fetched(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resources:
    """A voice of the collection's kind that nobody knew the hash of, fetched from a server."""
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    files = [b"no graph, but bytes", json.dumps(CONFIG).encode()]
    server.files = dict(zip((f"en/{ID}.onnx", f"en/{ID}.onnx.json"), files, strict=True))
    md5 = [hashlib.md5(data).hexdigest() for data in files]
    entry = {"id": ID, "path": "en", "speakers": 3, "bytes": list(map(len, files)), "md5": md5, "licence": "card"}
    raw = {"collection": {"address": server.url, "cards": server.url}, "voices": [entry]}
    resources = {"plugin/sources.json": json.dumps(raw).encode()}.__getitem__
    voices.ensure_voice(ID, resources, lambda stage, done, text: None, never)
    return resources


def test_a_file_that_was_changed_after_it_was_fetched_is_refused_by_the_sidecar(fetched: Resources) -> None:
    wire = voices.wire_voice(ID, "en", fetched)
    assert wire is not None and set(wire["sha256"]) == {"model", "config"}
    assert Voice.from_dict(wire).verified().sha256
    Path(wire["files"]["model"]).write_bytes(b"no graph, nor the same")
    with pytest.raises(SidecarError, match="voice_broken"):
        Voice.from_dict(wire).verified()


@pytest.mark.parametrize("speaker", ["p3922", "zoë", "0", "1", "2", "3", "bob", "-1", "01"])
def test_both_sides_know_the_same_speakers(fetched: Resources, speaker: str) -> None:
    wire = voices.wire_voice(ID, "en", fetched)
    assert wire is not None
    config = PiperConfig.load(Path(wire["files"]["config"]))
    try:
        named = voices.wire_voice(f"{ID}#{speaker}", "en", fetched)
    except PluginError:
        with pytest.raises(SidecarError):
            config.speaker_id(speaker)
        return
    assert named is not None and Voice.from_dict(named).speaker == speaker
    by_name = voices.speakers_of(ID, fetched)
    assert by_name == ("p3922", "zoë", "0")
    assert config.speaker_id(speaker) == (by_name.index(speaker) if speaker in by_name else int(speaker))


def test_the_students_are_those_of_the_package_and_heart_is_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_her_package()
    package = importlib.resources.files("hibari") / "assets"
    registry = json.loads((package / "voices.json").read_text("utf-8"))
    catalogue = voices.catalogue(REAL)
    assert {id for id, voice in catalogue.items() if voice.kind == voices.STUDENT} == registry.keys()
    for id, told in registry.items():
        assert (catalogue[id].language, catalogue[id].person) == (told["language"], {"female": "woman", "male": "man"}[told["gender"]])
        assert [(file.name, file.size_bytes, file.expected.sha256) for file in catalogue[id].files] == (
            [] if told["bundled"] else [(told["file"], told["bytes"], told["sha256"])]
        )
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path))
    put_layer(tmp_path, REAL)
    wire = voices.wire_voice("heart", "en", REAL)
    assert wire is not None
    heart = Voice.from_dict(wire).verified()
    assert (heart.kind, heart.language, dict(heart.sha256)) == ("kokoro_student", "en-US", {"model": registry["heart"]["sha256"]})


def test_a_student_is_fetched_by_the_plugin_and_only_what_is_expected_is_kept(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path))
    raw = json.loads(REAL("plugin/sources.json"))
    model = bytes(range(256)) * 100
    known = {"id": "emma", "language": "en-GB", "person": "woman", "quality": "medium", "file": "bf_emma.int8.onnx", "bytes": len(model)}
    raw["students"] |= {"address": server.url + "voices/", "known": [raw["students"]["known"][0], known | {"sha256": hashlib.sha256(model).hexdigest()}]}

    def resources(name: str) -> bytes:
        return json.dumps(raw).encode() if name == "plugin/sources.json" else REAL(name)

    put_layer(tmp_path, resources)
    for served, kept in ((b"x" * len(model), False), (model, True)):
        server.files = {"voices/bf_emma.int8.onnx": served}
        if not kept:
            with pytest.raises(PluginError, match="voice_fetch_failed"):
                voices.ensure_voice("emma", resources, lambda stage, done, text: None, never)
        else:
            voices.ensure_voice("emma", resources, lambda stage, done, text: None, never)
        assert voices.is_here("emma", resources) is kept
    wire = voices.wire_voice("emma", "en", resources)
    assert wire is not None and Path(wire["files"]["model"]).parent == tmp_path / "voices" / "emma"
    assert Voice.from_dict(wire).verified().language == "en-GB"
    voices.remove("emma", resources)
    assert voices.missing("emma", resources) and not (tmp_path / "voices" / "emma").exists()
