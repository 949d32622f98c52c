"""Where a computer has no Python: uv by its makers' release, from a server that is good or is not, and the Python that it brings."""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from file_server import Asked, Server, server

from plugin.commands import never
from plugin.engine import runtime, uv_release
from plugin.engine.install_plan import plan
from plugin.engine.pythons import Python, candidates, find_python, probably_here
from plugin.errors import PluginError, Stopped
from plugin.fetch import FetchError
from plugin.resources import Resources, from_folder

__all__ = ["server"]
ROOT = Path(__file__).resolve().parents[2]
REAL = from_folder(ROOT)
NAME = "uv-any.tar.gz"
BRINGS = f"""#!/bin/sh
[ "$1" = --version ] && echo uv 0.12.5 && exit
[ "$*" = "python install 3.12" ] || exit 2
/bin/mkdir -p "$UV_PYTHON_INSTALL_DIR/cpython-3.12.9-any/bin"
/bin/ln -s {sys.executable} "$UV_PYTHON_INSTALL_DIR/cpython-3.12.9-any/bin/python3.12"
"""
"""A uv for whom the Python of these tests is the one that came."""
FAILS = """#!/bin/sh
[ "$1" = --version ] && echo uv 0.12.5 && exit
echo "error: Failed to install cpython-3.12.14"
echo "  Caused by: failed to lookup address information: Name or service not known"
exit 1
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for uv")


def packed(program: str, name: str = "uv-any/uv") -> bytes:
    """A release's archive, with what does not belong there besides."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path, data in {"../outside": b"no", "uv-any/uvx": b"no", name: program.encode()}.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def pinned(server: Server, data: bytes, name: str = NAME, machines: tuple[str, ...] = ("any",)) -> Resources:
    """The plugin's files, with that archive of a release at that server."""
    raw = json.loads(REAL("plugin/sources.json"))
    raw["uv"]["address"] = server.url
    raw["uv"]["archives"] = [{"platform": sys.platform, "machines": list(machines), "name": name, "sha256": hashlib.sha256(data).hexdigest()}]
    return lambda path: json.dumps(raw).encode() if path == "plugin/sources.json" else REAL(path)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """A computer without Python and without uv; its environment."""
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    monkeypatch.setattr("plugin.engine.uv_release.platform.machine", lambda: "any")
    return {"PATH": "", "HOME": str(tmp_path / "home"), "USERPROFILE": str(tmp_path / "home")}


def test_each_system_has_its_archive() -> None:
    for system, machine, name in (
        ("win32", "AMD64", "uv-x86_64-pc-windows-msvc.zip"),
        ("win32", "ARM64", "uv-x86_64-pc-windows-msvc.zip"),  # which Windows runs there, as the wheels that the engine is made of
        ("darwin", "arm64", "uv-aarch64-apple-darwin.tar.gz"),
        ("darwin", "x86_64", "uv-x86_64-apple-darwin.tar.gz"),
        ("linux", "x86_64", "uv-x86_64-unknown-linux-gnu.tar.gz"),
        ("linux", "aarch64", "uv-aarch64-unknown-linux-gnu.tar.gz"),
    ):
        found = uv_release.archive(REAL, system, machine)
        assert found is not None and found.name == name and re.fullmatch(r"[0-9a-f]{64}", found.sha256)
        assert found.address.startswith("https://") and found.address.endswith(f"/{found.version}/")
    assert uv_release.archive(REAL, "linux", "riscv64") is None and uv_release.archive(REAL, "freebsd14", "amd64") is None


@posix
def test_a_python_comes_where_there_is_none_and_is_found_from_then_on(server: Server, bare: dict[str, str], tmp_path: Path) -> None:
    data = packed(BRINGS)
    resources, tools, told = pinned(server, data), tmp_path / "engine" / "tools", list[str]()
    server.files = {NAME: data}
    python = uv_release.bring_python(resources, bare, tools, lambda stage, done, text: told.append(text), never)
    assert python.version == sys.version_info[:3]
    assert list(candidates(bare, sys.platform))[-1] == tools / "python" / "cpython-3.12.9-any" / "bin" / "python3.12"
    assert {path.relative_to(tools).as_posix() for path in tools.rglob("*") if path.is_file() and "python" not in path.parts} == {"uv-0.12.5/bin/uv"}
    assert not (tmp_path / "engine" / "outside").exists()
    assert "downloading Python 3.12, in which the engine runs (about 34 MB)" in told and any("(uv): 0 of 0 MB" in text for text in told)
    asked = len(server.asked)
    uv_release.bring_python(resources, bare, tools, lambda stage, done, text: None, never)
    assert len(server.asked) == asked, "uv is there now"


@posix
def test_that_python_installs_the_engine(server: Server, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed(BRINGS)
    server.files = {NAME: data}
    monkeypatch.setattr("plugin.environ.for_children", lambda: bare)
    monkeypatch.setattr(runtime, "find_python", lambda env, stopped: find_python(env, stopped=stopped, asking=lambda *_: None))
    chosen: list[Python] = []

    class Enough(Exception):
        """What comes then is the business of other tests."""

    def choose(python: Python, *_: object) -> None:
        chosen.append(python)
        raise Enough

    monkeypatch.setattr(runtime, "choose", choose)
    with pytest.raises(Enough):
        runtime.ensure_layer("core", pinned(server, data), lambda stage, done, text: None, never)
    assert chosen[0].version == sys.version_info[:3]


BROKEN = {
    "nobody there": (lambda asked: asked.send(404, b""), "the server answered 404"),
    "a page": (lambda asked: asked.send(200, b"<html>", Content_Type="text/html"), "a page came instead"),
    "another file": (lambda asked: asked.send(200, b"x" * len(asked.data)), "not the file that was expected"),
    "cut": (lambda asked: asked.send_until(len(asked.data) // 2), "the connection was cut"),
    "endless": (lambda asked: asked.send(200, b"x", Content_Length=str(10**9)), "not the file that was expected"),
}


@posix
@pytest.mark.parametrize("manner", BROKEN)
def test_a_bad_server_brings_none_and_it_is_said_what_to_do(server: Server, bare: dict[str, str], tmp_path: Path, manner: str) -> None:
    data = packed(BRINGS)
    answer, words = BROKEN[manner]
    server.files, server.manner = {NAME: data}, answer
    tools = tmp_path / "tools"
    with pytest.raises(PluginError) as caught:
        uv_release.bring_python(pinned(server, data), bare, tools, lambda stage, done, text: None, never)
    said = caught.value.what()
    assert "there is no Python 3.11 to 3.14 on this computer, and downloading one failed: " in said and words in said and "try again later, or install" in said
    assert not list(tools.rglob("uv*/bin/uv"))
    server.manner = Asked.send_well
    assert uv_release.bring_python(pinned(server, data), bare, tools, lambda stage, done, text: None, never).version[0] == 3, "the second try does"


@posix
def test_an_archive_without_uv_is_none(server: Server, bare: dict[str, str], tmp_path: Path) -> None:
    for name, data in ((NAME, packed(BRINGS, "uv-any/other")), (NAME, b"no archive at all"), ("uv-any.zip", b"neither")):
        server.files = {name: data}
        with pytest.raises(FetchError, match="not the file that was expected"):
            uv_release.fetch_uv(pinned(server, data, name), bare, tmp_path, lambda stage, done, text: None, never)
        assert not list(tmp_path.rglob("uv")) and not list(tmp_path.glob("*.part"))


def test_the_zip_of_windows_has_its_program_at_the_top(server: Server, bare: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv_release, "uv_program", lambda: "uv.exe")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as files:
        files.writestr("uvx.exe", "no")
        files.writestr("uv.exe", "the program")
    server.files = {"uv-win.zip": out.getvalue()}
    found = uv_release.fetch_uv(pinned(server, out.getvalue(), "uv-win.zip"), bare, tmp_path, lambda stage, done, text: None, never)
    assert found.name == "uv.exe" and found.read_text() == "the program"


@posix
def test_a_uv_that_cannot_bring_one_is_quoted_in_plain_words(server: Server, bare: dict[str, str], tmp_path: Path) -> None:
    data = packed(FAILS)
    server.files = {NAME: data}
    with pytest.raises(PluginError) as caught:
        uv_release.bring_python(pinned(server, data), bare, tmp_path, lambda stage, done, text: None, never)
    assert "there is no connection to the server that has Python" in caught.value.what() and "package index" not in caught.value.what()
    assert "cpython-3.12.14" in caught.value.detail


def test_it_is_stopped_at_once_and_a_computer_of_another_kind_is_told(server: Server, bare: dict[str, str], tmp_path: Path) -> None:
    data = packed(BRINGS)
    server.files, server.manner = {NAME: data}, lambda asked: asked.send_until(10)
    stop: list[bool] = []

    def tell(stage: str, done: float | None, text: str) -> None:
        stop.append(True)

    with pytest.raises(Stopped):
        uv_release.bring_python(pinned(server, data), bare, tmp_path, tell, lambda: bool(stop))
    with pytest.raises(PluginError) as caught:
        uv_release.bring_python(pinned(server, data, machines=("another",)), bare, tmp_path, lambda stage, done, text: None, never)
    assert "there is none for a computer of this kind" in caught.value.what()


@posix
def test_a_python_that_can_install_nothing_gets_uv(server: Server, bare: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Debian's, without python3-pip and python3-venv."""
    data = packed(BRINGS)
    server.files = {NAME: data}
    without = Python(Path("/usr/bin/python3.11"), (3, 11, 2), "x86_64")
    monkeypatch.setattr("plugin.environ.for_children", lambda: bare)
    monkeypatch.setattr(runtime, "find_python", lambda env, stopped: without)
    monkeypatch.setattr(runtime, "steps_of", lambda install: (_ for _ in ()).throw(FetchError(install.tool.name)))
    with pytest.raises(FetchError, match="uv"):
        runtime.ensure_layer("core", pinned(server, data), lambda stage, done, text: None, never)
    server.files = {}
    (tmp_path / "engine" / "tools" / "uv-0.12.5" / "bin" / "uv").unlink()
    with pytest.raises(PluginError) as caught:
        runtime.ensure_layer("core", pinned(server, data), lambda stage, done, text: None, never)
    assert "python3-pip" in caught.value.what()


def test_what_is_to_come_names_python_where_there_is_none(bare: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: None)
    monkeypatch.setattr("plugin.engine.uv_release.platform.machine", lambda: "AMD64")
    monkeypatch.setattr("plugin.engine.pythons.candidates", lambda env, platform: iter(()))
    uv, python, core = plan(REAL, ("core",), (), "cpu", bare, "win32").items
    assert uv.source == "github.com" and python.source == "releases.astral.sh, else github.com" and "Python 3.12" in python.what and core.fetch_mb > 100
    assert len(plan(REAL, ("core",), (), "cpu", {**bare, "E2A_PYTHON": "/opt/mine"}, "win32").items) == 2
    here = tmp_path / "bin"
    here.mkdir()
    for name, serves in (("python3.10", False), ("python3.12", True), ("python.exe", True)):
        (here / name).touch()
        link = here / "python3"
        link.unlink(missing_ok=True)
        link.symlink_to(here / name)
        monkeypatch.setattr("plugin.engine.pythons.candidates", lambda env, platform, link=link: iter((link,)))
        assert probably_here(bare, "linux") == serves, name
