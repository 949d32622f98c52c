"""Heart by onnxruntime: the package's own sound, repeatable, in bounded pieces, with a clock, stopped at once."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from e2a_sidecar import speaking
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Line, Take
from e2a_sidecar.speaking.check import check_take
from e2a_sidecar.speaking.clock import _silences, on_the_sound
from e2a_sidecar.speaking.make import describe, make_engine
from e2a_sidecar.speaking.probe import probe_devices
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.words import word_places
from e2a_sidecar.voices import voice as voice_module
from e2a_sidecar.voices.student_graph import student_graph
from e2a_sidecar.voices.voice import STUDENT, Clone, Voice
from heart import WIRE, by_the_package, heart, needs_her_package
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

needs_her_package()
from e2a_sidecar.speaking import kokoro_student, spectra  # noqa: E402
from e2a_sidecar.speaking.kokoro_student import KokoroStudent  # noqa: E402

__all__ = ["heart"]

SENTENCE = "The door opened, and a man in a grey coat came in from the rain."
PAUSED = "He waited; nothing stirred, nobody came. At last, slowly, he turned round."
LONG = "And he went on, through the town and over the hill, where the wind blew colder than before, and never looked behind him. " * 5
HELLO = (0, 50, 83, 54, 156, 31, 16, 81, 156, 86, 123, 4, 0)  # "həlˈO ðˈɛɹ."
HELLO_UNITS = [13, 2, 3, 2, 3, 2, 2, 2, 3, 3, 12, 7, 1]
GOLDEN = {
    SENTENCE: (2.17, 7.28, 25.54, 3.01, 1.00, 10.63, 2.00, 1.03, 9.24, 8.91, 8.01, 2.44, 4.00, 2.00, 24.40),
    "He waited; nothing stirred, nobody came.": (4.03, 19.20, 12.05, 14.15, 15.07, 23.48),
    "“Why,” she whispered, “should anyone believe it?”": (10.12, 3.99, 19.97, 4.08, 11.29, 11.17, 14.48),
    "In 1843 the harbour held twenty-seven ships.": (4.01, 49.35, 2.00, 12.33, 8.24, 25.36, 24.65),
    "Marley was dead: to begin with.": (12.99, 5.01, 13.87, 2.00, 12.28, 16.89),
    "A squirrel quietly measured the strength of the months.": (1.99, 15.70, 17.61, 13.02, 2.00, 13.30, 2.00, 2.00, 23.87),
    "Stop!": (19.34,),
    "Her unquestionable enthusiasm surprised the whole neighbourhood.": (4.98, 33.49, 33.97, 18.54, 2.02, 8.10, 28.48),
    "Is this the road to Thornton, or have we lost our way again?": (5.99, 6.01, 2.11, 9.27, 3.00, 25.51, 3.00, 5.56, 4.00, 11.68, 4.01, 6.01, 24.29),
    "Rain fell on the roofs, the yards, the river and the sea beyond them.":
        (9.98, 6.84, 3.05, 2.00, 18.56, 2.01, 19.49, 2.76, 11.02, 3.01, 2.00, 5.98, 13.93, 19.93),
}  # fmt: skip
"""How long each word is, in units of 25 ms, as hibari-tts 0.2.1 has it before it rounds each phoneme's part."""
ROOM_UNITS = 0.1
"""A word's sum differs by 0.03 at most where the eight-bit products are summed exactly instead of by AVX2's saturating ones."""
USUAL = SpeechSettings()
Make = Callable[..., KokoroStudent]


@pytest.fixture(scope="module")
def engine(heart: Voice, cache: Path) -> Iterator[KokoroStudent]:
    engine = KokoroStudent(heart, SpeechSettings(), cache, workers=2)
    yield engine
    engine.close()


@pytest.fixture
def another(engine: KokoroStudent, heart: Voice, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes engines that share the first one's front end, which takes a second to open."""
    made: list[KokoroStudent] = []
    monkeypatch.setattr(kokoro_student, "MisakiFrontEnd", lambda _: engine._front_end)

    def make(settings: SpeechSettings = USUAL, workers: int = 1) -> KokoroStudent:
        made.append(KokoroStudent(heart, settings, cache, workers))
        return made[-1]

    yield make
    for each in made:
        each.close()


def spoken(engine: KokoroStudent, *texts: str, take: int = 0) -> list[Take]:
    lines = [Line(i, text, f"{i:064x}", take) for i, text in enumerate(texts)]
    return sorted((t for batch in engine.speak(lines, lambda: False) for t in batch), key=lambda t: t.index)


def test_it_sounds_as_the_package_does(engine: KokoroStudent, heart: Voice) -> None:
    ours = spoken(engine, SENTENCE)[0]
    theirs = by_the_package(heart, engine._front_end.encode(SENTENCE).ids, lambda frames: spectra.noise_of("0" * 64, 0, frames))
    assert len(theirs) == len(ours.samples) and not ours.flags
    assert np.abs(theirs - ours.samples / 32767).max() < 1e-4
    assert not check_take(ours, SENTENCE, engine.rate_hz)


def test_windows_give_the_whole_bit_for_bit(engine: KokoroStudent, monkeypatch: pytest.MonkeyPatch) -> None:
    in_windows = spoken(engine, LONG)[0]
    monkeypatch.setattr(spectra, "WINDOW_FRAMES", 1_000_000)
    assert np.array_equal(in_windows.samples, spoken(engine, LONG)[0].samples)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 191, 192, 193, 194, 195, 385])
def test_a_sentence_of_any_length_is_the_sum_of_its_windows(frames: int) -> None:
    random = np.random.Generator(np.random.Philox(frames))
    made = (random.standard_normal((601, frames), dtype=np.float32) for _ in range(5))
    given = spectra.Spectra(*made, f0=np.where(np.arange(frames) % 40 < 30, 180.0, 0.0).astype(np.float32))
    train, noise = spectra.pulses(given), spectra.noise_of("k", 0, frames)
    parts = [spectra.samples_of(given, train, noise, start, end) for start, end in spectra.windows(frames)]
    assert np.array_equal(np.concatenate(parts), spectra.samples_of(given, train, noise, 0, frames))
    assert sum(map(len, parts)) == frames * spectra.HOP


def test_the_noise_of_a_frame_is_the_same_however_many_there_are() -> None:
    assert np.array_equal(spectra.noise_of("k", 1, 300)[:7], spectra.noise_of("k", 1, 7))
    assert not np.array_equal(spectra.noise_of("k", 1, 7), spectra.noise_of("k", 2, 7))


def test_a_take_is_the_same_alone_or_among_others_and_another_take_is_not(engine: KokoroStudent, another: Make) -> None:
    texts = (SENTENCE, LONG, "Yes.", PAUSED)
    together = spoken(engine, *texts)
    for workers in (1, 4):
        for ours, theirs in zip(together, spoken(another(workers=workers), *texts), strict=True):
            assert np.array_equal(ours.samples, theirs.samples) and ours.words == theirs.words
    again = spoken(engine, SENTENCE, take=1)[0]
    assert again.take == 1 and len(again.samples) == len(together[0].samples)
    assert not np.array_equal(again.samples, together[0].samples)


def test_its_clock_is_what_it_was(engine: KokoroStudent) -> None:
    """The graph is of eight-bit numbers, which processors sum a little differently: a duration may be rounded otherwise."""
    *_, f0, units, _ = engine._session.run(None, {"ids": np.array([HELLO]), "speed": np.ones(1, np.float32)})
    assert units.tolist() == pytest.approx(HELLO_UNITS, abs=1) and units.sum() == pytest.approx(sum(HELLO_UNITS), abs=2)
    assert f0.shape == (1, 2 * units.sum())


def golden_faults(engine: KokoroStudent, session: Any) -> list[str]:
    """What a network says of a word's length that is not as it was."""
    faults = []
    for text, expected in GOLDEN.items():
        encoded = engine._front_end.encode(text)
        *_, unrounded = session.run(None, {"ids": np.array([encoded.ids]), "speed": np.ones(1, np.float32)})
        each = np.maximum(unrounded, 1.0)
        found = [float(each[word.first_id : word.last_id].sum()) for word in encoded.words]
        assert len(found) == len(expected), text
        faults += [f"{text}: {now:.2f} {was:.2f}" for now, was in zip(found, expected, strict=True) if abs(now - was) > ROOM_UNITS]
    return faults


def test_each_word_of_ten_sentences_is_as_long_as_it_was_and_by_another_training_it_is_not(engine: KokoroStudent, heart: Voice, cache: Path) -> None:
    """Another version of the package is seen by this. The other training: a tenth of the weights is greater or less by one of their 256 steps."""
    assert golden_faults(engine, engine._session) == []
    graph = onnx.load(student_graph(heart.file("model"), dict(heart.sha256)["model"], cache, heart.id))
    random = np.random.default_rng(0)
    for weights in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype in (np.int8, np.uint8) and values.size > 1000:
            moved = values.astype(np.int16) + random.choice((-1, 0, 1), size=values.shape, p=(0.05, 0.9, 0.05))
            limits = np.iinfo(values.dtype)
            weights.CopyFrom(onnx.numpy_helper.from_array(moved.clip(limits.min, limits.max).astype(values.dtype), weights.name))
    assert len(golden_faults(engine, ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"]))) > 3


def test_the_first_sentence_is_there_before_more_than_four_were_begun(another: Make) -> None:
    """However long the book is: the first second of it does not wait for the rest."""
    engine = another(workers=2)
    lines = (Line(n, SENTENCE, f"{n:064x}") for n in range(1000))
    speaking = engine.speak(lines, lambda: False)
    assert next(speaking)[0].samples.size and next(lines).index <= 4
    speaking.close()


def test_every_word_has_its_time_in_order_and_pauses_lie_where_the_sound_is_silent(engine: KokoroStudent) -> None:
    for take, text in zip(spoken(engine, PAUSED, SENTENCE), (PAUSED, SENTENCE), strict=True):
        assert take.words is not None
        assert [(w.start, w.end) for w in take.words] == word_places(text)
        times = [t for w in take.words for t in (w.start_s, w.end_s)]
        assert times == sorted(times) and times[0] >= 0 and times[-1] <= len(take.samples) / engine.rate_hz + 1e-9
        assert all(w.end_s - w.start_s >= 0.02 for w in take.words)
        laid = on_the_sound(take.words, take.samples, engine.rate_hz)
        pauses = [(a, b) for a, b in _silences(take.samples, engine.rate_hz)[1:-1] if b - a > 0.12]
        assert laid and (pauses or take.index)
        for begins_s, ends_s in pauses:
            assert min(abs(w.end_s - begins_s) for w in laid) < 0.04 and min(abs(w.start_s - ends_s) for w in laid) < 0.04
            assert min(abs(w.start_s - ends_s) for w in take.words) < 0.06, "by the clock alone"


def test_speed_is_heard_and_a_slower_voice_is_given_less_at_once(another: Make) -> None:
    lengths = {speed: len(spoken(another(SpeechSettings(speed=speed)), PAUSED)[0].samples) for speed in (0.5, 1.0, 1.1, 1.5)}
    assert lengths[0.5] == pytest.approx(2 * lengths[1.0], rel=0.03)
    assert lengths[1.1] == pytest.approx(lengths[1.0] / 1.1, rel=0.03)
    assert lengths[1.5] == pytest.approx(lengths[1.0] / 1.43, rel=0.05)
    assert (another(SpeechSettings(speed=0.5))._longest, another(SpeechSettings(speed=2.0))._longest) == (200, 400)


def test_a_long_line_is_whole_in_pieces_with_noise_of_their_own(engine: KokoroStudent) -> None:
    take = spoken(engine, LONG + LONG)[0]
    assert take.words is not None and [(w.start, w.end) for w in take.words] == word_places(LONG + LONG)
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(take.words))
    assert not check_take(take, LONG + LONG, engine.rate_hz)


def test_memory_does_not_grow_with_a_line_but_by_its_samples(another: Make) -> None:
    engine = another()

    def peak(text: str) -> tuple[int, int]:
        tracemalloc.start()
        take = spoken(engine, text)[0]
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most, take.samples.nbytes

    (short, its), (long, more) = peak(LONG), peak(LONG * 3)
    assert more > 2.5 * its
    assert long - short < 2.5 * (more - its)  # parts and whole


@pytest.mark.parametrize("after", [0, 1, 3])
def test_it_stops_in_the_middle_of_a_long_line_and_nothing_speaks_on(after: int, another: Make) -> None:
    engine, asked, pieces = another(workers=2), 0, []
    session = engine._session

    def run(*given: Any) -> Any:
        pieces.append(1)
        return session.run(*given)

    engine._session = SimpleNamespace(run=run)

    def stopped() -> bool:
        nonlocal asked
        asked += 1
        return len(pieces) > after or asked > 1000

    with pytest.raises(Stopped):
        list(engine.speak([Line(0, LONG * 20, "k")], stopped))
    engine._pool.shutdown(wait=True)
    assert len(pieces) < 12, "of some thirty"


class Scripted:
    """A network that says what it is told to: durations, and spectra of silence."""

    def __init__(self, units: list[float], unrounded: list[float] | None = None, spectrum: float = -20.0, lacks: int | None = None) -> None:
        """lacks: the place of what it gives one too few of."""
        self._units, self._unrounded, self._spectrum, self._lacks = units, unrounded or units, spectrum, lacks

    def run(self, _outputs: None, given: dict[str, Any], _run: Any) -> list[Any]:
        count = given["ids"].shape[1]
        units, unrounded = (np.resize(np.array(each, np.float32), count) for each in (self._units, self._unrounded))
        frames = int(min(2 * np.nan_to_num(units.astype(np.float64), posinf=1e6).sum(), 400))
        found = [*(np.full((1, 601, frames), self._spectrum, np.float32) for _ in range(5)), np.zeros((1, frames), np.float32), units, unrounded]
        return [each[..., 1:] if place == self._lacks else each for place, each in enumerate(found)]


@pytest.mark.parametrize(
    ("network", "flags"),
    [
        (Scripted([2.0]), ()),
        (Scripted([2.0], [2.49995]), ("edge",)),
        (Scripted([1.0], [0.50001]), ()),  # both ways it becomes one
        (Scripted([2.0], [float("nan")]), ("nan",)),
        (Scripted([float("inf")]), ("nan",)),
        (Scripted([900.0]), ("too_long",)),
        (Scripted([2.0], spectrum=float("nan")), ("nan",)),
        *((Scripted([2.0], lacks=place), ("failed",)) for place in (0, 5, 6, 7)),
    ],
)
def test_what_is_odd_with_a_take_is_told(network: Scripted, flags: tuple[str, ...], another: Make) -> None:
    engine = another()
    engine._session = network
    assert spoken(engine, "Hello there.")[0].flags == flags


@pytest.mark.parametrize(
    ("error", "flag"),
    [(RuntimeException("it broke"), "failed"), (MemoryError(), "no_memory"), (RuntimeException("Failed to allocate memory for requested buffer"), "no_memory")],
)
def test_a_line_that_fails_is_told_and_the_next_one_is_spoken(error: Exception, flag: str, another: Make) -> None:
    engine = another()
    session = engine._session

    def run(outputs: None, given: dict[str, Any], options: Any) -> Any:
        if given["ids"].shape[1] > 30:
            raise error
        return session.run(outputs, given, options)

    engine._session = SimpleNamespace(run=run)
    bad, good = spoken(engine, SENTENCE, "Yes, sir.")
    assert (bad.flags, bad.samples.size) == ((flag,), 0)
    assert good.flags == () and good.samples.size


def test_a_line_without_words_is_told_and_one_of_which_a_word_cannot_be_said(engine: KokoroStudent, monkeypatch: pytest.MonkeyPatch) -> None:
    dashes = spoken(engine, "— … !")[0]
    assert (dashes.flags, dashes.samples.size, dashes.words) == (("unpronounceable",), 0, ())
    monkeypatch.setattr(engine._front_end, "lost", lambda text: ((9, 12),) if "xyz" in text else ())
    some, all_said = spoken(engine, "The word xyz is lost.", SENTENCE)
    assert some.flags == ("words_unspoken", "unspoken:9-12") and some.samples.size and not all_said.flags


def test_who_she_is_is_known_without_her_network(engine: KokoroStudent, heart: Voice) -> None:
    def never() -> Any:
        raise AssertionError("opened")

    known = describe(heart, SpeechSettings(), never)
    assert (dict(known.identity), known.rate_hz) == (dict(engine.identity), engine.rate_hz)
    assert (known.identity["engine"], known.identity["language"], engine.name, engine.device) == (STUDENT, "en-us", STUDENT, "cpu")
    british = Voice("emma", STUDENT, language="en-GB", files=heart.files, sha256=heart.sha256)
    others = [describe(heart, SpeechSettings(speed=1.1), never), describe(british, SpeechSettings(), never)]
    assert all(dict(other.identity) != dict(known.identity) for other in others)
    assert others[1].identity["front_end"] != known.identity["front_end"]


def test_her_file_is_the_packages_or_one_that_the_plugin_keeps(heart: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Voice.from_dict({**WIRE, "id": "fenrir", "files": {"model": str(heart.file("model"))}}).verified()
    assert kept.content_hash() == heart.content_hash()
    with pytest.raises(SidecarError) as none:
        Voice.from_dict({**WIRE, "id": "fenrir"}).verified()
    monkeypatch.setattr(voice_module, "_IN_PACKAGE", {"heart": ("hibari", "assets/hibari.onnx", "00" * 32)})
    with pytest.raises(SidecarError) as changed:
        Voice.from_dict(WIRE).verified()
    monkeypatch.setattr(voice_module, "find_spec", lambda _: None)
    with pytest.raises(SidecarError) as missing:
        Voice.from_dict(WIRE).verified()
    assert (none.value.code, changed.value.code, missing.value.code) == ("voice_broken", "voice_broken", "voice_unsupported")
    assert "not installed" in str(missing.value.params["reason"])


def test_nobody_is_cloned_over_her(tmp_path: Path) -> None:
    sample = tmp_path / "sample.flac"
    clone = Clone("clone-000000000000", "Anna", "freevc24", (("sample", sample),))
    with pytest.raises(SidecarError) as caught:
        make_engine(Voice("heart", STUDENT, "Heart", clone=clone), "cpu-torch", "en", SpeechSettings(), tmp_path)
    assert caught.value.code == "voice_unsupported" and "Heart" in str(caught.value.params["reason"])


def test_a_probe_measures_her_on_the_cpu_alone(heart: Voice, cache: Path, another: Make) -> None:
    (found,) = probe_devices(heart, "en", cache, lambda: False)
    assert (found.device, found.usable, found.reason) == ("cpu", True, "")
    assert found.speed is not None and found.speed > 1


@pytest.mark.parametrize("how", ["none", "of another make"])
def test_where_her_package_does_not_import_it_is_said(how: str, heart: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("kokoro_student", "spectra"):
        monkeypatch.delitem(sys.modules, f"e2a_sidecar.speaking.{module}")
        monkeypatch.delattr(speaking, module)
    if how == "none":
        monkeypatch.setitem(sys.modules, "hibari", None)
    else:
        monkeypatch.delattr("hibari.dsp.ola")
    with pytest.raises(SidecarError) as caught:
        make_engine(heart, "cpu", "en", SpeechSettings(), tmp_path)
    assert caught.value.code == "voice_unsupported" and "hibari-tts" in str(caught.value.params["reason"])
