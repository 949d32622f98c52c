"""What the plugin fetches and names, the sidecar takes: files held to what came first, speakers by name and number."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.voices.piper import PiperConfig
from e2a_sidecar.voices.voice import Voice
from file_server import Server, server

from plugin.commands import never
from plugin.errors import PluginError
from plugin.resources import Resources
from plugin.speaking import voices

__all__ = ["server"]
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
