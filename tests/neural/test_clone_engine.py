"""A base voice with a clone behind it, whole: on the CPU and on the fake accelerator, counted, keyed, down the ladder, kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import tiny_converters
import torch
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Line, Take
from e2a_sidecar.speaking.budget import GPU_BUDGET, Budget
from e2a_sidecar.speaking.check import check_take
from e2a_sidecar.speaking.clone import reference as references
from e2a_sidecar.speaking.engine import Engine, Transfers
from e2a_sidecar.speaking.host import HostBoundary, to_host
from e2a_sidecar.speaking.ladder import IN_A_ROW, Ladder
from e2a_sidecar.speaking.make import describe, make_engine, rungs
from e2a_sidecar.speaking.probe import probe_devices
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.voice import CONVERTERS, Clone, Voice
from fake_accelerator import FakeAccelerator, OnDevice
from fake_accelerator.device import DEVICE

from . import upstream
from .conftest import TEXTS, WHERE, device, lines, loaded, spoken

CPU = torch.device("cpu")
TWO_BATCHES = replace(GPU_BUDGET, look_ahead=2)
THE_ERROR = "can't convert cuda:0 device type tensor to numpy"
ASKED_TWICE = pytest.mark.filterwarnings("ignore:__array__ implementation")
BOOK = lines(tuple(f"{text} This is number {n}." for n in range(2) for text in TEXTS))
BASES = ("piper", "coqui, 2 speakers")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    folder = tmp_path_factory.mktemp("clone")
    return tiny_converters.clone_of(tiny_converters.sample(folder / "sample.flac"), "freevc24", tiny_converters.freevc(folder / "freevc24"))


def engine_of(voice: Voice, clone: Clone | None, device: torch.device, budget: Budget | None = None, cache: Path | None = None) -> VitsTorch:
    name = "cpu-torch" if device == CPU else "cuda:0"
    return VitsTorch.speaking_with(loaded(replace(voice, clone=clone)), name, HostBoundary(device), budget, clone=clone, cache_dir=cache)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("where", WHERE)
def test_a_clone_speaks_alike_on_every_device_with_two_reads_three_uploads_and_no_wait(
    where: str, base: str, voices: Callable[[str], Voice], clone: Clone
) -> None:
    engine = engine_of(voices(base), clone, CPU)
    on_cpu = spoken(engine, lines())
    assert engine.transfers() == Transfers(2, 3, 0) and engine.rate_hz == 24_000
    plain = spoken(engine_of(voices(base), None, CPU), lines())
    with device(where) as (there, fake):
        engine = engine_of(voices(base), clone, there, TWO_BATCHES)
        if fake is not None:
            fake.counts.clear()
        on_device = spoken(engine, lines())
        assert engine.transfers() == Transfers(2, 3, 0)
        if fake is not None:
            assert (fake.counts.host_copies, fake.counts.uploads, fake.counts.waits) == (4, 6, 4), fake.counts.where
            assert {line.rsplit(":", 1)[0] for _, line in fake.counts.where} == {"e2a_sidecar/speaking/host.py"}
    for index, take in on_cpu.items():
        assert isinstance(take.samples, np.ndarray) and take.samples.dtype == np.int16 and np.abs(take.samples.astype(int)).max() > 1000
        assert take.words == on_device[index].words == plain[index].words, "the clock is the base voice's"
        assert abs(len(take.samples) / 24_000 - len(plain[index].samples) / 22_050) < 1e-3
        np.testing.assert_allclose(take.samples / 32768, on_device[index].samples / 32768, atol=1e-4 if where == "fake" else 1e-3)


def test_a_sentence_is_the_same_in_a_batch_of_a_card_and_alone_on_a_cpu(voices: Callable[[str], Voice], clone: Clone) -> None:
    texts = (*TEXTS, " ".join(TEXTS * 3))  # the last one of some 25 s: WavLM hears it in windows, the row holds it in parts
    engine = engine_of(voices("piper"), clone, CPU)
    alone = {n: spoken(engine, [line])[n] for n, line in enumerate(lines(texts))}
    assert len(alone[4].samples) > 24_000 * 21
    for budget in (replace(GPU_BUDGET, frames=512), replace(GPU_BUDGET, rows=False, frames=4096)):
        engine = engine_of(voices("piper"), clone, CPU, budget)
        engine._workers = 0  # in batches, as on a card
        together = spoken(engine, lines(texts))
        assert engine.transfers() == Transfers(2, 3, 0)
        for n, take in alone.items():
            assert take.words == together[n].words
            np.testing.assert_allclose(take.samples / 32768, together[n].samples / 32768, atol=1e-4)


def test_a_second_take_sounds_otherwise_and_the_same_take_does_not(voices: Callable[[str], Voice], clone: Clone) -> None:
    engine, line = engine_of(voices("piper"), clone, CPU), lines()[0]
    first, again, second = (spoken(engine, [replace(line, take=take)])[0].samples for take in (0, 0, 1))
    assert np.array_equal(first, again) and (len(first) != len(second) or not np.array_equal(first, second))


@ASKED_TWICE
@pytest.mark.parametrize("kind", ["list", "ndarray", "tensor"])
@pytest.mark.parametrize("where", ["cpu", "fake"])
def test_whatever_a_converter_hands_on_reaches_the_host_once(where: str, kind: str, voices: Callable[[str], Voice], clone: Clone) -> None:
    """The seed's matrix: upstream hands on a list, an array or a tensor of the device, and the naive ways die of the last on a device alone."""
    with device(where) as (there, fake):
        engine = engine_of(voices("piper"), clone, there)
        assert engine._network is not None and engine._network.conversion is not None
        conversion = engine._network.conversion
        batch = conversion.prepared([22_050])
        for part in batch.noise:
            part[:] = 0.5
        source = HostBoundary(there).upload(tiny_converters.voice_like(1.0, 22_050))
        made = conversion(source, batch, 1, lambda: None)
        assert isinstance(made, OnDevice) == (where == "fake")
        handed_on: Any = {"list": lambda: list(made[:50]), "ndarray": lambda: to_host(made), "tensor": lambda: made}[kind]()
        if where == "fake" and kind != "ndarray":
            with pytest.raises(TypeError, match=THE_ERROR):
                np.abs(np.asarray(handed_on))
        if fake is not None:
            fake.counts.clear()
        read = to_host(handed_on)
        assert read.dtype == np.float32 and len(read) == (50 if kind == "list" else 24_000)
        assert fake is None or fake.counts.host_copies == (kind != "ndarray")


@ASKED_TWICE
def test_upstream_dies_on_this_way_where_ours_speaks(
    voices: Callable[[str], Voice], clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """vc/models/freevc.py:417 by `voice_conversion`, as `tts()` hands its speech on: a list; and :425, the reference through the host.
    utils/synthesizer.py:307 (`save_wav`) and tts/models/vits.py:773 (`inference_voice_conversion`) are in test_upstream_faults."""
    monkeypatch.setenv("TTS_HOME", str(tmp_path))
    (tmp_path / "tts" / "wavlm").mkdir(parents=True)
    (tmp_path / "tts" / "wavlm" / "WavLM-Large.pt").write_bytes(clone.file("wavlm").read_bytes())
    from TTS.utils.synthesizer import Synthesizer  # type: ignore[import-untyped]

    theirs = Synthesizer(vc_checkpoint=str(clone.file("model")), vc_config=str(clone.file("config")))
    with FakeAccelerator():
        theirs.vc_model.cuda()
        speech = list(HostBoundary(DEVICE).upload(tiny_converters.voice_like(0.1, 16_000)))
        for ask in (lambda: theirs.vc_model.voice_conversion(speech, [torch.zeros(9000)]), lambda: theirs.vc_model._extract_target_se([speech])):
            with pytest.raises(TypeError, match=THE_ERROR) as caught:
                ask()
            assert upstream.failed_in(caught) == ("vc/models/freevc.py", "load_audio")
        take = spoken(engine_of(voices("piper"), clone, DEVICE), lines()[:1])[0]
    assert isinstance(take.samples, np.ndarray) and take.samples.any()


def test_no_number_in_one_sentence_is_that_sentences_alone(voices: Callable[[str], Voice], clone: Clone) -> None:
    whole = spoken(engine_of(voices("piper"), clone, CPU), lines())
    with FakeAccelerator() as fake:
        engine = engine_of(voices("piper"), clone, DEVICE)

        def spoil(z: torch.Tensor) -> torch.Tensor:
            z[3] = float("nan")  # a frame of the batch's first sentence
            return z

        fake.faults.spoil(spoil, operation="add", where="vits_network.py:lay", times=1)
        takes = spoken(engine, lines())
        assert fake.faults.injected
    broken = [index for index, take in takes.items() if "nan" in take.flags]
    assert len(broken) == 1 and not takes[broken[0]].samples.any()
    for index, take in takes.items():
        if index not in broken:
            np.testing.assert_allclose(take.samples / 32768, whole[index].samples / 32768, atol=1e-4)


class Rungs:
    """The clone on the fake device, and on the CPU below it."""

    def __init__(self, voice: Voice, clone: Clone) -> None:
        self._made: dict[str, Engine] = {}
        self.voice, self.clone = voice, clone
        self.lost: list[str] = []

    def open(self, device: str) -> Engine:
        if device not in self._made:
            self._made[device] = engine_of(self.voice, self.clone, DEVICE if device == "cuda:0" else CPU)
        return self._made[device]

    def drop(self, device: str) -> None:
        self.lost.append(device)
        self._made.pop(device).close()

    def rest(self, device: str) -> None: ...


def down_the_ladder(voice: Voice, clone: Clone, book: Sequence[Line] = BOOK) -> tuple[dict[int, Take], dict[int, str], list[str]]:
    made, warned = Rungs(voice, clone), list[str]()
    ladder = Ladder(rungs(replace(voice, clone=clone), "cuda:0"), made, lambda warning: warned.append(warning.code), chosen=True)
    rate_hz = ladder.engine().rate_hz
    takes: dict[int, Take] = {}
    by: dict[int, str] = {}
    for batch in ladder.speak(book, lambda line, take: check_take(take, line.text, rate_hz), lambda: False):
        for take in batch.takes:
            assert take.index not in takes
            takes[take.index], by[take.index] = take, batch.engine.device
    assert sorted(takes) == [line.index for line in book]
    return takes, by, warned


def assert_like(reference: dict[int, Take], takes: dict[int, Take]) -> None:
    for index, take in takes.items():
        if take.take == 0:
            assert take.words == reference[index].words
            np.testing.assert_allclose(take.samples / 32768, reference[index].samples / 32768, atol=1e-3)


@pytest.fixture(scope="module")
def reference(voices: Callable[[str], Voice], clone: Clone) -> dict[int, Take]:
    torch.set_num_threads(1)
    return spoken(engine_of(voices("piper"), clone, CPU), BOOK)


def test_too_little_memory_for_many_converts_fewer_at_once_and_remembers(voices: Callable[[str], Voice], clone: Clone, reference: dict[int, Take]) -> None:
    with FakeAccelerator() as fake:
        engine = engine_of(voices("piper"), clone, DEVICE)
        fake.faults.spoil(too_large(16 * 56_000), operation="conv1d", where="wavlm.py:_heard")  # 17 s in WavLM's first layer
        first = spoken(engine, BOOK)
        injected = fake.faults.injected
        frames = engine._budget.frames
        second = spoken(engine, BOOK)
    assert injected and frames < GPU_BUDGET.frames and engine._budget.frames == frames
    assert any("halved" in take.flags for take in first.values()) and not any("halved" in take.flags for take in second.values())
    assert_like(reference, first)
    assert_like(reference, second)


def too_large(elements: int) -> Callable[[torch.Tensor], torch.Tensor]:
    def refuse(values: torch.Tensor) -> torch.Tensor:
        if values.numel() > elements:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return values

    return refuse


def test_memory_for_no_conversion_at_all_leaves_the_book_to_the_cpu(voices: Callable[[str], Voice], clone: Clone) -> None:
    with FakeAccelerator() as fake:
        fake.faults.fail_next(10_000, torch.OutOfMemoryError("CUDA out of memory."), where="clone/freevc.py:convert")
        takes, by, warned = down_the_ladder(voices("piper"), clone, lines(f"Number {n}." for n in range(IN_A_ROW)))
    assert set(by.values()) == {"cpu-torch"} and warned == ["device_lost"] and all(take.samples.any() for take in takes.values())


@pytest.mark.parametrize(
    ("where", "after"), [("clone/wavlm.py:_heard", 0), ("clone/freevc.py:convert", 700), ("clone/conversion.py:__call__", 3), ("host.py:begin_read", 1)]
)
def test_a_device_that_dies_while_it_converts_leaves_the_rest_to_the_cpu(
    where: str, after: int, voices: Callable[[str], Voice], clone: Clone, reference: dict[int, Take]
) -> None:
    def kept(clone: Clone, converter: Any, boundary: HostBoundary) -> dict[str, torch.Tensor]:
        return {"speaker": boundary.upload(SPEAKER).view(1, 16, 1)}

    with FakeAccelerator() as fake, pytest.MonkeyPatch.context() as patch:
        patch.setattr(references, "_computed", kept)  # to hear the sample at opening is another matter
        fake.faults.lose(where=where, after=after)
        takes, by, warned = down_the_ladder(voices("piper"), clone)
        assert fake.faults.injected
    assert by[max(by)] == "cpu-torch" and warned == ["device_lost"] and all(take.samples.any() for take in takes.values())


SPEAKER = np.linspace(-1, 1, 16, dtype=np.float32)


@pytest.mark.parametrize("with_", ["nan", "zeros"])
def test_a_spoiled_conversion_is_done_again(with_: Any, voices: Callable[[str], Voice], clone: Clone) -> None:
    with FakeAccelerator() as fake:
        fake.faults.spoil(with_, operation="tanh", where="clone/decoding.py:__call__", times=1)
        takes, by, warned = down_the_ladder(voices("piper"), clone)
        assert fake.faults.injected
    again = [take for take in takes.values() if take.flags]
    assert set(by.values()) == {"cuda:0"} and not warned and again and all(take.take == 1 and take.samples.any() for take in again)


def test_a_device_that_fails_while_the_converter_is_loaded_is_told_of(voices: Callable[[str], Voice], clone: Clone) -> None:
    with FakeAccelerator() as fake:
        fake.faults.out_of_memory_above(2_000)
        with pytest.raises(SidecarError) as caught:
            engine_of(voices("piper"), clone, DEVICE)
    assert caught.value.code == "device_unusable" and "memory" in str(caught.value.params["reason"])


def keyed(voice: Voice, cache: Path) -> dict[str, Any]:
    def make() -> Engine:
        raise AssertionError("a model was opened")

    return dict(describe(voice, SpeechSettings(), make, "en-us", cache).identity)


PLAIN = {"engine", "engine_revision", "front_end", "front_end_version", "voice", "speaker", "language", "noise_scale", "noise_w", "length_scale", "precision"}


def test_clips_are_keyed_by_sample_converter_and_base_and_by_nothing_else(voices: Callable[[str], Voice], clone: Clone, tmp_path: Path) -> None:
    voice = voices("piper")
    plain, cloned = keyed(voice, tmp_path), keyed(replace(voice, clone=clone), tmp_path)
    assert set(plain) == PLAIN, "without a clone no voice is spoken anew"
    assert {name: cloned[name] for name in plain} == plain
    assert cloned | {"clone_sample": 0, "converter_files": 0} == plain | {
        "clone_sample": 0, "converter": "freevc24", "converter_revision": CONVERTERS["freevc24"].revision, "converter_files": 0,
    }  # fmt: skip
    files = dict(clone.files)
    sample = files.pop("sample")
    moved = {role: tmp_path / f"moved-{role}" for role in files}
    for role, path in moved.items():
        path.write_bytes(files[role].read_bytes())
    assert keyed(replace(voice, clone=tiny_converters.clone_of(sample, "freevc24", moved, name="Berta")), tmp_path) == cloned
    other_sample = tiny_converters.clone_of(tiny_converters.sample(tmp_path / "other.flac", seed=7), "freevc24", files)
    other_files = tiny_converters.clone_of(sample, "freevc24", tiny_converters.freevc(tmp_path / "other", seed=7))
    for other in (other_sample, other_files):
        changed = keyed(replace(voice, clone=other), tmp_path)
        assert sum(changed[name] != cloned[name] for name in cloned) == 1
    assert dict(engine_of(voice, clone, CPU).identity) == cloned


def test_what_is_described_is_what_the_engine_gives(voices: Callable[[str], Voice], clone: Clone, tmp_path: Path) -> None:
    described = describe(replace(voices("piper"), clone=clone), SpeechSettings(), lambda: 1 / 0, "en-us", tmp_path)
    assert described.rate_hz == engine_of(voices("piper"), clone, CPU).rate_hz == 24_000


def test_a_sample_is_heard_once_and_again_where_what_was_kept_is_broken(
    voices: Callable[[str], Voice], clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    original = references._computed
    monkeypatch.setattr(references, "_computed", lambda clone, *more: heard.append(clone.id) or original(clone, *more))
    first = spoken(engine_of(voices("piper"), clone, CPU, cache=tmp_path), lines()[:1])[0]
    assert heard == [clone.id]
    with FakeAccelerator():
        second = spoken(engine_of(voices("piper"), clone, DEVICE, cache=tmp_path), lines()[:1])[0]
    assert heard == [clone.id]
    np.testing.assert_allclose(first.samples / 32768, second.samples / 32768, atol=1e-4)
    (kept,) = (tmp_path / "references").glob("*/*/reference.pt")
    for rubbish in (b"", b"PK", kept.read_bytes()[:-50]):
        kept.write_bytes(rubbish)
        third = spoken(engine_of(voices("piper"), clone, CPU, cache=tmp_path), lines()[:1])[0]
        assert np.array_equal(first.samples, third.samples)
    assert len(heard) == 4
    other = tiny_converters.clone_of(tiny_converters.sample(tmp_path / "other.flac", seed=7), "freevc24", {r: p for r, p in clone.files if r != "sample"})
    engine_of(voices("piper"), other, CPU, cache=tmp_path)
    assert heard[4:] == [other.id]


def test_a_reference_that_the_disk_does_not_take_is_no_fault_of_the_device_and_serves_all_the_same(
    voices: Callable[[str], Voice], clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource", reason="no limits for files here")
    keep, (soft, hard), tried = references.keep, resource.getrlimit(resource.RLIMIT_FSIZE), list[Path]()

    def keep_on_a_full_disk(folder: Path, *more: Any) -> None:
        tried.append(folder)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        try:
            keep(folder, *more)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    monkeypatch.setattr(references, "keep", keep_on_a_full_disk)
    there = spoken(engine_of(voices("piper"), clone, CPU, cache=tmp_path), lines()[:1])[0]
    assert tried and not list((tmp_path / "references").glob("*/*"))
    assert np.array_equal(there.samples, spoken(engine_of(voices("piper"), clone, CPU), lines()[:1])[0].samples)


def silence(path: Path) -> None:
    soundfile.write(path, np.zeros(48_000, np.int16), 24_000)


def too_long(path: Path) -> None:
    soundfile.write(path, np.full(8000 * 130, 1000, np.int16), 8000)


@pytest.mark.parametrize("write", [silence, too_long, lambda path: path.write_bytes(b"\xff\xd8\xff\xe0JFIF"), lambda path: path.write_bytes(b"")])
def test_a_recording_that_is_none_is_refused(write: Callable[[Path], Any], voices: Callable[[str], Voice], clone: Clone, tmp_path: Path) -> None:
    write(tmp_path / "sample.flac")
    bad = tiny_converters.clone_of(tmp_path / "sample.flac", "freevc24", {r: p for r, p in clone.files if r != "sample"})
    with pytest.raises(SidecarError) as caught:
        engine_of(voices("piper"), bad, CPU)
    assert caught.value.code == "voice_broken" and caught.value.params["voice"] == bad.id


def test_a_recording_of_several_channels_and_another_rate_is_taken_too(voices: Callable[[str], Voice], clone: Clone, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "s.flac", np.stack([tiny_converters.voice_like(3, 48_000)] * 2, axis=1), 48_000)
    stereo = tiny_converters.clone_of(tmp_path / "s.flac", "freevc24", {r: p for r, p in clone.files if r != "sample"})
    assert spoken(engine_of(voices("piper"), stereo, CPU), lines()[:1])[0].samples.any()


@pytest.mark.parametrize("asked", ["cpu", "cpu-torch", "coreml", "dml:0"])
def test_a_clone_asked_for_on_a_processor_is_spoken_by_torch_there(asked: str, voices: Callable[[str], Voice], clone: Clone, cache: Path) -> None:
    voice = replace(voices("piper"), clone=clone)
    assert rungs(voice, asked) == ("cpu-torch",) and rungs(voice, "cuda:0") == ("cuda:0", "cpu-torch")
    engine = make_engine(voice, asked, "en-us", SpeechSettings(), cache)
    assert (engine.name, engine.device, engine.rate_hz) == ("vits_torch", "cpu-torch", 24_000)
    engine.close()


def test_a_converter_of_another_rate_than_its_kinds_is_refused(voices: Callable[[str], Voice], clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONVERTERS, "freevc24", replace(CONVERTERS["freevc24"], rate_hz=22_050))
    with pytest.raises(SidecarError) as caught:
        engine_of(voices("piper"), clone, CPU)
    assert caught.value.code == "voice_unsupported"


@pytest.mark.parametrize("kind", ["espeak", "tone"])
def test_a_synthesiser_without_a_network_cannot_be_cloned_upon(kind: str, clone: Clone, tmp_path: Path) -> None:
    with pytest.raises(SidecarError) as caught:
        make_engine(Voice(kind, kind, clone=clone), "cpu", "en", SpeechSettings(), tmp_path)
    assert caught.value.code == "voice_unsupported"


def test_devices_are_tried_with_the_clone_itself(voices: Callable[[str], Voice], clone: Clone, cache: Path) -> None:
    reports = probe_devices(replace(voices("piper"), clone=clone), "en-us", cache, lambda: False)
    usable = {report.device: report.speed for report in reports if report.usable}
    assert "cpu" not in {report.device for report in reports}
    assert usable["cpu-torch"] and usable["cpu-torch"] > 0


def test_a_clone_comes_over_the_wire_as_it_was_named(voices: Callable[[str], Voice], clone: Clone) -> None:
    voice = replace(voices("piper"), clone=clone)
    raw = tiny_converters.on_wire(voice)
    assert Voice.from_dict(raw).verified() == voice
    assert Voice.from_dict({**raw, "clone": None}) == replace(voice, clone=None)
    wrong = ({"converter": "rvc"}, {"id": "clone-xyz"}, {"id": "../../etc"}, {"files": {"sample": "a\0b"}}, {"converter": 7}, {"files": ["a"]})
    for change in wrong:
        with pytest.raises(SidecarError, match="bad_request"):
            Voice.from_dict({**raw, "clone": raw["clone"] | change})
    with pytest.raises(SidecarError, match="bad_request"):
        Voice.from_dict({**raw, "clone": "clone-5b0442560137"})
    for change in ({"id": "clone-000000000000"}, {"files": {r: p for r, p in raw["clone"]["files"].items() if r != "wavlm"}}, {"sha256": {"model": "0" * 64}}):
        with pytest.raises(SidecarError, match="voice_broken"):
            Voice.from_dict({**raw, "clone": raw["clone"] | change}).verified()
