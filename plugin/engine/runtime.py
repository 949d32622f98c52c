"""The sidecar's environment: where each layer is, whether it is whole, and making it (design rule 14).

A layer is a folder `layers/<name>-<key>/`, its key a hash of the lock, of torch's source and of the kind of Python. It
is whole when `stamp.json` stands in it, which is written last, after the layer has spoken a word. The sidecar's own
wheel travels in the plugin's zip; the stamp names its hash, and where only that differs, only the wheel is installed
again. `install.json` records the steps that are done, so that a stopped or failed installation goes on from there; a
layer that does not speak though they are done is damaged, and all of them are done anew.
A step that may be missed (`students`) is tried again by whatever installs, and by `ensure_students`.
Nothing of Calibre here; the steps themselves are in `layer_steps`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from .. import environ, paths
from ..commands import Progress, Stop
from ..errors import PluginError
from ..resources import Resources, sidecar_wheel
from ..wording import N_, translate
from . import pyvenv, students
from .install_faults import failed, no_space, unwritable
from .installer import Installer, choose, env_python, local_tool
from .layer_steps import Install, Step, steps_of, students_step
from .onnxruntime_build import layer_lock, wanted_onnxruntime
from .pythons import Python, find_python
from .sharing import in_use, only_one, wait_for_others
from .torch_source import layer_mb, torch_source, wanted_device
from .uv_release import bring_python, bring_uv

LAYERS: Final = ("core", "neural")
STAMP: Final = "stamp.json"
STEPS_DONE: Final = "install.json"
RECORDS: Final = (STAMP, STEPS_DONE)
"""Without these a folder is no layer, and the next installation does every step anew."""
_SOURCES: Final = "plugin/sources.json"


@dataclass(frozen=True)
class Layer:
    """An installed layer. python: the interpreter of its environment."""

    name: str
    folder: Path
    python: Path

    def command(self) -> list[str]:
        """Starts the sidecar's session. -I: nothing of the user's Python gets in; -X utf8 since -I ignores PYTHONUTF8."""
        return [str(self.python), "-I", "-u", "-X", "utf8", "-m", "e2a_sidecar", "session"]

    def stamp(self) -> dict[str, Any]:
        """What was installed: versions, hashes of torch's wheels, the word that was spoken."""
        return _read(self.folder / STAMP)


def find_layer(name: str, resources: Resources) -> Layer | None:
    """The layer of this very plugin, if it is installed and whole. Runs nothing and reaches nothing."""
    wheel = sidecar_wheel(resources).sha256
    return next((layer for layer in _whole(name, resources) if layer.stamp().get("wheel") == wheel), None)


def is_outdated(name: str, resources: Resources) -> bool:
    """True where the layer is there but holds another version's sidecar: `renew_layer` then takes seconds and no network."""
    return find_layer(name, resources) is None and next(_whole(name, resources), None) is not None


def standing(resources: Resources) -> tuple[Layer, ...]:
    """The layers of this plugin's locks that are whole, core first, be the sidecar in them another version's."""
    return tuple(layer for name in LAYERS for layer in _whole(name, resources))


def students_layer(resources: Resources) -> Layer | None:
    """The first that holds the student voices' package."""
    return next((layer for layer in standing(resources) if students.is_in(layer.stamp())), None)


def students_missed(resources: Resources) -> str:
    """Why that package is nowhere here though it was tried to get it, in words; else empty."""
    if students_layer(resources) is not None:
        return ""
    return next((why for layer in standing(resources) if (why := students.why_missing(layer.stamp(), resources))), "")


def ensure_students(resources: Resources, progress: Progress, stopped: Stop) -> None:
    """The student voices' package, put into a layer that stands, or with a new core layer. PluginError `engine_install_failed`; `Stopped`."""
    if standing(resources):
        with only_one(progress, stopped):
            for layer in standing(resources)[:1] if students_layer(resources) is None else ():
                _add_students(layer, resources, environ.for_children(), progress, stopped)
    else:
        ensure_layer("core", resources, progress, stopped)
    if why := students_missed(resources):
        raise failed(students.KEY, why)


def ensure_layer(name: str, resources: Resources, progress: Progress, stopped: Stop) -> Layer:
    """The layer, installed first where it is not there or not whole. Goes on where an earlier try ended. Without the student voices' package, which is
    tried to be had, it is a layer all the same.

    Raises PluginError `engine_install_failed` (step, reason; detail: the last output); `Stopped`.
    """
    env = environ.for_children()
    found = _as_asked(find_layer(name, resources), env, resources)
    if found is not None and students.is_current(found.stamp(), resources):
        return found
    with only_one(progress, stopped):
        found = _as_asked(find_layer(name, resources), env, resources)  # another process may have made it meanwhile
        if found is None:
            found = _install(name, resources, env, progress, stopped)
        elif not students.is_current(found.stamp(), resources):
            _add_students(found, resources, env, progress, stopped)
        remove_old(found)
    return found


def renew_layer(name: str, resources: Resources, progress: Progress, stopped: Stop) -> Layer | None:
    """The layer that stands, with this plugin's sidecar put into it; None where there is none. No network, whatever build the environment asks for.

    Raises PluginError `engine_install_failed`, `engine_in_use_elsewhere`; `Stopped`.
    """
    with only_one(progress, stopped):
        found = find_layer(name, resources)  # another process may have renewed it meanwhile
        whole = next(_whole(name, resources), None) if found is None else None
        if whole is not None:
            found = _renew(whole, resources, environ.for_children(), progress, stopped)
        if found is not None:
            remove_old(found)
    return found


def _install(name: str, resources: Resources, env: Mapping[str, str], progress: Progress, stopped: Stop) -> Layer:
    whole = _as_asked(next(_whole(name, resources), None), env, resources)
    if whole is not None:
        renewed = _renew(whole, resources, env, progress, stopped)
        if not students.is_current(renewed.stamp(), resources):
            _add_students(renewed, resources, env, progress, stopped)
        return renewed
    progress("install", 0.0, translate(N_("looking for a Python")))
    try:
        python = _python(resources, env, progress, stopped)
        device = wanted_device(env)
        onnxruntime = wanted_onnxruntime(env, resources)
        key = layer_key(name, resources, python.tag, device, onnxruntime)
        folder = paths.layers_dir() / f"{name}-{key}"
        folder.parent.mkdir(parents=True, exist_ok=True)
        record = _read(folder / STEPS_DONE)
        wait_for_others(folder, progress, stopped)
        _check_space(name, resources, device, record, folder)
        progress("install", 0.01, translate(N_("getting the program that installs the rest (uv)")))
        tool = choose(python, resources, env, paths.tools_dir(), paths.downloads_dir() / "uv", stopped)
        install = Install(name, folder, python, tool, resources, torch_source(resources, device), progress, stopped, onnxruntime)
        (folder / STAMP).unlink(missing_ok=True)
        try:
            stamp = _go_through(install, record)
        except _Damaged:
            _check_space(name, resources, device, {}, folder)
            progress("install", 0.0, translate(N_("what was there is damaged: all of it is installed anew")))
            stamp = _go_through(install, {})
    except OSError as error:
        raise unwritable(error, paths.layers_dir()) from None
    stamp = students.judged(stamp, students.lock_token(resources))
    stamp |= {"layer": name, "key": key, "python": python.tag, "device": device, "onnxruntime": onnxruntime, "installer": tool.name}
    _write(folder / STAMP, stamp)
    return Layer(name, folder, env_python(folder))


def _python(resources: Resources, env: Mapping[str, str], progress: Progress, stopped: Stop) -> Python:
    """The one that is found, else one that is brought; and uv with one that could install nothing by itself."""
    try:
        python = find_python(env, stopped=stopped)
    except PluginError:
        if env.get("E2A_PYTHON"):
            raise
        return bring_python(resources, env, paths.tools_dir(), progress, stopped)
    if not (python.pip or python.ensurepip):
        bring_uv(resources, env, paths.tools_dir(), progress, stopped)
    return python


def _renew(layer: Layer, resources: Resources, env: Mapping[str, str], progress: Progress, stopped: Stop) -> Layer:
    """Put this plugin's sidecar into a layer that is whole but for it: its Python and its packages stay, whatever else has come since."""
    stamp = layer.stamp()
    try:
        wait_for_others(layer.folder, progress, stopped)
        tool = local_tool(layer.python, env, paths.tools_dir(), paths.downloads_dir() / "uv", stopped)
        python = Python(layer.python, (0, 0, 0), "")
        install = Install(layer.name, layer.folder, python, tool, resources, torch_source(resources, str(stamp["device"])), progress, stopped)
        _write(layer.folder / STAMP, {**stamp, "wheel": ""})  # no plugin's, while it is half there
        steps = {step.name: step for step in steps_of(install)}
        stamp |= steps["engine"].run()
        try:
            stamp |= steps["check"].run()
        except PluginError:
            forget(layer.folder)
            raise
    except OSError as error:
        raise unwritable(error, layer.folder) from None
    _write(layer.folder / STAMP, students.judged(stamp))
    progress("install", 1.0, translate(N_("ready")))
    return layer


def _add_students(layer: Layer, resources: Resources, env: Mapping[str, str], progress: Progress, stopped: Stop) -> None:
    """Try to put the student voices' package into a layer that stands; its stamp says how that ended. An earlier one that is in
    stays where the newer one cannot be had. Raises only `Stopped`."""
    progress("install", 0.0, translate(N_("looking for a Python")))
    stamp, lock = layer.stamp(), students.lock_token(resources)
    stays = students.is_in(stamp)
    try:
        tool = _tool_for(layer, resources, env, stopped)
        install = Install(layer.name, layer.folder, Python(layer.python, (0, 0, 0), ""), tool, resources, torch_source(resources, "cpu"), progress, stopped)
        stamp |= students_step(install, "").run()
        stamp |= next(step for step in steps_of(install) if step.name == "check").run()
    except (PluginError, OSError) as error:
        if not stays:
            stamp[students.KEY] = {"lock": lock, "missing": _reason(error)}
    with suppress(OSError):  # then it is as if nobody had tried
        _write(layer.folder / STAMP, students.judged(stamp, lock))
    progress("install", 1.0, translate(N_("ready")))


def _tool_for(layer: Layer, resources: Resources, env: Mapping[str, str], stopped: Stop) -> Installer:
    """What puts packages of an index into a layer that stands: uv, else the layer's own pip or one that works from outside."""
    tool = choose(find_python(env, stopped=stopped), resources, env, paths.tools_dir(), paths.downloads_dir() / "uv", stopped)
    if tool.name != "pip":
        return tool
    return local_tool(layer.python, {**env, "E2A_INSTALLER": "pip"}, paths.tools_dir(), paths.downloads_dir() / "uv", stopped)


def _tried(step: Step) -> tuple[dict[str, Any], bool]:
    """(what the stamp should keep of it, whether it is done). Raises what the step raises, if nothing goes without it; `Stopped`."""
    try:
        return step.run(), True
    except (PluginError, OSError) as error:
        if step.missed is None:
            raise
        return step.missed(_reason(error)), False


def _reason(error: PluginError | OSError) -> str:
    return str(error.params.get("reason", error.code)) if isinstance(error, PluginError) else str(error.strerror or error)


class _Damaged(Exception):
    """A layer does not speak whose steps were done before."""


def _go_through(install: Install, record: dict[str, Any]) -> dict[str, Any]:
    """Run the steps that are not done; returns what they have to say for the stamp. Raises PluginError; _Damaged; `Stopped`."""
    path = install.folder / STEPS_DONE
    done = _steps_done(record) if paths.is_there(env_python(install.folder)) else {}
    steps = steps_of(install)
    believed = any(done.get(step.name, {}).get("token") == step.token for step in steps)
    missed: dict[str, Any] = {}
    for step in steps:
        # A step is done for the input that it had (`token`); the check is done anew each time.
        if done.get(step.name, {}).get("token") != step.token:
            install.within(steps, step)
            try:
                said, well = _tried(step)
            except PluginError:
                if step.name == "check":
                    forget(install.folder)
                    if believed:
                        raise _Damaged from None
                raise
            if well:
                done[step.name] = {"token": step.token, "said": said}
                _write(path, {"done": done})
            else:
                done.pop(step.name, None)
                missed |= said
    stamp: dict[str, Any] = dict(missed)
    for step in steps:
        stamp |= done[step.name]["said"] if step.name in done else {}
    # What was only checked is to be checked again when something is installed again.
    _write(path, {"done": {name: value for name, value in done.items() if name != "check"}})
    install.progress("install", 1.0, translate(N_("ready")))
    return stamp


def layer_key(name: str, resources: Resources, python_tag: str, device: str, onnxruntime: str = "") -> str:
    """12 hexadecimal digits; differs where another environment would come out."""
    sources = resources(_SOURCES) if name == "neural" or onnxruntime else b""
    return _key(name, resources(f"plugin/locks/{name}.txt"), sources, python_tag, device, onnxruntime)


@lru_cache(maxsize=64)
def _key(name: str, lock: bytes, sources: bytes, python_tag: str, device: str, onnxruntime: str) -> str:
    files = {f"plugin/locks/{name}.txt": lock, _SOURCES: sources}.__getitem__
    parts: list[Any] = [name, python_tag, layer_lock(name, files, onnxruntime).decode().replace("\r\n", "\n")]
    if name == "neural":
        source = torch_source(files, device)
        parts += [source.versions, source.index, source.device]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def _is_of(folder: Path, stamp: Mapping[str, Any], name: str, resources: Resources) -> bool:
    """Does the stamp belong to this plugin's lock? Its own Python, device and build of onnxruntime are taken as they are."""
    tag, device, onnxruntime = (str(stamp.get(key, "")) for key in ("python", "device", "onnxruntime"))
    return bool(tag) and folder.name == f"{name}-{layer_key(name, resources, tag, device, onnxruntime)}"


def _whole(name: str, resources: Resources) -> Iterator[Layer]:
    """Stamped layers of this plugin's lock, whatever sidecar they hold."""
    for folder in _folders(name):
        layer = Layer(name, folder, env_python(folder))
        if _is_of(folder, layer.stamp(), name, resources) and paths.is_there(layer.python) and pyvenv.base_is_there(folder):
            yield layer


def _as_asked(layer: Layer | None, env: Mapping[str, str], resources: Resources) -> Layer | None:
    """The layer, unless the environment asks for another build of torch or onnxruntime than it holds."""
    if layer is None:
        return None
    stamp = layer.stamp()
    other_torch = layer.name == "neural" and bool(env.get("E2A_TORCH")) and wanted_device(env) != stamp.get("device")
    other_onnxruntime = bool(env.get("E2A_ONNXRUNTIME")) and wanted_onnxruntime(env, resources) != stamp.get("onnxruntime", "")
    return None if other_torch or other_onnxruntime else layer


def _folders(name: str) -> list[Path]:
    """The latest stamp first: of two that are whole (an old one was in use when another build was asked for), it is the one asked for last."""
    return sorted(paths.named(paths.layers_dir(), f"{name}-*"), key=_stamped_at, reverse=True) if name in LAYERS else []


def _stamped_at(folder: Path) -> float:
    try:
        return (folder / STAMP).stat().st_mtime
    except OSError:
        return 0.0


def _check_space(name: str, resources: Resources, device: str, record: Mapping[str, Any], folder: Path) -> None:
    """Raises PluginError where what is to come does not fit; what stands there already needs no room."""
    need_mb = sum(layer_mb(resources, name, device))
    done = _steps_done(record)
    if "packages" in done:
        need_mb //= 2
    if "torch" in done or (name == "core" and "packages" in done):
        need_mb = 100
    place = folder.parent
    free_mb = shutil.disk_usage(place).free // 10**6
    if free_mb < need_mb:
        raise no_space("free space", need_mb, free_mb, place)


def forget(folder: Path) -> None:
    """What is there is taken for no layer any more. Raises OSError."""
    for record in RECORDS:
        (folder / record).unlink(missing_ok=True)


def remove_old(current: Layer) -> None:
    """Remove the folders of other versions of that layer which no process uses."""
    for folder in _folders(current.name):
        if folder != current.folder and not in_use(folder):
            with suppress(OSError):  # then it is left whole
                forget(folder)
                shutil.rmtree(folder, ignore_errors=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return raw if isinstance(raw, dict) else {}


def _steps_done(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The steps that are done, by a record that anybody may have written; one of which it makes no sense is to be done anew."""
    done = record.get("done")
    steps = done.items() if isinstance(done, dict) else ()
    return {name: step for name, step in steps if isinstance(step, dict) and "token" in step and isinstance(step.get("said"), dict)}


def _write(path: Path, value: Mapping[str, Any]) -> None:
    """All or nothing."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=1, sort_keys=True), encoding="utf-8")
    part.replace(path)
