"""The engine for `build.py`'s own use: its layers and the default voice, installed by the plugin's own code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from build_steps import packaging
from build_steps.console import Console
from build_steps.places import DEFAULT_VOICE, ROOT
from plugin import paths, runtime, voices
from plugin.commands import never
from plugin.errors import PluginError
from plugin.resources import Resources, from_folder


def resources() -> Resources:
    """The checkout's files, with the wheel just built."""
    packaging.build_wheel()
    return from_folder(ROOT)


def layers(names: tuple[str, ...], console: Console) -> dict[str, runtime.Layer]:
    """Each layer, installed where it is missing. Leaves with the user's sentence where that fails."""
    files = resources()
    found = {}
    for name in names:
        layer = runtime.find_layer(name, files)
        if layer is None:
            sizes = json.loads(files("plugin/sources.json"))["layers"][name]
            free = shutil.disk_usage(_existing(paths.engine_dir())).free // 10**6
            console.title(f"Speech engine, {name} layer: about {sizes['fetch_mb']} MB to fetch, {sizes['disk_mb']} MB on disk ({free} MB free)")
            try:
                layer = runtime.ensure_layer(name, files, console.progress, never)
            except PluginError as error:
                console.end()
                raise SystemExit(f"{error.detail}\n\n{error.sentence()}") from None
            console.end()
        found[name] = layer
    return found


def voice_folder(console: Console, required: bool = True) -> Path | None:
    """The folder of the default voice, fetched where it is missing; None where it cannot be had and need not be."""
    files = resources()
    if voices.wire_voice(DEFAULT_VOICE, "en", files) is None:
        console.title("The default voice")
    try:
        wire = voices.ensure_voice(DEFAULT_VOICE, files, console.progress, never)
    except PluginError as error:
        console.end()
        if required:
            raise SystemExit(error.sentence()) from None
        console.say(error.sentence())
        return None
    console.end()
    return Path(wire["files"]["model"]).parent


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
