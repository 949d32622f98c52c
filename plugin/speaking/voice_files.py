"""The wire's `voice` object (docs/architecture.md), and what a voice's own files say of it: its speakers, its language, its speaker encoder.

A voice of the user's own is an `.onnx` with its `.onnx.json`, or coqui's (`.pth` or its folder) with `config.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from .. import paths
from ..errors import PluginError
from ..wording import N_, translate

Wire = dict[str, Any]
"""The wire's `voice` object, ready for JSON."""
_ENCODERS: Final = ("model_se.pth", "model_se.pth.tar")
"""As coqui-tts names the speaker encoder beside a voice."""
_LARGEST_DESCRIPTION: Final = 8 << 20
_MOST_SPEAKERS: Final = 100_000
"""As the sidecar has them."""
_LONGEST_NAME, _LONGEST_CODE = 200, 40
_PARTING: Final = frozenset("#/\\")
"""Of ids and paths."""
_NAMED: Final = 30
"""Of those that are known, in an error."""


def wire_of(id: str, kind: str, name: str, language: str, files: Mapping[str, Path] = {}, sha256: Mapping[str, str] = {}) -> Wire:
    """files, sha256: by role."""
    paths_of = {role: str(path) for role, path in files.items()}
    return {"id": id, "kind": kind, "name": name, "language": language, "speaker": "", "files": paths_of, "sha256": dict(sha256)}


def voice_from_path(path: Path) -> Wire:
    """A voice of the user's own: an `.onnx` with its `.onnx.json`, or coqui's (`.pth` or its folder) with `config.json`.

    Its language is read from a Piper config where it stands there. Raises PluginError `voice_unknown`, `voice_broken` (voice, reason) for an `.onnx` alone.
    """
    path = paths.given(path)
    with suppress(OSError):  # a name that is too long, a folder that may not be looked into
        if path.suffix == ".onnx" and path.is_file():
            config = path.with_name(path.name + ".json")
            if not config.is_file():
                reason = translate(N_("its description, {file}, is not beside it")).format(file=config.name)
                raise PluginError("voice_broken", voice=path.stem, reason=reason)
            return wire_of(path.stem, "piper", path.stem, _language(config), {"model": path, "config": config})
        model = _checkpoint(path)
        if model is not None and (model.parent / "config.json").is_file():
            return wire_of(model.parent.name, "coqui", model.parent.name, "", {"model": model, "config": model.parent / "config.json"})
    raise PluginError("voice_unknown", voice=str(path), known="a voice's id, an .onnx with its .onnx.json beside it, or a coqui folder with config.json")


def with_speaker(wire: Wire, id: str, speaker: str) -> Wire:
    """The same voice as that speaker, by name or number; empty: as it is. PluginError `voice_unknown` (as `id` says it) where it has none such."""
    if not speaker:
        return wire
    if wire["kind"] == "piper":  # a coqui voice's speakers stand in its checkpoint, which only the sidecar reads
        names, count = speakers_in(wire)
        if speaker not in names and not (speaker.isdecimal() and len(speaker) <= len(str(_MOST_SPEAKERS)) and int(speaker) < count):
            known = names or tuple(map(str, range(min(count, _NAMED + 1))))
            raise PluginError("voice_unknown", voice=id, known=", ".join(known[:_NAMED]) + (", …" if len(known) > _NAMED else ""))
    return wire | {"id": f"{wire['id']}#{speaker}", "name": f"{wire['name']} ({speaker})", "speaker": speaker}


def speakers_in(wire: Wire) -> tuple[tuple[str, ...], int]:
    """(names in order, how many), of a Piper voice's description; what is wrong with one, the sidecar says.

    Where a name cannot be shown in one line, or be a part of a voice's id, its number stands.
    """
    if wire["kind"] != "piper":
        return (), 1
    raw = _description(Path(wire["files"]["config"]))
    with suppress(TypeError, ValueError, AttributeError, OverflowError):
        by_name = {str(name): int(number) for name, number in (raw.get("speaker_id_map") or {}).items()}
        count = max(1, int(raw.get("num_speakers") or 1))
        if max(count, len(by_name)) <= _MOST_SPEAKERS and all(len(name) <= _LONGEST_NAME for name in by_name):
            return tuple(name if _sayable(name) else str(by_name[name]) for name in sorted(by_name, key=by_name.__getitem__)), count
    return (), 1


def _sayable(name: str) -> bool:
    return name == name.strip() != "" and name.isprintable() and _PARTING.isdisjoint(name)


def encoder_of(voice: str) -> dict[str, Path]:
    """The speaker encoder that the folder of a Coqui voice of the user's own holds, as YourTTS's does: by role; empty where it holds none."""
    with suppress(OSError):
        path = paths.given(Path(voice))
        folder = path if path.is_dir() else path.parent
        models = [folder / name for name in _ENCODERS if (folder / name).is_file()]
        if voice and path.exists() and models and (folder / "config_se.json").is_file():
            return {"encoder": models[0], "encoder_config": folder / "config_se.json"}
    return {}


def _language(config: Path) -> str:
    with suppress(AttributeError, RecursionError):
        code = str((_description(config).get("language") or {}).get("code") or "").replace("_", "-")
        return code if len(code) <= _LONGEST_CODE else ""
    return ""


def _description(config: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, RecursionError):
        with open(config, "rb") as file:
            text = file.read(_LARGEST_DESCRIPTION + 1)
        raw = json.loads(text.decode("utf-8")) if len(text) <= _LARGEST_DESCRIPTION else None
        return raw if isinstance(raw, dict) else {}
    return {}


def _checkpoint(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix in (".pth", ".pt") else None
    if not path.is_dir():
        return None
    found = sorted(file for file in path.glob("*.pth") if file.name not in _ENCODERS)
    best = [p for p in found if p.name in ("model_file.pth", "best_model.pth", "model.pth")]
    return next(iter([*best, *found]), None)
