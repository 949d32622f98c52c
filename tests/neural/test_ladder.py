"""Every rung of the ladder, by faults injected below our code: inside the operations of the device, of coqui's layers, of onnxruntime.

The device is the fake accelerator with a real engine on it; below it the CPU speaks the same voice by onnxruntime.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Line, Take, Warn
from e2a_sidecar.speaking.budget import GPU_BUDGET, SMALLEST_WINDOW, Budget
from e2a_sidecar.speaking.check import check_take
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.host import HostBoundary
from e2a_sidecar.speaking.ladder import Ladder
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_onnx import VitsOnnx
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.voice import Voice
from fake_accelerator import FakeAccelerator
from fake_accelerator.device import DEVICE
from fake_accelerator.faults import Faults

from .conftest import TEXTS, lines, loaded, spoken

BOOK = lines(tuple(f"{text} This is number {n}." for n in range(3) for text in TEXTS))
NO_MEMORY = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


class Rungs:
    """The voice on the fake device, and by onnxruntime below it; opened when asked for."""

    def __init__(self, voice: Voice, cache: Path) -> None:
        self._made: dict[str, Engine] = {}
        self.voice, self.cache = voice, cache
        self.lost: list[str] = []

    def open(self, device: str) -> Engine:
        if device not in self._made:
            self._made[device] = self._make(device)
        return self._made[device]

    def _make(self, device: str) -> Engine:
        if device == "cpu":
            return VitsOnnx(self.voice, "en-us", SpeechSettings(), self.cache)
        return VitsTorch.speaking_with(loaded(self.voice), device, HostBoundary(DEVICE if device.startswith("cuda") else torch.device("cpu")))

    def drop(self, device: str) -> None:
        self.lost.append(device)
        self._made.pop(device).close()

    def rest(self, device: str) -> None: ...


@dataclass
class Spoken:
    takes: dict[int, Take]
    by: dict[int, str]
    warned: list[Warn]
    lost: list[str]


def speak(fake: FakeAccelerator, voice: Voice, cache: Path, book: list[Line] = BOOK, devices: tuple[str, ...] = ("cuda:0", "cpu")) -> Spoken:
    """The book through the ladder; every line comes out once."""
    rungs, warned = Rungs(voice, cache), list[Warn]()
    ladder = Ladder(devices, rungs, warned.append, chosen=True)
    rate_hz = ladder.engine().rate_hz
    takes: dict[int, Take] = {}
    by: dict[int, str] = {}
    for batch in ladder.speak(book, lambda line, take: check_take(take, line.text, rate_hz), lambda: False):
        for take in batch.takes:
            assert take.index not in takes
            takes[take.index], by[take.index] = take, batch.engine.device
    assert sorted(takes) == sorted(line.index for line in book)
    return Spoken(takes, by, warned, rungs.lost)


@pytest.fixture(scope="module")
def reference(voices: Callable[[str], Voice], cache: Path) -> dict[int, Take]:
    """What the CPU speaks."""
    return spoken(VitsOnnx(voices("piper"), "en-us", SpeechSettings(), cache), BOOK)


def assert_like(reference: dict[int, Take], got: Spoken) -> None:
    """All first takes are those of the CPU."""
    for index, take in got.takes.items():
        if take.take == 0:
            assert len(take.samples) == len(reference[index].samples) and take.words == reference[index].words
            np.testing.assert_allclose(take.samples / 32768, reference[index].samples / 32768, atol=1e-3)


def test_without_a_fault_the_device_speaks_all_of_it(voices: Callable[[str], Voice], cache: Path, reference: dict[int, Take]) -> None:
    with FakeAccelerator() as fake:
        got = speak(fake, voices("piper"), cache)
    assert set(got.by.values()) == {"cuda:0"} and not got.warned
    assert_like(reference, got)


def test_memory_for_fewer_sentences_halves_the_batch_and_is_remembered(voices: Callable[[str], Voice], cache: Path, reference: dict[int, Take]) -> None:
    with FakeAccelerator() as fake:
        fake.faults.out_of_memory_above(600_000)
        engine = VitsTorch.speaking_with(loaded(voices("piper")), "cuda:0", HostBoundary(DEVICE))
        first = spoken(engine, BOOK)
        injected = fake.faults.injected
        second = spoken(engine, BOOK)
        assert injected > 0 and fake.faults.injected == injected, "the second time no batch was too large"
    assert sorted(first) == [line.index for line in BOOK] and any("halved" in take.flags for take in first.values())
    assert engine._budget.frames < GPU_BUDGET.frames
    for takes in (first, second):
        assert_like(reference, Spoken(takes, {}, [], []))


def test_memory_for_no_sentence_is_left_to_the_cpu(voices: Callable[[str], Voice], cache: Path) -> None:
    with FakeAccelerator() as fake:
        engine = VitsTorch.speaking_with(loaded(voices("piper")), "cuda:0", HostBoundary(DEVICE))
        fake.faults.out_of_memory_above(3_000)
        takes = spoken(engine, BOOK[:4])
        assert all("no_memory" in take.flags for take in takes.values()) and engine._budget.frames == GPU_BUDGET.frames
        fake.faults.mend()
        fake.faults.fail_next(10_000, NO_MEMORY, where="vits_network.py:begin_encode")
        got = speak(fake, voices("piper"), cache)
    assert set(got.by.values()) == {"cpu"}
    assert [(w.code, w.params["next"]) for w in got.warned] == [("device_lost", "cpu")]


def test_one_sentence_too_much_for_the_device_is_spoken_by_the_cpu_alone(voices: Callable[[str], Voice], cache: Path) -> None:
    voice = voices("piper")
    long = Line(99, "the old house stood at the end of the long road and nobody went there any more, " * 4, "long")
    with FakeAccelerator() as fake:
        engine = VitsTorch.speaking_with(loaded(voice), "cuda:0", HostBoundary(DEVICE))
        ids = len(engine._voice.front_end.encode(long.text).ids)
        fake.faults.out_of_memory_above(2 * ids * ids - 1)  # its attention's weights, two heads: however small the batch
        got = speak(fake, voice, cache, [*BOOK[:5], long, *BOOK[5:8]])
        takes = spoken(engine, [*BOOK[:5], long, *BOOK[5:8]])
    assert takes[99].flags[0] == "no_memory" and engine._budget.ids == GPU_BUDGET.ids, "the others are spoken together as before"
    assert {index for index, device in got.by.items() if device == "cpu"} == {99}
    assert {"again", "cpu"} <= set(got.takes[99].flags) and len(got.takes[99].samples) > 22050 and not got.warned


@pytest.mark.parametrize(
    ("where", "after"),
    [
        *(("vits_network.py:begin_encode", after) for after in (0, 900)),
        *(("vits_network.py:decode", after) for after in (0, 600)),
        *(("host.py:upload", after) for after in (0, 5)),
        *(("host.py:begin_read", 1), ("vits_torch.py:_arrived", 0), ("vits_torch.py:_arrived", 2)),
    ],
)
def test_a_device_that_dies_anywhere_leaves_the_rest_to_the_cpu(
    where: str, after: int, voices: Callable[[str], Voice], cache: Path, reference: dict[int, Take], monkeypatch: pytest.MonkeyPatch
) -> None:
    from e2a_sidecar.speaking import vits_torch

    monkeypatch.setattr(vits_torch, "GPU_BUDGET", Budget(look_ahead=4, ids=400, window=1024, frames=2048, rows=True))
    with FakeAccelerator() as fake:
        if where.endswith("_arrived"):  # what was told long before fails when it is waited for
            dies_when_waited_for(monkeypatch, fake.faults, after)
        else:
            fake.faults.lose(where=where, after=after)
        got = speak(fake, voices("piper"), cache)
        assert fake.faults.injected
    assert got.lost == ["cuda:0"] and got.by[max(got.by)] == "cpu"
    assert [w.code for w in got.warned] == ["device_lost"] and "does not answer" in str(got.warned[0].params["reason"])
    assert (after > 1) == ("cuda:0" in got.by.values())
    assert_like(reference, got)


def dies_when_waited_for(monkeypatch: pytest.MonkeyPatch, faults: Faults, after: int) -> None:
    from e2a_sidecar.speaking.vits_network import Waves

    left, original = [after], Waves.result

    def result(waves: Waves) -> Any:
        if left[0]:
            left[0] -= 1
            return original(waves)
        faults.lose()
        faults.injected += 1
        raise torch.AcceleratorError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(Waves, "result", result)


@pytest.mark.parametrize("with_", ["nan", "zeros"])
def test_a_spoiled_batch_is_spoken_again_by_the_device(with_: Any, voices: Callable[[str], Voice], cache: Path) -> None:
    with FakeAccelerator() as fake:
        fake.faults.spoil(with_, operation="tanh", where="row_decoder.py", times=2)
        got = speak(fake, voices("piper"), cache)
        assert fake.faults.injected
    assert set(got.by.values()) == {"cuda:0"} and not got.warned
    again = [take for take in got.takes.values() if take.flags]
    assert again and all("again" in take.flags and take.take == 1 and take.samples.any() for take in again)


@pytest.mark.parametrize("with_", [lambda x: x + 9000, lambda x: x * float("nan")], ids=["absurd", "nan"])
def test_absurd_durations_are_spoken_again(with_: Any, voices: Callable[[str], Voice], cache: Path) -> None:
    with FakeAccelerator() as fake:
        fake.faults.spoil(with_, operation="exp", where="vits_network.py:begin_encode", times=1, after=1)
        got = speak(fake, voices("piper"), cache)
        assert fake.faults.injected
    assert not got.warned and all(take.samples.any() and set(take.flags) <= {"again", "edge"} for take in got.takes.values())
    assert any("again" in take.flags for take in got.takes.values())


def test_a_device_that_speaks_nothing_but_noise_values_is_left_to_the_cpu(voices: Callable[[str], Voice], cache: Path) -> None:
    with FakeAccelerator() as fake:
        fake.faults.spoil("nan", operation="tanh", where="row_decoder.py")
        got = speak(fake, voices("piper"), cache)
    assert set(got.by.values()) == {"cpu"} and [w.code for w in got.warned] == ["device_lost"]
    assert all(take.samples.any() for take in got.takes.values())


def test_an_operation_that_fails_for_one_sentence_costs_only_that_one(voices: Callable[[str], Voice], cache: Path) -> None:
    """Such as a convolution that a library refuses for one shape: the device lives, the batch is parted until it is alone."""
    voice = voices("piper")
    with FakeAccelerator() as fake:
        ids = len(VitsTorch.speaking_with(loaded(voice), "cuda:0", HostBoundary(DEVICE))._voice.front_end.encode(BOOK[2].text).ids)

        def refuse(values: torch.Tensor) -> torch.Tensor:
            if values.dim() == 2 and values.shape[-1] == ids and values.dtype == torch.int32:
                raise RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED")
            return values

        fake.faults.spoil(refuse, operation="view", where="vits_network.py:begin_encode")
        got = speak(fake, voice, cache)
    on_cpu = {index for index, device in got.by.items() if device == "cpu"}
    assert 2 in on_cpu and len(on_cpu) < len(BOOK) / 2 and not got.warned


def test_on_the_cpu_by_torch_a_line_that_fails_is_spoken_by_the_other_runtime_or_reported(voices: Callable[[str], Voice], cache: Path) -> None:
    def refusing(module: Any, given: Any) -> None:
        if given[0].shape[-1] == ids:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    voice = loaded(voices("piper"))
    ids = len(voice.front_end.encode(BOOK[2].text).ids)
    voice.network.text_encoder.register_forward_pre_hook(refusing)
    takes = spoken(VitsTorch.speaking_with(voice, "cpu-torch", HostBoundary(torch.device("cpu"))), BOOK)
    assert takes[2].flags == ("failed",) and not len(takes[2].samples)
    assert sum("failed" in take.flags for take in takes.values()) < len(BOOK) / 2


def test_no_memory_on_the_host_makes_windows_smaller(voices: Callable[[str], Voice]) -> None:
    voice = loaded(voices("piper"))
    engine = VitsTorch.speaking_with(voice, "cpu-torch", HostBoundary(torch.device("cpu")))
    most = 100

    def refusing(module: Any, given: Any) -> None:
        if given[0].shape[-1] > most:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    voice.network.waveform_decoder.register_forward_pre_hook(refusing)
    takes = spoken(engine, BOOK)
    assert engine._budget.window == SMALLEST_WINDOW
    assert all(take.samples.any() for take in takes.values()) and any("halved" in take.flags for take in takes.values())


def test_what_the_lowest_rung_cannot_do_ends_the_book_with_a_reason(voices: Callable[[str], Voice], cache: Path) -> None:
    with FakeAccelerator() as fake:
        fake.faults.lose(where="vits_network.py:decode")
        with pytest.raises(SidecarError) as caught:
            speak(fake, voices("piper"), cache, devices=("cuda:0",))
    assert caught.value.code == "device_unusable" and caught.value.params["reason"]
