"""Installing a layer: goes on where it stopped, never shows a half one, installs again only what changed.

The installer is a script that makes an environment whose Python only knows how to answer the check.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from plugin import cli, commands, paths
from plugin.engine import engine_care, layer_steps, pyvenv, runtime, sharing, students
from plugin.engine.install_faults import STEPS
from plugin.engine.install_progress import Amount
from plugin.engine.installer import What, env_python
from plugin.engine.pythons import Python
from plugin.errors import PluginError, Stopped
from plugin.resources import Resources
from plugin.speaking import speakers

SPEAKS = '#!/bin/sh\necho "a warning"\necho \'{"ok": true, "versions": {"onnxruntime": "1"}}\'\n'
HEART_ALONE = '#!/bin/sh\nif [ "$8" != --heart ]; then echo \'{"ok": true, "checks": []}\'; exit; fi\n'
"""A Python whose layer speaks; what the check of Heart does there comes after it."""
SILENT = "#!/bin/sh\necho 'no such voice' >&2\nexit 1\n"
SOURCES = {
    "torch": {
        "versions": {"torch": "2.13.0", "torchaudio": "2.11.0", "torchcodec": "0.12.0"},
        "sources": [{"platform": "linux", "device": "cpu", "index": None, "fetch_mb": 1, "ordinary_mb": 1, "ordinary": "a build"}],
    },
    "layers": {"core": {"fetch_mb": 1, "disk_mb": 1}, "neural": {"fetch_mb": 1, "disk_mb": 1}},
}


HEART = "# a lock of its own\nhibari-tts==0.2.1 --hash=sha256:02\n"
WHEEL = "e2a_sidecar-0.1.0-py3-none-any.whl"


@dataclass
class Tool:
    """Stands in for uv: writes the environment by a shell, remembers what it was asked for, fails where it is told to."""

    name: str = "fake"
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    speaks: str = SPEAKS
    asked: list[str] = field(default_factory=list)
    fails_at: str = ""
    refusal: str = "ERROR: no matching distribution found for it"
    hangs_at: str = ""
    has: str = "0.2.1"
    """Which version of the student voices' package the index has."""

    def create(self, python: Python, folder: Path) -> list[str]:
        self.asked.append("create")
        target = env_python(folder)
        site = folder / "lib" / "python3.12" / "site-packages"
        script = f"mkdir -p {target.parent} {site}/torch {site}/torchaudio/lib && cat > {target} <<'X'\n{self.speaks}X\nchmod +x {target}\n"
        script += f"echo 'cuda: str | None = None' > {site}/torch/version.py; touch {site}/torchaudio/lib/_x.so\n"
        for name in ("torch-2.13.0", "torchaudio-2.11.0", "torchcodec-0.12.0"):
            script += f"mkdir -p {site}/{name}.dist-info; echo 'a.py,sha256=abc,1' > {site}/{name}.dist-info/RECORD\n"
        return ["/bin/sh", "-c", script]

    def install(self, folder: Path, what: What) -> list[str]:
        name = {"lock": "packages"}.get(what.lock.stem, what.lock.stem) if what.lock else Path(what.requirements[0]).name
        self.asked.append(("ask " if what.dry else "") + name)
        if what.dry:
            return ["/bin/false"]
        if self.fails_at and self.fails_at in name:
            return ["/bin/sh", "-c", f"echo '{self.refusal}'; exit 1"]
        if self.hangs_at and self.hangs_at in name:
            return ["/bin/sh", "-c", "echo Collecting it; sleep 60"]
        if name == "students":
            site, info = folder / "lib" / "python3.12" / "site-packages", f"hibari_tts-{self.has}.dist-info"
            digest = base64.urlsafe_b64encode(hashlib.sha256(self.has.encode()).digest()).decode().rstrip("=")
            put = f"mkdir -p hibari {info} && printf {self.has} > hibari/tts.py && echo 'hibari/tts.py,sha256={digest},5' > {info}/RECORD"
            return ["/bin/sh", "-c", f"cd {site} && rm -rf hibari_tts-* && {put} && echo '{info}/RECORD,,' >> {info}/RECORD"]
        return ["/bin/sh", "-c", f"test -d {folder}"]


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """A fresh engine folder, and the tool that installs into it."""
    found = Tool()
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    monkeypatch.setattr(runtime, "choose", lambda *_: found)
    monkeypatch.setattr(runtime, "local_tool", lambda *_: found)
    monkeypatch.setattr(runtime, "find_python", lambda env, stopped: Python(Path("/usr/bin/python3.12"), (3, 12, 4), "x86_64", True, True))
    monkeypatch.setattr(runtime, "wanted_device", lambda env: "cpu")
    return found


def plugin_files(lock: str = "av==18.1.0 --hash=sha256:00\n", wheel: bytes = b"wheel one", heart: str = HEART) -> Resources:
    files = {
        "plugin/sources.json": json.dumps(SOURCES).encode(),
        "plugin/locks/core.txt": lock.encode(),
        "plugin/locks/neural.txt": lock.encode(),
        "plugin/locks/heart.txt": heart.encode(),
        "plugin/wheels/index.json": json.dumps({"name": WHEEL, "sha256": hashlib.sha256(wheel).hexdigest()}).encode(),
        f"plugin/wheels/{WHEEL}": wheel,
    }
    return files.__getitem__


def quiet(stage: str, done: float | None, text: str) -> None:
    assert stage == "install"
    assert done is None or 0 <= done <= 1


def ensure(files: Resources, name: str = "core", stopped: commands.Stop = commands.never) -> runtime.Layer:
    return runtime.ensure_layer(name, files, quiet, stopped)


def test_a_layer_is_installed_once_and_then_found(tool: Tool) -> None:
    files = plugin_files()
    assert runtime.find_layer("core", files) is None
    layer = ensure(files)
    assert runtime.find_layer("core", files) == layer
    assert layer.command()[1:] == ["-I", "-u", "-X", "utf8", "-m", "e2a_sidecar", "session"]
    assert layer.stamp()["check"]["versions"] == {"onnxruntime": "1"}
    assert tool.asked == ["create", "packages", "students", WHEEL]
    assert ensure(files) == layer
    assert len(tool.asked) == 4, "the second time nothing is run"


def test_progress_grows_and_ends_at_the_whole(tool: Tool) -> None:
    told: list[float] = []
    runtime.ensure_layer("core", plugin_files(), lambda stage, done, text: told.append(-1 if done is None else done), commands.never)
    assert told[0] == 0 and told[-1] == 1


def test_the_megabytes_are_those_of_the_whole_from_the_first_to_the_last_and_the_percentage_is_theirs(tool: Tool) -> None:
    said = {
        "packages": ["Downloading av (34.1MiB)", "Downloading scipy (26MiB)", " Downloaded av", "Prepared 3 packages in 4s", " + av==1", " + tzdata==2026"],
        "torch==2.13.0": ["Downloading torch (90MiB)", "Downloading triton (95MiB)", " Downloaded triton", " Downloaded torch", "Prepared 2 packages in 9s"],
        "students": ["Downloading hibari-tts (13MiB)", " Downloaded hibari-tts"],
    }
    install = tool.install

    def with_words(folder: Path, what: What) -> list[str]:
        shell, option, script = [*install(folder, what), "", ""][:3]
        return [shell, option, "".join(f"echo '{line}'; " for line in said.get(tool.asked[-1], ())) + script] if option else [shell]

    tool.install = with_words  # type: ignore[method-assign]
    (row,) = SOURCES["torch"]["sources"]  # type: ignore[index]
    sizes = {
        "torch": {**SOURCES["torch"], "sources": [{**row, "fetch_mb": 190, "ordinary_mb": 190}]},
        "layers": {"neural": {"fetch_mb": 155, "disk_mb": 1}},
        "students": {"package_bytes": 14_032_178},
    }
    files = plugin_files()
    told: list[tuple[float, str]] = []

    def read(path: str) -> bytes:
        return json.dumps(sizes).encode() if path == "plugin/sources.json" else files(path)

    runtime.ensure_layer("neural", read, lambda stage, done, text: told.append((done or 0.0, text)), commands.never)
    amounts = [(done, text) for done, text in told if isinstance(text, Amount)]
    assert {text.all_mb for _done, text in amounts} == {345}
    have = [text.have_mb for _done, text in amounts]
    assert have == sorted(have) and have[0] < 1 and have[-1] > 330
    assert all(abs(done - text.have_mb / 345) < 0.06 for done, text in amounts), amounts
    words = [text for _done, text in told]
    assert "downloading its packages, 33 of 345 MB" in words and sum(text.startswith("unpacking") for text in words) >= 2
    assert not [text for text in words if re.search("av|tzdata|scipy|triton", text)], "names of packages are no user's words"


def test_a_failed_step_is_named_and_the_next_try_goes_on_from_there(tool: Tool) -> None:
    tool.fails_at = "e2a_sidecar"
    with pytest.raises(PluginError) as caught:
        ensure(plugin_files())
    assert caught.value.code == "engine_install_failed"
    assert caught.value.params["step"] == STEPS["engine"]
    assert "offers nothing of" in caught.value.sentence() and "no matching distribution" in caught.value.detail
    assert runtime.find_layer("core", plugin_files()) is None
    tool.fails_at, tool.asked = "", []
    ensure(plugin_files())
    assert tool.asked == [WHEEL]


def test_a_layer_that_cannot_speak_is_not_shown_as_installed(tool: Tool) -> None:
    tool.speaks = SILENT
    with pytest.raises(PluginError) as caught:
        ensure(plugin_files())
    assert caught.value.params["step"] == STEPS["check"]
    assert "no such voice" in caught.value.sentence()
    assert runtime.find_layer("core", plugin_files()) is None


def test_stopping_leaves_no_process_and_no_half_layer(tool: Tool) -> None:
    tool.hangs_at = "packages"
    told: list[str] = []
    with pytest.raises(Stopped):
        runtime.ensure_layer("core", plugin_files(), lambda stage, done, text: told.append(text), lambda: any(isinstance(text, Amount) for text in told))
    assert runtime.find_layer("core", plugin_files()) is None
    tool.hangs_at, tool.asked = "", []
    ensure(plugin_files())
    assert tool.asked[0] == "packages", "the environment was not made again"


def test_a_new_sidecar_alone_installs_only_its_wheel(tool: Tool) -> None:
    old = ensure(plugin_files(wheel=b"wheel one"))
    tool.asked = []
    newer = plugin_files(wheel=b"wheel two")
    assert runtime.find_layer("core", newer) is None
    layer = ensure(newer)
    assert layer.folder == old.folder
    assert tool.asked == [WHEEL]
    assert runtime.find_layer("core", newer) == layer


def test_a_python_or_an_installer_that_came_since_does_not_make_the_layer_anew(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    old = ensure(plugin_files(wheel=b"wheel one"))
    tool.asked, tool.name = [], "another"
    monkeypatch.setattr(runtime, "find_python", lambda env, stopped: Python(Path("/opt/python3.13"), (3, 13, 1), "x86_64", True, True))
    layer = speakers.installed("core", plugin_files(wheel=b"wheel two"))
    assert layer is not None and layer.folder == old.folder
    assert tool.asked == [WHEEL]


def test_a_renewal_that_fails_is_no_layer_and_the_next_one_needs_no_more_than_the_wheel(tool: Tool) -> None:
    ensure(plugin_files(wheel=b"wheel one"))
    newer = plugin_files(wheel=b"wheel two")
    tool.fails_at, tool.refusal = "e2a_sidecar", "No space left on device"
    for files in (newer, plugin_files(wheel=b"wheel one")):
        with pytest.raises(PluginError) as caught:
            speakers.installed("core", files)
        assert "disk is full" in caught.value.what() and runtime.find_layer("core", files) is None and runtime.is_outdated("core", files)
    tool.fails_at, tool.asked = "", []
    assert speakers.installed("core", newer) == runtime.find_layer("core", newer) is not None
    assert tool.asked == [WHEEL]


def test_a_renewed_layer_that_cannot_speak_is_made_anew_by_the_next_installation(tool: Tool) -> None:
    layer = ensure(plugin_files(wheel=b"wheel one"))
    newer = plugin_files(wheel=b"wheel two")
    env_python(layer.folder).write_text(SILENT)
    with pytest.raises(PluginError, match="no such voice"):
        speakers.installed("core", newer)
    assert speakers.installed("core", newer) is None
    tool.asked = []
    assert ensure(newer) == runtime.find_layer("core", newer) is not None
    assert tool.asked == ["create", "packages", "students", WHEEL]


@pytest.mark.parametrize("damage", ["removed by half", "no Python", "no such voice", "packages alone"])
def test_a_layer_that_was_damaged_or_half_removed_is_made_anew_in_one_go(tool: Tool, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = ensure(plugin_files())
    if damage == "removed by half":
        with monkeypatch.context() as cut, pytest.raises(KeyboardInterrupt):
            cut.setattr(engine_care, "remove_tree", lambda folder: (folder / "bin" / "python").unlink() or killed())
            engine_care.remove("core", commands.never)
        assert not (layer.folder / "install.json").exists() and (layer.folder / "lib").is_dir()
    elif damage == "no Python":  # that it was made with: Debian has a newer one
        env_python(layer.folder).unlink()
        env_python(layer.folder).symlink_to("/usr/bin/python3.7-of-long-ago")
    else:
        (layer.folder / "stamp.json").unlink()
        env_python(layer.folder).write_text(SILENT)
    if damage == "packages alone":  # stopped there, and damaged since
        record = json.loads((layer.folder / "install.json").read_text())["done"]
        (layer.folder / "install.json").write_text(json.dumps({"done": {step: record[step] for step in ("environment", "packages")}}))
    assert runtime.find_layer("core", plugin_files()) is None
    tool.asked = []
    assert ensure(plugin_files()) == layer == runtime.find_layer("core", plugin_files())
    assert tool.asked == [*(["students", WHEEL] if damage == "packages alone" else []), "create", "packages", "students", WHEEL]


@pytest.mark.parametrize("odd", [None, 5, "x", ["x"], {"environment": None}, {"environment": "x", "packages": {"token": 1}, "more": {"said": 5, "token": "t"}}])
def test_a_record_of_steps_that_makes_no_sense_is_none(tool: Tool, odd: object) -> None:
    layer = ensure(plugin_files())
    (layer.folder / "stamp.json").unlink()
    (layer.folder / "install.json").write_text(json.dumps({"done": odd}))
    tool.asked = []
    assert ensure(plugin_files()) == layer == runtime.find_layer("core", plugin_files())
    assert tool.asked == ["create", "packages", "students", WHEEL]


def killed() -> bool:
    raise KeyboardInterrupt


def test_a_layer_that_never_speaks_is_made_anew_once_a_try_and_not_for_ever(tool: Tool) -> None:
    tool.speaks = SILENT
    for asked in (1, 1):
        with pytest.raises(PluginError, match="no such voice"):
            ensure(plugin_files())
        assert tool.asked.count("create") == asked
        tool.asked = []


def test_an_old_layer_that_is_removed_by_half_is_no_layer_for_its_own_plugin(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    older = plugin_files()
    old = ensure(older)

    def hindered(folder: Path, ignore_errors: bool = False) -> None:
        if folder == old.folder:
            (folder / "lib" / "python3.12" / "site-packages" / "torch" / "version.py").unlink()  # the rest is held by another program

    with monkeypatch.context() as held:
        held.setattr("shutil.rmtree", hindered)
        ensure(plugin_files(lock="av==18.2.0 --hash=sha256:01\n"))
    assert old.folder.is_dir() and runtime.find_layer("core", older) is None
    tool.asked = []
    ensure(older)
    assert tool.asked == ["create", "packages", "students", WHEEL]


def test_nothing_is_put_into_a_layer_out_of_which_another_program_runs(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = ensure(plugin_files(wheel=b"wheel one"))
    newer = plugin_files(wheel=b"wheel two")
    tool.asked, told, runs = [], list[str](), [True] * 3
    monkeypatch.setattr(sharing, "in_use", lambda folder: folder == layer.folder and (not runs or runs.pop()))
    monkeypatch.setattr(sharing, "_IDLE_S", 0.0)
    with pytest.raises(PluginError, match="engine_in_use_elsewhere"):
        speakers.installed("core", newer)
    assert tool.asked == [] and runtime.find_layer("core", plugin_files(wheel=b"wheel one")) == layer, "it goes on as it was"
    with pytest.raises(Stopped):
        speakers.installed("core", newer, speakers.Fetch(lambda stage, done, text: None, lambda: True))
    monkeypatch.setattr(sharing, "_IDLE_S", 60.0)
    runs[:] = [False, True]
    renewed = speakers.installed("core", newer, speakers.Fetch(lambda stage, done, text: told.append(text), commands.never))
    assert renewed == runtime.find_layer("core", newer) is not None and tool.asked == [WHEEL]
    assert "waiting for another program" in told[0]


def test_what_is_asked_to_be_installed_and_stands_must_speak_or_is_installed_anew(tool: Tool) -> None:
    files = plugin_files()

    def install() -> str:
        out = io.StringIO()
        assert cli.main(["--install", "core"], files, out, io.StringIO()) == 0
        return out.getvalue()

    told = install()
    layer = runtime.find_layer("core", files)
    assert layer is not None and str(layer.folder) in told
    tool.asked = []
    assert install() == told and tool.asked == []
    env_python(layer.folder).write_text(SILENT)
    assert install() == told and tool.asked == ["create", "packages", "students", WHEEL] and engine_care.speaks("core", files) == ""


@pytest.mark.parametrize(("config", "there"), [("home = {base}", True), ("home = {base}/gone\nversion = 3.12", False), ("version = 3.12", True), (None, True)])
def test_on_windows_an_environment_whose_own_python_was_uninstalled_is_no_layer(tmp_path: Path, config: str | None, there: bool) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "python.exe").touch()
    if config is not None:
        (tmp_path / "pyvenv.cfg").write_text(config.format(base=tmp_path / "base"))
    assert pyvenv.base_is_there(tmp_path, "win32") == there and pyvenv.base_is_there(tmp_path, "linux")


def test_after_an_update_of_the_plugin_the_layer_is_renewed_unasked(tool: Tool) -> None:
    newer = plugin_files(wheel=b"wheel two")
    assert speakers.installed("core", newer) is None and not runtime.is_outdated("core", newer)
    ensure(plugin_files(wheel=b"wheel one"))
    assert runtime.find_layer("core", newer) is None and runtime.is_outdated("core", newer)
    renewed = speakers.installed("core", newer)
    assert renewed is not None and renewed == runtime.find_layer("core", newer) and not runtime.is_outdated("core", newer)


def test_a_renewal_fetches_no_other_build_whatever_the_environment_asks_for(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    old = ensure(plugin_files(wheel=b"wheel one"), "neural")
    tool.asked = []
    monkeypatch.setenv("E2A_TORCH", "cuda")
    monkeypatch.setattr(runtime, "wanted_device", lambda env: "cuda")
    layer = speakers.installed("neural", plugin_files(wheel=b"wheel two"))
    assert layer is not None and layer.folder == old.folder
    assert tool.asked == [WHEEL]


def test_a_renewal_can_be_stopped_while_another_installation_goes_on(tool: Tool) -> None:
    ensure(plugin_files(wheel=b"wheel one"))
    told: list[str] = []
    fetch = speakers.Fetch(lambda stage, done, text: told.append(text), lambda: bool(told))
    with open(paths.engine_dir() / "install.lock", "a+b") as f:
        assert sharing.lock(f.fileno())
        with pytest.raises(Stopped):
            speakers.installed("core", plugin_files(wheel=b"wheel two"), fetch)
    assert told == ["waiting for another installation to end"]


@pytest.mark.parametrize("installed", [("cpu", "cuda"), ("cuda", "cpu")])
def test_of_two_builds_of_torch_the_one_asked_for_last_is_taken(tool: Tool, monkeypatch: pytest.MonkeyPatch, installed: tuple[str, str]) -> None:
    """The first is kept, since Calibre still speaks out of it."""
    row = {"platform": sys.platform, "index": None, "fetch_mb": 1, "ordinary_mb": 1, "ordinary": "a build"}
    sources = {**SOURCES, "torch": {**SOURCES["torch"], "sources": [{**row, "device": "cpu"}, {**row, "device": "cuda"}]}}

    def files(name: str) -> bytes:
        return json.dumps(sources).encode() if name == "plugin/sources.json" else plugin_files()(name)

    monkeypatch.setattr(runtime, "in_use", lambda folder: True)
    for number, build in enumerate(installed):
        monkeypatch.setenv("E2A_TORCH", build)
        monkeypatch.setattr(runtime, "wanted_device", lambda env, build=build: build)
        made = ensure(files, "neural")
        os.utime(made.folder / "stamp.json", (number + 1, number + 1))
        found = runtime.find_layer("neural", files)
        assert found == made and found.stamp()["device"] == build
    assert len(list(paths.layers_dir().glob("neural-*"))) == 2


def test_directmls_onnxruntime_comes_and_goes_as_it_is_asked_for(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "wanted_onnxruntime", lambda env, resources: "directml" if env.get("E2A_ONNXRUNTIME") == "directml" else "")
    sources = {**SOURCES, "onnxruntime": {"directml": {"package": "onnxruntime-directml==1", "sha256": ["00"]}}}

    def files(name: str) -> bytes:
        return json.dumps(sources).encode() if name == "plugin/sources.json" else plugin_files("onnxruntime==2 \\\n    --hash=sha256:01\n")(name)

    held: list[str] = []
    for asked in ("", "directml", "", "cpu"):
        monkeypatch.setenv("E2A_ONNXRUNTIME", asked)
        held.append((ensure(files).folder / "lock.txt").read_text().split("==")[0])
    assert held == ["onnxruntime", "onnxruntime-directml", "onnxruntime-directml", "onnxruntime"]


def test_a_damaged_wheel_is_not_installed(tool: Tool) -> None:
    def files(name: str) -> bytes:
        return b"something else" if name.endswith(".whl") else plugin_files()(name)

    with pytest.raises(PluginError) as caught:
        ensure(files)
    assert caught.value.params["step"] == STEPS["engine"]
    assert runtime.find_layer("core", files) is None


def test_a_new_lock_makes_a_new_folder_and_removes_the_idle_old_one(tool: Tool) -> None:
    old = ensure(plugin_files())
    new = ensure(plugin_files(lock="av==18.2.0 --hash=sha256:01\n"))
    assert new.folder != old.folder
    assert not old.folder.exists()
    assert new.folder.exists()


def test_an_old_layer_in_use_is_kept(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    old = ensure(plugin_files())
    monkeypatch.setattr(runtime, "in_use", lambda folder: True)
    ensure(plugin_files(lock="av==18.2.0 --hash=sha256:01\n"))
    assert old.folder.exists()


def test_core_and_neural_are_folders_of_their_own(tool: Tool) -> None:
    core, neural = ensure(plugin_files()), ensure(plugin_files(), "neural")
    assert runtime.find_layer("core", plugin_files()) == core
    assert runtime.find_layer("neural", plugin_files()) == neural
    assert tool.asked[4:] == ["create", "packages", "ask torch==2.13.0", "torch==2.13.0", "torchaudio==2.11.0", "students", WHEEL]
    stamp = neural.stamp()
    assert stamp["torch_from"] == "ordinary"
    assert stamp["torch"]["version"] == "2.13.0" and len(stamp["torch"]["content_sha256"]) == 64
    assert stamp["torchaudio"]["native_removed"] == ["_x.so"], "CUDA's libraries do not load beside a torch without it"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"wheel": "x"}', "[" * 100_000])
def test_a_broken_stamp_is_no_stamp(tool: Tool, text: str) -> None:
    layer = ensure(plugin_files())
    (layer.folder / "stamp.json").write_text(text)
    assert runtime.find_layer("core", plugin_files()) is None
    assert ensure(plugin_files()).folder == layer.folder


PIPS_REFUSAL = (
    "ERROR: Could not find a version that satisfies the requirement hibari-tts==0.2.1 (from versions: none)\n"
    "ERROR: No matching distribution found for hibari-tts==0.2.1"
)
UVS_REFUSAL = (
    "error: No solution found when resolving dependencies\n"
    "  cause: Because hibari-tts was not found in the package registry and you require hibari-tts==0.2.1, we can conclude that your requirements are "
    "unsatisfiable."
)
OTHERS = ("THESE PACKAGES DO NOT MATCH THE HASHES", "error: Failed to fetch: HTTP status client error (404 Not Found)", "No space left on device")


@pytest.mark.parametrize("name", ["core", "neural"])
@pytest.mark.parametrize("refusal", [PIPS_REFUSAL, UVS_REFUSAL, *OTHERS])
def test_a_layer_is_whole_without_heart_where_the_index_has_her_no_more_and_says_why(tool: Tool, name: str, refusal: str) -> None:
    tool.fails_at, tool.refusal = "students", refusal
    files = plugin_files()
    layer = ensure(files, name)
    assert runtime.find_layer(name, files) == layer and runtime.students_layer(files) is None
    why = runtime.students_missed(files)
    assert why and why in students.missed_words(why) and "Joe" in students.missed_words(why)
    assert ("offers nothing of hibari-tts==0.2.1" in why) == (refusal in (PIPS_REFUSAL, UVS_REFUSAL))
    tool.fails_at, tool.asked = "", []
    assert ensure(files, name) == layer and tool.asked == ["students"], "the next installation tries again, and that alone"
    assert runtime.students_layer(files) == layer and runtime.students_missed(files) == ""


def test_whoever_stops_while_heart_comes_goes_on_from_there(tool: Tool) -> None:
    tool.hangs_at = "students"
    told: list[str] = []
    with pytest.raises(Stopped):
        runtime.ensure_layer("core", plugin_files(), lambda stage, done, text: told.append(text), lambda: told.count(STEPS["students"]) == 2)
    assert runtime.find_layer("core", plugin_files()) is None
    tool.hangs_at, tool.asked = "", []
    ensure(plugin_files())
    assert tool.asked == ["students", WHEEL] and runtime.students_layer(plugin_files()) is not None


def test_a_layer_of_a_plugin_that_did_not_know_her_gets_heart_without_being_made_anew(tool: Tool) -> None:
    old = ensure(plugin_files(wheel=b"wheel one"))
    stamp = old.stamp()
    del stamp["students"]
    (old.folder / "stamp.json").write_text(json.dumps(stamp))
    newer = plugin_files(wheel=b"wheel two")
    tool.asked = []
    assert speakers.installed("core", newer) is not None and tool.asked == [WHEEL], "unasked nothing is fetched"
    assert runtime.students_layer(newer) is None and runtime.students_missed(newer) == "", "nobody has tried"
    runtime.ensure_students(newer, quiet, commands.never)
    assert tool.asked == [WHEEL, "students"] and runtime.students_layer(newer) == runtime.find_layer("core", newer)
    assert runtime.students_layer(newer).folder == old.folder  # type: ignore[union-attr]
    third = plugin_files(wheel=b"wheel three", heart=HEART.replace("0.2.1", "0.2.2"))
    tool.asked, tool.has = [], "0.2.2"
    assert ensure(third).folder == old.folder and tool.asked == [WHEEL, "students"], "an update that is asked for brings the new version of the package"
    assert held(third) == ("0.2.2", True)


def test_where_the_engine_cannot_speak_by_her_package_she_is_not_here_and_it_is_said_why(tool: Tool) -> None:
    tool.speaks = HEART_ALONE + """echo '{"ok": false, "failed": "heart", "reason": "it knows another alphabet"}'; exit 1\n"""
    layer = ensure(plugin_files())
    assert runtime.find_layer("core", plugin_files()) == layer and runtime.students_layer(plugin_files()) is None
    assert runtime.students_missed(plugin_files()) == "it knows another alphabet"
    with pytest.raises(PluginError, match="engine_install_failed"):
        runtime.ensure_students(plugin_files(), quiet, commands.never)
    env_python(layer.folder).write_text(SPEAKS)
    runtime.ensure_students(plugin_files(), quiet, commands.never)
    assert runtime.students_layer(plugin_files()) == layer


@pytest.mark.parametrize(("does", "said"), [("kill -SEGV $$", "ended with code"), ("exec sleep 60", "no end after"), ("echo nothing", "nothing")])
def test_whatever_her_package_does_to_its_process_the_engine_is_whole(tool: Tool, monkeypatch: pytest.MonkeyPatch, does: str, said: str) -> None:
    if "sleep" in does:
        monkeypatch.setattr(layer_steps, "HEART_CHECK_S", 0.5)
    tool.speaks = HEART_ALONE + does + "\n"
    layer = ensure(plugin_files())
    assert runtime.find_layer("core", plugin_files()) == layer and runtime.students_layer(plugin_files()) is None
    assert said in runtime.students_missed(plugin_files())


def held(files: Resources) -> tuple[str, bool]:
    """(version of the student voices' package that is used, is it this plugin's), of the core layer."""
    layer = runtime.students_layer(files)
    assert layer is not None
    (info,) = layer.folder.glob("lib/*/site-packages/hibari_tts-*.dist-info")
    version = layer.stamp()["students"]["version"]
    assert info.name == f"hibari_tts-{version}.dist-info" and (info.parent / "hibari" / "tts.py").read_text() == version
    return version, students.is_current(layer.stamp(), files)


def python_is_gone(*_: object, **more: object) -> Python:
    raise PluginError("engine_install_failed", step="looking for Python", reason="none is here")


def test_an_earlier_version_of_her_package_stays_in_use_until_the_newer_one_can_be_had(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    first = plugin_files(wheel=b"wheel one")
    ensure(first)
    newer = plugin_files(wheel=b"wheel two", heart=HEART.replace("0.2.1", "0.2.2"))
    assert speakers.installed("core", newer) is not None and held(newer) == ("0.2.1", False), "an update of the plugin takes nobody's voice away"
    tool.fails_at, tool.refusal = "students", PIPS_REFUSAL
    runtime.ensure_students(newer, quiet, commands.never)
    ensure(newer)
    assert held(newer) == ("0.2.1", False) and runtime.students_missed(newer) == ""
    with monkeypatch.context() as without_python:
        without_python.setattr(runtime, "find_python", python_is_gone)
        ensure(newer)
    assert held(newer) == ("0.2.1", False)
    tool.fails_at, tool.has = "", "0.2.2"
    ensure(newer)
    assert held(newer) == ("0.2.2", True)


@pytest.mark.parametrize("how", ["another lock", "repaired", "the other layer"])
def test_a_layer_that_is_made_anew_keeps_her_where_the_index_has_lost_her(tool: Tool, how: str) -> None:
    files = plugin_files()
    layer = ensure(files, "neural" if how == "the other layer" else "core")
    tool.fails_at, tool.refusal = "students", PIPS_REFUSAL
    if how == "another lock":
        files = plugin_files(lock="av==18.2.0 --hash=sha256:01\n")
    elif how == "repaired":
        engine_care.forget("core", lambda: False)
    assert (ensure(files).folder == layer.folder) == (how == "repaired")
    assert held(files) == ("0.2.1", False) and not students.put_by().exists()


def test_a_record_that_is_none_hides_no_other_and_old_rests_are_not_carried_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    old, now = tmp_path / "old", tmp_path / "now"
    for place, version in ((old, "0.2.0"), (now, "0.2.1")):
        info = place / f"hibari_tts-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "RECORD").write_text(f"{info.name}/RECORD,,\n")
    broken = [now / f"hibari_tts-{version}.dist-info" for version in ("0.1.0", "0.3.0")]  # before and behind it in any order
    for info in broken:
        info.mkdir()
        (info / "RECORD").write_text("no comma\n")
    students.set_aside(old)
    students.set_aside(now)
    students.set_aside(tmp_path / "nothing is here")
    assert [path.name for path in students.put_by().iterdir()] == ["hibari_tts-0.2.1.dist-info"]
    (now / "hibari_tts-0.2.1.dist-info" / "RECORD").write_text("no comma\n")
    assert not students.carry(now, tmp_path / "to")


def test_what_was_changed_since_it_was_installed_is_not_carried_along(tool: Tool) -> None:
    layer = ensure(plugin_files())
    (file,) = layer.folder.glob("lib/*/site-packages/hibari/tts.py")
    file.write_text("import something_else")
    tool.fails_at = "students"
    files = plugin_files(lock="av==18.2.0 --hash=sha256:01\n")
    ensure(files)
    assert runtime.students_layer(files) is None and runtime.students_missed(files)


def test_an_earlier_version_by_which_a_newer_engine_cannot_speak_is_not_used_and_the_newer_one_is_tried(tool: Tool) -> None:
    layer = ensure(plugin_files(wheel=b"wheel one"))
    env_python(layer.folder).write_text(HEART_ALONE + "exit 3\n")
    newer = plugin_files(wheel=b"wheel two", heart=HEART.replace("0.2.1", "0.2.2"))
    assert speakers.installed("core", newer) is not None and runtime.students_layer(newer) is None
    assert runtime.students_missed(newer) == "", "the newer one was not tried yet"
    tool.fails_at = "students"
    with pytest.raises(PluginError):
        runtime.ensure_students(newer, quiet, commands.never)
    assert runtime.students_missed(newer)
    tool.fails_at, tool.has = "", "0.2.2"
    env_python(layer.folder).write_text(SPEAKS)
    ensure(newer)
    assert held(newer) == ("0.2.2", True)


def test_where_no_engine_is_she_comes_with_a_new_one_and_what_misses_her_is_told(tool: Tool) -> None:
    tool.fails_at = "students"
    with pytest.raises(PluginError) as caught:
        runtime.ensure_students(plugin_files(), quiet, commands.never)
    assert caught.value.params["step"] == STEPS["students"] and tool.asked.count("students") == 1
    assert runtime.find_layer("core", plugin_files()) is not None


def test_too_little_space_is_said_before_anything_is_fetched(tool: Tool) -> None:
    huge = json.dumps({**SOURCES, "layers": {"core": {"fetch_mb": 1, "disk_mb": 10**9}}}).encode()

    def files(name: str) -> bytes:
        return huge if name == "plugin/sources.json" else plugin_files()(name)

    with pytest.raises(PluginError) as caught:
        ensure(files)
    assert caught.value.params["step"] == "free space"
    assert tool.asked == []


def test_too_little_space_for_a_cards_build_does_not_bring_another_one(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both before anything is fetched, and where the space has gone meanwhile."""
    row = {"platform": sys.platform, "ordinary_mb": 1, "ordinary": "a build without CUDA"}
    rows = [{**row, "device": "cpu", "index": None, "fetch_mb": 1}, {**row, "device": "cuda", "index": "https://there/cu130", "fetch_mb": 10**8}]
    huge = json.dumps({**SOURCES, "torch": {**SOURCES["torch"], "sources": rows}}).encode()

    def files(name: str) -> bytes:
        return huge if name == "plugin/sources.json" else plugin_files()(name)

    monkeypatch.setattr(runtime, "wanted_device", lambda env: "cuda")
    monkeypatch.setattr(layer_steps, "_index_there", lambda source, opener, stopped: True)
    for step, asked in (("free space", []), ("torch", ["create", "packages", "ask torch==2.13.0"])):
        tool.asked = []
        with pytest.raises(PluginError) as caught:
            ensure(files, "neural")
        assert caught.value.params["step"] == STEPS[step] and tool.asked == asked
        monkeypatch.setattr(runtime, "_check_space", lambda *_: None)


def test_a_folder_that_cannot_be_made_is_said(tool: Tool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "file" / "engine"))
    with pytest.raises(PluginError) as caught:
        ensure(plugin_files())
    assert caught.value.exit == 11 and str(tmp_path / "file") in caught.value.sentence()


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_a_file_system_without_locks_does_not_make_it_wait_for_ever(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(fd: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    assert ensure(plugin_files()).folder.exists()


def test_in_use_is_seen_also_in_a_long_list_of_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ps").write_text(f"#!/bin/sh\necho {tmp_path}/layer/bin/python\nseq 1000\n")
    (tmp_path / "ps").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(sharing.Path, "exists", lambda path: False)  # as where there is no /proc
    assert sharing.in_use(tmp_path / "layer") and not sharing.in_use(tmp_path / "other")


def test_a_second_installation_waits_and_can_be_stopped(tool: Tool) -> None:
    paths.engine_dir().mkdir(parents=True)
    told: list[str] = []
    with open(paths.engine_dir() / "install.lock", "a+b") as f:
        assert sharing.lock(f.fileno())
        with pytest.raises(Stopped):
            runtime.ensure_layer("core", plugin_files(), lambda stage, done, text: told.append(text), lambda: bool(told))
    assert told == ["waiting for another installation to end"]
    assert tool.asked == []
