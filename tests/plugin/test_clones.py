"""The user's cloned voices: kept by their recording, found by id and by name, whole or not there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cloning import recording

from plugin import paths
from plugin.errors import PluginError
from plugin.speaking import clones
from plugin.speaking.clones import Measures, Named


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("E2A_CLONES_DIR", str(tmp_path / "kept"))
    for name in ("XDG_CACHE_HOME", "HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path / "kept"


def refused(code: str, work: object, *arguments: object, **named: object) -> str:
    with pytest.raises(PluginError) as caught:
        work(*arguments, **named)  # type: ignore[operator]
    assert caught.value.code == code
    return str(caught.value.params["reason"])


def test_a_clone_is_kept_by_its_recording_and_found_by_id_and_by_name(tmp_path: Path, home: Path) -> None:
    measures = Measures(27.5, 38.0, -20.0, 11_000.0, 0.0, "fair", ("short",))
    kept = clones.add(recording(tmp_path), "  Ánna  of\tthe hill ", "knnvc", "en-GB", measures)
    assert kept.id == clones.id_of(clones.digest_of(recording(tmp_path))) and kept.name == "Ánna of the hill"
    assert clones.all_of_them() == [kept] and clones.get(Named(kept.id)) == kept and clones.by_name("Ánna of the hill") == kept
    assert (kept.measures, kept.language, kept.converter, kept.likeness) == (measures, "en-GB", "knnvc", None)
    assert sorted(path.name for path in home.iterdir()) == [kept.id]
    assert sorted(path.name for path in (home / kept.id).iterdir()) == ["clone.json", "sample.flac"]


def test_the_same_recording_is_the_same_clone(tmp_path: Path, home: Path) -> None:
    one = clones.add(recording(tmp_path), "Anna")
    other = clones.add(recording(tmp_path), "Bella", "openvoice_v2")
    assert other.id == one.id and other.created == one.created
    assert [(clone.name, clone.converter) for clone in clones.all_of_them()] == [("Bella", "openvoice_v2")]


def test_two_clones_never_have_one_name(tmp_path: Path, home: Path) -> None:
    clones.add(recording(tmp_path), "Anna")
    other = clones.add(recording(tmp_path, 1), "Bella")
    assert "another" in refused("clone_name", clones.add, recording(tmp_path, 2), "Anna")
    assert "another" in refused("clone_name", clones.change, other.id, name="Anna")
    assert [clone.name for clone in clones.all_of_them()] == ["Anna", "Bella"]
    assert clones.change(other.id, name="Carla", likeness=0.8).likeness == 0.8
    assert [clone.name for clone in clones.all_of_them()] == ["Anna", "Carla"]


def test_what_was_heard_of_its_likeness_holds_for_its_recording_and_its_converter_alone(tmp_path: Path, home: Path) -> None:
    def heard(clone: clones.Clone | None) -> tuple[float | None, float | None]:
        assert clone is not None
        return clone.likeness, clone.likeness_of_halves

    figures = {"likeness": 0.7, "likeness_of_halves": 0.8}
    id = clones.add(recording(tmp_path), "Anna").id
    assert heard(clones.change(id, **figures)) == heard(clones.all_of_them()[0]) == (0.7, 0.8)
    assert heard(clones.change(id, name="Bella")) == (0.7, 0.8)
    assert heard(clones.get(Named(id, "freevc24"))) == (0.7, 0.8) and heard(clones.get(Named(id, "knnvc"))) == (None, None)
    assert heard(clones.add(recording(tmp_path), "Clara")) == (0.7, 0.8), "the same once more"
    assert heard(clones.add(recording(tmp_path), "Clara", "knnvc")) == (None, None)
    clones.change(id, **figures)
    assert heard(clones.change(id, converter="openvoice_v2")) == heard(clones.all_of_them()[0]) == (None, None)
    clones.change(id, **figures)
    assert heard(clones.add(recording(tmp_path, 1), "Dora")) == (None, None), "another recording is another clone"


@pytest.mark.parametrize(
    "name",
    ["", " \n ", "a" * 81, "a\x1b[2Jb", "a\x00b", "evil\u202egnp.flac", "\u200b", "\u200d\u200d", "\ue000", "clone-0123456789ab", "clone-x"],
)
def test_a_name_that_steers_or_cannot_be_seen_is_refused(tmp_path: Path, home: Path, name: str) -> None:
    assert refused("clone_name", clones.add, recording(tmp_path), name)
    assert not clones.all_of_them() and not list(home.glob("*"))


@pytest.mark.parametrize("name", ["Anna", "祖母", "👩‍🦰 Anna", "آنا", "a" * 80, "O'Neil / 2", "..", "con"])
def test_any_other_name_is_a_name(tmp_path: Path, name: str) -> None:
    assert clones.add(recording(tmp_path), name).name == name
    found = clones.by_name(name)
    assert found is not None and found.name == name


def test_what_is_broken_is_in_no_list(tmp_path: Path, home: Path) -> None:
    kept = clones.add(recording(tmp_path), "Anna")
    record = home / kept.id / "clone.json"
    whole = record.read_text("utf-8")
    described = json.loads(whole)
    for broken in ("", "[]", "{", "[" * 100_000, whole.replace('"schema": 1', '"schema": 2'), json.dumps(described | {"sha256": "0" * 64})):
        record.write_text(broken, "utf-8")
        assert clones.all_of_them() == [] and clones.get(Named(kept.id)) is None
    record.write_text(whole, "utf-8")
    kept.sample.unlink()
    assert clones.all_of_them() == []
    assert clones.add(recording(tmp_path), "Anna again").sample.is_file()


def test_a_recording_without_a_name_is_in_no_list_and_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clones, "MOST_UNLISTED", 2)
    laid = [clones.lay_by(recording(tmp_path, seed), "knnvc") for seed in range(3)]
    assert clones.all_of_them() == [] and len({clone.name for clone in laid}) == 3
    assert [clones.get(Named(clone.id)) is not None for clone in laid] == [False, True, True]
    named = clones.add(laid[2].sample, "Anna")
    assert clones.lay_by(named.sample) == named, "the one that is in the list already"


def test_ids_name_a_clone_a_converter_and_a_base_voice() -> None:
    id = "clone-0123456789ab"
    assert clones.parse(id) == Named(id)
    assert clones.parse(f"{id}.knnvc@en_US-joe-medium#p1") == Named(id, "knnvc", "en_US-joe-medium#p1")
    assert clones.parse(f"{id}@/home/me/a@b.onnx") == Named(id, "", "/home/me/a@b.onnx")
    for other in ("en_US-joe-medium", "espeak", "clone-0123", f"{id}x", f"{id}.sox", f"{id}@", f"{id}@{id}", f"/{id}", f"{id.upper()}", ""):
        assert clones.parse(other) is None, other


def test_a_removed_clone_takes_its_recording_with_it(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2A_CACHE_DIR", str(tmp_path / "cache"))
    kept = clones.add(recording(tmp_path), "Anna")
    computed, others = (tmp_path / "cache" / "references" / id / "hash" / "reference.pt" for id in (kept.id, "clone-0123456789ab"))
    for path in (computed, others):
        path.parent.mkdir(parents=True)
        path.touch()
    clones.remove(kept.id)
    assert not list(home.iterdir()) and clones.get(Named(kept.id)) is None
    assert not computed.parents[1].exists() and others.exists()
    clones.remove(kept.id)


def test_a_removal_that_is_cut_off_leaves_nobodys_voice_behind(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = clones.add(recording(tmp_path), "Anna")

    def killed(*_: object, **more: object) -> None:
        raise KeyboardInterrupt

    for folder in (home, paths.cache_home() / "clones"):
        (folder / ".new-1").mkdir(parents=True)  # what somebody adds just now
        (folder / ".new-2").mkdir()
        (folder / ".new-2" / "sample.flac").write_bytes(b"half a voice")
        os.utime(folder / ".new-2", (1, 1))
    with monkeypatch.context() as cut, pytest.raises(KeyboardInterrupt):
        cut.setattr(clones, "_sweep", killed)
        clones.remove(kept.id)
    assert len(list(home.glob("*/sample.flac"))) == 2, "it was cut off"
    assert clones.all_of_them() == []
    assert [path.name for path in home.iterdir()] == [".new-1"]
    clones.remove(kept.id)
    assert [path.name for path in (paths.cache_home() / "clones").iterdir()] == [".new-1"]


@pytest.mark.skipif(os.name == "nt", reason="a folder cannot be flushed there")
def test_a_recording_and_its_record_are_on_the_disk_before_it_is_said_so(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed, fsync = set[int](), os.fsync

    def noted(handle: int) -> None:
        flushed.add(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    kept = clones.add(recording(tmp_path), "Anna")
    assert flushed >= {path.stat().st_ino for path in (home, home / kept.id, kept.sample, home / kept.id / "clone.json")}
    flushed.clear()
    clones.change(kept.id, name="Bella")
    assert flushed == {path.stat().st_ino for path in (home / kept.id, home / kept.id / "clone.json")}


def test_where_nothing_can_be_written_it_says_so_and_nothing_is_left(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    assert refused("clone_not_kept", clones.add, recording(tmp_path), "Anna") == "No space left on device"
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("platform", "env", "place"),
    [
        ("linux", {"HOME": "/h"}, "/h/.local/share/convert-to-audiobook/clones"),
        ("linux", {"HOME": "/h", "XDG_DATA_HOME": "/d"}, "/d/convert-to-audiobook/clones"),
        ("linux", {"HOME": "/h", "XDG_DATA_HOME": "d"}, "/h/.local/share/convert-to-audiobook/clones"),
        ("darwin", {"HOME": "/h"}, "/h/Library/Application Support/convert-to-audiobook/clones"),
        ("win32", {"USERPROFILE": "/u", "APPDATA": "/a"}, "/a/convert-to-audiobook/clones"),
        ("linux", {"HOME": "/h", "E2A_CLONES_DIR": "/mine"}, "/mine"),
    ],
)
def test_they_lie_with_the_users_data_and_not_in_the_cache(platform: str, env: dict[str, str], place: str) -> None:
    assert paths.clones_dir(env, platform) == Path(place)
    assert not paths.clones_dir(env, platform).is_relative_to(paths.cache_home(env, platform))
