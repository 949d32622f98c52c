"""What uv and pip are told to do: by table, nothing is run that reaches the network."""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import sys
from pathlib import Path

import pytest

from build_steps.packaging import record, write_zip
from plugin.commands import never, run
from plugin.engine import gpus, installer
from plugin.engine.install_progress import Coming
from plugin.engine.installer import PipSettings, Uv, VenvPip, What, env_python, find_uv, pip_env, python_by_uv
from plugin.engine.layer_steps import torch_ways
from plugin.engine.pythons import Python, ask, candidates
from plugin.engine.torch_source import ORDINARY, torch_source, wanted_device
from plugin.errors import PluginError, Stopped
from plugin.fetch import Opener, opener_from
from plugin.resources import from_folder

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Python(Path("/usr/bin/python3.12"), (3, 12, 4), "x86_64", pip=True, ensurepip=True)
DEBIANS = Python(Path("/usr/bin/python3.11"), (3, 11, 2), "x86_64", pip=True, ensurepip=False)

CONFIG = """\
:env:.find-links='/opt/wheels'
global.cert='/etc/ssl/mine.pem'
global.constraint='/etc/constraints.txt'
global.extra-index-url='file:///a/simple https://user:secret@b.example/simple'
global.index-url='https://mirror.example/simple'
global.find-links='/old'
install.trusted-host='mirror.example'
global.proxy='http://proxy.example:3128'
:env:.default-timeout='180'
freeze.timeout='1'
some warning that pip prints
"""


def test_pips_settings_are_read_and_variables_are_stronger_than_files() -> None:
    settings = PipSettings.parse(CONFIG)
    assert settings == PipSettings(
        index_url="https://mirror.example/simple",
        extra_index_urls=("file:///a/simple", "https://user:secret@b.example/simple"),
        find_links=("/opt/wheels",),
        cert="/etc/ssl/mine.pem",
        proxy="http://proxy.example:3128",
        trusted_hosts=("mirror.example",),
        timeout_s="180",
    )


def test_uv_is_told_pips_settings_by_variables_and_no_secret_is_an_argument() -> None:
    uv = Uv(Path("/bin/uv"), {"PATH": "/bin"}, PipSettings.parse(CONFIG), Path("/cache"))
    assert uv.env["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert uv.env["UV_INDEX"] == "file:///a/simple https://user:secret@b.example/simple"
    assert uv.env["UV_FIND_LINKS"] == "/opt/wheels"
    assert uv.env["SSL_CERT_FILE"] == "/etc/ssl/mine.pem"
    assert uv.env["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert uv.env["UV_INSECURE_HOST"] == "mirror.example"
    assert uv.env["UV_CACHE_DIR"] == "/cache"
    assert uv.env["PATH"] == "/bin"
    assert "secret" not in " ".join(uv.install(Path("/layer"), What(lock=Path("/lock.txt"))))


def test_both_ask_for_hashes_and_never_compile() -> None:
    what = What(lock=Path("/lock.txt"))
    for tool in (Uv(Path("/bin/uv"), {}, PipSettings(), Path("/c")), VenvPip(PYTHON, {})):
        command = tool.install(Path("/layer"), what)
        assert command[-6:] == ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", "/lock.txt"]


def test_a_debian_without_ensurepip_uses_its_own_pip() -> None:
    tool = VenvPip(DEBIANS, {})
    assert "--without-pip" in tool.create(DEBIANS, Path("/layer"))
    assert tool.install(Path("/layer"), What(requirements=("x==1",)))[:5] == ["/usr/bin/python3.11", "-m", "pip", "--python", str(env_python(Path("/layer")))]
    assert "--without-pip" not in VenvPip(PYTHON, {}).create(PYTHON, Path("/layer"))


TORCH = [
    ("linux", "cpu", ["local", "index:whl/cpu", "ordinary"], "this computer has none"),
    ("linux", "cuda", ["local", "index:whl/cu130", "ordinary"], "several GB for NVIDIA"),
    ("linux", "cuda126", ["local", "index:whl/cu126", "ordinary"], "newer cards and drivers"),
    ("linux", "rocm", ["local", "index:whl/rocm7.2", "ordinary"], "AMD's cannot be used"),
    ("linux", "xpu", ["local", "index:whl/xpu", "ordinary"], "Intel's cannot be used"),
    ("win32", "cpu", ["local", "index:whl/cpu", "ordinary"], "for the CPU"),
    ("win32", "rocm", ["local", "index:whl/cpu", "ordinary"], "for the CPU"),
    ("win32", "xpu", ["local", "index:whl/xpu", "ordinary"], "Intel's cards cannot be used"),
    ("win32", "cuda", ["local", "index:whl/cu130", "ordinary"], "NVIDIA's cards cannot be used"),
    ("darwin", "cpu", ["local", "ordinary"], "Apple"),
    ("darwin", "cuda", ["local", "ordinary"], "Apple"),
]


@pytest.mark.parametrize(("platform", "device", "ways", "word"), TORCH)
def test_where_torch_comes_from(platform: str, device: str, ways: list[str], word: str) -> None:
    source = torch_source(from_folder(ROOT), device, platform)
    found = torch_ways(source)
    assert [name if what.index is None else f"{name}:whl/{what.index.rsplit('/', 1)[-1]}" for name, what, _ in found] == ways
    assert all(what.requirements == (source.torch,) for _, what, _ in found)
    assert word in found[-1][2], "the user is told what the ordinary index brings"
    assert found[0][1].local_only


def test_what_the_ordinary_index_brings_can_be_translated() -> None:
    rows = json.loads(from_folder(ROOT)("plugin/sources.json"))["torch"]["sources"]
    assert {row["ordinary"] for row in rows} == set(ORDINARY)


def test_torch_is_pinned_without_a_local_suffix_and_stands_in_no_lock() -> None:
    source = torch_source(from_folder(ROOT), "cpu", "linux")
    assert all("+" not in version for _, version in source.versions)
    for lock in (ROOT / "plugin" / "locks").glob("*.txt"):
        text = lock.read_text()
        assert not [line for line in text.splitlines() if line.startswith(("torch", "nvidia-", "triton"))], lock.name
        assert "+cpu" not in text, lock.name
        assert "://" not in text, lock.name


def test_cores_pins_are_those_of_neural() -> None:
    def pins(name: str) -> set[str]:
        text = (ROOT / "plugin" / "locks" / f"{name}.txt").read_text()
        return {line.rstrip("\\ ") for line in text.splitlines() if line[:1].isalpha()}

    assert len(pins("core")) > 10
    assert {p.split(" ")[0] for p in pins("core")} <= {p.split(" ")[0] for p in pins("neural")}


def test_a_gpu_build_is_fetched_only_for_a_driver_or_on_request(tmp_path: Path) -> None:
    assert wanted_device({"E2A_TORCH": "cuda", "PATH": ""}, "linux") == "cuda"
    assert wanted_device({"E2A_TORCH": "cpu", "PATH": ""}, "linux") == "cpu"
    assert wanted_device({"PATH": str(tmp_path)}, "darwin") == "cpu"
    assert wanted_device({"SYSTEMROOT": str(tmp_path)}, "win32") == "cpu"
    (tmp_path / "System32").mkdir()
    (tmp_path / "System32" / "nvcuda.dll").touch()
    assert wanted_device({"SYSTEMROOT": str(tmp_path)}, "win32") == "cuda"


@pytest.mark.parametrize(
    ("platform", "builds", "given", "wanted"),
    [
        ("linux", ["xpu", "rocm"], "", "rocm"),
        ("linux", ["rocm", "cuda"], "", "cuda"),
        ("linux", ["", "xpu"], "", "xpu"),
        ("linux", ["cuda126", "cuda"], "", "cuda"),
        ("win32", ["cuda126", "xpu"], "", "cuda126"),
        ("linux", [""], "", "cpu"),
        ("win32", ["rocm", "xpu"], "", "xpu"),
        ("darwin", ["mps"], "", "cpu"),  # the one build there is holds Metal
        ("linux", ["cuda"], "rocm", "rocm"),
        ("linux", ["cuda"], "nonsense", "cuda"),
    ],
)
def test_the_build_is_that_of_the_best_card(monkeypatch: pytest.MonkeyPatch, platform: str, builds: list[str], given: str, wanted: str) -> None:
    monkeypatch.setattr(gpus, "found", lambda env, system: tuple(gpus.Gpu("", "", build) for build in builds))
    assert wanted_device({"E2A_TORCH": given}, platform) == wanted


def uv_of_version(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    (folder / "uv").write_text(f"#!/bin/sh\necho uv {version}\n")
    (folder / "uv").chmod(0o755)


def test_an_old_uv_is_passed_over_for_the_one_fetched_before(tmp_path: Path) -> None:
    uv_of_version(tmp_path / "path", "0.1.9")
    uv_of_version(tmp_path / "tools" / "uv-0.9.0" / "bin", "0.9.0")
    env = {"PATH": f"{tmp_path / 'path'}:/usr/bin:/bin", "HOME": str(tmp_path)}
    assert find_uv(env, tmp_path / "tools", never) == tmp_path / "tools" / "uv-0.9.0" / "bin" / "uv"
    assert find_uv(env, tmp_path / "none", never) is None


def ended(pid: int, within_s: float) -> bool:
    """Whether a process of anyone's ends in time, or has ended; a zombie has."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], within_s)[0])
    finally:
        os.close(process)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="another's process is waited for by Linux's own way")
def test_a_command_is_stopped_with_its_children(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {pid_file}.part; mv {pid_file}.part {pid_file}; wait"
    with pytest.raises(Stopped):
        run(["/bin/sh", "-c", script], os.environ, stopped=pid_file.exists)
    assert ended(int(pid_file.read_text()), within_s=60)


def test_a_program_that_is_not_there_gives_127() -> None:
    assert run(["/nowhere/program"], os.environ).code == 127


def test_a_child_that_stays_behind_with_the_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    finished = run(["/bin/sh", "-c", f"sleep 60 & echo $! > {pid_file}; echo done"], os.environ)
    os.kill(int(pid_file.read_text()), signal.SIGKILL)
    assert (finished.code, finished.lines) == (0, ("done",))


def test_pip_keeps_the_users_sources_but_not_what_was_meant_for_other_projects() -> None:
    settings = {"PIP_INDEX_URL": "https://mirror.example", "PIP_CONSTRAINT": "/etc/constraints.txt", "PIP_USER": "1", "PIP_TARGET": "/elsewhere"}
    env = VenvPip(PYTHON, settings).env
    assert env["PIP_INDEX_URL"] == "https://mirror.example" and env["PIP_CONSTRAINT"] == os.devnull
    assert env["PIP_USER"] == env["PIP_REQUIRE_VIRTUALENV"] == "0" and "PIP_TARGET" not in env
    assert "UV_CONSTRAINT" not in Uv(Path("/bin/uv"), {"UV_CONSTRAINT": "/c.txt"}, PipSettings(), Path("/cache")).env


@pytest.mark.parametrize("setting", ["constraint = {0}/constraints.txt", "user = true", "require-virtualenv = true"])
def test_real_pip_obeys_us_where_its_own_file_says_otherwise(tmp_path: Path, setting: str) -> None:
    python = ask(Path(sys.executable), os.environ)
    if python is None or not python.pip:
        pytest.skip("this Python has no pip")
    (tmp_path / "constraints.txt").write_text("small-thing<1\n")
    (tmp_path / "pip.conf").write_text("[global]\n" + setting.format(tmp_path) + "\n")
    wheel = tmp_path / "small_thing-1.0-py3-none-any.whl"
    members = {
        "small_thing.py": b"",
        "small_thing-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: small-thing\nVersion: 1.0\n",
        "small_thing-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    members["small_thing-1.0.dist-info/RECORD"] = record(members, "small_thing-1.0.dist-info/RECORD")
    write_zip(wheel, members)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "lock.txt").write_text(f"small-thing==1.0 --hash=sha256:{digest}\n")
    what = ["--target", str(tmp_path / "target"), "--no-index", "--find-links", str(tmp_path), "--require-hashes", "-r", str(tmp_path / "lock.txt")]
    env = pip_env({**os.environ, "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")})
    finished = run([python.path, "-m", "pip", "install", *what], env)
    assert finished.code == 0 and (tmp_path / "target" / "small_thing.py").exists(), finished.tail


def test_a_python_without_pip_is_told_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "find_uv", lambda env, tools, stopped: None)
    bare = Python(Path("/usr/bin/python3.11"), (3, 11, 2), "x86_64")
    with pytest.raises(PluginError) as caught:
        installer.choose(bare, lambda path: b"", {"PATH": ""}, tmp_path, tmp_path / "cache", never)
    assert "python3-pip" in caught.value.sentence()


def test_what_the_plugin_asks_an_index_itself_goes_by_pips_proxy_and_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "pip_settings", lambda python, env, stopped: PipSettings.parse(CONFIG))
    tool = installer.choose(PYTHON, lambda path: b"", {"PATH": "", "E2A_INSTALLER": "pip"}, tmp_path, tmp_path / "cache", never)
    assert opener_from(tool.env) == Opener("http://proxy.example:3128", "/etc/ssl/mine.pem")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for uv")
def test_where_there_is_no_python_but_uv_that_brings_one_and_it_is_found_from_then_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path))
    tools = tmp_path / "tools"
    env = {"PATH": str(tmp_path / "bin") + ":/usr/bin:/bin", "HOME": str(tmp_path)}
    assert python_by_uv({"PATH": "", "HOME": ""}, tools, never) is None
    (tmp_path / "bin").mkdir()
    uv = tmp_path / "bin" / "uv"
    place = '"$UV_PYTHON_INSTALL_DIR/cpython-3.12.9-any/bin"'
    script = f'[ "$*" = "python install 3.12" ] || exit 2\nmkdir -p {place}\nln -s {sys.executable} {place}/python3.12\n'
    uv.write_text('#!/bin/sh\n[ "$1" = --version ] && echo uv 0.9.0 && exit\n' + script)
    uv.chmod(0o755)
    python = python_by_uv(env, tools, never)
    assert python is not None and python.version == sys.version_info[:3]
    assert list(candidates({"PATH": "", "HOME": str(tmp_path)}, sys.platform))[-1] == tools / "python" / "cpython-3.12.9-any" / "bin" / "python3.12"
    uv.write_text("#!/bin/sh\necho uv 0.9.0\n[ $1 = --version ] || exit 1\n")
    assert python_by_uv(env, tools, never) is None, "no network"


def test_a_command_that_does_not_end_is_ended() -> None:
    assert run(["/bin/sh", "-c", "sleep 60"], os.environ, timeout_s=0.3).code == 124
    assert run(["/bin/sh", "-c", "while :; do echo; done"], os.environ, timeout_s=0.3).code == 124, "one that never falls silent, too"


def test_progress_of_torch_goes_by_size_with_uv() -> None:
    coming = Coming(1, 700)
    assert not coming.heard("Resolved 20 packages in 2ms")
    for line in ("Downloading torch (500.0MiB)", "Downloading triton (200.0MiB)"):
        assert coming.heard(line)
    assert coming.done == 0
    coming.heard(" Downloaded triton")
    assert coming.done == pytest.approx(0.98 * 200 / 700)
    coming.heard(" Downloaded torch")
    assert coming.done == pytest.approx(0.98)


def test_progress_of_torch_goes_by_size_with_pip() -> None:
    coming = Coming(1, 1000)
    for line in ("Collecting torch==2.13.0", "  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (500.0 MB)", "Collecting triton==3.7.1"):
        coming.heard(line)
    assert coming.done == pytest.approx(0.49)


def test_progress_tells_megabytes_while_uv_still_unpacks() -> None:
    coming = Coming(18, 150)
    for line in ("Downloading av (34.1MiB)", "Downloading onnxruntime (26.5MiB)", " Downloaded av"):
        coming.heard(line)
    assert coming.text == "av, 34 of 150 MB" and coming.done == pytest.approx(0.98 * 34.1 / 150)
    assert coming.unpacked(30.0) and coming.text == "av, 44 of 150 MB"
    assert not coming.unpacked(30.1), "no news"
    coming.unpacked(5000.0)
    assert coming.text == "av, 59 of 150 MB", "never more than what is on its way"
    coming.heard(" Downloaded onnxruntime")
    assert coming.text == "onnxruntime, 61 of 150 MB"


def test_progress_never_goes_back() -> None:
    coming = Coming(18, 150)
    told = []
    both = [("Downloading av (34.1MiB)", 90.0), ("Downloading onnx (16.0MiB)", 120.0)]
    for line, unpacked_mb in (*both, (" Downloaded onnx", 3.0), ("Downloading torch (180MiB)", 9.0)):
        coming.heard(line)
        told.append((coming.done, coming.text.split(", ")[1]))
        coming.unpacked(unpacked_mb)
        told.append((coming.done, coming.text.split(", ")[1]))
    assert [done for done, _text in told] == sorted(done for done, _text in told) and told[-1][0] > 0
    assert told[-1][1].startswith("40 of "), told


def test_progress_of_the_locked_packages_goes_by_their_number() -> None:
    coming = Coming(3)
    for line in ("Downloading av (34.1MiB)", " + av==18.1.0", " + ml-dtypes==0.6.0"):
        coming.heard(line)
    assert coming.done == 0.5
    assert coming.text == "ml-dtypes"


@pytest.mark.parametrize(
    ("settings", "name"),
    [({}, "uv"), ({"PIP_EXTRA_INDEX_URL": "https://other.example/simple"}, "pip"), ({"PIP_EXTRA_INDEX_URL": "https://x.example", "E2A_INSTALLER": "uv"}, "uv")],
)
def test_several_indexes_are_read_by_pip_whose_settings_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], name: str) -> None:
    monkeypatch.setattr(installer, "find_uv", lambda env, tools, stopped: tmp_path / "uv")
    python = Python(Path("/usr/bin/python3.11"), (3, 11, 2), "x86_64", ensurepip=True)  # without pip the variables alone are read
    env = {"PATH": "", **settings}
    assert installer.choose(python, lambda path: b"", env, tmp_path, tmp_path / "cache", never).name == name
