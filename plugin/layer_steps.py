"""The steps that make a layer: an environment, the locked packages, torch, the sidecar's wheel, a spoken word.

Each step has a token, a hash of what it was made from: done with the same token, it is not done again. A step returns
what the stamp should keep of it. A step that fails raises PluginError `engine_install_failed` with its name, a reason
in plain words and the last output as detail.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from . import paths
from .commands import Progress, Stop, run
from .errors import PluginError
from .fetch import Opener, opener_from, reachable
from .installer import Installer, What, env_python
from .onnxruntime_build import layer_lock
from .pythons import Python
from .resources import Resources, sidecar_wheel
from .torch_source import TorchSource

CHECK_S: Final = 300.0
"""A cold disk and a virus scanner can make the first import of torch that slow."""

UNPACKED: Final = 3
"""Fetched and unpacked, a build of torch takes about so many times its size."""


@dataclass(frozen=True)
class Step:
    """share: its part of the whole, 0..1."""

    name: str
    share: float
    token: str
    run: Callable[[], dict[str, Any]]


@dataclass
class Install:
    """One installation on its way: what it has to work with."""

    name: str
    folder: Path
    python: Python
    tool: Installer
    resources: Resources
    torch: TorchSource
    progress: Progress
    stopped: Stop
    onnxruntime: str = ""
    _from: float = 0.0
    _share: float = 1.0

    def within(self, start: float, share: float) -> None:
        """What is told from now on is that part of the whole."""
        self._from, self._share = start, share

    def tell(self, done: float, text: str) -> None:
        self.progress("install", min(self._from + self._share * min(done, 1.0), 1.0), text)

    def install(self, step: str, what: What, coming: Coming) -> None:
        """Run the installer. coming: what will come, for the progress."""

        def on_line(line: str) -> None:
            if coming.heard(line):
                self.tell(coming.done, coming.text)

        finished = run(self.tool.install(self.folder, what), self.tool.env, self.stopped, on_line, cwd=paths.engine_dir())
        if finished.code != 0:
            raise PluginError("engine_install_failed", finished.tail, step=step, reason=why(finished.lines, finished.code))


_COMES: Final = re.compile(
    r"\s*(?P<verb>Downloading|Downloaded|Collecting|\+)\s+(?P<name>[A-Za-z][\w.]*(?:-[A-Za-z][\w.]*)*)[^(]*(?:\((?P<size>[\d.]+) ?(?P<unit>[KMG])i?B\))?"
)
"""A line of uv's or pip's output that says which package comes, and perhaps how big it is."""
_MB: Final = {"K": 0.001, "M": 1.0, "G": 1000.0}


class Coming:
    """Reads an installer's output for how far it is: by size where the size of all is known (torch), else by packages."""

    def __init__(self, packages: int, size_mb: float | None = None) -> None:
        self._packages = packages
        self._size_mb = size_mb
        self._sizes_mb: dict[str, float] = {}
        self._arrived: set[str] = set()
        self._seen: set[str] = set()
        self._sequential = ""
        self.text = ""

    def heard(self, line: str) -> bool:
        """Whether the line was news. uv says when a download ends; pip fetches one after another, so the next one ends it."""
        match = _COMES.match(line)
        if match is None:
            return False
        name = match["name"].lower()
        self._seen.add(name)
        if match["verb"] == "Downloaded":
            self._arrived.add(name)
            self._sequential = ""
        elif match["size"]:
            self._sizes_mb[name] = float(match["size"]) * _MB[match["unit"]]
        if match["verb"] == "Collecting":
            self._arrived |= {self._sequential} - {""}
            self._sequential = name
        self.text = match["name"] + (f" ({match['size']} {match['unit']}B)" if match["size"] else "")
        return True

    @property
    def done(self) -> float:
        """0..1, not quite 1 before the installer has ended."""
        if self._size_mb is None:
            return len(self._seen) / (self._packages + 1)
        arrived = sum(size for name, size in self._sizes_mb.items() if name in self._arrived)
        return 0.98 * arrived / max(sum(self._sizes_mb.values()), self._size_mb)


def why(lines: tuple[str, ...], code: int) -> str:
    """The line of an installer's output that says most, without addresses (they may hold a password)."""
    for pattern in (
        r"no space left",
        r"hash(es)? (do|mis)",
        r"no (solution|matching distribution)",
        r"network|connect|timed? ?out|resolve|certificate",
        r"^\W*error",
    ):
        for line in reversed(lines):
            if re.search(pattern, line, re.IGNORECASE):
                text = re.sub(r"\w+://\S+", "an address", line.strip().removeprefix("ERROR: ").removeprefix("error: "))
                return text[:200]
    return f"the installer ended with code {code}"


def steps_of(install: Install) -> list[Step]:
    """The steps of this layer in order; their shares add up to 1."""
    resources, neural = install.resources, install.name == "neural"
    lock = layer_lock(install.name, resources, install.onnxruntime)
    made = _token(str(install.python.path), install.tool.name)
    locked = _token(made, lock.decode())
    wheel = sidecar_wheel(resources)
    steps = [
        Step("environment", 0.02, made, lambda: _environment(install)),
        Step("packages", 0.35 if neural else 0.75, locked, lambda: _packages(install, lock)),
    ]
    if neural:
        torch = _token(locked, json.dumps([install.torch.versions, install.torch.index]))
        steps += [
            Step("torch", 0.42, torch, lambda: _torch(install)),
            Step("torchaudio", 0.04, torch, lambda: _torch_others(install)),
        ]
    steps += [
        Step("engine", 0.02, _token(locked, wheel.sha256), lambda: _wheel(install)),
        Step("check", 0.15 if neural else 0.21, "never done", lambda: _check(install)),
    ]
    return steps


def _environment(install: Install) -> dict[str, Any]:
    install.tell(0.0, f"Making an environment with Python {'.'.join(map(str, install.python.version))} ({install.tool.name})")
    shutil.rmtree(install.folder, ignore_errors=True)
    finished = run(install.tool.create(install.python, install.folder), install.tool.env, install.stopped, cwd=paths.engine_dir())
    if finished.code != 0 or not env_python(install.folder).exists():
        raise PluginError("engine_install_failed", finished.tail, step="environment", reason=why(finished.lines, finished.code))
    return {}


def _packages(install: Install, lock: bytes) -> dict[str, Any]:
    path = install.folder / "lock.txt"
    path.write_bytes(lock)
    count = len(re.findall(rb"(?m)^[a-z0-9]", lock))
    install.tell(0.0, f"Fetching {count} packages")
    install.install("packages", What(lock=path), Coming(count))
    return {}


def _torch(install: Install) -> dict[str, Any]:
    """From pip's own find-links; else torch's index; else the ordinary index."""
    source = install.torch
    opener = opener_from(install.tool.env)
    for where, what, text in torch_ways(source):
        if where == "index" and not _index_there(source, opener):
            continue
        if where == "local" and not _local_has(install, what):
            continue
        install.tell(0.0, text)
        size_mb = {"local": None, "index": source.fetch_mb, "ordinary": source.ordinary_mb}[where]
        if size_mb is not None:
            _space(install, UNPACKED * size_mb)  # no reason to take another build, which may not use the card
        try:
            install.install("torch", what, Coming(1, size_mb))
        except PluginError:
            if where == "ordinary":
                raise
            continue
        if where == "local":
            # What a local build needs besides (CUDA's libraries, say) may come from the index; mostly it is all there.
            install.install("torch", What(requirements=(source.torch,), deps=True), Coming(1))
        return {"torch_from": where, "torch": _installed(install, "torch")}
    raise AssertionError("the ordinary index is the last way")


def torch_ways(source: TorchSource) -> list[tuple[str, What, str]]:
    """(name, what to install, what to tell), in the order in which they are tried."""
    ways = [("local", What(requirements=(source.torch,), local_only=True), f"Installing {source.torch} from the local folder that pip is set to")]
    if source.index:
        ways.append(
            (
                "index",
                What(requirements=(source.torch,), deps=True, index=source.index),
                f"Fetching {source.torch} for {source.device} (about {source.fetch_mb} MB)",
            )
        )
    ways.append(
        (
            "ordinary",
            What(requirements=(source.torch,), deps=True),
            f"Fetching {source.torch} from the ordinary index: {source.ordinary} (about {source.ordinary_mb} MB)",
        )
    )
    return ways


def _space(install: Install, need_mb: int) -> None:
    free_mb = shutil.disk_usage(install.folder).free // 10**6
    if free_mb < need_mb:
        raise PluginError("engine_install_failed", step="torch", reason=f"{need_mb} MB of free space are needed, {free_mb} MB are free at {install.folder}")


def _index_there(source: TorchSource, opener: Opener) -> bool:
    return source.index is not None and reachable(f"{source.index}/torch/", opener)


def _local_has(install: Install, what: What) -> bool:
    question = What(requirements=what.requirements, local_only=True, dry=True)
    return run(install.tool.install(install.folder, question), install.tool.env, install.stopped, cwd=paths.engine_dir()).code == 0


def _torch_others(install: Install) -> dict[str, Any]:
    install.tell(0.0, "Fetching torchaudio and torchcodec")
    source = install.torch
    try_index = source.index is not None and _index_there(source, opener_from(install.tool.env))
    done = False
    if try_index:
        try:
            install.install("torchaudio", What(requirements=source.others, index=source.index), Coming(2))
            done = True
        except PluginError:
            done = False  # that index lacks one of them: the ordinary one has both
    if not done:
        install.install("torchaudio", What(requirements=source.others), Coming(2))
    said = {name: _installed(install, name) for name in ("torchaudio", "torchcodec")}
    said["torchaudio"]["native_removed"] = _remove_native(install)
    return said


def _remove_native(install: Install) -> list[str]:
    """The index's torchaudio is built for CUDA. Beside a torch without CUDA its libraries fail to load, and all that we
    use of it runs without them, so they are removed."""
    site = _site_packages(install)
    version = (site / "torch" / "version.py").read_text(encoding="utf-8")
    if not re.search(r"^cuda\b.*= None$", version, re.MULTILINE):
        return []
    gone = []
    for path in sorted((site / "torchaudio" / "lib").glob("*")):
        if path.suffix in (".so", ".pyd", ".dylib"):
            path.unlink()
            gone.append(path.name)
    return gone


def _wheel(install: Install) -> dict[str, Any]:
    wheel = sidecar_wheel(install.resources)
    install.tell(0.0, "Installing the sidecar")
    data = install.resources(wheel.path)
    if hashlib.sha256(data).hexdigest() != wheel.sha256:
        raise PluginError("engine_install_failed", step="engine", reason="the plugin's own file is damaged; install the plugin again")
    paths.downloads_dir().mkdir(parents=True, exist_ok=True)
    path = paths.downloads_dir() / wheel.name
    path.write_bytes(data)
    try:
        install.install("engine", What(requirements=(str(path),), local_only=True, reinstall=True), Coming(1))
    finally:
        path.unlink(missing_ok=True)
    return {"wheel": wheel.sha256}


def _check(install: Install) -> dict[str, Any]:
    """Let the layer speak a word; what it says of itself goes into the stamp."""
    install.tell(0.0, "Speaking a word")
    command: list[str | Path] = [env_python(install.folder), "-I", "-u", "-X", "utf8", "-m", "e2a_sidecar", "check", "--layer", install.name]
    finished = run(command, install.tool.env, install.stopped, timeout_s=CHECK_S)
    for line in reversed(finished.lines):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and said.get("ok") is True and finished.code == 0:
            return {"check": said}
    last = next((line for line in reversed(finished.lines) if line.strip()), "")
    raise PluginError("engine_install_failed", finished.tail, step="check", reason=f"it was installed but could not speak: {last[:200] or finished.code}")


def _site_packages(install: Install) -> Path:
    found = [*install.folder.glob("lib/python*/site-packages"), *install.folder.glob("Lib/site-packages")]
    return found[0]


def _installed(install: Install, name: str) -> dict[str, Any]:
    """Version of an installed package, and a hash over the files that its wheel held (by its RECORD).

    What installers add (RECORD's own line, INSTALLER, compiled files) is left out, so equal wheels give equal hashes.
    """
    for info in _site_packages(install).glob(f"{name}-*.dist-info"):
        lines = (info / "RECORD").read_text(encoding="utf-8").splitlines()
        kept = sorted(line for line in lines if ",sha256=" in line and ".dist-info/" not in line and "/bin/" not in line and ".pyc" not in line)
        version = info.name.removeprefix(f"{name}-").removesuffix(".dist-info")
        return {"version": version, "content_sha256": hashlib.sha256("\n".join(kept).encode()).hexdigest()}
    raise PluginError("engine_install_failed", step=name, reason=f"{name} is not there after it was installed")


def _token(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
