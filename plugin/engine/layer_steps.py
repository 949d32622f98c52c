"""The steps that make a layer: an environment, the locked packages, torch, the student voices' package, the sidecar's wheel, a spoken word.

Each step has a token, a hash of what it was made from: done with the same token, it is not done again. A step returns
what the stamp should keep of it. A step that fails raises PluginError `engine_install_failed` with its name, a reason
in plain words (`install_faults`) and the last output as detail.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from .. import paths
from ..commands import Finished, Progress, Stop, run
from ..errors import PluginError
from ..fetch import Opener, opener_from, reachable
from ..resources import Resources, sidecar_wheel
from ..wording import N_, translate
from . import students
from .install_faults import STEPS, failed, no_space, why
from .install_progress import UNPACKED, Amount, Coming, half_unpacked_mb
from .installer import Installer, What, env_python, temporaries
from .onnxruntime_build import layer_lock
from .pythons import Python
from .torch_source import TorchSource, build_name, layer_mb

CHECK_S: Final = 300.0
"""A cold disk and a virus scanner can make the first import of torch that slow."""
HEART_CHECK_S: Final = 120.0
"""What she needs was imported just before, all but her package."""

_LOOK_S: Final = 1.0
_SHARES: Final = {"environment": 0.01, "torchaudio": 0.01, "engine": 0.01, "check": 0.03}
"""Of the whole, for steps that download next to nothing; the rest is shared by megabytes, so that the percentage is theirs."""


@dataclass(frozen=True)
class Step:
    """share: its part of the whole, 0..1. mb: about how much it downloads. missed: what the stamp should keep where it failed, for the reason given; None
    where nothing goes without it."""

    name: str
    share: float
    token: str
    run: Callable[[], dict[str, Any]]
    missed: Callable[[str], dict[str, Any]] | None = None
    mb: int = 0


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
    _before_mb: float = 0.0
    _step_mb: float = 0.0
    _all_mb: float = 0.0
    _more_mb: float = 0.0

    def within(self, steps: Sequence[Step], now: Step) -> None:
        """What is told from now on is of that one of the steps."""
        before = steps[: steps.index(now)]
        self._from, self._share = sum(step.share for step in before), now.share
        self._before_mb, self._step_mb = sum(step.mb for step in before) + self._more_mb, now.mb
        self._all_mb = sum(step.mb for step in steps) + self._more_mb

    def expect(self, mb: float) -> None:
        """The step brings so much, whatever was thought."""
        more_mb = mb - self._step_mb
        self._step_mb, self._all_mb, self._more_mb = mb, self._all_mb + more_mb, self._more_mb + more_mb

    def tell(self, done: float, text: str) -> None:
        """done: of the step, 0..1."""
        self.progress("install", min(self._from + self._share * min(done, 1.0), 1.0), text)

    def run(
        self, command: Sequence[str | Path], stopped: Stop | None = None, on_line: Callable[[str], None] | None = None, timeout_s: float | None = None
    ) -> Finished:
        """A program; what it needs for a while is gone with it. stopped: in place of the installation's own."""
        with temporaries(paths.downloads_dir() / "temporary") as places:
            return run(command, {**self.tool.env, **places}, stopped or self.stopped, on_line, timeout_s=timeout_s)

    def install(self, step: str, what: What, coming: Coming, doing: str = "") -> None:
        """Run the installer. coming: what will come, for the progress. doing: what is being done, if that is not the step's name."""

        def show() -> None:
            told = doing or translate(STEPS[step])
            if coming.unpacks and self._step_mb:
                told = translate(N_("unpacking what was downloaded; that may take some minutes"))
            elif coming.sized and self._step_mb:
                told = Amount(told, self._before_mb + coming.done * self._step_mb, self._all_mb)
            self.tell(coming.done, told)

        def on_line(line: str) -> None:
            if coming.heard(line):
                show()

        looked_s = time.monotonic()

        def watching() -> bool:
            nonlocal looked_s
            if self.tool.name == "uv" and time.monotonic() - looked_s >= _LOOK_S:
                looked_s = time.monotonic()
                if coming.unpacked(half_unpacked_mb(Path(self.tool.env["UV_CACHE_DIR"]))):
                    show()
            return self.stopped()

        finished = self.run(self.tool.install(self.folder, what), watching, on_line)
        if finished.code != 0:
            raise failed(step, why(finished.lines, finished.code), finished.tail)


def steps_of(install: Install) -> list[Step]:
    """The steps of this layer in order; their shares add up to 1."""
    resources, neural = install.resources, install.name == "neural"
    lock = layer_lock(install.name, resources, install.onnxruntime)
    made = _token(str(install.python.path), install.tool.name)
    locked = _token(made, lock.decode())
    wheel = sidecar_wheel(resources)
    torch_mb = install.torch.fetch_mb if neural else 0
    heart_mb = students.package_mb(resources)
    packages_mb = max(1, layer_mb(resources, install.name, install.torch.device, install.torch.platform)[0] - torch_mb - heart_mb)
    steps = [
        Step("environment", 0, made, lambda: _environment(install)),
        Step("packages", 0, locked, lambda: _packages(install, lock, packages_mb), mb=packages_mb),
    ]
    if neural:
        torch = _token(locked, json.dumps([install.torch.versions, install.torch.index]))
        steps += [
            Step("torch", 0, torch, lambda: _torch(install), mb=torch_mb),
            Step("torchaudio", 0, torch, lambda: _torch_others(install)),
        ]
    steps += [
        replace(students_step(install, made), mb=heart_mb),
        Step("engine", 0, _token(locked, wheel.sha256), lambda: _wheel(install)),
        Step("check", 0, "never done", lambda: _check(install)),
    ]
    downloading = 1 - sum(_SHARES.get(step.name, 0) for step in steps)
    all_mb = sum(step.mb for step in steps)
    return [replace(step, share=downloading * step.mb / all_mb if step.mb else _SHARES.get(step.name, 0)) for step in steps]


def students_step(install: Install, made: str) -> Step:
    """The student voices' package, by itself. made: the token of the environment that it goes into."""
    lock = students.lock_token(install.resources)
    return Step(students.KEY, 1.0, _token(made, lock), lambda: _students(install, lock), lambda why: {students.KEY: {"lock": lock, "missing": why}})


def _students(install: Install, token: str) -> dict[str, Any]:
    path = install.folder / "students.txt"
    path.write_bytes(install.resources(students.LOCK))
    install.tell(0.0, translate(STEPS[students.KEY]))
    lock = token
    try:
        install.install(students.KEY, What(lock=path), Coming(1, students.package_mb(install.resources) or None))
    except PluginError:
        if not _has_students(install) and not any(students.carry(place, _site_packages(install)) for place in _places_of_students(install)):
            raise
        lock = ""  # what there is goes on; the next installation asks for the newer one again
    shutil.rmtree(students.put_by(), ignore_errors=True)
    return {students.KEY: {"lock": lock, **_installed(install, students.DISTRIBUTION, students.KEY)}}


def _has_students(install: Install) -> bool:
    return any(_site_packages(install).glob(f"{students.DISTRIBUTION}-*.dist-info"))


def _places_of_students(install: Install) -> list[Path]:
    """Where the package may be, of this layer as it was and of others."""
    others = [folder for folder in paths.named(paths.layers_dir(), "*") if folder != install.folder]
    return [students.put_by(), *(site for folder in others for site in _all_site_packages(folder))]


def _environment(install: Install) -> dict[str, Any]:
    version = ".".join(map(str, install.python.version))
    install.tell(0.0, translate(N_("making a place for it, with Python {version}")).format(version=version))
    for site in _all_site_packages(install.folder):
        students.set_aside(site)
    shutil.rmtree(install.folder, ignore_errors=True)
    finished = install.run(install.tool.create(install.python, install.folder))
    if finished.code != 0 or not paths.is_there(env_python(install.folder)):
        raise failed("environment", why(finished.lines, finished.code), finished.tail)
    return {}


def _packages(install: Install, lock: bytes, size_mb: int) -> dict[str, Any]:
    path = install.folder / "lock.txt"
    path.write_bytes(lock)
    count = len(re.findall(rb"(?m)^[a-z0-9]", lock))
    install.tell(0.0, translate(STEPS["packages"]))
    install.install("packages", What(lock=path), Coming(count, size_mb))
    return {}


def _torch(install: Install) -> dict[str, Any]:
    """From pip's own find-links; else torch's index; else the ordinary index."""
    source = install.torch
    opener = opener_from(install.tool.env)
    for where, what, text in torch_ways(source):
        if where == "index" and not _index_there(source, opener, install.stopped):
            continue
        if where == "local" and not _local_has(install, what):
            continue
        install.tell(0.0, text)
        size_mb = {"local": None, "index": source.fetch_mb, "ordinary": source.ordinary_mb}[where]
        if size_mb is not None:
            _space(install, UNPACKED * size_mb)  # no reason to take another build, which may not use the card
            install.expect(size_mb)
        try:
            install.install("torch", what, Coming(1, size_mb), text if where == "local" else "")
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
    what = f"PyTorch {source.versions[0][1]}"
    ways = [
        (
            "local",
            What(requirements=(source.torch,), local_only=True),
            translate(N_("installing {what} from the local folder that pip is set to")).format(what=what),
        )
    ]
    if source.index:
        ways.append(
            (
                "index",
                What(requirements=(source.torch,), deps=True, index=source.index),
                translate(N_("downloading {what} for {build}")).format(what=what, build=build_name(source.device)),
            )
        )
    ways.append(
        (
            "ordinary",
            What(requirements=(source.torch,), deps=True),
            translate(N_("downloading {what} from Python's package index: {kind}")).format(what=what, kind=translate(source.ordinary)),
        )
    )
    return ways


def _space(install: Install, need_mb: int) -> None:
    free_mb = shutil.disk_usage(install.folder).free // 10**6
    if free_mb < need_mb:
        raise no_space("torch", need_mb, free_mb, install.folder)


def _index_there(source: TorchSource, opener: Opener, stopped: Stop) -> bool:
    return source.index is not None and reachable(f"{source.index}/torch/", opener, stopped)


def _local_has(install: Install, what: What) -> bool:
    question = What(requirements=what.requirements, local_only=True, dry=True)
    return install.run(install.tool.install(install.folder, question)).code == 0


def _torch_others(install: Install) -> dict[str, Any]:
    install.tell(0.0, translate(STEPS["torchaudio"]))
    source = install.torch
    try_index = source.index is not None and _index_there(source, opener_from(install.tool.env), install.stopped)
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
    install.tell(0.0, translate(STEPS["engine"]))
    data = install.resources(wheel.path)
    if hashlib.sha256(data).hexdigest() != wheel.sha256:
        raise failed("engine", translate(N_("the plugin's own file is damaged: install the plugin again")))
    paths.downloads_dir().mkdir(parents=True, exist_ok=True)
    path = paths.downloads_dir() / wheel.name
    path.write_bytes(data)
    try:
        install.install("engine", What(requirements=(str(path),), local_only=True, reinstall=True), Coming(1))
    finally:
        path.unlink(missing_ok=True)
    return {"wheel": wheel.sha256}


def _check(install: Install) -> dict[str, Any]:
    """Let the layer speak a word, and then by the student voices' package, in a process of its own: whatever it does there, the layer is whole."""
    install.tell(0.0, translate(N_("speaking a word, to see that it works")))
    said, finished = _asked(install, "--layer", install.name, timeout_s=CHECK_S)
    if said is None:
        reason = translate(N_("it was installed but could not speak: {last}")).format(last=_last_words(finished))
        raise failed("check", reason, finished.tail)
    silent = ""
    if _has_students(install):
        spoken, finished = _asked(install, "--heart", timeout_s=HEART_CHECK_S)
        silent = "" if spoken is not None else _last_words(finished)
    return {"check": said, students.SILENT: silent}


def _asked(install: Install, *what: str, timeout_s: float) -> tuple[dict[str, Any] | None, Finished]:
    """What the layer says of itself, None where it does not work; and how its process ended."""
    command: list[str | Path] = [env_python(install.folder), "-I", "-u", "-X", "utf8", "-m", "e2a_sidecar", "check", *what]
    finished = install.run(command, timeout_s=timeout_s)
    for line in reversed(finished.lines):
        with suppress(ValueError):
            said = json.loads(line)
            if isinstance(said, dict) and said.get("ok") is True and finished.code == 0:
                return said, finished
    return None, finished


def _last_words(finished: Finished) -> str:
    """Why a check failed: the reason that it gave, else its last line."""
    last = next((line for line in reversed(finished.lines) if line.strip()), "")
    with suppress(ValueError):
        said = json.loads(last)
        last = str(said.get("reason") or last) if isinstance(said, dict) else last
    return last[:200] or translate(N_("its process ended with code {code}")).format(code=finished.code)


def _all_site_packages(folder: Path) -> list[Path]:
    return [*folder.glob("lib/python*/site-packages"), *folder.glob("Lib/site-packages")]


def _site_packages(install: Install) -> Path:
    return _all_site_packages(install.folder)[0]


def _installed(install: Install, name: str, step: str = "") -> dict[str, Any]:
    """Version of an installed package, and a hash over the files that its wheel held (by its RECORD). step: that it came in, if not of its name.

    What installers add (RECORD's own line, INSTALLER, compiled files) is left out, so equal wheels give equal hashes.
    """
    for info in _site_packages(install).glob(f"{name}-*.dist-info"):
        lines = (info / "RECORD").read_text(encoding="utf-8").splitlines()
        kept = sorted(line for line in lines if ",sha256=" in line and ".dist-info/" not in line and "/bin/" not in line and ".pyc" not in line)
        version = info.name.removeprefix(f"{name}-").removesuffix(".dist-info")
        return {"version": version, "content_sha256": hashlib.sha256("\n".join(kept).encode()).hexdigest()}
    raise failed(step or name, translate(N_("{name} is not there after it was installed")).format(name=name))


def _token(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
