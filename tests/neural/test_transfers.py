"""The report's figures are counted: what crosses outside the boundary shows in them, on every device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.host import HostBoundary
from e2a_sidecar.speaking.transfers import TransferCount
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.voice import Voice
from fake_accelerator import FakeAccelerator
from fake_accelerator.device import DEVICE

from .conftest import lines, loaded, spoken

WAITS: dict[str, Callable[[torch.Tensor], Any]] = {
    "item": lambda x: x[0].item(),
    "float": lambda x: float(x[0]),
    "branch": lambda x: "a" if x.sum() > 0 else "b",
    "tolist": lambda x: x.tolist(),
    "boolean index": lambda x: x[x > 0],
    "boolean assignment": lambda x: x.clone().__setitem__(x > 0, 0.0),
    "nonzero": lambda x: x.nonzero(),
    "equal": lambda x: torch.equal(x, x),
    "allclose": lambda x: torch.allclose(x, x),
    "unique": lambda x: x.unique(),
    "a slice's end": lambda x: x[: x[0].long()],
}


def counted(device: torch.device, work: Callable[[], Any]) -> Transfers:
    count = TransferCount(HostBoundary(device))
    with torch.inference_mode(), count.counting():
        work()
    return count.transfers


@pytest.mark.parametrize("what", WAITS)
def test_each_kind_of_hidden_wait_is_counted_on_a_cpu_too(what: str) -> None:
    assert counted(torch.device("cpu"), lambda: WAITS[what](torch.ones(3))).hidden_syncs == 1


@pytest.mark.parametrize("what", WAITS)
def test_each_kind_of_hidden_wait_is_counted_on_a_device(what: str) -> None:
    with FakeAccelerator() as fake:
        assert counted(DEVICE, lambda: WAITS[what](fake.put(torch.ones(3)))).hidden_syncs == 1


def test_copies_outside_the_boundary_are_counted_with_its_own() -> None:
    with FakeAccelerator() as fake:
        there = fake.put(torch.ones(3))
        count = TransferCount(boundary := HostBoundary(DEVICE))
        with torch.inference_mode(), count.counting():
            boundary.begin_read(there).result()
            there.cpu()
    assert count.transfers.host_copies_per_batch == 2
    assert count.transfers.hidden_syncs == 1


def test_ordinary_work_counts_nothing() -> None:
    x = torch.ones(3)
    work = lambda: (x + 1, x[1:], x[[0, 1]], x.to(torch.float16), torch.arange(3), x.repeat_interleave(2), x.split([1, 2]))  # noqa: E731
    assert counted(torch.device("cpu"), work) == Transfers(0, 0, 0)


def test_a_number_of_the_host_makes_no_device_wait() -> None:
    """As upstream's wavenet reads its count of channels out of a tensor (TTS/tts/layers/generic/wavenet.py:8)."""
    with FakeAccelerator() as fake:
        there = fake.put(torch.ones(3))
        assert counted(DEVICE, lambda: there[: torch.tensor(2)]) == Transfers(0, 0, 0)


def test_a_planted_copy_in_the_voice_shows_in_the_engines_figures_of_a_device(voices: Callable[[str], Voice]) -> None:
    voice = loaded(voices("coqui"))
    with FakeAccelerator() as fake:
        engine = VitsTorch.speaking_with(voice, "cuda:0", HostBoundary(DEVICE))
        voice.network.text_encoder.register_forward_hook(lambda module, given, made: (torch.zeros(1).copy_(made[0].sum()[None]), None)[1])
        spoken(engine, lines())
        assert engine.transfers() == Transfers(3, 2, 1)
        assert fake.counts.at("host copy", "test_transfers.py") == 1


def test_a_planted_read_in_the_voice_shows_in_the_engines_figures(voices: Callable[[str], Voice]) -> None:
    voice = loaded(voices("coqui"))
    engine = VitsTorch.speaking_with(voice, "cpu-torch", HostBoundary(torch.device("cpu")))
    assert engine.transfers() == Transfers(None, None, None)
    voice.network.text_encoder.register_forward_hook(lambda module, given, made: made[0].sum().item() and None)
    spoken(engine, lines())
    assert engine.transfers() == Transfers(2, 2, 1)
