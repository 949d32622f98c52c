"""Recordings and converters for the tests of cloned voices: small, and as the plugin keeps them."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import soundfile

from plugin.resources import Resources
from plugin.speaking import converters
from plugin.speaking.catalogue import CatalogueVoice

ROOT = Path(__file__).resolve().parents[1]
JOE = "en_US-joe-medium"
THORSTEN = "de_DE-thorsten-medium"


def flac(seed: int = 0, seconds: float = 8.0, rate_hz: int = 24_000, channels: int = 1, subtype: str = "PCM_16") -> bytes:
    """A recording that nobody would take for speech, but a FLAC of the right kind."""
    noise = np.random.default_rng(seed).standard_normal((int(seconds * rate_hz), channels)) * 0.01
    held = io.BytesIO()
    soundfile.write(held, noise, rate_hz, format="FLAC", subtype=subtype)
    return held.getvalue()


def recording(folder: Path, seed: int = 0) -> Path:
    """A file of it."""
    path = folder / f"recording-{seed}.flac"
    path.write_bytes(flac(seed, 1.0))
    return path


def put_voice(engine: Path, id: str) -> None:
    """A voice of the collection, as it lies there when it was fetched."""
    _put(engine, id, {"model": f"{id}.onnx", "config": f"{id}.onnx.json"})


def put_converter(engine: Path, id: str, resources: Resources) -> None:
    """All parts of a converter, as they lie there when they were fetched."""
    for part in converters.catalogue(resources)[id].parts:
        put_part(engine, part)


def put_part(engine: Path, part: CatalogueVoice) -> None:
    """One of them."""
    _put(engine, part.id, {role: f"{role}.bin" for role in part.roles})


def _put(engine: Path, id: str, names: dict[str, str]) -> None:
    folder = engine / "voices" / id
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for role, name in names.items():
        data = b"{}" if name.endswith(".json") else f"{id} {role}".encode()
        (folder / name).write_bytes(data)
        files[role] = {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "voice.json").write_text(json.dumps({"schema": 1, "id": id, "files": files}))
