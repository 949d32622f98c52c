"""Care of what lies in the engine's folder: what stands there, is it whole, how big is it; taking a layer away, emptying the clips.

Everything here blocks, for seconds or minutes: call it from a thread. What removes or moves is refused while books are
being converted (`busy`); an installation that runs at the same time is waited for. Nothing is removed but what the
plugin makes itself, whatever else lies in a folder that the user gave. Knows nothing of Calibre.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .. import environ, paths
from ..commands import Progress, never, run
from ..errors import PluginError, Stopped
from ..resources import Resources
from ..wording import N_, translate
from . import runtime, sharing, students
from .installer import env_python
from .layer_steps import CHECK_S

Stop = Callable[[], bool]
Busy = Callable[[], bool]
REMOVE: Final = "remove"
"""The stage from which on nothing stops a removal."""
_CLIPS: Final = "clips.sqlite"
_MADE: Final = ("cuts", "exports", "students", "checks")  # beside it: the voices' prepared files, which the sidecar makes again where they are missing


def _untold(stage: str, done: float | None, text: str) -> None:
    return None


@dataclass(frozen=True)
class LayerState:
    """state: `whole`; `outdated` (another version's sidecar, renewed at the next use); `broken` (begun, or of another version); `missing`;
    `installing` (begun, and somebody installs now).

    versions: (what, version) as its stamp has them. build: of torch; of core, that of onnxruntime (`directml`, else empty). size_bytes: of all its files.
    """

    name: str
    state: str
    folder: Path | None = None
    versions: tuple[tuple[str, str], ...] = ()
    build: str = ""
    size_bytes: int = 0


@dataclass(frozen=True)
class State:
    """Sizes in bytes; a file that two layers share is counted once. there: is the folder there at all? free_bytes: -1 where nobody can say."""

    folder: Path
    there: bool
    layers: tuple[LayerState, ...] = ()
    voices_bytes: int = 0
    downloads_bytes: int = 0
    clips_bytes: int = 0
    free_bytes: int = 0
    tools_bytes: int = 0

    @property
    def engine_bytes(self) -> int:
        """Of what a move takes along."""
        return sum(layer.size_bytes for layer in self.layers) + self.voices_bytes


@dataclass
class _Seen:
    """Files with several names, so that each is counted once."""

    files: set[tuple[int, int]] = field(default_factory=set)


def state(resources: Resources, stopped: Stop = never) -> State:
    """What stands where, and how big it is; reads the whole tree, so it takes a second or two. `Stopped`."""
    folder, seen = paths.engine_dir(), _Seen()
    layers = tuple(layer_state(name, resources, stopped, seen) for name in runtime.LAYERS)
    return State(
        folder,
        paths.is_folder(folder),
        layers,
        size_of(paths.voices_dir(), stopped, seen),
        size_of(paths.downloads_dir(), stopped, seen),
        clips_bytes(),
        paths.free_bytes(folder),
        size_of(paths.tools_dir(), stopped, seen),
    )


def begun_bytes(parts: Collection[str], stopped: Stop = never) -> int:
    """How much of an installation that was broken off is on the disk: layers that are not whole, what is kept of fetching them, and of these `parts`
    (voices' and converters' ids). `Stopped`."""
    seen = _Seen()
    begun = [folder for name in runtime.LAYERS for folder in _layer_folders(name) if not paths.is_file(folder / runtime.STAMP)]
    return sum(size_of(folder, stopped, seen) for folder in (*begun, *_kept_of_layers(), *map(paths.half_fetched, parts)))


def layer_states(resources: Resources) -> tuple[LayerState, ...]:
    """All layers', not measured: quick."""
    return tuple(layer_state(name, resources) for name in runtime.LAYERS)


def layer_state(name: str, resources: Resources, stopped: Stop = never, seen: _Seen | None = None) -> LayerState:
    """One layer's; with `seen` None it is not measured."""
    folders = _layer_folders(name)
    found = runtime.find_layer(name, resources)
    stamped = found.folder if found is not None else next((folder for folder in folders if paths.is_file(folder / runtime.STAMP)), None)
    size = sum(size_of(folder, stopped, seen) for folder in folders) if seen is not None else 0
    if found is not None:
        how = "whole"
    elif not folders:
        how = "missing"
    else:
        how = "outdated" if runtime.is_outdated(name, resources) else "installing" if sharing.installing() else "broken"
    stamp = runtime.Layer(name, stamped, env_python(stamped)).stamp() if stamped is not None else {}
    return LayerState(name, how, stamped, _versions(stamp), _build(name, stamp), size)


def speaks(name: str, resources: Resources, stopped: Stop = never) -> str:
    """Empty where the layer that is installed speaks a word now, else why it does not, in the engine's words. One of an older plugin is renewed first."""
    layer = runtime.find_layer(name, resources)
    if layer is None and runtime.is_outdated(name, resources):
        try:
            layer = runtime.renew_layer(name, resources, lambda stage, done, text: None, stopped)
        except PluginError as error:
            return error.what()
    if layer is None:
        return translate(N_("it is incomplete"))
    return why_silent(layer, stopped)


def forget(name: str, busy: Busy, stopped: Stop = never, progress: Progress = _untold) -> None:
    """Let the next installation of that layer do every step anew. PluginError `engine_in_use`; `Stopped`."""
    with alone(busy, stopped, progress):
        _forget(name)


def remove(name: str, busy: Busy, stopped: Stop = never, progress: Progress = _untold) -> None:
    """Take a layer away, with what was kept of fetching it. PluginError `engine_in_use`, `not_removed`; `Stopped`."""
    with alone(busy, stopped, progress):
        progress(REMOVE, None, translate(N_("removing it; this cannot be stopped")))
        _forget(name)  # first, so that what is half removed is taken for nothing
        left = [folder for folder in (*_layer_folders(name), *_kept_of_layers()) if not remove_tree(folder)]
    if left:
        raise PluginError("not_removed", path=str(left[0]), reason=translate(N_("a program still uses it")))


def ensure_speaking(name: str, resources: Resources, progress: Progress, stopped: Stop) -> runtime.Layer:
    """As `runtime.ensure_layer`, but a layer that stands is let speak first, and installed anew where it does not. Besides PluginError
    `engine_in_use_elsewhere`."""
    if runtime.find_layer(name, resources) is not None or runtime.is_outdated(name, resources):
        progress("install", None, translate(N_("letting it speak a word")))
        if speaks(name, resources, stopped):
            forget(name, never, stopped, progress)
    return runtime.ensure_layer(name, resources, progress, stopped)


def clips_bytes() -> int:
    """How big the kept sentences are, with the voices' prepared files."""
    return sum(map(file_size, _clip_files())) + sum(size_of(folder, never, None) for folder in _made())


def empty_clips(busy: Busy) -> int:
    """Remove the kept sentences and the voices' prepared files; gives how many bytes that freed. PluginError `clips_in_use`, `not_removed`."""
    if busy() or not _nobody_uses(paths.clips_dir() / _CLIPS):
        raise PluginError("clips_in_use")
    before = clips_bytes()
    for path in _clip_files():
        unlink(path)
    for folder in _made():
        remove_tree(folder)
    return before - clips_bytes()


def _clip_files() -> list[Path]:
    return paths.named(paths.clips_dir(), _CLIPS + "*")


def _made() -> list[Path]:
    return [folder for name in _MADE if paths.is_folder(folder := paths.clips_dir() / name) and not folder.is_symlink()]


def why_silent(layer: runtime.Layer, stopped: Stop) -> str:
    """Empty where the layer speaks a word now, else its last line."""
    command: list[str | Path] = [layer.python, "-I", "-u", "-X", "utf8", "-m", "e2a_sidecar", "check", "--layer", layer.name]
    finished = run(command, environ.for_children(), stopped, timeout_s=CHECK_S)
    if finished.code == 0:
        return ""
    return next((line.strip() for line in reversed(finished.lines) if line.strip()), str(finished.code))[:200]


@contextmanager
def alone(busy: Busy, stopped: Stop, progress: Progress = _untold) -> Iterator[None]:
    """For as long as it lasts nobody installs; refused while books are being converted, here (`engine_in_use`) or by another program
    (`engine_in_use_elsewhere`); `Stopped`. progress: told of waiting for another installation."""
    if busy():
        raise PluginError("engine_in_use")
    with sharing.only_one(progress, stopped):
        if any(sharing.in_use(folder) for name in runtime.LAYERS for folder in _layer_folders(name)):
            raise PluginError("engine_in_use_elsewhere")
        if stopped():  # meanwhile, though nobody had to be waited for
            raise Stopped
        yield


def _forget(name: str) -> None:
    for folder in _layer_folders(name):
        for record in runtime.RECORDS:
            unlink(folder / record)


def _layer_folders(name: str) -> list[Path]:
    return [path for path in paths.named(paths.layers_dir(), f"{name}-*") if paths.is_folder(path)]


def _kept_of_layers() -> tuple[Path, ...]:
    """What is kept of fetching them."""
    return paths.downloads_dir() / "uv", students.put_by()


def _versions(stamp: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    check, checks = _part(stamp, "check"), _part(stamp, "check").get("checks")
    spoken = [line.split() for line in checks if isinstance(line, str)] if isinstance(checks, list) else []
    onnxruntime = next((words[1] for words in spoken if words[:1] == ["onnxruntime"] and len(words) > 1), "")
    torch = str(_part(stamp, "torch").get("version") or "")
    heart = str(_part(stamp, students.KEY).get("version") or "")
    found = [("Convert to Audiobook", str(check.get("version") or "")), ("Python", _python_version(str(stamp.get("python") or "")))]
    return tuple((name, version) for name, version in [*found, ("onnxruntime", onnxruntime), ("torch", torch), ("hibari-tts", heart)] if version)


def _part(stamp: dict[str, Any], name: str) -> dict[str, Any]:
    part = stamp.get(name)
    return part if isinstance(part, dict) else {}


def _build(name: str, stamp: dict[str, Any]) -> str:
    return str(stamp.get("onnxruntime") or "") if name == "core" else str(stamp.get("device") or "cpu") if stamp else ""


def _python_version(tag: str) -> str:
    digits = tag.partition("-")[0].removeprefix("cp")
    return f"{digits[:1]}.{digits[1:]}" if digits.isdecimal() and len(digits) > 1 else ""


def size_of(folder: Path, stopped: Stop, seen: _Seen | None) -> int:
    """Bytes of all files below; those in `seen` are not counted again."""
    total = 0
    for entry in _entries(folder):
        if stopped():
            raise Stopped
        with suppress(OSError):
            status = os.lstat(entry)
            if seen is not None and status.st_nlink > 1:
                file = (status.st_dev, status.st_ino)
                if file in seen.files:
                    continue
                seen.files.add(file)
            total += status.st_size
    return total


def _entries(folder: Path) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield f"{parent}{os.sep}{name}"


def file_size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise PluginError("not_removed", repr(error), path=str(path), reason=error.strerror or str(error)) from None


def remove_tree(folder: Path) -> bool:
    """Is it gone?"""
    shutil.rmtree(folder, ignore_errors=True)
    return not os.path.lexists(folder)


def _nobody_uses(store: Path) -> bool:
    """Another program (the command line) may be converting: then the store is open. Where nobody can say: nobody does."""
    if not paths.is_file(store):
        return True
    try:
        import sqlite3
    except ImportError:
        return True
    try:
        db = sqlite3.connect(store, timeout=0, isolation_level=None)
    except sqlite3.Error:
        return True
    try:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        db.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return "locked" not in str(error) and "busy" not in str(error)
    except sqlite3.Error:
        return True  # damaged: nothing is lost with it
    finally:
        db.close()
    return True
