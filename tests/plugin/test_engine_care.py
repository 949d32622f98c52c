"""The engine is moved whole or not at all; what is removed is gone and nothing else is; nothing is touched while books are converted."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path, PureWindowsPath

import pytest

from plugin import paths
from plugin.commands import never
from plugin.converting.progress import Step
from plugin.engine import engine_care, engine_move, pyvenv, runtime, sharing
from plugin.engine.installer import env_python
from plugin.errors import PluginError, Stopped
from plugin.resources import from_folder
from plugin.speaking import voices

ROOT = Path(__file__).resolve().parents[2]
SPEAKS = "import sys; sys.exit(0)"
MUTE = "import sys; print('no voice'); sys.exit(1)"


def idle() -> bool:
    return False


def busy() -> bool:
    return True


def resources(name: str) -> bytes:
    """The checkout's, with a wheel of the sidecar that is known by its hash alone."""
    if name == "plugin/wheels/index.json":
        return json.dumps({"name": "e2a_sidecar.whl", "sha256": "ab" * 32}).encode()
    return from_folder(ROOT)(name)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("E2A_ENGINE_DIR", "E2A_CACHE_DIR", "E2A_TORCH", "E2A_ONNXRUNTIME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sync", lambda: None, raising=False)  # others write on this machine, too
    return tmp_path


def layer(name: str = "core", check: str = SPEAKS, wheel: str = "ab" * 32) -> Path:
    """A stamped layer whose Python is a script that answers the check; with a link, as environments have them."""
    folder = paths.layers_dir() / f"{name}-{runtime.layer_key(name, resources, 'cp312-x86_64', 'cpu')}"
    python = env_python(folder)
    python.parent.mkdir(parents=True)
    python.write_text(f"#!{sys.executable}\n{check}\n")
    python.chmod(0o755)
    (folder / "lib").mkdir()
    (folder / "lib" / "package.py").write_bytes(b"x" * 1000)
    (folder / "lib64").symlink_to("lib")
    stamp = {"python": "cp312-x86_64", "device": "cpu", "wheel": wheel, "check": {"version": "0.1.0", "checks": ["espeak 9 samples", "onnxruntime 1.32.0 CPU"]}}
    (folder / "stamp.json").write_text(json.dumps({**stamp, **({"torch": {"version": "2.13.0+cpu"}} if name == "neural" else {})}))
    (folder / "install.json").write_text("{}")
    return folder


def voice() -> Path:
    path = paths.voices_dir() / "en_US-joe-medium" / "model.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"v" * 5000)
    return path


def download() -> Path:
    path = paths.downloads_dir() / "uv" / "package.py"
    path.parent.mkdir(parents=True)
    return path


def told(layer_name: str, state: engine_care.State) -> engine_care.LayerState:
    return next(layer for layer in state.layers if layer.name == layer_name)


def test_what_stands_there_with_versions_and_sizes() -> None:
    core = layer()
    neural = layer("neural", wheel="cd" * 32)
    os.link(core / "lib" / "package.py", neural / "lib" / "shared.py")
    os.link(core / "lib" / "package.py", download())
    voice()
    tool = paths.tools_dir() / "uv-1" / "bin" / "uv"
    tool.parent.mkdir(parents=True)
    tool.write_bytes(b"x" * 700)
    found = engine_care.state(resources)
    assert found.tools_bytes == 700 and found.there and found.folder == paths.cache_home() and found.voices_bytes == 5000 and found.free_bytes > 0
    assert found.downloads_bytes == 0, "what the layers hold too takes no room of its own"
    assert told("core", found).state == "whole" and dict(told("core", found).versions) == {
        "Convert to Audiobook": "0.1.0",
        "Python": "3.12",
        "onnxruntime": "1.32.0",
    }
    assert told("neural", found).state == "outdated" and dict(told("neural", found).versions)["torch"] == "2.13.0+cpu" and told("neural", found).build == "cpu"
    assert 1000 < told("core", found).size_bytes < 3000 and 1000 < told("neural", found).size_bytes < 3000


@pytest.mark.parametrize("odd", [None, 5, "x", ["x"], {"version": ["x"], "checks": 5}, {"checks": [5, "", "onnxruntime"]}], ids=repr)
def test_what_a_stamp_says_in_vain_is_not_told_and_the_layer_is_there(odd: object) -> None:
    stamp = layer() / "stamp.json"
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), **dict.fromkeys(("check", "torch", "students"), odd)}))
    found = told("core", engine_care.state(resources))
    assert found.state == "whole" and dict(found.versions)["Python"] == "3.12" and "onnxruntime" not in dict(found.versions)


def test_a_layer_that_was_begun_or_is_not_there() -> None:
    begun = layer()
    (begun / "stamp.json").unlink()
    found = engine_care.state(resources)
    assert told("core", found).state == "broken" and told("core", found).size_bytes > 1000 and told("neural", found).state == "missing"


def test_a_layer_that_is_being_installed_now_is_not_called_broken() -> None:
    (layer() / "stamp.json").unlink()
    with sharing.only_one(lambda stage, done, text: None, never):
        assert told("core", engine_care.state(resources)).state == "installing"
    assert told("core", engine_care.state(resources)).state == "broken"


def test_an_engine_folder_that_is_not_there(home: Path) -> None:
    paths.pointer().parent.mkdir(parents=True)
    paths.pointer().write_text(str(home / "unplugged" / "engine"))
    found = engine_care.state(resources)
    assert not found.there and paths.drive_is_gone() and {layer.state for layer in found.layers} == {"missing"} and found.free_bytes > 0


def test_nothing_is_put_where_a_drive_is_to_be_connected(home: Path) -> None:
    paths.point_at(paths.pointer(), home / "unplugged" / "engine")
    for act in (
        lambda: runtime.ensure_layer("core", resources, lambda stage, done, text: None, never),
        lambda: voices.ensure_voice("en_US-joe-medium", resources, lambda stage, done, text: None, never),
    ):
        with pytest.raises(PluginError) as refused:
            act()
        assert "connect it" in refused.value.what() and not (home / "unplugged").exists()


def test_whether_a_layer_speaks() -> None:
    folder = layer()
    assert engine_care.speaks("core", resources) == ""
    env_python(folder).write_text(f"#!{sys.executable}\n{MUTE}\n")
    assert engine_care.speaks("core", resources) == "no voice"
    assert engine_care.speaks("neural", resources) != ""


def test_a_layer_of_an_older_plugin_is_renewed_before_it_is_asked_to_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = layer(wheel="cd" * 32)
    renewed = runtime.Layer("core", folder, env_python(folder))
    monkeypatch.setattr(runtime, "renew_layer", lambda *asked: renewed)
    assert engine_care.speaks("core", resources) == ""

    def refuse(*asked: object) -> runtime.Layer:
        raise PluginError("engine_install_failed", step="engine", reason="no rights")

    monkeypatch.setattr(runtime, "renew_layer", refuse)
    assert "no rights" in engine_care.speaks("core", resources)


def test_forgetting_lets_every_step_be_done_anew() -> None:
    folder = layer()
    engine_care.forget("core", idle)
    assert runtime.find_layer("core", resources) is None and not (folder / "install.json").exists() and (folder / "lib" / "package.py").is_file()


def test_removing_a_layer_takes_it_and_what_was_kept_of_fetching_it_but_nothing_else() -> None:
    core, neural, kept = layer(), layer("neural"), voice()
    fetched = download()
    fetched.write_bytes(b"d")
    half = paths.downloads_dir() / "voice-de_DE-thorsten-medium" / "model.part"
    half.parent.mkdir()
    half.write_bytes(b"h")
    engine_care.remove("neural", idle)
    assert core.is_dir() and kept.is_file() and not neural.exists() and not fetched.parent.exists()
    assert half.is_file(), "a voice that is being fetched is another matter"


def test_from_when_on_nothing_stops_a_removal_is_told_before_anything_is_gone() -> None:
    folder, told = layer(), list[tuple[str, bool]]()
    engine_care.remove("core", idle, never, lambda stage, done, text: told.append((stage, (folder / runtime.STAMP).is_file())))
    assert told == [(engine_care.REMOVE, True)] and not folder.exists()


def test_of_an_installation_that_was_broken_off_it_is_known_how_much_is_on_the_disk() -> None:
    whole = layer("neural")
    for id, size_bytes in (("joe", 40), ("thorsten", 10_000)):
        paths.half_fetched(id).mkdir(parents=True)
        (paths.half_fetched(id) / "model.part").write_bytes(b"v" * size_bytes)
    assert engine_care.begun_bytes(()) == 0 and whole.is_dir(), "a voice of which only a part came is no installation"
    download().write_bytes(b"d" * 300)
    half = layer()
    (half / runtime.STAMP).unlink()
    (half / "lib" / "big").write_bytes(b"b" * 5000)
    os.link(half / "lib" / "big", paths.downloads_dir() / "uv" / "the same")
    assert 5300 <= (layers := engine_care.begun_bytes(())) < 8000, "a file with two names counts once"
    assert engine_care.begun_bytes(("joe",)) == layers + 40
    with pytest.raises(Stopped):
        engine_care.begun_bytes((), lambda: True)


def test_a_layer_that_another_program_runs_out_of_is_left_alone(home: Path) -> None:
    folder = layer(check="print('here', flush=True); input()")
    other = subprocess.Popen([env_python(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None and other.stdout.readline().strip() == b"here"
        for act in (lambda: engine_care.remove("core", idle), lambda: engine_care.forget("core", idle), lambda: engine_move.move(home / "new", idle)):
            with pytest.raises(PluginError, match="engine_in_use"):
                act()
        assert runtime.find_layer("core", resources) is not None and not (home / "new").exists()
    finally:
        other.communicate(b"\n")
    engine_care.remove("core", idle)
    assert not folder.exists()


@pytest.mark.parametrize("act", [engine_care.forget, engine_care.remove])
def test_nothing_is_touched_while_books_are_converted(act: Callable[[str, Callable[[], bool]], None], home: Path) -> None:
    folder = layer()
    with pytest.raises(PluginError) as refused:
        act("core", busy)
    assert refused.value.code == "engine_in_use" and (folder / "stamp.json").is_file()
    with pytest.raises(PluginError, match="engine_in_use"):
        engine_move.move(home / "elsewhere", busy)
    assert not (home / "elsewhere").exists() and folder.is_dir()


def test_moving_takes_all_of_the_engine_along_and_leaves_what_is_not_of_it(home: Path) -> None:
    core, kept, steps = layer(), voice(), list[Step]()
    download().write_bytes(b"d")
    clips = paths.clips_dir() / "clips.sqlite"
    clips.parent.mkdir(parents=True)
    clips.write_bytes(b"clips")
    target = home / "disk" / "engine"
    assert engine_move.move(target, idle, steps.append) == ()
    assert paths.engine_dir() == target and engine_move.was_moved()
    assert {path.name for path in target.iterdir()} == {"layers", "voices"}
    assert runtime.find_layer("core", resources) is not None and (paths.layers_dir() / core.name / "lib64").is_symlink()
    assert (target / kept.relative_to(paths.cache_home())).read_bytes() == b"v" * 5000
    assert not core.exists() and not kept.exists() and not (paths.cache_home() / "downloads").exists() and clips.read_bytes() == b"clips"
    assert [step.done for step in steps if step.done] and steps[-1].text

    elsewhere = home / "other"
    engine_move.move(elsewhere, idle)
    assert not target.exists(), "the folder that was made for it goes with it"
    engine_move.move(paths.cache_home(), idle)
    assert paths.engine_dir() == paths.cache_home() and not paths.pointer().exists() and clips.is_file() and runtime.find_layer("core", resources)


def layer_by_uv(spelled: Path | None = None, check: str = SPEAKS) -> Path:
    """A layer of a Python that uv fetched into our own folder, by which its environment names it. spelled: that folder, by another name."""
    folder, tools = layer(), paths.tools_dir() / "python"
    base = tools / "cpython-3.12.8-linux-x86_64-gnu" / "bin" / "python3.12"
    base.parent.mkdir(parents=True)
    base.write_text(f"#!{sys.executable}\n{check}\n")
    base.chmod(0o755)
    named = (spelled or paths.engine_dir()) / base.relative_to(paths.engine_dir())
    (tools / "cpython-3.12-linux-x86_64-gnu").symlink_to(named.parents[1], target_is_directory=True)
    env_python(folder).unlink()
    env_python(folder).symlink_to(named)
    (folder / "pyvenv.cfg").write_text(f"home = {named.parent}\nversion_info = 3.12.8\nexecutable = {named}\n")
    return folder


@pytest.mark.parametrize("spelling", ["as we name it", "as the system names it"])
def test_a_python_that_uv_fetched_moves_along(home: Path, spelling: str) -> None:
    real = home / "on another disk"
    real.mkdir()
    (home / "home").symlink_to(real)
    folder = layer_by_uv(real / paths.APP if spelling == "as the system names it" else None)
    for target in (home / "new", home / "other", paths.cache_home()):
        engine_move.move(target, idle)
        moved = target / "layers" / folder.name
        base = target / "tools" / "python" / "cpython-3.12.8-linux-x86_64-gnu"
        assert env_python(moved).readlink() == base / "bin" / "python3.12"
        assert (target / "tools" / "python" / "cpython-3.12-linux-x86_64-gnu").readlink() == base
        assert (moved / "pyvenv.cfg").read_text() == f"home = {base / 'bin'}\nversion_info = 3.12.8\nexecutable = {base / 'bin' / 'python3.12'}\n"
        assert runtime.find_layer("core", resources) is not None and engine_care.speaks("core", resources) == ""


def test_packages_that_are_links_to_what_was_kept_of_fetching_them_move_along(home: Path) -> None:
    """As uv lays them where its variable UV_LINK_MODE says so."""
    folder, fetched = layer(), download()
    fetched.write_bytes(b"code")
    (fetched.parent / "more").mkdir()
    (fetched.parent / "more" / "data").write_bytes(b"data")
    for name, place in (("linked.py", fetched), ("more", fetched.parent / "more"), ("gone", fetched.parent / "gone"), ("elsewhere", Path(sys.executable))):
        (folder / "lib" / name).symlink_to(place)
    engine_move.move(home / "new", idle)
    moved = home / "new" / "layers" / folder.name / "lib"
    assert not fetched.exists() and (moved / "linked.py").read_bytes() == b"code" and (moved / "more" / "data").read_bytes() == b"data"
    assert (moved / "gone").is_symlink() and (moved / "elsewhere").readlink() == Path(sys.executable)


def test_a_layer_that_needs_what_is_to_be_left_stays(home: Path) -> None:
    """Whatever names the old place in a way that nobody knows."""
    needs = str(paths.cache_home() / "tools" / "python")
    folder = layer(check=f"import json, sys; print('a warning'); print(json.dumps(['/usr', {needs!r}]) if '-c' in sys.argv else 'ok')")
    (paths.tools_dir() / "python").mkdir(parents=True)
    with pytest.raises(PluginError, match="engine_unmoved") as refused:
        engine_move.move(home / "new", idle)
    assert "works only in the folder" in refused.value.what() and needs in refused.value.detail
    assert paths.engine_dir() == paths.cache_home() and folder.is_dir() and not (home / "new").exists()


WINDOWS = [PureWindowsPath("C:/Users/x/AppData/Local/convert-to-audiobook"), PureWindowsPath("D:/cache/convert-to-audiobook")]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (r"C:\Users\x\AppData\Local\convert-to-audiobook\tools\python\cpython-3.12\python.exe", r"E:\speech engine\tools\python\cpython-3.12\python.exe"),
        (r"\\?\c:\users\X\AppData\Local\Convert-to-Audiobook\tools", r"E:\speech engine\tools"),
        ("D:/cache/convert-to-audiobook/tools", r"E:\speech engine\tools"),
        (r"C:\Users\x\AppData\Local\convert-to-audiobook-2\tools", None),
        (r"C:\Users\x\AppData\Local\convert-to-audiobook\..\Python312", None),
        (r"C:\Program Files\Python312", None),
        (r"..\tools\python", None),
        ("3.12.8", None),
    ],
)
def test_what_named_the_old_place_on_windows_names_the_new_one(path: str, found: str | None) -> None:
    new = PureWindowsPath("E:/speech engine")
    assert pyvenv.moved(path, WINDOWS, new) == (found or path)
    text = f"home = {path}\r\nimplementation = CPython\nno equals sign\n"
    assert pyvenv.config_moved(text, WINDOWS, new) == f"home = {found or path}\nimplementation = CPython\nno equals sign\n"


def test_the_old_place_is_left_when_the_copy_is_on_the_disk_and_waiting_for_that_can_be_stopped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, asked, goes_on = layer(), threading.Event(), threading.Event()
    monkeypatch.setattr(os, "sync", lambda: (asked.set(), goes_on.wait()), raising=False)
    with pytest.raises(Stopped):
        engine_move.move(home / "new", idle, stopped=asked.is_set)
    assert folder.is_dir() and not (home / "new").exists() and paths.engine_dir() == paths.cache_home()
    goes_on.set()
    written: list[bool] = []
    monkeypatch.setattr(os, "sync", lambda: written.append(folder.is_dir() and (home / "new" / "layers" / folder.name).is_dir()), raising=False)
    engine_move.move(home / "new", idle)
    assert written == [True] and not folder.exists()


def test_a_layer_that_does_not_speak_at_the_new_place_stays_at_the_old(home: Path) -> None:
    folder = layer(check=f"import sys; sys.exit({str(home / 'new')!r} in sys.argv[0] or {str(home / 'new')!r} in __file__)")
    with pytest.raises(PluginError) as refused:
        engine_move.move(home / "new", idle)
    assert refused.value.code == "engine_unmoved" and "does not speak" in refused.value.what()
    assert paths.engine_dir() == paths.cache_home() and folder.is_dir() and not (home / "new").exists()


def test_a_move_that_is_stopped_or_cut_off_changes_nothing_and_can_be_done_again(home: Path) -> None:
    folder, target = layer(), home / "new"
    voice()
    stops = iter([False] * 6 + [True] * 100)
    with pytest.raises(Stopped):
        engine_move.move(target, idle, stopped=lambda: next(stops))
    assert folder.is_dir() and not target.exists() and paths.engine_dir() == paths.cache_home()
    (target / "layers" / "core-0").mkdir(parents=True)  # as a power cut leaves it
    (target / "moving.txt").write_text("")
    engine_move.move(target, idle)
    assert paths.engine_dir() == target and [path.name for path in paths.layers_dir().iterdir()] == [folder.name]


def test_a_move_that_was_cut_off_while_the_old_place_was_emptied_can_go_back(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer()
    voice()

    def cut(folder: Path) -> bool:
        raise KeyboardInterrupt

    for old, new in ((paths.cache_home(), home / "new"), (home / "new", home / "other")):
        with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
            killed.setattr(engine_move, "remove_tree", cut)
            engine_move.move(new, idle)
        assert paths.engine_dir() == new and runtime.find_layer("core", resources) is not None
        assert (old / "layers").is_dir() and not list(old.glob("layers/*/stamp.json")), "what was left there is taken for no layer"
    for back in (home / "new", paths.cache_home()):
        engine_move.move(back, idle)
        assert runtime.find_layer("core", resources) is not None and not (back / "moving.txt").exists()
    assert not (home / "new").exists() and not (home / "other").exists()


@pytest.mark.parametrize("name", ["a disk ", "Стихи и проза", os.fsdecode(b"m\xfcsli")])
def test_any_name_of_a_folder_serves(home: Path, name: str) -> None:
    layer()
    engine_move.move(home / name / "engine", idle)
    assert paths.engine_dir() == home / name / "engine" and runtime.find_layer("core", resources) is not None


def test_where_nothing_is_installed_or_the_drive_is_gone_another_folder_can_be_chosen(home: Path) -> None:
    assert engine_move.move(home / "disk" / "engine", idle) == () and paths.engine_dir() == home / "disk" / "engine"
    shutil.rmtree(home / "disk")
    (home / "disk").write_text("no folder can be made here")  # as root may do anything else
    assert engine_move.move(paths.cache_home(), idle) == () and paths.engine_dir() == paths.cache_home()
    assert layer().is_dir() and runtime.find_layer("core", resources) is not None


def test_a_conversion_that_begins_meanwhile_keeps_its_engine(home: Path) -> None:
    folder, asked = layer(), iter([False, True])
    with pytest.raises(PluginError, match="engine_in_use"):
        engine_move.move(home / "new", lambda: next(asked))
    assert folder.is_dir() and paths.engine_dir() == paths.cache_home() and not (home / "new").exists()


def full(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "letter.txt").write_text("mine")
    return folder


def test_where_it_cannot_go_is_said_before_anything_is_copied(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer()
    (home / "file").write_text("")
    assert "not empty" in engine_move.why_not_there(full(home / "letters"))
    assert "inside" in engine_move.why_not_there(paths.cache_home() / "layers" / "x")
    assert "already" in engine_move.why_not_there(paths.cache_home())
    assert "not a folder" in engine_move.why_not_there(home / "file")
    assert engine_move.why_not_there(home / "new" / "deep") == ""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 10**6))
    with pytest.raises(PluginError, match="engine_unmoved") as refused:
        engine_move.move(home / "new", idle)
    assert "MB are needed" in refused.value.what() and not (home / "new").exists()
    monkeypatch.setenv("E2A_ENGINE_DIR", str(home / "fixed"))
    assert "E2A_ENGINE_DIR" in engine_move.why_not_there(home / "new") and engine_move.fixed()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_said(home: Path) -> None:
    layer()
    (home / "closed").mkdir(mode=0o500)
    assert "may not write" in engine_move.why_not_there(home / "closed" / "new")


def test_it_gets_a_folder_of_its_own_wherever_it_goes(home: Path) -> None:
    (home / "empty").mkdir()
    for chosen in (home / "empty", full(home / "letters"), home / "not there yet"):
        assert engine_move.target_in(chosen) == chosen / paths.APP
    assert engine_move.target_in(full(home / paths.APP)) == home / paths.APP
    assert "not empty" in engine_move.why_not_there(home / paths.APP)
    (paths.cache_home().parent / "another program").mkdir(parents=True)
    assert engine_move.target_in(paths.cache_home().parent) == paths.cache_home(), "the usual place is found again"


@pytest.fixture
def clips() -> Path:
    store = paths.clips_dir() / "clips.sqlite"
    store.parent.mkdir(parents=True)
    db = sqlite3.connect(store)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("CREATE TABLE clips (key TEXT)")
    db.close()
    (store.parent / "clips.sqlite.damaged").write_bytes(b"x" * 100)
    (store.parent / "letter.txt").write_text("mine")
    return store


def test_emptying_the_clips_leaves_what_is_not_ours(clips: Path) -> None:
    size = engine_care.clips_bytes()
    assert size > 4000 and engine_care.empty_clips(idle) == size
    assert [path.name for path in clips.parent.iterdir()] == ["letter.txt"] and engine_care.clips_bytes() == 0
    assert engine_care.empty_clips(idle) == 0


def test_what_was_made_of_voices_goes_with_the_clips(clips: Path) -> None:
    before = engine_care.clips_bytes()
    for name in ("cuts/aa-6/decode.onnx", "exports/bb-3/encode.onnx", "students/cc-2/graph.onnx", "checks/dd.json", "references/one/x"):
        (clips.parent / name).parent.mkdir(parents=True)
        (clips.parent / name).write_bytes(b"x" * 1000)
    assert engine_care.clips_bytes() == before + 4000 == engine_care.empty_clips(idle)
    assert sorted(path.name for path in clips.parent.iterdir()) == ["letter.txt", "references"], "a clone's reference goes with the clone"


def test_clips_that_are_in_use_stay(clips: Path) -> None:
    with pytest.raises(PluginError, match="clips_in_use"):
        engine_care.empty_clips(busy)
    other = sqlite3.connect(clips)  # as the command line has it open
    other.execute("SELECT * FROM clips").fetchall()
    with pytest.raises(PluginError, match="clips_in_use"):
        engine_care.empty_clips(idle)
    other.close()
    assert clips.is_file() and engine_care.empty_clips(idle) > 0


def test_a_damaged_store_can_be_emptied(clips: Path) -> None:
    clips.write_bytes(b"no database at all, but long enough to be looked at as one" * 100)
    assert engine_care.empty_clips(idle) > 5000 and not clips.exists()


def test_looking_can_be_stopped() -> None:
    layer()
    with pytest.raises(Stopped):
        engine_care.state(resources, lambda: True)
    assert engine_care.layer_state("core", resources, never).size_bytes == 0
