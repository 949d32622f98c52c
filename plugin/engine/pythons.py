"""Finding a Python for the sidecar's environment: 3.11 to 3.14, found by running it, never by its name alone.

Where there is none, uv brings one (`uv_release`). Calibre's own interpreter is never used: official
builds have none that could make an environment. A program started from a desktop has a short PATH, so the usual places
are looked at too. On macOS `/usr/bin/python3` may be a stub that opens a dialog; it is left alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .. import paths
from ..commands import Stop, never, run
from ..wording import N_, translate
from .install_faults import failed

VERSIONS: Final = ((3, 12), (3, 13), (3, 11), (3, 14))
"""Supported, best first: the middle ones have wheels of everything."""

UV_PYTHONS: Final = "python"
"""In our folder of tools: where uv puts a Python for us."""

_NONE: Final = N_("there is no Python 3.11 to 3.14 on this computer: {get}")
_NONE_CAME: Final = N_("there is no Python 3.11 to 3.14 on this computer, and downloading one failed: {why}; try again later, or {get}")
_GET: Final[Mapping[str, str]] = {
    "win32": N_("install it from python.org (64 bits; the usual choices will do)"),
    "darwin": N_("install it from python.org (the macOS installer)"),
    "linux": N_("install python3 with pip and venv by your system's package manager"),
}
"""How one gets a Python by hand, by platform."""

_ASK: Final = (
    "import json,sys,platform,sysconfig,importlib.util as u;"
    "print(json.dumps({'version':list(sys.version_info[:3]),'executable':sys.executable,'machine':platform.machine(),"
    "'bits':64 if sys.maxsize>2**32 else 32,'implementation':sys.implementation.name,"
    "'free_threaded':bool(sysconfig.get_config_var('Py_GIL_DISABLED')),"
    "'venv':u.find_spec('venv') is not None,'pip':u.find_spec('pip') is not None,'ensurepip':u.find_spec('ensurepip') is not None}))"
)


@dataclass(frozen=True)
class Python:
    """An interpreter that answered. pip, ensurepip: whether it has these modules."""

    path: Path
    version: tuple[int, int, int]
    machine: str
    pip: bool = False
    ensurepip: bool = False

    @property
    def tag(self) -> str:
        """Names the kind of environment that it makes: `cp312-x86_64`."""
        return f"cp{self.version[0]}{self.version[1]}-{self.machine.lower()}"


def ask(path: Path, env: Mapping[str, str], stopped: Stop = never) -> Python | None:
    """Who is it? None where it does not run, or is none that the engine can use."""
    finished = run([path, "-I", "-c", _ASK], env, stopped, timeout_s=20)
    if finished.code != 0 or not finished.lines:
        return None
    try:
        raw = json.loads(finished.lines[-1])
        version = (int(raw["version"][0]), int(raw["version"][1]), int(raw["version"][2]))
        python = Python(Path(str(raw["executable"])), version, str(raw["machine"]), bool(raw["pip"]), bool(raw["ensurepip"]))
        usable = raw["implementation"] == "cpython" and raw["bits"] == 64 and raw["venv"] and not raw["free_threaded"]
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    return python if usable and version[:2] in VERSIONS else None


def find_python(
    env: Mapping[str, str],
    chosen: str | None = None,
    stopped: Stop = never,
    needs_pip: bool = False,
    asking: Callable[[Path, Mapping[str, str], Stop], Python | None] = ask,
) -> Python:
    """The user's choice (`chosen`, else `E2A_PYTHON`), which then has to do, or the first usable one that is found.

    needs_pip: pass over those that have no pip.
    Raises PluginError `engine_install_failed`.
    """
    chosen = chosen or env.get("E2A_PYTHON") or None
    if chosen:
        found = shutil.which(chosen, path=env.get("PATH"))
        python = asking(Path(found).absolute() if found else Path(chosen), env, stopped)
        if python is None:
            reason = translate(N_("{path} is not a Python 3.11 to 3.14 that runs here (64 bits, with venv)"))
            raise failed("Python", reason.format(path=chosen))
        return python
    seen: set[Path] = set()
    for path in candidates(env):
        if path not in seen:
            seen.add(path)
            python = asking(path, env, stopped)
            if python is not None and (python.pip or not needs_pip):
                return python
    raise failed("Python", none_here())


def none_here(why: str = "") -> str:
    """That there is none, and how to get one by hand. why: none could be downloaded either, translated."""
    get = translate(_GET.get(sys.platform, _GET["linux"]))
    return translate(_NONE_CAME).format(why=why, get=get) if why else translate(_NONE).format(get=get)


def probably_here(env: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Is there a file that looks like one that serves? Runs nothing: by the names alone, a link's by what it leads to."""
    for path in candidates(env, platform):
        told = re.fullmatch(r"python(\d+)\.(\d+)", path.resolve().name.removesuffix(".exe"))
        if told is None or (int(told[1]), int(told[2])) in VERSIONS:
            return True
    return False


def candidates(env: Mapping[str, str], platform: str = sys.platform) -> Iterator[Path]:
    """Where an interpreter may be, best first. The files are there; whether they run is another matter."""
    names = [f"python{a}.{b}" for a, b in VERSIONS]
    if platform == "win32":
        yield from _windows(env)
        yield from _managed(env, platform)
        names = [*names, "python"]
    else:
        names = [*names, "python3"]
    places = [folder for folder in env.get("PATH", "").split(os.pathsep) if folder]
    if platform == "darwin":
        places += ["/opt/homebrew/bin", "/usr/local/bin"]
        places += [f"/Library/Frameworks/Python.framework/Versions/{a}.{b}/bin" for a, b in VERSIONS]
    elif platform != "win32":
        places += ["/usr/local/bin", "/usr/bin", str(Path(env.get("HOME", "/")) / ".local/bin")]
    suffix = ".exe" if platform == "win32" else ""
    for name in names:
        for place in places:
            path = Path(place) / (name + suffix)
            stub = (platform == "darwin" and place == "/usr/bin") or "WindowsApps" in place
            if not stub and paths.is_file(path):
                yield path
    if platform != "win32":
        yield from _managed(env, platform)


def managed_by_uv(folder: Path, platform: str = sys.platform) -> Iterator[Path]:
    """The interpreters that uv has put into its folder for them."""
    for a, b in VERSIONS:
        name = "python.exe" if platform == "win32" else f"bin/python{a}.{b}"
        yield from reversed(paths.named(folder, f"cpython-{a}.{b}.*/{name}"))


def _managed(env: Mapping[str, str], platform: str) -> Iterator[Path]:
    """Those of uv (the user's and ours) and of pyenv, which a program that was started from a desktop does not find in its PATH."""
    home = Path(env.get("USERPROFILE" if platform == "win32" else "HOME") or os.devnull)
    data = Path(env["APPDATA"]) if platform == "win32" and env.get("APPDATA") else home / ".local" / "share"
    for folder in (data / "uv" / "python", paths.tools_dir() / UV_PYTHONS):
        yield from managed_by_uv(folder, platform)
    for a, b in VERSIONS:
        yield from reversed(paths.named(home / ".pyenv" / "versions", f"{a}.{b}.*/bin/python{a}.{b}"))


def _windows(env: Mapping[str, str]) -> Iterator[Path]:
    """Where python.org's installer puts it, for one user and for all."""
    bases = [Path(env[name]) / rest for name, rest in (("LOCALAPPDATA", "Programs/Python"), ("PROGRAMFILES", "")) if env.get(name)]
    for a, b in VERSIONS:
        for base in bases:
            path = base / f"Python{a}{b}" / "python.exe"
            if paths.is_file(path):
                yield path
