"""Many sentences in rows: one shape for the decoder, the same takes; its graph; half precision and what lets it through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from e2a_sidecar.mastering.clips import clip_key
from e2a_sidecar.model import Take
from e2a_sidecar.speaking import device, precision
from e2a_sidecar.speaking.budget import GPU_BUDGET, PADDED_BUDGET, Budget
from e2a_sidecar.speaking.host import HostBoundary
from e2a_sidecar.speaking.settings import HALF, SpeechSettings
from e2a_sidecar.speaking.vits_onnx import VitsOnnx
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.voice import Voice
from fake_accelerator import FakeAccelerator
from fake_accelerator.device import DEVICE

from .conftest import TEXTS, lines, loaded, spoken

CPU = torch.device("cpu")
BOOK = tuple(f"{text} This is number {n}." for n in range(4) for text in TEXTS)


def in_rows(voice: Voice, budget: Budget = GPU_BUDGET, settings: SpeechSettings | None = None, where: torch.device = CPU) -> VitsTorch:
    """On a CPU as on a card, or on the fake one."""
    engine = VitsTorch.speaking_with(loaded(voice, settings=settings), "cuda:0" if where == DEVICE else "cpu-torch", HostBoundary(where), budget)
    engine._workers = 0
    return engine


def apart(one: dict[int, Take], other: dict[int, Take]) -> float:
    """The largest difference, of full scale; lengths and words are the same."""
    assert one.keys() == other.keys()
    for index, take in one.items():
        assert len(take.samples) == len(other[index].samples) > 0 and take.words == other[index].words
    return max(float(np.abs(take.samples.astype(int) - other[index].samples).max()) for index, take in one.items()) / 32768


def calls_of(engine: VitsTorch) -> list[tuple[Any, ...]]:
    """Shapes of what the decoder is given, call by call."""
    shapes: list[tuple[Any, ...]] = []
    decode = engine._network._row_decoder  # type: ignore[union-attr]

    def seen(z: torch.Tensor, gaps: torch.Tensor, *rest: Any) -> torch.Tensor:
        shapes.append((tuple(z.shape), tuple(gaps.shape)))
        made: torch.Tensor = decode(z, gaps, *rest)
        return made

    vars(engine._network)["_row_decoder"] = seen
    return shapes


def test_all_calls_of_the_decoder_have_one_shape_and_little_of_it_is_empty(voices: Callable[[str], Voice]) -> None:
    voice = voices("piper")
    engine = in_rows(voice)
    shapes = calls_of(engine)
    takes = spoken(engine, lines(BOOK))
    assert len(shapes) > 3 and len(set(shapes)) == 1
    frames = sum(len(take.samples) for take in takes.values()) / loaded(voice).hop_length
    assert frames > 0.75 * shapes[0][0][2] * len(shapes)


def test_a_take_is_the_same_alone_in_company_and_over_several_rows(voice: Voice) -> None:
    engine = in_rows(voice)
    alone = {index: take for line in lines() for index, take in spoken(engine, [line]).items()}
    assert apart(alone, spoken(in_rows(voice), lines())) < 1e-4
    assert apart(alone, spoken(in_rows(voice, replace(GPU_BUDGET, frames=64)), lines())) < 1e-4
    assert apart(alone, spoken(in_rows(voice, PADDED_BUDGET), lines())) < 1e-4


def test_the_real_voice_is_the_same_in_rows_as_sentence_by_sentence(joe: Voice) -> None:
    one_by_one = spoken(VitsTorch.speaking_with(loaded(joe), "cpu-torch", HostBoundary(CPU)), lines())
    assert apart(one_by_one, spoken(in_rows(joe), lines())) < 1e-4


def test_latents_that_are_no_numbers_stay_with_their_sentence(voices: Callable[[str], Voice]) -> None:
    engine = in_rows(voices("piper"))
    begin = engine._network.begin_encode  # type: ignore[union-attr]

    def poisoned(*given: Any) -> Any:
        encoded = begin(*given)
        with torch.inference_mode():
            encoded.prior.mean[1, :, 5] = float("nan")
        return encoded

    vars(engine._network)["begin_encode"] = poisoned
    takes = spoken(engine, lines())
    broken = [index for index, take in takes.items() if take.flags == ("nan",)]
    assert len(broken) == 1
    right = spoken(in_rows(voices("piper")), lines())
    assert apart({i: t for i, t in takes.items() if i not in broken}, {i: t for i, t in right.items() if i not in broken}) < 1e-4


class Graph:
    """As torch.cuda's: records a call once, and does it again with what then stands in its memory."""

    broken = False

    def __init__(self) -> None:
        self.replays = 0
        self.again: Callable[[], None] = lambda: None

    def replay(self) -> None:
        if Graph.broken:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
        self.replays += 1
        self.again()


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[Graph]:
    """torch.cuda with graphs that can be captured; those that were."""
    made: list[Graph] = []

    @contextmanager
    def capturing(graph: Graph) -> Iterator[None]:
        made.append(graph)
        yield

    @contextmanager
    def beside(stream: Any) -> Iterator[None]:
        yield

    class Stream:
        def wait_stream(self, other: Any) -> None: ...

    monkeypatch.setattr(Graph, "broken", False)
    for name, instead in (("CUDAGraph", Graph), ("graph", capturing), ("Stream", Stream), ("stream", beside), ("current_stream", Stream)):
        monkeypatch.setattr(torch.cuda, name, instead)
    monkeypatch.setattr(torch.cuda, "device", beside)
    return made


def captured(engine: VitsTorch, graphs: list[Graph], row: int) -> Graph:
    """The graph of the engine's decoder for this row."""
    replayed = engine._network._row_decoder  # type: ignore[union-attr]
    assert engine._network.capture(row) and not engine._network.why_no_graph  # type: ignore[union-attr]
    kept, graph = replayed._captured, graphs[-1]
    assert kept is not None

    def again() -> None:
        kept.wave.copy_(replayed._decode(kept.z, kept.gaps, None, lambda: None))

    graph.again = again
    return graph


def test_the_decoder_is_replayed_by_its_graph_and_says_the_same(voices: Callable[[str], Voice], graphs: list[Graph]) -> None:
    voice = voices("piper")
    right = spoken(in_rows(voice, replace(GPU_BUDGET, frames=512)), lines(BOOK))
    engine = in_rows(voice, replace(GPU_BUDGET, frames=512))
    graph = captured(engine, graphs, 512)
    takes = spoken(engine, lines(BOOK))
    assert graph.replays > 3 and apart(right, takes) == 0


def test_a_graph_that_fails_is_dropped_and_every_sentence_is_spoken(
    voices: Callable[[str], Voice], graphs: list[Graph], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = in_rows(voices("piper"), replace(GPU_BUDGET, frames=512))
    captured(engine, graphs, 512)
    monkeypatch.setattr(Graph, "broken", True)
    takes = spoken(engine, lines(BOOK))
    assert sorted(takes) == list(range(len(BOOK))) and all(take.samples.any() and "failed" not in take.flags for take in takes.values())
    assert "capturing" in engine._network.why_no_graph  # type: ignore[union-attr]


def test_where_no_graph_can_be_had_the_decoder_computes_as_it_comes(voices: Callable[[str], Voice]) -> None:
    with FakeAccelerator(asynchronous=True):
        engine = in_rows(voices("piper"), where=DEVICE)
        assert engine._network is not None and engine._network.why_no_graph
        assert spoken(engine, lines())[0].samples.any()


def test_a_row_is_as_long_as_the_memory_that_was_measured_holds(voices: Callable[[str], Voice], monkeypatch: pytest.MonkeyPatch) -> None:
    """By what a short one takes: here 1,000 bytes a frame."""
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: None)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 100)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 100 + 512 * 1000)
    for left, row in ((10**9, 2048), (4_000_000, 1024), (1_000_000, 512), (None, 2048)):
        monkeypatch.setattr(device, "memory_left", lambda device, left=left: left)
        with FakeAccelerator():
            assert in_rows(voices("piper"), where=DEVICE)._budget.frames == row


def test_the_memory_that_is_left_is_within_this_processs_share(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("mem_get_info", (70, 100)), ("memory_allocated", 10), ("memory_reserved", 15)):
        monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)
    for share, left in ((1.0, 75), (0.3, 20)):
        monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda device, share=share: share)
        assert device.memory_left(DEVICE) == left
    assert device.memory_left(CPU) is None


HALVES = SpeechSettings(precision=HALF)


def test_half_precision_has_a_key_of_its_own_and_float32_keeps_the_one_it_had(voices: Callable[[str], Voice], cache: Path) -> None:
    for name in ("piper", "coqui"):
        usual, half = loaded(voices(name)).identity, loaded(voices(name), settings=HALVES).identity
        assert usual["precision"] == "float32" and dict(usual) == {**half, "precision": "float32"}
        assert clip_key(usual, "A.") != clip_key(half, "A.")
    core = VitsOnnx(voices("piper"), "en-us", HALVES, cache)
    assert dict(core.identity) == dict(loaded(voices("piper"), settings=HALVES).identity)
    core.close()


def test_half_precision_changes_neither_lengths_nor_words_and_is_near(voices: Callable[[str], Voice]) -> None:
    right = spoken(in_rows(voices("piper")), lines())
    with FakeAccelerator():
        engine = in_rows(voices("piper"), settings=HALVES, where=DEVICE)
        assert engine.warnings == ()
        takes = spoken(engine, lines())
    assert 0 < apart(right, takes) < 0.02
    for index, take in takes.items():
        exact = right[index].samples.astype(float)
        assert 10 * np.log10(np.square(exact).sum() / np.square(take.samples - exact).sum()) > 40


def test_a_processor_speaks_in_float32_whatever_was_asked(voices: Callable[[str], Voice]) -> None:
    usual = spoken(VitsTorch.speaking_with(loaded(voices("piper")), "cpu-torch", HostBoundary(CPU)), lines())
    asked = spoken(VitsTorch.speaking_with(loaded(voices("piper"), settings=HALVES), "cpu-torch", HostBoundary(CPU)), lines())
    assert apart(usual, asked) == 0


def refused(made: torch.Tensor) -> torch.Tensor:
    raise RuntimeError("\"slow_conv2d\" not implemented for 'Half'")


@pytest.mark.parametrize("spoiler", [lambda x: x * 0.98, lambda x: x * float("nan"), refused], ids=["off", "nan", "refused"])
def test_half_precision_that_is_not_exact_is_not_used_and_told(spoiler: Any, voices: Callable[[str], Voice], monkeypatch: pytest.MonkeyPatch) -> None:
    right = spoken(in_rows(voices("piper")), lines())
    with FakeAccelerator() as fake:
        fake.faults.spoil(spoiler, operation="tanh", by="row_decoder.py", after=1)  # of the trial the first is in float32
        fake_engine = in_rows(voices("piper"), settings=HALVES, where=DEVICE)
        fake.faults.mend()
        assert [warning.code for warning in fake_engine.warnings] == ["half_not_exact"]
        assert fake_engine.warnings[0].params["db"] < precision.LEAST_DB  # type: ignore[operator]
        assert apart(right, spoken(fake_engine, lines())) < 1e-4
