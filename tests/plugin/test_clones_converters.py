"""The converters: what the table says of them, and that what comes is what was promised, whole or not there."""

from __future__ import annotations

import hashlib
import io
import json
import random
import re
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cloning import put_converter
from file_server import Asked, Server, server

from plugin.commands import never
from plugin.engine import install_plan
from plugin.errors import PluginError
from plugin.resources import Resources, from_folder
from plugin.speaking import converters, voice_fetch

__all__ = ["server"]
REAL = from_folder(Path(__file__).resolve().parents[2])
ROLES = {
    "freevc24": {"model", "config", "speaker_encoder", "wavlm"},
    "knnvc": {"wavlm", "vocoder", "vocoder_config"},
    "openvoice_v2": {"model", "config"},
    "d_vector": {"encoder", "encoder_config"},
}
MODEL, CONFIG, SHARED = random.Random(0).randbytes(1_000_000), b'{"model": "hifigan"}', b"shared" * 1000


@pytest.fixture(autouse=True)
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    return tmp_path / "engine"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def archive(*members: tuple[str | zipfile.ZipInfo, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", how) as z:
        for name, data in members:
            z.writestr(name, data)
    return held.getvalue()


GOOD = archive(
    ("vocoder--x/", b""), ("vocoder--x/._model.pth", b"of a Mac"), ("__MACOSX/x/._config.json", b"of a Mac"),
    ("vocoder--x/model.pth", MODEL), ("vocoder--x/config.json", CONFIG), ("vocoder--x/evil.py", b"print(1)"), ("../../evil.py", b"print(1)"),
)  # fmt: skip


class Shop:
    """A server, and a table of two converters that lean on one file."""

    def __init__(self, server: Server, zip_of: bytes = GOOD, **entry: Any) -> None:
        self.server, self.told = server, list[tuple[float | None, str]]()
        server.files |= {"v.zip": zip_of, "s.pt": SHARED}
        members = [
            {"role": "vocoder", "names": ["model.pth", "checkpoint.pth"], "bytes": len(MODEL)},
            {"role": "vocoder_config", "names": ["config.json"], "bytes": 20},
        ]
        known = {"bytes": len(zip_of), "sha256": sha256(zip_of)}
        part = {"name": "v.zip", "address": server.url + "v.zip", "members": members} | known | entry
        shared = {"role": "wavlm", "name": "s.pt", "address": server.url + "s.pt", "bytes": len(SHARED), "sha256": sha256(SHARED)}
        parts = [{"id": "a", "name": "A", "licence": "mit", "files": [part]}, {"id": "s", "name": "S", "licence": "wavlm", "files": [shared]}]
        table = [{"id": "knnvc", "parts": ["a", "s"], "rate_hz": 16000}, {"id": "freevc24", "parts": ["s"], "rate_hz": 24000}]
        raw = {"voices": [], "collection": {}, "converters": {"parts": parts, "converters": table}}
        self.resources: Resources = {"plugin/sources.json": json.dumps(raw).encode()}.__getitem__

    def get(self, id: str = "knnvc") -> voice_fetch.Kept:
        converters.get(id, self.resources, lambda stage, done, text: self.told.append((done, text)), never)
        kept = converters.kept(id, self.resources)
        assert kept is not None
        return kept

    def fails(self, engine: Path) -> str:
        with pytest.raises(PluginError) as caught:
            self.get()
        assert caught.value.code == "converter_fetch_failed" and converters.kept("knnvc", self.resources) is None
        assert not (engine / "voices" / "converter-a").exists() and not list(engine.parent.rglob("evil.py"))
        return str(caught.value.params["reason"])


def test_the_real_table_has_every_converter_with_all_its_roles_and_words() -> None:
    found = converters.catalogue(REAL)
    assert tuple(found) == converters.IDS
    for id, converter in found.items():
        assert {role for part in converter.parts for role in part.roles} == ROLES[id]
        assert converter.good_for and "MIT" in converter.licence and "giving away and selling" in converter.licence
        assert ("kHz" in converter.details) == bool(converter.rate_hz), "for who knows about it"
        assert converter.rate_hz == {"freevc24": 24_000, "knnvc": 16_000, "openvoice_v2": 22_050, "d_vector": 0}[id]
        for part in converter.parts:
            for file in part.files:
                assert file.address.startswith("https://") and re.fullmatch(r"([0-9a-f]{64})?", file.expected.sha256) and file.size_bytes > 0
                assert bool(file.role) != bool(file.members)
                assert not (file.about and file.expected.sha256), "who knows a hash has read the file"
    assert "WavLM-Large.pt" not in found["freevc24"].details and "vocoder.zip" in found["knnvc"].details, "what is trusted on first use is said"
    plain = " ".join(converter.name + converter.good_for + converter.licence for converter in found.values())
    assert not [word for word in ("kHz", "checksum", ".zip", "YourTTS", "nobody has said") if word in plain]


def test_the_speaker_encoder_comes_beside_any_converters_files(engine: Path) -> None:
    clone = {"id": "clone-1f2e3d4c5b6a", "converter": "knnvc", "files": {"sample": "/s.flac"}, "sha256": {"sample": "ab"}}
    wire = {"id": "joe", "kind": "piper", "clone": clone}
    with pytest.raises(PluginError) as caught:
        converters.with_encoder(wire, REAL)
    assert caught.value.code == "voice_missing"
    put_converter(engine, "d_vector", REAL)
    found = converters.with_encoder(wire, REAL)["clone"]
    kept = converters.kept("d_vector", REAL)
    assert kept is not None and found["files"] == {"sample": "/s.flac", **{role: str(path) for role, path in kept.files.items()}}
    assert found["sha256"] == {"sample": "ab", **kept.sha256} and clone["files"] == {"sample": "/s.flac"}, "what speaks has none of it"
    own = wire | {"clone": clone | {"files": {"encoder": "/own/model_se.pth"}}}
    assert converters.with_encoder(own, REAL) is own


def test_where_the_speaker_encoder_cannot_be_had_the_clone_speaks_all_the_same(server: Server, engine: Path) -> None:
    encoder = {"name": "e.pth", "role": "encoder", "address": server.url + "e.pth", "bytes": 9, "sha256": sha256(b"an encode")}
    part = {"id": "d_vector", "name": "An Ear", "licence": "mit", "files": [encoder]}
    table = {"parts": [part], "converters": [{"id": "d_vector", "parts": ["d_vector"], "rate_hz": 0}]}
    resources: Resources = {"plugin/sources.json": json.dumps({"voices": [], "collection": {}, "converters": table}).encode()}.__getitem__
    with pytest.raises(PluginError) as caught:
        converters.get_encoder(resources, lambda stage, done, text: None, never)
    assert caught.value.code == "encoder_fetch_failed" and "An Ear" in caught.value.what() and "speaks without it" in caught.value.what()
    server.files["e.pth"] = b"an encode"
    converters.get_encoder(resources, lambda stage, done, text: None, never)
    assert converters.kept("d_vector", resources) is not None


def test_both_that_lean_on_the_large_file_name_the_same_one() -> None:
    found = converters.catalogue(REAL)
    shared = {part.id for part in found["freevc24"].parts} & {part.id for part in found["knnvc"].parts}
    assert shared == {"converter-wavlm"}


def test_only_the_named_members_come_out_of_an_archive(server: Server, engine: Path) -> None:
    shop = Shop(server)
    kept = shop.get()
    assert {role: path.read_bytes() for role, path in kept.files.items()} == {"vocoder": MODEL, "vocoder_config": CONFIG, "wavlm": SHARED}
    assert kept.sha256 == {"vocoder": sha256(MODEL), "vocoder_config": sha256(CONFIG), "wavlm": sha256(SHARED)}
    assert sorted(path.name for path in (engine / "voices" / "converter-a").iterdir()) == ["config.json", "model.pth", "voice.json"]
    assert not list(engine.parent.rglob("evil.py")) and not list((engine / "downloads").glob("voice-*/"))
    shares = [done for done, _ in shop.told if done is not None]
    assert max(shares) == 1 and "converter A" in shop.told[0][1]


def test_it_is_used_offline_ever_after_and_the_shared_file_comes_once(server: Server) -> None:
    shop = Shop(server)
    kept = shop.get()
    server.files = {}
    assert shop.get() == kept and converters.missing("freevc24", shop.resources) == ()
    assert [path for path, _ in server.asked].count("s.pt") == 1


def test_a_size_that_nobody_states_exactly_is_the_servers_and_what_came_first_is_held_to(server: Server) -> None:
    shop = Shop(server, bytes=len(GOOD) - 1000, sha256="", about=True)
    kept = shop.get()
    assert kept.files["vocoder"].read_bytes() == MODEL and kept.sha256["vocoder"] == sha256(MODEL)


def test_an_interrupted_one_goes_on(server: Server, engine: Path) -> None:
    shop = Shop(server, bytes=len(GOOD) - 1000, sha256="", about=True)
    server.manner = lambda asked: asked.send_until(20_000)
    assert "cut" in shop.fails(engine)
    server.manner = Asked.send_well
    assert shop.get().files["vocoder"].read_bytes() == MODEL and ("v.zip", 20_000) in server.asked


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x/model.pth")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


HOSTILE = {
    "no archive": (b"<html>log in</html>" * 100, "damaged"),
    "cut short": (GOOD[: len(GOOD) // 2], "damaged"),
    "without the model": (archive(("x/config.json", CONFIG)), "no model.pth"),
    "a link for a model": (archive((link(), b"/etc/passwd"), ("x/config.json", CONFIG)), "no model.pth"),
    "a bomb": (archive(("x/model.pth", bytes(10**7)), ("x/config.json", CONFIG)), "larger"),
    "packed by LZMA": (archive(("x/model.pth", MODEL), ("x/config.json", CONFIG), how=zipfile.ZIP_LZMA), "damaged"),
    "a description that is a bomb": (archive(("x/model.pth", MODEL), ("x/config.json", b" " * 2 * 10**6)), "larger"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_archive_is_refused_with_the_reason(kind: str, server: Server, engine: Path) -> None:
    data, reason = HOSTILE[kind]
    assert reason in Shop(server, data, sha256="").fails(engine)


def test_another_file_than_was_promised_is_refused(server: Server, engine: Path) -> None:
    assert "not the file" in Shop(server, sha256="0" * 64).fails(engine)


def test_much_more_than_the_table_says_is_refused_before_it_comes(server: Server, engine: Path) -> None:
    large = archive(("x/model.pth", MODEL), ("x/config.json", CONFIG), ("more", bytes(3 << 20)), how=zipfile.ZIP_STORED)
    shop = Shop(server, large, bytes=1000, sha256="", about=True)
    assert "size differs" in shop.fails(engine) and server.asked == []


def test_a_removed_converter_leaves_what_another_leans_on(server: Server, engine: Path) -> None:
    shop = Shop(server)
    shop.get()
    converters.remove("knnvc", shop.resources)
    assert [path.name for path in (engine / "voices").iterdir()] == ["converter-s"]
    converters.remove("freevc24", shop.resources)
    assert not list((engine / "voices").iterdir())


def test_what_is_to_be_fetched_is_told_with_size_address_and_how_it_is_checked(engine: Path) -> None:
    parts = converters.missing("knnvc", REAL)
    vocoder, wavlm = (install_plan.voice_item(part, "the index") for part in parts)
    assert "kNN-VC" in vocoder.what and vocoder.source == "github.com" and "nobody has recorded" in vocoder.checked
    assert wavlm.fetch_mb == 1262 and "checksums in this plugin" in wavlm.checked and "CC BY-SA" in wavlm.note
    put_converter(engine, "knnvc", REAL)
    assert converters.missing("knnvc", REAL) == () and len(converters.missing("freevc24", REAL)) == 1
