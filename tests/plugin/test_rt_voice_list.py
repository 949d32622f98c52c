"""`build.py voices`: the collection's index becomes our list, and what only we know is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from file_server import Server, server

from build_steps.voices import renewed, voices
from plugin.speaking.catalogue import catalogue

__all__ = ["server"]
ROOT = Path(__file__).resolve().parents[2]
MD5 = "0123456789abcdef" * 2


def listed(id: str, md5: str = MD5, speakers: int = 1, size: int = 63_201_294) -> dict[str, Any]:
    """As the collection's index has a voice, files of no use to us among them."""
    language, name, quality = id.split("-")
    folder = f"{language[:2]}/{language}/{name}/{quality}"
    files = {f"{folder}/{id}.onnx": size, f"{folder}/{id}.onnx.json": 4_794, f"{folder}/MODEL_CARD": 280}
    return {
        "key": id,
        "name": name,
        "language": {"code": language, "family": language[:2], "name_english": "?"},
        "quality": quality,
        "num_speakers": speakers,
        "speaker_id_map": {},
        "files": {path: {"size_bytes": bytes, "md5_digest": md5} for path, bytes in files.items()},
        "aliases": [],
    }


def index_of(*ids: str, **more: Any) -> dict[str, Any]:
    return {id: listed(id, **more) for id in ids}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    path = tmp_path / "sources.json"
    path.write_bytes((ROOT / "plugin" / "sources.json").read_bytes())
    return path


def test_new_voices_come_gone_ones_go_and_the_rest_of_the_file_stays(sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = json.loads(sources.read_text(encoding="utf-8"))
    (tmp_path / "index.json").write_text(json.dumps(index_of("pt_PT-tugão-medium", "lv_LV-aivars-medium", "en_US-ryan-high", speakers=2)))
    assert voices(tmp_path / "index.json", sources) == 0
    after = json.loads(sources.read_text(encoding="utf-8"))
    assert [voice["id"] for voice in after["voices"]] == ["en_US-ryan-high", "lv_LV-aivars-medium", "pt_PT-tugão-medium"]
    assert {**after, "voices": []} == {**before, "voices": []}
    said = capsys.readouterr().out
    assert "3 voices" in said and "new: lv_LV-aivars-medium" in said and "changed: en_US-ryan-high" in said and "gone: ar_JO-kareem-low" in said
    found = catalogue({"plugin/sources.json": sources.read_bytes()}.__getitem__)
    assert found["lv_LV-aivars-medium"].speakers == 2 and "own page" in found["lv_LV-aivars-medium"].licence
    assert "CC BY-NC-SA" in found["en_US-ryan-high"].licence, "what somebody has read is kept"
    assert len(sources.read_text(encoding="utf-8").splitlines()) == len((ROOT / "plugin" / "sources.json").read_text(encoding="utf-8").splitlines()) - 121


def test_a_pin_is_kept_only_as_long_as_the_files_are_the_same() -> None:
    joe = next(voice for voice in json.loads((ROOT / "plugin" / "sources.json").read_text(encoding="utf-8"))["voices"] if "wheel" in voice)
    index = listed(joe["id"])
    for facts, md5 in zip(index["files"].values(), joe["md5"], strict=False):
        facts["md5_digest"] = md5
    assert renewed({joe["id"]: index}, [joe]) == [joe]
    other = renewed(index_of(joe["id"]), [joe])[0]
    assert other.keys() == joe.keys() - {"sha256", "wheel"} and other["person"] == "man"


BAD: list[Any] = [
    [],
    {},
    index_of("en_US-joe-medium", speakers=float("inf")),
    {"no name": listed("en_US-joe-medium")},
    {"en_US-joe-medium": listed("en_US-amy-medium")},
    {"en_US-joe-medium": {"files": {}}},
    {"en_US-joe-medium": []},
    index_of("en_US-joe-medium", md5="no hash"),
    index_of("en_US-joe-medium", size=0),
    index_of("en_US-joe-medium", size=1 << 40),
    index_of("en_US-joe-medium", speakers=0),
    {"en_US-joe-medium": listed("en_US-joe-medium") | {"files": {f"../../{path}": facts for path, facts in listed("en_US-joe-medium")["files"].items()}}},
]


@pytest.mark.parametrize("index", BAD)
def test_an_index_that_says_what_no_voice_is_changes_nothing(sources: Path, tmp_path: Path, index: Any) -> None:
    before = sources.read_bytes()
    (tmp_path / "index.json").write_text(json.dumps(index))
    with pytest.raises(SystemExit, match="not renewed"):
        voices(tmp_path / "index.json", sources)
    assert sources.read_bytes() == before


def test_without_a_file_the_index_is_fetched_from_the_collections_address(sources: Path, server: Server) -> None:
    server.files = {"collection/voices.json": json.dumps(index_of("de_DE-thorsten-medium")).encode()}
    text = sources.read_text(encoding="utf-8")
    address = json.loads(text)["collection"]["address"]
    sources.write_text(text.replace(address, server.url + "collection/"), encoding="utf-8")
    assert voices(None, sources) == 0
    assert [voice["id"] for voice in json.loads(sources.read_text(encoding="utf-8"))["voices"]] == ["de_DE-thorsten-medium"]
    server.files = {}
    with pytest.raises(SystemExit, match="404"):
        voices(None, sources)
