"""A cloned voice is a voice like any other: for a language, over its base voice, fetched with what it needs, spoken by the neural layer alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from cloning import JOE, ROOT, THORSTEN, put_converter, put_voice, recording
from layers import put_layer

from plugin import prefs
from plugin.commands import never
from plugin.converting.events import Device, Devices
from plugin.engine import gpus, install_plan, runtime
from plugin.errors import PluginError
from plugin.resources import from_folder
from plugin.speaking import clones, converters, estimates, shelf, speakers, speeds, voice_fetch, voices
from plugin.speaking.catalogue import MAY, STRICTER, strictest
from plugin.speaking.clones import Clone
from plugin.speaking.readers import Readers

REAL = from_folder(ROOT)
NO_SUCH = "clone-000000000000"


@pytest.fixture(autouse=True)
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    monkeypatch.setenv("E2A_CLONES_DIR", str(tmp_path / "kept"))
    for name in ("XDG_CACHE_HOME", "HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return tmp_path / "engine"


@pytest.fixture
def anna(tmp_path: Path) -> Clone:
    return clones.add(recording(tmp_path), "Anna", "openvoice_v2")


def ready(engine: Path) -> None:
    put_voice(engine, JOE)
    put_converter(engine, "openvoice_v2", REAL)


def test_the_wire_names_the_base_voice_with_the_clone_and_all_its_files(engine: Path, anna: Clone) -> None:
    ready(engine)
    wire = voices.wire_voice(anna.id, "en-GB", REAL)
    assert wire is not None and (wire["id"], wire["kind"], wire["name"]) == (JOE, "piper", "Joe")
    assert {name: value for name, value in wire.items() if name != "clone"} == voices.wire_voice(JOE, "", REAL)
    told = wire["clone"]
    assert (told["id"], told["name"], told["converter"]) == (anna.id, "Anna", "openvoice_v2")
    assert set(told["files"]) == set(told["sha256"]) == {"sample", "model", "config"}
    assert told["sha256"]["sample"] == anna.sha256 and anna.id == f"clone-{anna.sha256[:12]}"
    assert all(Path(path).is_file() for path in told["files"].values())


def test_without_a_base_it_speaks_over_the_usual_voice_of_the_books_language(engine: Path, anna: Clone) -> None:
    ready(engine)
    put_voice(engine, "en_GB-alan-medium")
    put_voice(engine, THORSTEN)

    def base(language: str, chosen: dict[str, str] | None = None, id: str = anna.id) -> str:
        return voices.with_base(id, language, REAL, chosen or {})

    assert base("en") == f"{anna.id}@{JOE}" and base("en-GB") == f"{anna.id}@en_GB-alan-medium"
    assert base("deu") == f"{anna.id}@{THORSTEN}"
    assert base("en", {"en": "en_GB-alan-medium"}) == f"{anna.id}@en_GB-alan-medium"
    assert base("en", {"en": anna.id}) == base("en", {"en": "espeak"}) == f"{anna.id}@{JOE}", "neither over itself nor over eSpeak"
    put_layer(engine, REAL)
    assert voices.for_language("en", REAL) == ("heart", None)
    assert base("en") == base("en", {"en": "heart"}) == f"{anna.id}@{JOE}", "nor over Heart"
    assert base("en", id=f"{anna.id}.knnvc") == f"{anna.id}.knnvc@{JOE}"
    assert base("de", id=f"{anna.id}@{JOE}") == f"{anna.id}@{JOE}" and base("de", id="espeak") == "espeak"


def test_where_only_espeak_reads_it_says_so(engine: Path, anna: Clone) -> None:
    ready(engine)
    for work in (voices.with_base, voices.wire_voice):
        with pytest.raises(PluginError) as caught:
            work(anna.id, "tlh", REAL)
        assert caught.value.code == "clone_no_base" and "eSpeak" in caught.value.sentence() and "Anna" in caught.value.sentence()
    put_layer(engine, REAL)
    for base in ("espeak", "tone", "heart"):
        with pytest.raises(PluginError) as caught:
            voices.wire_voice(f"{anna.id}@{base}", "en", REAL)
        assert caught.value.code == "clone_no_base"


@pytest.mark.parametrize("base", ["heart", "emma", "espeak"])
def test_over_a_voice_of_the_processors_alone_it_is_refused_before_anything_is_fetched(
    anna: Clone, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setattr(shelf, "get", lambda *_: pytest.fail("fetched"))
    with pytest.raises(PluginError) as caught:
        voices.ensure_voice(f"{anna.id}@{base}", REAL, lambda stage, done, text: None, never, "en")
    assert caught.value.code == "clone_no_base" and "cannot be cloned over" in caught.value.sentence()


def test_a_clone_that_is_gone_is_unknown_and_another_voice_is_taken(engine: Path, anna: Clone) -> None:
    ready(engine)
    for id in (NO_SUCH, f"{NO_SUCH}@{JOE}"):
        with pytest.raises(PluginError) as caught:
            voices.wire_voice(id, "en", REAL)
        assert caught.value.code == "voice_unknown" and "Anna" in caught.value.sentence()
        assert not voices.is_here(id, REAL) and not voices.to_fetch(id, REAL)
    assert voices.for_language("en", REAL, {"en": NO_SUCH}) == ("heart", None)
    assert voices.for_language("en", REAL, {"en": anna.id}) == (anna.id, None)
    with pytest.raises(PluginError):
        voices.wire_voice(f"{anna.id}@xx_XX-nobody-low", "en", REAL)


def test_it_is_called_by_its_name_and_names_its_base(engine: Path, anna: Clone) -> None:
    assert voices.name_of(anna.id, REAL) == "Anna (clone)"
    assert voices.name_of(f"{anna.id}@{JOE}", REAL) == "Anna (clone) over Joe"
    assert voices.meant("Anna", REAL) == anna.id and voices.meant(f"Anna@{JOE}", REAL) == f"{anna.id}@{JOE}"
    clones.change(anna.id, name="espeak")
    assert voices.meant("espeak", REAL) == "espeak", "a clone takes no voice's name away"
    for other in (JOE, "espeak", "anna", f"{anna.id}@{JOE}", "/home/me/a@b.onnx"):
        assert voices.meant(other, REAL) == other
    assert voices.split(f"{anna.id}@{JOE}#p1") == (f"{anna.id}@{JOE}#p1", "") and voices.speakers_of(anna.id, REAL) == ()


def test_what_may_be_done_with_what_it_speaks_is_what_the_strictest_of_its_parts_allows(engine: Path, anna: Clone) -> None:
    by_joe = voices.clone_terms("freevc24", JOE, REAL)
    assert by_joe.startswith("What it speaks over its base voice Joe: do not sell it.")
    assert "Joe: You may listen at home." in by_joe and "FreeVC is free" in by_joe
    free = "es_ES-sharvard-medium"
    assert "if you name the makers of all its parts" in voices.clone_may("openvoice_v2", free, REAL), voices.catalogue(REAL)[free].may
    assert voices.clone_may("openvoice_v2", free, REAL) != voices.clone_may("freevc24", free, REAL), "WavLM is to be shared on the same terms"
    assert "Read the licence of own" in voices.clone_may("knnvc", "/home/me/own.onnx", REAL)
    assert strictest(["alike", "named-unsold"]) == "alike-unsold" and strictest(["free", "nothing", "unread"]) == "nothing"
    assert set(STRICTER) == set(MAY) == set(converters.OVER)


def test_what_is_missing_is_the_converter_and_the_base_and_is_fetched_by_name(engine: Path, anna: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[str] = []

    def get(voice: voices.CatalogueVoice, progress: object, stopped: object) -> None:
        got.append(voice.id)
        put_voice(engine, voice.id) if voice.id == JOE else put_converter(engine, "openvoice_v2", REAL)

    monkeypatch.setattr(voice_fetch, "get", get)
    assert voices.to_fetch(anna.id, REAL) and not voices.is_here(anna.id, REAL)
    assert [part.id for part in voices.missing(f"{anna.id}@{JOE}", REAL)] == ["converter-openvoice_v2", JOE]
    plan = install_plan.plan(REAL, (), (f"{anna.id}@{JOE}",))
    assert [item.fetch_mb for item in plan.items] == [131, 63] and plan.voices == (f"{anna.id}@{JOE}",)
    assert voices.wire_voice(anna.id, "en", REAL) is None
    wire = voices.ensure_voice(anna.id, REAL, lambda stage, done, text: None, never, "en")
    assert got == ["converter-openvoice_v2", JOE] and "clone" in wire and voices.is_here(anna.id, REAL)
    assert voices.ensure_voice(f"{anna.id}@{JOE}", REAL, lambda stage, done, text: None, never) == wire and len(got) == 2
    assert install_plan.plan(REAL, (), (f"{anna.id}@{JOE}",)).items == ()


def test_a_clone_whose_base_is_missing_can_come_and_a_removed_one_cannot(engine: Path, anna: Clone) -> None:
    put_converter(engine, "openvoice_v2", REAL)
    whole = f"{anna.id}@{JOE}"
    assert Readers(REAL).can_come(whole) and not Readers(REAL).is_here(whole), "only Joe is to be downloaded"
    put_voice(engine, JOE)
    assert Readers(REAL).is_here(whole) and not Readers(REAL).can_come(whole)
    assert not Readers(REAL).can_come(f"{NO_SUCH}@{JOE}") and not Readers(REAL).can_come(f"{NO_SUCH}@{THORSTEN}")


def test_a_clone_without_a_converter_wants_a_voice_that_can_and_takes_the_encoder_that_lies_with_it(engine: Path, tmp_path: Path) -> None:
    anna = clones.add(recording(tmp_path), "Anna", "d_vector")
    put_voice(engine, JOE)
    with pytest.raises(PluginError) as caught:
        voices.wire_voice(anna.id, "en", REAL)
    assert caught.value.code == "clone_no_base" and "d-vectors" in caught.value.sentence()
    folder = tmp_path / "your_tts"
    folder.mkdir()
    for name in ("model_file.pth", "config.json"):
        (folder / name).write_bytes(b"{}")
    id = f"{anna.id}@{folder}"
    assert voices.wire_voice(id, "en", REAL) is None
    assert [part.id for part in voices.missing(id, REAL)] == ["converter-d_vector"], "coqui's own"
    for name in ("model_se.pth", "config_se.json"):
        (folder / name).write_bytes(b"{}")
    wire = voices.wire_voice(id, "en", REAL)
    assert wire is not None and wire["kind"] == "coqui" and not voices.to_fetch(id, REAL)
    assert wire["files"]["model"] == str(folder / "model_file.pth")
    assert wire["clone"]["files"] == {"sample": str(anna.sample), "encoder": str(folder / "model_se.pth"), "encoder_config": str(folder / "config_se.json")}


def test_removing_it_leaves_converter_and_base(engine: Path, anna: Clone) -> None:
    ready(engine)
    assert voices.bytes_on_disk(anna.id) == anna.sample.stat().st_size
    voices.remove(f"{anna.id}@{JOE}", REAL)
    assert clones.all_of_them() == [] and voices.is_here(JOE, REAL) and voices.bytes_on_disk(anna.id) == 0


def test_preferences_keep_a_clone_for_a_language(anna: Clone) -> None:
    assert prefs.parsed({"voices": {"en": f"{anna.id}@{JOE}"}}).voices == {"en": f"{anna.id}@{JOE}"}


@dataclass(frozen=True)
class FakeLayer:
    name: str

    @property
    def folder(self) -> Path:
        return Path(f"/layers/{self.name}-0")

    def stamp(self) -> dict[str, str]:
        return {}


class Probed:
    def __init__(self, *devices: tuple[str, float]) -> None:
        self.asked: list[str] = []
        self.devices = tuple(Device(device, device, True, "", speed) for device, speed in devices)

    def __call__(self, layer: runtime.Layer) -> Devices:
        self.asked.append(layer.name)
        return Devices(0, self.devices)


@pytest.fixture
def layers(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    there = {"core"}
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: FakeLayer(name) if name in there else None)
    monkeypatch.setattr(runtime, "is_outdated", lambda name, resources: False)
    monkeypatch.setattr(gpus, "found", lambda: ())
    return there


@pytest.mark.parametrize("device", ["auto", "cpu", "cpu-torch", "cuda:0", "coreml", "dml:0"])
def test_only_the_neural_layer_speaks_it_whatever_the_device(device: str, engine: Path, anna: Clone, layers: set[str]) -> None:
    ready(engine)
    voice = speakers.voice_for(anna.id, "en", REAL)
    assert voice.id == anna.id and voice.wire["clone"]["id"] == anna.id and voice.needs_neural
    with pytest.raises(PluginError) as caught:
        speakers.place_for(voice, device, REAL, None, Probed())
    assert caught.value.code == "engine_missing" and caught.value.params["layer"] == "neural"
    layers.add("neural")
    probed = Probed(("cpu-torch", 3.0), ("cuda:0", 90.0))
    place = speakers.place_for(voice, device, REAL, None, probed)
    assert place.layer.name == "neural" and place.device == ("cuda:0" if device == "auto" else device)
    assert probed.asked == (["neural"] if device == "auto" else [])


def test_where_the_extra_part_is_missing_it_is_asked_for_before_gigabytes_are(anna: Clone, layers: set[str]) -> None:
    with pytest.raises(PluginError) as caught:
        speakers.voice_for(anna.id, "en", REAL)
    assert caught.value.code == "engine_missing" and speakers.lacks_neural(anna.id, REAL) and not speakers.lacks_neural(JOE, REAL)
    layers.add("neural")
    with pytest.raises(PluginError) as caught:
        speakers.voice_for(anna.id, "en", REAL)
    assert caught.value.code == "voice_missing" and caught.value.params["voice"] == f"{anna.id}@{JOE}", "what a window then installs"


def test_the_clone_is_measured_for_itself(engine: Path, anna: Clone, tmp_path: Path) -> None:
    ready(engine)
    other = clones.add(recording(tmp_path, 1), "Bella", "openvoice_v2")
    keys = {speeds.key_of(wire, "layer", ()) for id in (JOE, anna.id, other.id) if (wire := voices.wire_voice(id, "en", REAL)) is not None}
    assert len(keys) == 3
    assert {*estimates.CLONED} == {"freevc24", "knnvc", "openvoice_v2", "d_vector"}
    assert estimates.cloned(None, "knnvc") is None


def test_a_base_of_another_language_is_told_and_the_usual_one_is_not(engine: Path, anna: Clone) -> None:
    ready(engine)
    put_voice(engine, THORSTEN)
    assert speakers.voice_for(anna.id, "de", REAL).warnings == ()
    told = speakers.voice_for(f"{anna.id}@{JOE}", "de", REAL)
    assert [warning.code for warning in told.warnings] == ["voice_language"]
    assert json.dumps(told.wire)
