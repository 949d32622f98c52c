"""Moving the engine to another folder: copied, tried there, on the disk, used from then on, and only then removed where it was.

Whatever stops or breaks it before that leaves all as it was. The folder is named in a file that `paths` reads. Blocks,
for minutes perhaps: call it from a thread. Knows nothing of Calibre.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Final

from .. import environ, paths
from ..commands import never, run
from ..converting.progress import Show, Step
from ..errors import PluginError, Stopped
from ..wording import N_, translate
from . import pyvenv, runtime
from .engine_care import Busy, Stop, alone, file_size, remove_tree, size_of, why_silent
from .installer import env_python

MOVED: Final = ("layers", "voices", "tools")
"""What makes up the engine; what is half fetched or kept from fetching (`downloads`) does not come along."""
SPARE_BYTES: Final = 100 * 10**6
_TOLD_TIMES: Final = 200
_LEFT: Final = ("downloads",)
_PLACES: Final = "import json, sys; print(json.dumps([sys.executable, getattr(sys, '_base_executable', ''), sys.base_prefix, sys.base_exec_prefix, *sys.path]))"
_PLACES_S: Final = 60.0
_MARK: Final = "moving.txt"
"""Stands in the target while it is copied, and in the old place while it is removed: what is beside it is ours and not whole."""


def fixed() -> str:
    """Why the engine's folder cannot be chosen, in words; empty where it can."""
    if os.environ.get("E2A_ENGINE_DIR"):
        return translate(N_("the environment variable E2A_ENGINE_DIR says where it is"))
    return ""


def was_moved() -> bool:
    """Is the engine elsewhere than in its usual place?"""
    return paths.engine_dir() != paths.cache_home()


def target_in(chosen: Path) -> Path:
    """The folder for the engine where the user chose `chosen`: one of our name in it, so that nothing of ours lies among other things."""
    chosen = paths.given(chosen)
    return chosen if chosen.name == paths.APP else chosen / paths.APP


def why_not_there(target: Path) -> str:
    """Why the engine cannot be moved to that folder, in words; empty where it can. Makes and measures nothing."""
    current = paths.engine_dir()
    if fixed():
        return fixed()
    if paths.same(target, current) or target == current:
        return translate(N_("it is there already"))
    if _inside(target, current):
        return translate(N_("that folder is inside the one in which it is now"))
    above = paths.standing(target)
    if not above.is_dir():
        return translate(N_("what stands there is not a folder"))
    if above == target and not _is_ours_or_empty(target):
        return translate(N_("there is a folder of that name already, and it is not empty"))
    if not os.access(above, os.W_OK | os.X_OK):
        return translate(N_("you may not write to {folder}")).format(folder=str(above))
    return ""


def move(target: Path, busy: Busy, show: Show = lambda step: None, stopped: Stop = never) -> tuple[Path, ...]:
    """Copy the engine to `target` (see `target_in`), let each layer speak there, use it from then on, and remove it here.

    Where there is none (yet, or its drive is gone), it is installed there from then on. Gives what could not be removed here.
    Stopped or failed, everything is as it was: PluginError `engine_in_use`, `engine_unmoved` (path, reason); `Stopped`.
    """
    target = paths.given(target)
    old = paths.engine_dir()
    refusal = why_not_there(target)
    if refusal:
        raise PluginError("engine_unmoved", path=str(target), reason=refusal)
    with alone(busy, stopped, lambda stage, done, text: show(Step("move", None, None, text))) if paths.is_folder(old) else nullcontext():
        try:
            _copy(old, target, show, stopped)
            for name in MOVED:
                pyvenv.repoint(target / name, old, target, _LEFT, stopped)
            _try_layers(old, target, show, stopped)
            _flush(show, stopped)
            if busy():  # a conversion that began meanwhile runs from the old place
                raise PluginError("engine_in_use")
            _point_at(target)
        except OSError as error:
            _take_back(target)
            raise PluginError("engine_unmoved", repr(error), path=str(target), reason=error.strerror or str(error)) from None
        except BaseException:
            _take_back(target)
            raise
        with suppress(OSError):
            (target / _MARK).unlink(missing_ok=True)
        show(Step("move", None, None, translate(N_("Removing it from where it was")), final=True))
        left = _leave(old)
    if not left and old != paths.cache_home():
        with suppress(OSError):
            (old / "install.lock").unlink(missing_ok=True)
            old.rmdir()
    return left


def _leave(old: Path) -> tuple[Path, ...]:
    """Remove what was moved away; gives what could not be. Cut off, it is marked as not whole, so that a move back is not refused."""
    with suppress(OSError):
        _mark(old)
        for layer in (old / "layers").glob("*/"):
            runtime.forget(layer)
    left = tuple(old / name for name in (*MOVED, *_LEFT) if not remove_tree(old / name))
    if not left:
        with suppress(OSError):
            (old / _MARK).unlink(missing_ok=True)
    return left


def _mark(folder: Path) -> None:
    (folder / _MARK).write_text("The speech engine is being moved. What is beside this file is not whole.\n", encoding="utf-8")


def _copy(old: Path, target: Path, show: Show, stopped: Stop) -> None:
    parts = [old / name for name in MOVED if (old / name).is_dir()]
    total = sum(size_of(part, stopped, None) for part in parts)
    target.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target).free
    if free < total + SPARE_BYTES:
        reason = translate(N_("{need} MB are needed, {free} MB are free there")).format(need=(total + SPARE_BYTES) // 10**6, free=free // 10**6)
        raise PluginError("engine_unmoved", path=str(target), reason=reason)
    if (target / _MARK).exists():  # of a move that was cut off
        for name in MOVED:
            remove_tree(target / name)
    _mark(target)
    done = told = 0

    def copy(source: str, to: str) -> str:
        nonlocal done, told
        if stopped():
            raise Stopped
        shutil.copy2(source, to, follow_symlinks=False)
        done += file_size(Path(to))
        if done - told >= total / _TOLD_TIMES:
            told = done
            text = translate(N_("{done} of {total} MB copied")).format(done=done // 10**6, total=total // 10**6)
            show(Step("move", done / max(total, 1), None, text))
        return to

    for part in parts:
        try:
            shutil.copytree(part, target / part.name, symlinks=True, copy_function=copy)
        except shutil.Error as error:
            raise OSError(str(error.args[0][0][-1]) if error.args and error.args[0] else str(error)) from None


def _try_layers(old: Path, engine: Path, show: Show, stopped: Stop) -> None:
    """A layer that was whole must speak at its new place, too, and without the old one."""
    for stamp in sorted((engine / "layers").glob(f"*/{runtime.STAMP}")):
        name = stamp.parent.name.partition("-")[0]
        show(Step("move", None, None, translate(N_("Letting it speak a word at its new place"))))
        layer = runtime.Layer(name, stamp.parent, env_python(stamp.parent))
        why = why_silent(layer, stopped)
        if why:
            raise PluginError("engine_unmoved", why, path=str(engine), reason=translate(N_("it does not speak there")))
        needed = [place for place in _places(layer, stopped) if _inside(Path(place), old)]
        if needed:
            raise PluginError("engine_unmoved", needed[0], path=str(engine), reason=translate(N_("a part of it works only in the folder in which it is now")))


def _places(layer: runtime.Layer, stopped: Stop) -> list[str]:
    """Where its Python and all that it imports lie; none where it does not say."""
    with suppress(ValueError, IndexError):
        said = json.loads(run([layer.python, "-I", "-c", _PLACES], environ.for_children(), stopped, timeout_s=_PLACES_S).lines[-1])
        return [place for place in said if isinstance(place, str) and Path(place).is_absolute()] if isinstance(said, list) else []
    return []


def _flush(show: Show, stopped: Stop) -> None:
    """Wait until the copy is on the disk: what is there already is removed next. Windows has no such call for all of it."""
    if hasattr(os, "sync"):
        show(Step("move", None, None, translate(N_("Waiting until the disk has written it"))))
        writing = threading.Thread(target=os.sync, name="sync", daemon=True)
        writing.start()
        while writing.is_alive():
            if stopped():
                raise Stopped
            writing.join(0.1)


def _point_at(target: Path) -> None:
    pointer = paths.pointer()
    if target == paths.cache_home():
        pointer.unlink(missing_ok=True)
        return
    paths.point_at(pointer, target)


def _take_back(target: Path) -> None:
    """Remove what was copied, and the folder if nothing else is in it."""
    for name in MOVED:
        remove_tree(target / name)
    with suppress(OSError):
        (target / _MARK).unlink(missing_ok=True)
        if target != paths.cache_home():
            target.rmdir()


def _is_ours_or_empty(folder: Path) -> bool:
    """Empty; or what an earlier move left there when it was cut off; or the usual place without an engine in it."""
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError:
        return False
    if folder == paths.cache_home():
        return names.isdisjoint(MOVED) or _MARK in names
    others = names - {_MARK, "install.lock"}
    return not others or (_MARK in names and others <= {*MOVED, *_LEFT})


def _inside(path: Path, folder: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return False
