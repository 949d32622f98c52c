"""Kokoro's own voices: there where Calibre has them, used where they lie, chosen by the user alone, neither fetched nor removed."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from layers import put_layer

from plugin import cli
from plugin.engine import gpus
from plugin.errors import PluginError
from plugin.resources import from_folder
from plugin.speaking import calibre_kokoro, estimates, speakers, voices

REAL = from_folder(Path(__file__).resolve().parents[2])
HEART, SARA, EMMA = "kokoro-af_heart", "kokoro-if_sara", "kokoro-bf_emma"
SIZES = {"model": 3000, "af_heart": 522, "bf_emma": 522, "if_sara": 522, "jf_alpha": 522}


class Calibres:
    """Calibre's list and folder, made up. hide: what was not downloaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.table: dict[str, Any] = {
            "model": self._about("model", ".onnx"),
            "languages": {
                letter: {"lang": lang, "country": country} for letter, lang, country in (("a", "en", "US"), ("b", "en", "GB"), ("i", "it", ""), ("j", "ja", ""))
            },
            "voices": {
                name: self._about(name, ".bin", lang=name[0], name=name[3:].capitalize(), gender=name[1], grade="A-") for name in SIZES if name != "model"
            },
        }
        folder.mkdir()
        for name in SIZES:
            self.file(name).write_bytes(bytes(SIZES[name]))

    def _about(self, file: str, suffix: str, **more: str) -> dict[str, Any]:
        return {"url": f"https://example.org/{file}{suffix}?x=1", "sha256": hashlib.sha256(file.encode()).hexdigest(), "size": SIZES[file], **more}

    def file(self, name: str) -> Path:
        digits = hashlib.sha256(name.encode()).hexdigest()[:12]
        return self.folder / (f"kokoro-{digits}.onnx" if name == "model" else f"{name}-{digits}.bin")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):  # what was measured on this machine has no part in it
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    monkeypatch.setenv("E2A_CLONES_DIR", str(tmp_path / "clones"))
    monkeypatch.setattr(gpus, "found", lambda: ())
    return tmp_path / "engine"


@pytest.fixture
def calibres(engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calibres:
    made = Calibres(tmp_path / "kokoro")
    monkeypatch.setattr(calibre_kokoro, "_calibre", lambda: (json.dumps(made.table).encode(), made.folder))
    return made


def test_without_calibre_there_are_none(engine: Path) -> None:
    assert calibre_kokoro.voices_here() == {} and not voices.is_here(SARA, REAL)
    with pytest.raises(PluginError) as caught:
        voices.known(SARA, REAL)
    assert caught.value.code == "voice_unknown"


def test_a_voice_is_there_when_calibre_has_all_of_it(calibres: Calibres) -> None:
    assert set(calibre_kokoro.voices_here()) == {HEART, EMMA, SARA}, "Japanese is not spoken"
    calibres.file("if_sara").write_bytes(b"half")
    assert set(calibre_kokoro.voices_here()) == {HEART, EMMA} and calibre_kokoro.kept(SARA) is None
    calibres.file("model").unlink()
    assert calibre_kokoro.voices_here() == {} and HEART not in voices.catalogue(REAL)


def test_a_file_that_may_not_be_looked_at_hides_no_other(calibres: Calibres, monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        def __init__(self, entry: os.DirEntry[str]) -> None:
            self.name, self._entry = entry.name, entry

        def stat(self) -> os.stat_result:
            if self.name.startswith("if_sara"):
                raise PermissionError(self.name)
            return self._entry.stat()

    own = os.scandir

    @contextmanager
    def scandir(folder: Path) -> Iterator[list[Entry]]:
        with own(folder) as entries:
            yield sorted(map(Entry, entries), key=lambda entry: not entry.name.startswith("if_sara"))

    monkeypatch.setattr(calibre_kokoro.os, "scandir", scandir)
    assert set(calibre_kokoro.voices_here()) == {HEART, EMMA}


def test_it_is_named_and_told_of_as_others_are(calibres: Calibres) -> None:
    sara, emma = voices.catalogue(REAL)[SARA], voices.catalogue(REAL)[EMMA]
    assert (sara.name, sara.language, emma.language, sara.person, sara.quality) == ("Sara (Kokoro)", "it", "en-GB", "woman", "high")
    assert "Apache 2.0" in sara.licence and voices.name_of(SARA, REAL) == "Sara (Kokoro)"
    listed = cli.voice_list("it", REAL)
    assert f"{SARA}  Sara (Kokoro)  it  high  here" in listed


def test_the_sidecar_gets_calibres_files_and_the_hashes_that_calibre_names(calibres: Calibres) -> None:
    wire = voices.wire_voice(SARA, "it", REAL)
    assert wire is not None and (wire["kind"], wire["id"], wire["language"]) == ("kokoro", SARA, "it")
    assert wire["files"] == {"model": str(calibres.file("model")), "voice": str(calibres.file("if_sara"))}
    assert wire["sha256"] == {"model": calibres.table["model"]["sha256"], "voice": calibres.table["voices"]["if_sara"]["sha256"]}
    assert voices.is_here(SARA, REAL) and SARA in voices.here(REAL) and not voices.missing(SARA, REAL)


def test_its_english_needs_the_package_that_heart_comes_in(calibres: Calibres, engine: Path) -> None:
    assert not voices.is_here(HEART, REAL) and voices.wire_voice(HEART, "en", REAL) is None
    assert [voice.id for voice in voices.missing(HEART, REAL)] == [voices.HEART]
    put_layer(engine, REAL)
    assert voices.is_here(HEART, REAL) and not voices.missing(HEART, REAL)


def test_it_is_offered_last_and_chosen_by_nobody_but_the_user(calibres: Calibres, engine: Path) -> None:
    put_layer(engine, REAL)
    for language, used in (("en", voices.HEART), ("en-GB", voices.HEART), ("it", voices.ESPEAK)):
        assert voices.for_language(language, REAL)[0] == used
        assert SARA not in (voices.for_language(language, REAL)[1],) and voices.offers(language, REAL)[-1].kind == voices.KOKORO
    assert voices.for_language("it", REAL, {"it": SARA}) == (SARA, None)
    calibres.file("if_sara").unlink()
    assert voices.for_language("it", REAL, {"it": SARA})[0] == voices.ESPEAK, "removed in Calibre since"


def test_it_is_never_removed_by_us_and_the_user_is_told_where(calibres: Calibres) -> None:
    with pytest.raises(PluginError) as caught:
        voices.remove(SARA, REAL)
    assert caught.value.code == "voice_not_removed" and "Calibre's own; remove it there" in str(caught.value.params["reason"])
    assert calibres.file("if_sara").exists()


def test_the_processor_speaks_it_and_how_fast_is_a_guess_until_it_was_heard(calibres: Calibres, engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_layer(engine, REAL)
    monkeypatch.setattr(speakers.os, "cpu_count", lambda: 2)
    assert speakers.processor_speed(SARA, REAL) == estimates.kokoro_xrt(2) == 3.0
    for id, language in ((SARA, "it"), (HEART, "en")):
        chosen = speakers.voice_for(id, language, REAL)
        place = speakers.place_for(chosen, "cuda:0", REAL, None, lambda layer: ())
        assert (place.device, [warning.code for warning in place.warnings]) == ("cpu", ["device_not_used"])
    speakers.learn(speakers.voice_for(SARA, "it", REAL), "cpu", 5.5, REAL)
    assert speakers.processor_speed(SARA, REAL) == 5.5


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b"no json", b'{"voices": {"if_x": 3}}', b'{"voices": []}', b"[" * 100_000])
def test_a_list_that_is_none_names_nobody(raw: bytes, engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibre_kokoro, "_calibre", lambda: (raw, tmp_path))
    assert calibre_kokoro.voices_here() == {} and calibre_kokoro.kept(SARA) is None


def test_a_voice_whose_file_would_lie_elsewhere_is_left_out(calibres: Calibres) -> None:
    calibres.table["voices"]["../if_sara"] = calibres.table["voices"].pop("if_sara")
    calibres.table["voices"]["bf_emma"]["sha256"] = "../" + "0" * 61
    assert set(calibre_kokoro.voices_here()) == {HEART}


def test_without_it_the_list_of_voices_is_as_it_was(engine: Path) -> None:
    everything = io.StringIO(cli.voice_list("", REAL))
    assert not any("okoro-" in line.split("  ")[0] for line in everything)
