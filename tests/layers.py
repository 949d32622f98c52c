"""Layers of the engine as they lie there when they were installed, for tests that need none that speaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from plugin.engine import runtime, students
from plugin.engine.installer import env_python
from plugin.resources import Resources

TAG = "cp312-x86_64"


def put_layer(engine: Path, resources: Resources, name: str = "core", heart: bool | str = True, device: str = "cpu", wheel: str | None = None) -> Path:
    """Its folder. heart: does it hold the student voices' package; or why not; False: nobody has tried. wheel: of the sidecar, else the plugin's own."""
    folder = engine / "layers" / f"{name}-{runtime.layer_key(name, resources, TAG, device)}"
    env_python(folder).parent.mkdir(parents=True, exist_ok=True)
    env_python(folder).touch()
    stamp: dict[str, Any] = {"layer": name, "python": TAG, "device": device, "onnxruntime": "", "wheel": wheel or runtime.sidecar_wheel(resources).sha256}
    if heart:
        told = {"version": "0.2.1"} if heart is True else {"missing": heart}
        stamp[students.KEY] = {"lock": students.lock_token(resources), **told}
    (folder / runtime.STAMP).write_text(json.dumps(stamp))
    return folder
