"""Kokoro's own voices: known by structure, in the style for their phonemes, with a clock, repeatable, bounded, stopped at once."""

from __future__ import annotations

import threading
import time
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import heart
import kokoro as tiny
import numpy as np
import onnx
import pytest
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Line, Take
from e2a_sidecar.speaking.kokoro import Kokoro
from e2a_sidecar.speaking.kokoro_front_end import IDS, KokoroFrontEnd
from e2a_sidecar.speaking.make import describe, make_engine, rungs
from e2a_sidecar.speaking.probe import probe_devices
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.words import word_places
from e2a_sidecar.voices.kokoro_files import LONGEST_IDS, NOISE_LENGTH
from e2a_sidecar.voices.voice import Clone, Voice
from onnx import TensorProto, helper
from session_driver import Driver, conversion, write_bundle

SENTENCE = "C'era una volta un pezzo di legno."
LONG = "E lui andava avanti, attraverso la città e oltre la collina, dove il vento soffiava più freddo di prima. " * 12
_SIGNS = {number: sign for sign, number in IDS.items()}


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    return tiny.voice(tmp_path_factory.mktemp("kokoro"))


@pytest.fixture(scope="module")
def engine(voice: Voice) -> Iterator[Kokoro]:
    engine = Kokoro(voice, SpeechSettings(), workers=2)
    yield engine
    engine.close()


def spoken(engine: Kokoro, *texts: str, take: int = 0) -> list[Take]:
    lines = [Line(i, text, f"{i:064x}", take) for i, text in enumerate(texts)]
    return sorted((t for batch in engine.speak(lines, lambda: False) for t in batch), key=lambda t: t.index)


def once(voice: Voice, text: str = SENTENCE, take: int = 0) -> Take:
    engine = Kokoro(voice, SpeechSettings(), workers=1)
    try:
        return spoken(engine, text, take=take)[0]
    finally:
        engine.close()


def refused(voice: Voice) -> SidecarError:
    with pytest.raises(SidecarError) as caught:
        once(voice)
    return caught.value


def phonemes(language: str, text: str) -> str:
    return "".join(_SIGNS[id] for id in KokoroFrontEnd(language).encode(text).ids[1:-1])


def test_every_word_has_its_time_and_all_times_are_the_sounds(engine: Kokoro) -> None:
    (take,) = spoken(engine, SENTENCE)
    assert take.flags == () and take.words is not None
    assert [(w.start, w.end) for w in take.words] == word_places(SENTENCE)
    times = [t for w in take.words for t in (w.start_s, w.end_s)]
    assert times == sorted(times) and times[0] == 0 and times[-1] < len(take.samples) / 24_000
    ids = engine._front_end.encode(SENTENCE).ids
    assert len(take.samples) == 600 * sum(max(1, round(tiny.EACH + 0.005 * id)) for id in ids)


def test_its_style_is_the_one_for_as_many_phonemes(engine: Kokoro) -> None:
    for text in ("Sì.", SENTENCE):
        rows = len(engine._front_end.encode(text).ids) - 2
        assert np.mean(spoken(engine, text)[0].samples / 32767) == pytest.approx(tiny.LEVEL * (rows - 1), abs=tiny.LEVEL / 4)


def test_a_take_is_the_same_among_others_and_by_any_number_of_workers(engine: Kokoro, voice: Voice) -> None:
    for ours, theirs in zip(spoken(engine, SENTENCE, LONG, "Sì."), (once(voice, text) for text in (SENTENCE, LONG, "Sì.")), strict=True):
        assert np.array_equal(ours.samples, theirs.samples) and ours.words == theirs.words


def test_inputs_are_known_by_what_they_are_and_not_by_their_names(engine: Kokoro, tmp_path: Path) -> None:
    other = tiny.voice(tmp_path, tiny.model(tokens="tokens", audio="audio"))
    assert np.array_equal(once(other).samples, spoken(engine, SENTENCE)[0].samples)


def test_durations_that_an_export_gives_beside_the_sound_are_left_out(engine: Kokoro, tmp_path: Path) -> None:
    more = tiny.model()
    more.graph.output.append(helper.make_tensor_value_info("whole", TensorProto.INT64, [1, "length"]))
    assert np.array_equal(once(tiny.voice(tmp_path, more)).samples, spoken(engine, SENTENCE)[0].samples)
    more.graph.output.append(helper.make_tensor_value_info("clean", TensorProto.FLOAT, ["samples"]))
    assert refused(tiny.voice(tmp_path, more)).code == "voice_unsupported"


DRAWN = {
    "normal": [helper.make_node("RandomNormalLike", ["clean"], ["noise"], mean=0.1, scale=0.05, seed=1.0)],
    "uniform": [helper.make_node("RandomUniformLike", ["clean"], ["noise"], low=-0.2, high=0.6)],
    "of_a_shape": [
        helper.make_node("RandomUniform", [], ["phase"], low=0.0, high=0.5, shape=[1]),
        helper.make_node("RandomNormalLike", ["clean"], ["hiss"], scale=0.05),
        helper.make_node("Add", ["hiss", "phase"], ["noise"]),
    ],
}


@pytest.mark.parametrize("kind", DRAWN)
def test_what_it_draws_by_chance_is_the_takes_own_noise(kind: str, tmp_path: Path) -> None:
    voice = tiny.voice(tmp_path, tiny.model(noise=DRAWN[kind]))
    first, again, other = once(voice), once(voice), once(voice, take=1)
    assert np.array_equal(first.samples, again.samples)
    assert len(other.samples) == len(first.samples) and not np.array_equal(other.samples, first.samples)
    noise = first.samples / 32767
    if kind == "normal":
        assert (noise.mean(), noise.std()) == pytest.approx((0.1, 0.05), abs=0.002)
    if kind == "uniform":
        assert (noise.min(), noise.max(), noise.mean()) == pytest.approx((-0.2, 0.6, 0.2), abs=0.01)
    if kind == "of_a_shape":
        assert 0.0 < noise.mean() < 0.5 and noise.mean() != pytest.approx(other.samples.mean() / 32767, abs=0.002)


def test_more_noise_than_is_made_is_the_same_once_more(tmp_path: Path) -> None:
    take = once(tiny.voice(tmp_path, tiny.model(noise=DRAWN["normal"], each=9.2137)), "e va, " * 30)
    assert len(take.samples) > NOISE_LENGTH
    assert np.array_equal(take.samples[NOISE_LENGTH:], take.samples[: len(take.samples) - NOISE_LENGTH])


def _external() -> onnx.ModelProto:
    made = tiny.model()
    weight = next(w for w in made.graph.initializer if w.name == "buzz")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/etc/passwd")
    return made


def _one_input_more() -> onnx.ModelProto:
    made = tiny.model()
    made.graph.input.append(helper.make_tensor_value_info("pitch", TensorProto.FLOAT, [1]))
    return made


def _chance_within() -> onnx.ModelProto:
    drawn = helper.make_graph([helper.make_node("RandomNormalLike", ["clean"], ["b"])], "b", [], [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)])
    yes = helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("yes", TensorProto.BOOL, [], [True]))
    return tiny.model(noise=[yes, helper.make_node("If", ["yes"], ["noise"], then_branch=drawn, else_branch=drawn)])


def _own_operator() -> onnx.ModelProto:
    return tiny.model(noise=[helper.make_node("Own", ["clean"], ["noise"], domain="my.own")], opsets=[helper.make_opsetid("my.own", 1)])


@pytest.mark.parametrize(
    ("made", "code", "reason"),
    [
        (b"no model at all", "voice_broken", "not an ONNX model"),
        (_external(), "voice_unsupported", "other files"),
        (_one_input_more(), "voice_unsupported", "not built like Kokoro's"),
        (_own_operator(), "voice_unsupported", "not built like Kokoro's"),
        (_chance_within(), "voice_unsupported", "not built like Kokoro's"),
        (tiny.model(noise=[helper.make_node("Bernoulli", ["clean"], ["noise"])]), "voice_unsupported", "not built like Kokoro's"),
        (tiny.model(extra=[helper.make_node("Round", ["louder"], ["more"])]), "voice_unsupported", "not built like Kokoro's"),
        (tiny.model(unit=300), "voice_unsupported", "durations are not those of its sound"),
        (tiny.model(of_speed=False), "voice_unsupported", "durations are not those of its sound"),
        (tiny.model(each=float("nan")), "voice_unsupported", "onnxruntime does not speak it|durations are not"),
    ],
    ids=["no_model", "external", "input", "operator", "chance_within", "chance", "two_rounds", "other_unit", "no_speed", "nan"],
)
def test_what_is_not_kokoro_is_refused_and_why(made: onnx.ModelProto | bytes, code: str, reason: str, tmp_path: Path) -> None:
    error = refused(tiny.voice(tmp_path, made))
    assert error.code == code
    assert any(part in str(error.params["reason"]) for part in reason.split("|"))


@pytest.mark.parametrize("style", [b"", tiny.styles()[:-4], tiny.styles() + b"\0", np.full((510, 256), np.nan, "<f4").tobytes(), b"\x7e" * 522_240])
def test_a_voice_of_other_size_or_numbers_is_refused(style: bytes, tmp_path: Path) -> None:
    error = refused(tiny.voice(tmp_path, style=style))
    assert error.code == "voice_broken" and "no voice of Kokoro's" in str(error.params["reason"])


def test_a_voice_that_changed_since_it_was_verified_is_refused(tmp_path: Path) -> None:
    voice = tiny.voice(tmp_path)
    voice.file("voice").write_bytes(bytes(522_240))
    assert refused(voice).code == "voice_broken"


def test_absurd_durations_take_no_memory_and_are_told(voice: Voice) -> None:
    engine = Kokoro(voice, SpeechSettings(speed=0.25), workers=1)
    engine._speed = np.array([1e-9], dtype=np.float32)
    assert spoken(engine, SENTENCE)[0].flags == ("too_long",)
    engine._speed = np.array([np.nan], dtype=np.float32)
    assert spoken(engine, SENTENCE)[0].flags in (("nan",), ("failed",))
    engine.close()


def test_a_long_line_is_whole_in_pieces_and_slower_ones_are_shorter(engine: Kokoro, voice: Voice) -> None:
    pieces = engine._front_end.pieces(engine._front_end.encode(LONG), engine._longest)
    assert len(pieces) > 3 and all(len(piece.ids) <= LONGEST_IDS for piece in pieces)
    (take,) = spoken(engine, LONG)
    assert take.words is not None and [(w.start, w.end) for w in take.words] == word_places(LONG)
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(take.words))
    slow = Kokoro(voice, SpeechSettings(speed=0.5), workers=1)
    assert slow._longest == LONGEST_IDS // 2
    slow.close()


def test_it_stops_in_the_middle_of_a_long_line(voice: Voice) -> None:
    engine, runs, first = Kokoro(voice, SpeechSettings(), workers=1), [], threading.Event()
    session = engine._session

    def run(*given: Any) -> Any:
        runs.append(1)
        first.set()
        until_s = time.monotonic() + 60
        while not given[2].terminate and time.monotonic() < until_s:
            time.sleep(0.002)
        return session.run(*given)

    engine._session = SimpleNamespace(run=run)
    with pytest.raises(Stopped):
        list(engine.speak([Line(0, LONG * 40, "k")], first.is_set))
    engine.close()
    assert len(runs) == 1, "of some two hundred"


def test_what_cannot_be_said_is_told(engine: Kokoro) -> None:
    some, none, all_said = spoken(engine, "La parola ٣ non si dice.", "— … !", SENTENCE)
    assert some.flags == ("words_unspoken", "unspoken:10-11") and some.samples.size
    assert (none.flags, none.samples.size, all_said.flags) == (("unpronounceable",), 0, ())
    assert engine._front_end.lost("La parola ٣ non si dice.") == ((10, 11),)  # type: ignore[attr-defined]


def test_a_word_that_is_not_among_the_lines_phonemes_is_told_and_one_that_is_one_with_its_neighbour_is_not() -> None:
    assert KokoroFrontEnd("hi").lost("ß’ ₂——ᵃ?! I1") == ((3, 4),)
    assert KokoroFrontEnd("hi").lost("☦ या") == ((0, 1),), "an emoji is not said in Hindi"
    assert KokoroFrontEnd("pt").lost("Passou todo o dia com o homem.") == ()


def test_a_line_that_its_front_end_fails_at_is_told_and_the_others_are_spoken(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Kokoro(voice, SpeechSettings(), workers=1)
    encode = engine._front_end.encode

    def failing(text: str) -> Any:
        if "İ" in text:
            raise TypeError("ord() expected a character")
        return encode(text)

    monkeypatch.setattr(engine._front_end, "encode", failing)
    takes = spoken(engine, SENTENCE, "/İ e basta.", SENTENCE)
    engine.close()
    assert [take.flags for take in takes] == [(), ("failed",), ()] and takes[2].samples.size and not takes[1].samples.size


def test_as_many_long_pieces_are_spoken_at_once_as_there_are_workers(engine: Kokoro) -> None:
    assert engine._long_ids >= engine._longest


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("it", "C'era una volta un pezzo di legno rosso.", "ʧˈɛra ˌʊna vˈɔlta ʊn pˈɛʦːo dɪ lˈeɲɲo ɾˈoSo."),
        ("es", "Mucho hay, señor.", "mˈuʧo ˈI, seɲˈoɾ."),
        ("fr", "Longtemps, ça va.", "lɔ̃tˈɑ̃, sa vˈa."),
        ("pt", "Não sei, gente.", "nɐ̃ʊ̃ sˈA, ʒˈẽnʧɪ."),
        ("hi", "यह किताब है।", "jˌəh kɪtˈaːb hɛː."),
    ],
)
def test_a_sound_of_two_letters_is_one_of_its_alphabet(language: str, text: str, said: str) -> None:
    assert phonemes(language, text) == unicodedata.normalize("NFD", said)


@pytest.mark.parametrize("language", ["es", "fr", "hi", "it", "pt"])
def test_no_text_breaks_it_and_no_word_is_lost_in_silence(language: str) -> None:
    front_end = KokoroFrontEnd(language)
    blocks = "".join(chr(number) for number in range(0x20, 0x11000, 97) if not 0xD800 <= number < 0xE000)
    for text in (
        "",
        " ",
        "\0",
        "\ud800 a",
        "ß straße Tür 漢字 мир",
        "a" * 3000,
        "1" * 400,
        "x²+y² & 50 % (a) “b” – c…",
        *(blocks[i : i + 60] for i in range(0, len(blocks), 60)),
    ):
        encoded, lost = front_end.encode(text), front_end.lost(text)
        assert encoded.ids[0] == encoded.ids[-1] == 0 and all(id in _SIGNS for id in encoded.ids[1:-1])
        spans = [(w.start, w.end) for w in encoded.words]
        assert spans == sorted(spans) and set(spans) | set(lost) <= set(word_places(text))
        assert all(0 < w.first_id < w.last_id < len(encoded.ids) for w in encoded.words)
        assert all(a.last_id <= b.first_id for a, b in pairwise(encoded.words))


def test_english_is_said_by_the_rules_that_it_learned_by(tmp_path: Path) -> None:
    heart.needs_her_package()
    american, british = (Kokoro(tiny.voice(tmp_path, language=language), SpeechSettings(), workers=1) for language in ("en-US", "en-GB"))
    assert dict(american._front_end._ids) == dict(IDS)  # type: ignore[attr-defined]
    assert [each.identity["front_end"] for each in (american, british)] == ["misaki-us", "misaki-gb"]
    (ours,), (theirs,) = spoken(american, "Go after the boat."), spoken(british, "Go after the boat.")
    assert ours.words is not None and len(ours.words) == 4 and not np.array_equal(ours.samples, theirs.samples)
    american.close()
    british.close()


def test_without_her_package_a_test_fails_unless_it_was_said_that_it_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heart, "find_spec", lambda name: None)
    monkeypatch.delenv("E2A_WITHOUT_HEART", raising=False)
    with pytest.raises(pytest.fail.Exception, match="E2A_WITHOUT_HEART"):
        heart.needs_her_package()
    monkeypatch.setenv("E2A_WITHOUT_HEART", "1")
    with pytest.raises(pytest.skip.Exception):
        heart.needs_her_package()


def test_who_it_is_is_known_without_its_network(engine: Kokoro, voice: Voice, tmp_path: Path) -> None:
    def never() -> Any:
        raise AssertionError("opened")

    known = describe(voice, SpeechSettings(), never)
    assert (dict(known.identity), known.rate_hz) == (dict(engine.identity), engine.rate_hz)
    other = tiny.voice(tmp_path, style=bytes(522_240))
    others = [describe(other, SpeechSettings(), never), describe(voice, SpeechSettings(speed=1.1), never)]
    assert all(dict(each.identity) != dict(known.identity) for each in others)


def test_it_is_always_spoken_on_the_cpu_and_nobody_is_cloned_over_it(voice: Voice, tmp_path: Path) -> None:
    assert {rungs(voice, device) for device in ("cpu", "cpu-torch", "cuda:0", "coreml")} == {("cpu",)}
    (found,) = probe_devices(voice, "it", tmp_path, lambda: False)
    assert (found.device, found.usable, found.reason) == ("cpu", True, "")
    clone = Clone("clone-000000000000", "Anna", "freevc24", (("sample", tmp_path / "sample.flac"),))
    with pytest.raises(SidecarError) as cloned:
        make_engine(Voice(voice.id, voice.kind, voice.name, clone=clone), "cpu-torch", "it", SpeechSettings(), tmp_path)
    with pytest.raises(SidecarError) as japanese:
        make_engine(tiny.voice(tmp_path, language="ja-JP"), "cpu", "ja", SpeechSettings(), tmp_path)
    assert cloned.value.code == japanese.value.code == "voice_unsupported"
    assert "Kokoro does not speak its language" in str(japanese.value.params["reason"])


def test_a_book_is_spoken_by_it_and_never_twice(tmp_path: Path) -> None:
    voice = tiny.voice(tmp_path)
    files = {role: str(path) for role, path in voice.files}
    wire = {"id": voice.id, "kind": voice.kind, "name": voice.name, "language": "it", "files": files, "sha256": dict(voice.sha256)}
    bundle = write_bundle(tmp_path / "bundle", {"Uno": [SENTENCE, "E poi? Niente."]}, language="it")
    with Driver() as sidecar:
        for outcome in ("written", "unchanged"):
            sidecar.send(**conversion(bundle, tmp_path / "book.m4b", tmp_path / "cache", voice=wire, device="cpu"))
            done = sidecar.end()
            assert (done["type"], done.get("outcome")) == ("done", outcome), done
            assert (done["report"]["engine"], done["report"]["voice_name"], done["report"]["flagged"]) == ("kokoro", "Sara (Kokoro)", 0)
        voice.file("voice").write_bytes(bytes(522_240))
        sidecar.send(**conversion(bundle, tmp_path / "other.m4b", tmp_path / "cache", voice=wire, device="cpu"))
        changed = sidecar.end()
        assert (changed["type"], changed["code"]) == ("error", "voice_broken") and "its hash differs" in changed["params"]["reason"]
