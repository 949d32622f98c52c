"""A Piper voice by onnxruntime: Piper's own sound, repeatable, in bounded pieces, with a clock, stopped at once.

The real voice lies where E2A_JOE_DIR says (en_US-joe-medium.onnx and its .json); without it those tests are skipped.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Line, Take
from e2a_sidecar.speaking import limits, onnx_network, vits_onnx
from e2a_sidecar.speaking.check import check_take
from e2a_sidecar.speaking.identity import vits_identity
from e2a_sidecar.speaking.make import make_engine
from e2a_sidecar.speaking.onnx_network import Prior, windows
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.takes import to_int16
from e2a_sidecar.speaking.vits_onnx import VitsOnnx
from e2a_sidecar.voices.piper import PiperConfig
from e2a_sidecar.voices.piper_cut import cut_voice
from e2a_sidecar.voices.voice import Voice
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException
from piper import PiperVoice, SynthesisConfig

SENTENCE = "The door opened, and a man in a grey coat came in from the rain of the year 1843."
LONG = "And he went on, through the town and over the hill, where the wind blew colder than before, and never looked behind him. " * 2
SILENT = SpeechSettings(noise_scale=0.0, noise_w=0.0)


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def engine(joe: Voice, cache: Path) -> Iterator[VitsOnnx]:
    engine = VitsOnnx(joe, "en-us", SpeechSettings(), cache, workers=2)
    yield engine
    engine.close()


def spoken(engine: VitsOnnx, *texts: str, take: int = 0) -> list[Take]:
    lines = [Line(i, text, f"{i:064x}", take) for i, text in enumerate(texts)]
    return sorted((t for batch in engine.speak(lines, lambda: False) for t in batch), key=lambda t: t.index)


def test_it_sounds_as_pipers_own_program_does(joe: Voice, cache: Path) -> None:
    engine = VitsOnnx(joe, "en-us", SILENT, cache)
    ours = spoken(engine, SENTENCE)[0]
    piper = PiperVoice.load(joe.file("model"), joe.file("config"))
    ids = piper.phonemes_to_ids(piper.phonemize(SENTENCE)[0])
    theirs = np.asarray(piper.phoneme_ids_to_audio(ids, SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)))
    assert len(theirs) == len(ours.samples)
    assert np.abs(theirs - ours.samples / 32767).max() < 1e-4


def test_a_take_is_the_same_alone_or_among_others_and_another_take_is_not(joe: Voice, cache: Path, engine: VitsOnnx) -> None:
    one = VitsOnnx(joe, "en-us", SpeechSettings(), cache, workers=1)
    together, alone = spoken(engine, SENTENCE, LONG, "Yes."), spoken(one, SENTENCE, LONG, "Yes.")
    for ours, theirs in zip(together, alone, strict=True):
        assert np.array_equal(ours.samples, theirs.samples)
        assert ours.words == theirs.words
    other = spoken(engine, SENTENCE, take=1)[0]
    assert other.take == 1
    assert not np.array_equal(other.samples[:5000], together[0].samples[:5000])


def test_threads_that_have_nothing_else_to_do_help_with_a_lone_sentence_and_change_nothing(joe: Voice, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, crew = (VitsOnnx(joe, "en-us", SpeechSettings(), cache, workers=workers) for workers in (1, 3))
    threads: set[str] = set()
    window = crew._network._of_window
    both = threading.Barrier(2, timeout=60)

    def seen(*given: Any) -> Any:
        if (name := threading.current_thread().name) not in threads and len(threads) < 2:
            threads.add(name)
            both.wait()  # until another thread decodes too
        return window(*given)

    monkeypatch.setattr(crew._network, "_of_window", seen)
    theirs, ours = spoken(alone, SENTENCE)[0], spoken(crew, SENTENCE)[0]
    assert len(threads) == 2
    assert np.array_equal(ours.samples, theirs.samples) and ours.words == theirs.words
    for engine in (alone, crew):
        engine.close()


def test_windows_give_the_whole_bit_for_bit(engine: VitsOnnx, monkeypatch: pytest.MonkeyPatch) -> None:
    in_windows = spoken(engine, LONG)[0]
    monkeypatch.setattr(onnx_network, "WINDOW_FRAMES", 1_000_000)
    whole = spoken(engine, LONG)[0]
    assert len(whole.samples) > 4 * 228 * 256
    assert np.array_equal(in_windows.samples, whole.samples)


@pytest.mark.parametrize("parts", [1, 4, 16])
@pytest.mark.parametrize("length", [1, 227, 228, 229, 1000, 4567])
def test_windows_cover_everything_once(length: int, parts: int) -> None:
    found = windows(length, parts)
    assert (found[0][0], found[-1][1]) == (0, length)
    assert all(a[1] == b[0] for a, b in pairwise(found))
    assert all(0 < end - start <= onnx_network.WINDOW_FRAMES for start, end in found)
    assert len(found) == 1 or min(end - start for start, end in found) >= onnx_network.SHORT_FRAMES


def test_every_word_has_its_time_in_the_sound(engine: VitsOnnx) -> None:
    take = spoken(engine, SENTENCE)[0]
    assert take.words is not None
    assert [SENTENCE[w.start : w.end] for w in take.words] == [w.strip(".,") for w in SENTENCE.split()]
    times = [t for w in take.words for t in (w.start_s, w.end_s)]
    assert times == sorted(times)
    assert 0 < times[0] < 0.3
    assert len(take.samples) / engine.rate_hz - 0.6 < times[-1] < len(take.samples) / engine.rate_hz
    loud = np.abs(take.samples.astype(int))
    for word in take.words:
        assert loud[int(word.start_s * engine.rate_hz) : int(word.end_s * engine.rate_hz) + 1].max() > 500
    year = take.words[-1]
    assert year.end_s - year.start_s > 1.0
    assert check_take(take, SENTENCE, engine.rate_hz) == ()


def test_a_line_beyond_any_sentence_is_spoken_in_pieces_with_times_that_go_on(engine: VitsOnnx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vits_onnx, "LONGEST_IDS", 300)
    take = spoken(engine, LONG)[0]
    assert take.words is not None
    assert len(take.words) == len(LONG.split())
    times = [t for w in take.words for t in (w.start_s, w.end_s)]
    assert times == sorted(times)
    assert times[-1] <= len(take.samples) / engine.rate_hz
    assert check_take(take, LONG, engine.rate_hz) == ()


def test_speed_is_the_voices_own_length_scale(joe: Voice, cache: Path) -> None:
    usual, fast = VitsOnnx(joe, "en-us", SILENT, cache), VitsOnnx(joe, "en-us", replace(SILENT, speed=1.5), cache)
    ratio = len(spoken(usual, SENTENCE)[0].samples) / len(spoken(fast, SENTENCE)[0].samples)
    assert 1.25 < ratio < 1.6
    assert usual.identity != fast.identity


def test_what_cannot_be_pronounced_is_said_so(engine: VitsOnnx) -> None:
    takes = spoken(engine, "* * *".replace("*", "…"), SENTENCE)
    assert (len(takes[0].samples), takes[0].words, takes[0].flags) == (0, (), ("unpronounceable",))
    assert len(takes[1].samples) > 0


def test_lines_are_read_a_few_ahead_and_all_are_spoken(engine: VitsOnnx) -> None:
    read = 0

    def lines() -> Iterator[Line]:
        nonlocal read
        for i in range(20):
            read += 1
            yield Line(i, "Yes.", f"{i}")

    seen: list[int] = []
    for batch in engine.speak(lines(), lambda: False):
        seen += [take.index for take in batch]
        assert read <= len(seen) + 6
        assert max(seen) <= len(seen) + 6
    assert sorted(seen) == list(range(20))


def test_a_stop_ends_it_in_the_middle_of_a_line_and_the_engine_speaks_on(engine: VitsOnnx) -> None:
    started = threading.Event()

    def lines() -> Iterator[Line]:
        for i in range(100):
            if i == 3:
                started.set()
            yield Line(i, LONG, f"{i}")

    with pytest.raises(Stopped):
        for _ in engine.speak(lines(), started.is_set):
            pass
    assert len(spoken(engine, "Yes.")[0].samples) > 0


def test_an_abandoned_run_leaves_nothing_running(joe: Voice, cache: Path) -> None:
    engine = VitsOnnx(joe, "en-us", SpeechSettings(), cache, workers=2)
    run = engine.speak((Line(i, LONG, f"{i}") for i in range(1000)), lambda: False)
    next(run)
    run.close()  # type: ignore[attr-defined]
    engine.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("speak") and t in engine._pool._threads]


def test_identity_is_of_the_sound_and_not_of_the_runtime(joe: Voice, engine: VitsOnnx) -> None:
    config = PiperConfig.load(joe.file("config"))
    assert engine.identity == vits_identity(joe, config, SpeechSettings())
    assert engine.identity == vits_identity(joe, config, SpeechSettings(1.0, 0.667, 0.8))
    assert engine.identity["voice"] == joe.content_hash()
    assert {"device", "runtime", "workers"}.isdisjoint(engine.identity)
    assert vits_identity(joe, config, SpeechSettings(noise_scale=0.5)) != engine.identity
    assert engine.transfers().host_copies_per_batch is None


def test_a_cut_is_made_once_and_again_where_it_was_damaged(joe: Voice, tmp_path: Path) -> None:
    sha256 = dict(joe.sha256)["model"]
    cut = cut_voice(joe.file("model"), sha256, tmp_path, joe.id)
    made = cut.decode.stat().st_mtime_ns
    assert cut_voice(joe.file("model"), sha256, tmp_path, joe.id) == cut
    assert cut.decode.stat().st_mtime_ns == made
    cut.decode.write_bytes(cut.decode.read_bytes()[:100_000])
    assert len(spoken(VitsOnnx(joe, "en-us", SpeechSettings(), tmp_path), "Yes.")[0].samples) > 0
    cut.flow.unlink()
    killed = tmp_path / "cuts" / "making-0"
    killed.mkdir()
    os.utime(killed, (0, 0))
    cut_voice(joe.file("model"), sha256, tmp_path, joe.id)
    assert cut.flow.is_file()
    assert [path.name for path in (tmp_path / "cuts").iterdir()] == [cut.flow.parent.name]


def test_too_little_memory_to_open_a_voice_is_said_and_its_graphs_are_kept(joe: Voice, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*_: Any) -> None:
        raise RuntimeException("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer of size 4194304")

    kept = cut_voice(joe.file("model"), dict(joe.sha256)["model"], cache, joe.id)
    monkeypatch.setattr(vits_onnx, "OnnxNetwork", refusing)
    with pytest.raises(SidecarError) as caught:
        VitsOnnx(joe, "en-US", SpeechSettings(), cache)
    assert caught.value.code == "speech_failed" and "memory" in str(caught.value.params["reason"])
    assert all(path.is_file() for path in (kept.encode, kept.flow, kept.decode))


def test_files_that_are_no_voice_are_refused_with_a_reason(tmp_path: Path) -> None:
    model = tmp_path / "x.onnx"
    model.write_bytes(b"\xff" * 1000)
    with pytest.raises(SidecarError) as error:
        cut_voice(model, sha256_of(model), tmp_path / "cache", "x")
    assert (error.value.code, error.value.params["voice"]) == ("voice_broken", "x")
    with pytest.raises(SidecarError, match="voice_broken"):
        cut_voice(tmp_path / "none.onnx", "1" * 64, tmp_path / "cache", "x")


def test_a_graph_that_is_no_vits_is_refused(tmp_path: Path) -> None:
    x, y = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1]) for n in "xy")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Ceil", ["x"], ["y"])], "g", [x], [y])
    onnx.save(onnx.helper.make_model(graph), str(tmp_path / "y.onnx"))
    with pytest.raises(SidecarError) as error:
        cut_voice(tmp_path / "y.onnx", sha256_of(tmp_path / "y.onnx"), tmp_path / "cache", "y")
    assert error.value.code == "voice_unsupported"


def test_a_voice_that_names_other_files_or_was_changed_meanwhile_is_not_cut(tmp_path: Path) -> None:
    x, y = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1]) for n in "xy")
    weight = onnx.TensorProto(name="w", dims=[1], data_type=onnx.TensorProto.FLOAT, data_location=onnx.TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="../../secret")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [weight])
    model = tmp_path / "outside.onnx"
    model.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    with pytest.raises(SidecarError, match="voice_unsupported: external data"):
        cut_voice(model, sha256_of(model), tmp_path / "cache", "x")
    with pytest.raises(SidecarError, match="voice_broken: changed"):
        cut_voice(model, "0" * 64, tmp_path / "cache", "x")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "[]", '{"audio": {"sample_rate": Infinity}}', '{"x": "' + "y" * (9 << 20) + '"}'],
)
def test_a_description_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(SidecarError, match="voice_broken"):
        PiperConfig.load(tmp_path / "x.json")


@pytest.mark.parametrize("number", ["Infinity", "NaN", "1000", "0"])
def test_a_length_scale_that_is_none_is_refused(joe: Voice, number: str, tmp_path: Path) -> None:
    raw = json.loads(joe.file("config").read_text())
    raw["inference"]["length_scale"] = float(number)
    with pytest.raises(SidecarError, match="voice_broken"):
        PiperConfig.from_dict(raw, "x")


def test_a_description_with_another_hop_than_the_networks_is_refused_when_it_speaks(joe: Voice, cache: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**json.loads(joe.file("config").read_text()), "hop_length": 512}))
    engine = VitsOnnx(replace(joe, files=(("config", config), ("model", joe.file("model")))), "en-us", SpeechSettings(), cache, workers=1)
    with pytest.raises(SidecarError, match="voice_broken: hop_length"):
        spoken(engine, "Yes.")
    engine.close()


class Giving:
    """A session whose outputs are changed: as of a graph that fits the few phonemes by which a voice is tried, and no others."""

    def __init__(self, session: Any, change: Callable[[list[Any]], list[Any]]) -> None:
        self._session, self._change = session, change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def run(self, *given: Any) -> list[Any]:
        return self._change(self._session.run(*given))


OTHER_SHAPES: dict[str, tuple[str, Callable[[list[Any]], list[Any]]]] = {
    "durations of other phonemes": ("_encode", lambda found: [*found[:2], found[2][:, :, :-1]]),
    "more frames than the durations say": ("_encode", lambda found: [*(np.repeat(each, 2, axis=2) for each in found[:2]), found[2]]),
    "a prior without channels": ("_encode", lambda found: [each[0] for each in found[:2]] + found[2:]),
    "deviations of other frames": ("_encode", lambda found: [found[0], found[1][:, :, 1:], found[2]]),
    "fewer latents": ("_flow", lambda found: [found[0][:, :, 1:]]),
    "flat latents": ("_flow", lambda found: [found[0].reshape(-1)]),
}


@pytest.mark.parametrize("what", OTHER_SHAPES)
def test_a_network_that_gives_other_shapes_is_a_broken_voice(what: str, joe: Voice, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part, change = OTHER_SHAPES[what]
    engine = VitsOnnx(joe, "en-us", SpeechSettings(), cache, workers=1)
    monkeypatch.setattr(engine._network, part, Giving(getattr(engine._network, part), change))
    with pytest.raises(SidecarError) as caught:
        spoken(engine, "Yes.")
    assert caught.value.code == "voice_broken" and caught.value.params["voice"] == joe.id
    engine.close()


def test_all_sessions_work_in_one_arena(engine: VitsOnnx) -> None:
    network = engine._network
    for session in (network._encode, network._flow, network._decode):
        assert session.get_session_options().get_session_config_entry("session.use_env_allocators") == "1"


def test_a_cache_that_cannot_be_written_is_said_so(joe: Voice, tmp_path: Path) -> None:
    (tmp_path / "cuts").write_text("a file where a folder should be")
    with pytest.raises(SidecarError) as error:
        cut_voice(joe.file("model"), dict(joe.sha256)["model"], tmp_path, joe.id)
    assert error.value.code == "output_unwritable"


def test_samples_that_are_no_numbers_are_flagged_and_never_heard(joe: Voice, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = VitsOnnx(joe, "en-us", SpeechSettings(), cache, workers=1)
    monkeypatch.setattr(engine._network, "decode", lambda *_: iter([np.full(30_000, np.nan, dtype=np.float32)]))
    take = spoken(engine, "Yes.")[0]
    assert take.flags == ("nan",)
    assert not take.samples.any()
    assert to_int16(np.array([2.0, -2.0, 1.0, 0.5 / 32767, np.inf], dtype=np.float32)).tolist() == [32767, -32767, 32767, 0, 32767]


@pytest.mark.parametrize(
    ("error", "flag"),
    [
        (RuntimeException("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : a kernel failed"), "failed"),
        (RuntimeException("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer of size 17"), "no_memory"),
        (MemoryError(), "no_memory"),
    ],
)
@pytest.mark.parametrize("part", ["encode", "decode"])
def test_a_line_that_fails_is_told_and_the_others_are_spoken(
    part: str, error: Exception, flag: str, joe: Voice, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = VitsOnnx(joe, "en-us", SpeechSettings(), cache, workers=1)
    working, calls = getattr(engine._network, part), iter(range(3))

    def failing(*args: object) -> object:
        if next(calls) == 1:
            raise error
        return working(*args)

    monkeypatch.setattr(engine._network, part, failing)
    takes = spoken(engine, "Yes.", "No.", "Maybe.", take=2)
    assert [(take.take, take.flags) for take in takes] == [(2, ()), (2, (flag,)), (2, ())]
    assert [len(take.samples) > 0 for take in takes] == [True, False, True]
    assert takes[1].words == ()
    engine.close()


def test_words_that_its_front_end_has_no_sound_for_are_told(engine: VitsOnnx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine._voice.front_end, "lost", lambda text: ((3, 7),) if "1914" in text else ())
    takes = spoken(engine, "In 1914 it began.", "It began.", "...")
    assert [take.flags for take in takes] == [("words_unspoken", "unspoken:3-7"), (), ("unpronounceable",)]


def test_a_line_that_its_front_end_fails_at_is_told_and_the_others_are_spoken(engine: VitsOnnx, monkeypatch: pytest.MonkeyPatch) -> None:
    encode = engine._voice.front_end.encode

    def failing(text: str) -> Any:
        if text == "No.":
            raise TypeError("ord() expected a character")
        return encode(text)

    monkeypatch.setattr(engine._voice.front_end, "encode", failing)
    takes = spoken(engine, "Yes.", "No.", "Maybe.")
    assert [take.flags for take in takes] == [(), ("failed",), ()]
    assert [len(take.samples) > 0 for take in takes] == [True, False, True]


@pytest.mark.parametrize(("frames", "flag"), [(float("inf"), "nan"), (float("nan"), "nan"), (1e6, "too_long")])
def test_durations_that_are_none_are_told_and_nothing_is_decoded_of_them(
    frames: float, flag: str, joe: Voice, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = VitsOnnx(joe, "en-us", SpeechSettings(), cache, workers=1)
    encode = engine._network.encode

    def absurd(*args: Any) -> Prior:
        return replace(encode(*args), frames=np.full(len(args[0]), frames, dtype=np.float32))

    monkeypatch.setattr(engine._network, "encode", absurd)
    take = spoken(engine, "Yes.")[0]
    assert (len(take.samples), take.flags) == (0, (flag,))
    engine.close()


@pytest.mark.parametrize(("frames", "hop_length", "fault"), [(7_000, 256, ""), (7_000, 8192, "too_long"), (-1.0, 256, "nan")])
def test_how_long_a_piece_may_be_is_counted_in_samples_too(frames: float, hop_length: int, fault: str) -> None:
    """A strange voice makes up to 8,192 of a frame; ten minutes in frames of the usual length would be two gigabytes there."""
    assert limits.fault(np.array([frames, 0, 3], dtype=np.float32), hop_length) == fault


@pytest.mark.parametrize("slowness", [1e6, float("inf"), float("nan")])
def test_durations_beyond_all_bounds_take_no_memory(slowness: float, joe: Voice, cache: Path) -> None:
    engine = VitsOnnx(joe, "en-us", SpeechSettings(), cache, workers=1)
    engine._voice.fixed["scales"][1] = slowness
    encoded = engine._voice.front_end.encode("Yes.")
    prior = engine._network.encode(encoded.ids, np.zeros((2, len(encoded.ids)), dtype=np.float32))
    assert prior.mean.shape[1] == 1
    assert spoken(engine, "Yes.")[0].flags in (("too_long",), ("nan",))
    engine.close()


class OnTheCpu:
    """An accelerator's decoder, computed by the CPU; `lost` after so many windows."""

    frames = 128

    def __init__(self, session: Any, path: Path, latents: str, samples: str, feeds: dict[str, Any], context: int) -> None:
        self.runs, self.lost = 0, 1_000_000
        self._run = lambda z, run: session.run([samples], {latents: z, **feeds}, run)[0].reshape(-1)

    def run(self, latents: Any, options: Any) -> Any:
        assert latents.shape[2] == self.frames
        self.runs += 1
        if self.runs > self.lost:
            raise SidecarError("device_unusable", "", device="coreml", reason="gone")
        return self._run(latents, options)


def test_windows_on_an_accelerator_give_the_whole_and_a_lost_one_is_told(
    joe: Voice, cache: Path, engine: VitsOnnx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_network, "open_decode", lambda device, *args: OnTheCpu(*args))
    there = VitsOnnx(joe, "en-us", SpeechSettings(), cache, "coreml", workers=1)
    decoder = there._network._accelerated
    assert there.device == "coreml" and isinstance(decoder, OnTheCpu)
    for ours, theirs in zip(spoken(there, "Yes.", SENTENCE, LONG), spoken(engine, "Yes.", SENTENCE, LONG), strict=True):
        assert ours.words == theirs.words
        np.testing.assert_allclose(ours.samples / 32767, theirs.samples / 32767, atol=4e-5)
    assert decoder.runs > 5
    decoder.lost = decoder.runs
    with pytest.raises(SidecarError, match="device_unusable"):
        spoken(there, LONG)
    there.close()


@pytest.mark.parametrize(
    ("kind", "device", "code"),
    [
        ("coqui", "cpu", "voice_broken"),
        ("piper", "gpu", "device_unusable"),
        ("piper", "cuda", "device_unusable"),
        ("tone", "cuda:x", "device_unusable"),
        ("piper", "cpu", "voice_broken"),
    ],
)
def test_what_cannot_be_spoken_is_refused(kind: str, device: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(SidecarError) as error:
        make_engine(Voice("v", kind), device, "en", SpeechSettings(), tmp_path)
    assert error.value.code == code


def test_the_engine_is_chosen_by_voice_and_device(joe: Voice, cache: Path) -> None:
    made = [make_engine(voice, "cpu", "it", SpeechSettings(), cache) for voice in (Voice("tone", "tone"), Voice("espeak", "espeak"), joe)]
    assert [engine.name for engine in made] == ["tone", "espeak", "vits_onnx"]
    assert made[1].identity["voice"] == "it"
    with pytest.raises(SidecarError, match="bad_request"):
        make_engine(joe, "cpu", "en", SpeechSettings(speed=0.0), cache)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="tiny voices are made with torch")
def test_a_voice_of_many_speakers_and_another_shape(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("tiny_voices", Path(__file__).parents[1] / "tiny_voices.py")
    assert spec is not None
    assert spec.loader is not None
    tiny = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tiny_voices", tiny)  # its dataclasses look there for their module
        spec.loader.exec_module(tiny)
        voice = tiny.piper_voice(tmp_path, replace(tiny.TINY_HIGH, speakers=3)).verified()
    first, second = (VitsOnnx(replace(voice, speaker=s), "en-us", SpeechSettings(), tmp_path, workers=1) for s in ("0", "2"))
    ours, others = spoken(first, SENTENCE)[0], spoken(second, SENTENCE)[0]
    assert ours.words
    assert not np.array_equal(ours.samples[:10_000], others.samples[:10_000])
    assert (first.identity["speaker"], second.identity["speaker"]) == (0, 2)
