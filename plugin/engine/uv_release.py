"""A Python where the computer has none that serves: uv as its makers release it, which then brings one.

Most readers on Windows and macOS have no Python, and without one there is no pip to get uv by its wheel. `sources.json`
pins uv's archives by the checksums that its makers list; uv itself knows the checksum of each Python that it brings.
Both come into our folder of tools; nothing of the system is changed. Nothing of Calibre here.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from ..commands import Progress, Stop, run
from ..fetch import Expected, FetchError, fetch, opener_from, plain, told_size, unexpected
from ..resources import Resources
from ..wording import N_, translate
from .install_faults import failed, why
from .installer import find_uv, temporaries, uv_env, uv_program
from .pythons import UV_PYTHONS, Python, ask, managed_by_uv, none_here

MOST_BYTES: Final = 100 * 10**6
"""Of an archive: uv's have some 20 MB. More is none of them."""
MOST_UNPACKED: Final = 300 * 10**6
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Archive:
    """uv for one kind of computer. sha256: of the archive, hex."""

    version: str
    address: str
    name: str
    sha256: str


@dataclass(frozen=True)
class PythonThatComes:
    """What uv will bring. hosts: where from. Sizes: the largest of the systems', about."""

    version: str
    hosts: tuple[str, ...]
    fetch_mb: int
    disk_mb: int


def archive(resources: Resources, system: str = sys.platform, machine: str = "") -> Archive | None:
    """None where its makers have none for such a computer. machine: as Python's `platform.machine()` names it, default this one."""
    raw = json.loads(resources("plugin/sources.json"))["uv"]
    machine = (machine or platform.machine()).lower()
    for row in raw["archives"]:
        if row["platform"] == system and machine in row["machines"]:
            return Archive(raw["version"], raw["address"], row["name"], row["sha256"])
    return None


def python_that_comes(resources: Resources) -> PythonThatComes:
    """Before a byte of it is fetched."""
    raw = json.loads(resources("plugin/sources.json"))["uv"]["python"]
    return PythonThatComes(raw["version"], tuple(raw["hosts"]), raw["fetch_mb"], raw["disk_mb"])


def fetch_uv(resources: Resources, env: Mapping[str, str], tools: Path, progress: Progress, stopped: Stop) -> Path:
    """uv's program, as its makers release it, in a folder of its own. Raises FetchError, OSError, `Stopped`."""
    wanted = archive(resources)
    if wanted is None:
        raise FetchError(translate(N_("there is none for a computer of this kind")))
    folder = tools / f"uv-{wanted.version}"
    target = tools / wanted.name
    opener, url = opener_from(env), wanted.address + wanted.name
    size_bytes = told_size(url, opener, stopped)
    if not 0 < size_bytes <= MOST_BYTES:
        raise unexpected(wanted.name)
    text = translate(N_("downloading the program that installs the rest (uv): {have} of {size} MB"))

    def tell(have: int) -> None:
        progress("install", None, text.format(have=round(have / 1e6), size=round(size_bytes / 1e6)))

    fetch(url, target, Expected(size_bytes, wanted.sha256), opener, stopped, tell)
    try:
        return _unpack(target, folder / "bin")
    finally:
        target.unlink(missing_ok=True)


def bring_uv(resources: Resources, env: Mapping[str, str], tools: Path, progress: Progress, stopped: Stop) -> Path | None:
    """The uv that is here, else one that is fetched; None where that cannot be. Raises `Stopped`."""
    with suppress(FetchError, OSError):
        return find_uv(env, tools, stopped) or fetch_uv(resources, env, tools, progress, stopped)
    return None


def bring_python(resources: Resources, env: Mapping[str, str], tools: Path, progress: Progress, stopped: Stop) -> Python:
    """A Python in our folder of tools, by the uv that is here, else by one that is fetched. PluginError `engine_install_failed`; `Stopped`."""
    progress("install", 0.0, translate(N_("downloading a Python, in which the engine runs")))
    try:
        program = find_uv(env, tools, stopped) or fetch_uv(resources, env, tools, progress, stopped)
    except (FetchError, OSError) as error:
        raise failed("Python", none_here(str(error) if isinstance(error, FetchError) else plain(error))) from None
    folder = tools / UV_PYTHONS
    wanted = python_that_comes(resources)
    text = translate(N_("downloading Python {version}, in which the engine runs (about {size} MB)"))
    progress("install", 0.0, text.format(version=wanted.version, size=wanted.fetch_mb))
    own = {"UV_PYTHON_INSTALL_DIR": str(folder), "UV_PYTHON_INSTALL_BIN": "0", "UV_PYTHON_INSTALL_REGISTRY": "0", "UV_NO_CACHE": "1", "UV_NO_PROGRESS": "1"}
    with temporaries(tools / "temporary") as places:
        finished = run([program, "python", "install", wanted.version], {**uv_env(env), **own, **places}, stopped)
    found = next((python for path in managed_by_uv(folder) if (python := ask(path, env, stopped)) is not None), None)
    if found is None:
        raise failed("Python", none_here(why(finished.lines, finished.code, translate(N_("the server that has Python")))), finished.tail)
    return found


def _unpack(packed: Path, folder: Path) -> Path:
    """The one program that is wanted of the archive, whole or not at all. Raises FetchError, OSError."""
    name = uv_program()
    folder.mkdir(parents=True, exist_ok=True)
    handle, half = tempfile.mkstemp(prefix="uv-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as out, _member(packed, name) as member:
            left = MOST_UNPACKED
            while block := member.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise unexpected(packed.name)
                out.write(block)
        Path(half).chmod(0o755)
        Path(half).replace(folder / name)
    finally:
        Path(half).unlink(missing_ok=True)
    return folder / name


@contextmanager
def _member(packed: Path, name: str) -> Iterator[IO[bytes]]:
    """The archive's file of that name, in whatever folder of it."""
    with ExitStack() as stack:
        member: IO[bytes] | None = None
        try:
            if packed.suffix == ".zip":
                files = stack.enter_context(zipfile.ZipFile(packed))
                found = next((info for info in files.infolist() if info.filename.rsplit("/", 1)[-1] == name), None)
                member = stack.enter_context(files.open(found)) if found else None
            else:
                tar = stack.enter_context(tarfile.open(packed))
                inside = next((info for info in tar if info.isfile() and info.name.rsplit("/", 1)[-1] == name), None)
                member = tar.extractfile(inside) if inside else None
        except (zipfile.BadZipFile, tarfile.TarError, EOFError):
            member = None
        if member is None:
            raise unexpected(packed.name)
        yield member
