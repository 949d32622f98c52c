"""What uv and pip are told to do: by table, nothing is run that reaches the network."""

from __future__ import annotations

import hashlib
import json
import os
import re
import select
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from build_steps.packaging import record, write_zip
from plugin.commands import never, run
from plugin.engine import gpus, installer
from plugin.engine.install_progress import Coming
from plugin.engine.installer import PipSettings, Uv, VenvPip, What, env_python, find_uv, pip_settings, uv_places
from plugin.engine.layer_steps import torch_ways
from plugin.engine.pythons import Python, ask
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
    for tool in (Uv(Path("/bin/uv"), {}, PipSettings(), Path("/c")), VenvPip(PYTHON, {}, PipSettings())):
        command = tool.install(Path("/layer"), what)
        assert command[-6:] == ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", "/lock.txt"]


def test_a_debian_without_ensurepip_uses_its_own_pip() -> None:
    tool = VenvPip(DEBIANS, {}, PipSettings())
    assert "--without-pip" in tool.create(DEBIANS, Path("/layer"))
    target = str(env_python(Path("/layer")))
    assert tool.install(Path("/layer"), What(requirements=("x==1",)))[:6] == ["/usr/bin/python3.11", "-P", "-m", "pip", "--python", target]
    assert "--without-pip" not in VenvPip(PYTHON, {}, PipSettings()).create(PYTHON, Path("/layer"))


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
def test_what_a_stopped_command_needed_for_a_while_goes_and_so_does_what_an_earlier_one_left(tmp_path: Path) -> None:
    folder = tmp_path / "downloads" / "temporary"
    (folder / "pip-target-left").mkdir(parents=True)
    waits = "import tempfile, time; print(tempfile.mkdtemp(prefix='pip-unpack-'), flush=True); time.sleep(60)"
    seen: list[Path] = []
    with pytest.raises(Stopped), installer.temporaries(folder) as places:
        assert not list(folder.iterdir())
        run([sys.executable, "-c", waits], {**os.environ, **places}, lambda: bool(seen), on_line=lambda line: seen.append(Path(line)))
    assert seen[0].parent == folder and not folder.exists()


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


CONNECTING = {
    "index-url": "https://user:secret@mirror.example/simple",
    "extra-index-url": "https://a.example https://b.example",
    "find-links": "/opt/wheels /more",
    "no-index": "1",
    "cert": "/etc/mine.pem",
    "client-cert": "/etc/me.pem",
    "proxy": "http://proxy.example:3128",
    "trusted-host": "mirror.example",
    "default-timeout": "180",
    "retries": "9",
    "keyring-provider": "subprocess",
    "use-feature": "truststore",
    "cache-dir": "/big/disk",
}
"""What a user sets to reach an index."""
ELSEWHERE = {
    **dict.fromkeys(("target", "prefix", "root", "editable", "requirement", "python", "platform", "config-settings"), "x"),
    **dict.fromkeys(("user", "require-hashes", "no-deps", "dry-run", "require-virtualenv", "ignore-installed", "upgrade", "pre", "isolated"), "1"),
    "constraint": "/c.txt",
    "no-binary": "small-thing",
    "report": "/r.json",
    "quiet": "3",
    "log": "/l",
}
"""What they may have set for other work."""


def as_variables(options: dict[str, str]) -> dict[str, str]:
    return {f"PIP_{name.upper().replace('-', '_')}": value for name, value in options.items()}


def test_pip_is_told_where_packages_come_from_and_nothing_else() -> None:
    lines = [f"global.{name}={value!r}" for name, value in (CONNECTING | ELSEWHERE).items()]
    env = VenvPip(PYTHON, {"PATH": "/bin", **as_variables(ELSEWHERE)}, PipSettings.parse("\n".join(lines))).env
    own = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_PROGRESS_BAR": "off"}
    assert env == {"PATH": "/bin", **as_variables(CONNECTING), **own}


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        *((name, True) for name in ("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_MINE_PASSWORD", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NATIVE_TLS")),
        *(
            (name, True)
            for name in ("UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_HTTP_TIMEOUT", "UV_CONFIG_FILE", "UV_PYTHON_INSTALL_MIRROR", "UV_LINK_MODE")
        ),
        *((name, False) for name in ("UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE_NEWER", "UV_REQUIRE_HASHES", "UV_TORCH_BACKEND", "UV_PYTHON", "UV_TARGET")),
        *((name, False) for name in ("UV_NO_BINARY", "UV_SYSTEM_PYTHON", "UV_PRERELEASE", "UV_RESOLUTION", "UV_NO_DEPS", "UV_PROJECT", "UV_DRY_RUN")),
    ],
)
def test_of_uvs_variables_only_those_are_kept_that_reach_an_index(name: str, kept: bool) -> None:
    assert (name in Uv(Path("/bin/uv"), {name: "x"}, PipSettings(), Path("/cache")).env) == kept


def small_thing(folder: Path) -> Path:
    """A wheel, and a lock with its hash beside it."""
    wheel = folder / "small_thing-1.0-py3-none-any.whl"
    members = {
        "small_thing.py": b"",
        "small_thing-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: small-thing\nVersion: 1.0\n",
        "small_thing-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    members["small_thing-1.0.dist-info/RECORD"] = record(members, "small_thing-1.0.dist-info/RECORD")
    write_zip(wheel, members)
    (folder / "lock.txt").write_text(f"small-thing==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    return wheel


@pytest.fixture(scope="module")
def with_pip() -> Python:
    python = ask(Path(sys.executable), os.environ)
    if python is None or not python.pip:
        pytest.skip("this Python has no pip")
    return replace(python, ensurepip=False)


@pytest.mark.parametrize("by", ["file", "variables"])
def test_real_pip_finds_what_the_user_offers_and_puts_it_where_we_say(tmp_path: Path, with_pip: Python, by: str) -> None:
    """By their find-links alone: pip is told to use no index."""
    wheel, layer = small_thing(tmp_path), tmp_path / "layer"
    (tmp_path / "constraint").write_text("small-thing<1\n")
    other = {name: value for name, value in ELSEWHERE.items() if name not in ("isolated", "python") and value != "x"}
    places = {name: str(tmp_path / name) for name in ("target", "constraint", "log", "report")}
    user = {"no-index": "1", "find-links": str(tmp_path), **other, **places}
    (tmp_path / "pip.conf").write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in user.items()) if by == "file" else "")
    base = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    env = {**base, "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"), **(as_variables(user) if by == "variables" else {})}
    tool = VenvPip(with_pip, env, pip_settings(with_pip, env, never))
    assert run(tool.create(with_pip, layer), tool.env).code == 0
    for what in (What(lock=tmp_path / "lock.txt"), What(requirements=(str(wheel),), reinstall=True)):
        finished = run(tool.install(layer, what), tool.env)
        assert finished.code == 0 and len(list(layer.rglob("small_thing.py"))) == 1, finished.tail
        next(layer.rglob("small_thing.py")).unlink()
    assert not (tmp_path / "target").exists() and not (tmp_path / "report").exists()


def test_settings_are_the_same_by_the_pip_that_python_brings_for_environments(tmp_path: Path, with_pip: Python) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple\n[install]\nfind-links = /opt/wheels\n")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    told = pip_settings(with_pip, env, never)
    assert told.index_url == "https://mirror.example/simple" and told.find_links[-1:] == ("/opt/wheels",)
    bare = replace(with_pip, pip=False, ensurepip=True)
    assert pip_settings(bare, env, never).index_url == told.index_url


def test_what_lies_in_the_folder_where_calibre_was_started_is_no_part_of_a_program(tmp_path: Path, with_pip: Python, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pip", "queue", "types", "venv", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    uv_of_version(tmp_path / "here", "0.9.9")
    monkeypatch.chdir(tmp_path)
    env = {"PATH": f":.:here:{os.environ['PATH']}", "HOME": str(tmp_path), "PIP_INDEX_URL": "https://mirror.example"}
    assert pip_settings(with_pip, env, never).index_url == "https://mirror.example"
    assert run(VenvPip(with_pip, env, PipSettings()).create(with_pip, tmp_path / "layer"), env).code == 0
    assert run([sys.executable, "-c", "import os; print(os.getcwd())"], os.environ).tail == os.path.abspath(os.sep)  # noqa: PTH100
    assert not (tmp_path / "ran").exists() and tmp_path / "here" / "uv" not in [place.absolute() for place in uv_places(env, tmp_path / "none")]


def test_every_module_that_a_python_runs_for_us_is_its_own() -> None:
    """`-m` alone would look in the current folder first."""
    for path in (ROOT / "plugin").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for at in (found.start() for found in re.finditer('"-m"', text)):
            assert re.search(r'"-[PI]"', text[max(0, at - 60) : at]), f"{path.name}: {text[at - 40 : at + 20]}"


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


def test_progress_goes_by_size_while_uv_still_unpacks() -> None:
    coming = Coming(18, 150)
    for line in ("Downloading av (34.1MiB)", "Downloading onnxruntime (26.5MiB)", " Downloaded av"):
        coming.heard(line)
    assert coming.sized and coming.done == pytest.approx(0.98 * 34.1 / 150)
    assert coming.unpacked(30.0) and coming.done == pytest.approx(0.98 * 44.1 / 150)
    assert not coming.unpacked(30.1), "no news"
    coming.unpacked(5000.0)
    assert coming.done < 0.98 * 60 / 150, "never more than what is on its way"
    coming.heard(" Downloaded onnxruntime")
    assert coming.done == pytest.approx(0.98 * 60.6 / 150)


def test_progress_never_goes_back() -> None:
    coming = Coming(18, 150)
    told = []
    both = [("Downloading av (34.1MiB)", 90.0), ("Downloading onnx (16.0MiB)", 120.0)]
    for line, unpacked_mb in (*both, (" Downloaded onnx", 3.0), ("Downloading torch (180MiB)", 9.0)):
        coming.heard(line)
        told.append(coming.done)
        coming.unpacked(unpacked_mb)
        told.append(coming.done)
    assert told == sorted(told) and told[-1] > 0


def test_progress_of_the_locked_packages_goes_by_their_number() -> None:
    coming = Coming(3)
    for line in ("Downloading av (34.1MiB)", " + av==18.1.0", " + ml-dtypes==0.6.0"):
        coming.heard(line)
    assert coming.done == 0.5 and not coming.sized


@pytest.mark.parametrize("line", ["Prepared 40 packages in 31.02s", "Installing collected packages: tzdata, numpy, onnxruntime"])
def test_that_all_has_come_and_is_put_in_its_place_is_known_though_less_came_than_was_thought(line: str) -> None:
    coming = Coming(18, 150)
    coming.heard("Downloading av (34.1MiB)")
    assert not coming.unpacks
    assert coming.heard(line) and coming.unpacks and coming.done == 0.98
    coming.heard(" + tzdata==2026.1")
    assert coming.done == 0.98


@pytest.mark.parametrize(
    ("settings", "name"),
    [({}, "uv"), ({"PIP_EXTRA_INDEX_URL": "https://other.example/simple"}, "pip"), ({"PIP_EXTRA_INDEX_URL": "https://x.example", "E2A_INSTALLER": "uv"}, "uv")],
)
def test_several_indexes_are_read_by_pip_whose_settings_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], name: str) -> None:
    monkeypatch.setattr(installer, "find_uv", lambda env, tools, stopped: tmp_path / "uv")
    python = Python(tmp_path / "python3.11", (3, 11, 2), "x86_64", ensurepip=True)  # not there: the variables alone are read
    env = {"PATH": "", **settings}
    assert installer.choose(python, lambda path: b"", env, tmp_path, tmp_path / "cache", never).name == name
