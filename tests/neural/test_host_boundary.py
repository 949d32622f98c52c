"""Whatever holds speech, wherever it is, comes out of the boundary as flat NumPy, in one transfer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from e2a_sidecar.speaking.budget import GPU_BUDGET
from e2a_sidecar.speaking.host import HostBoundary, to_host
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.voice import Voice
from fake_accelerator import FakeAccelerator
from fake_accelerator.device import DEVICE

from .conftest import lines, loaded, spoken

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16, "float64": torch.float64, "int16": torch.int16}
SHAPES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "1-D": lambda x: x,
    "2-D": lambda x: x.reshape(2, 3),
    "3-D": lambda x: x.reshape(1, 1, 6),
    "empty": lambda x: x[:0],
    "every second": lambda x: x.repeat_interleave(2)[::2],
    "transposed": lambda x: x.reshape(2, 3).T,
    "requires grad": lambda x: x.clone().requires_grad_() if x.is_floating_point() else x,
}
HOLDERS: dict[str, Callable[[FakeAccelerator, torch.Tensor], Any]] = {
    "list": lambda fake, x: x.tolist(),
    "ndarray": lambda fake, x: x.detach().numpy() if x.dtype != torch.bfloat16 else x.detach().float().numpy(),  # NumPy knows no bfloat16
    "tensor": lambda fake, x: x,
    "device tensor": lambda fake, x: fake.put(x.detach()).requires_grad_(x.requires_grad),
    "list of scalars of the device": lambda fake, x: list(fake.put(x.detach()).reshape(-1)),
    "list of tensors of the device": lambda fake, x: list(fake.put(x.detach())),
    "list of tensors": lambda fake, x: list(x),
    "tuple of arrays": lambda fake, x: tuple(np.atleast_1d(part) for part in x.detach().float().numpy()),
}


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_holds_speech_comes_out_as_flat_numpy(holder: str, dtype: str, shape: str) -> None:
    values = SHAPES[shape]((torch.arange(6) - 2).to(DTYPES[dtype]))
    with FakeAccelerator() as fake:
        given = HOLDERS[holder](fake, values)
        out = to_host(given)
        copies = fake.counts.host_copies
    stays = dtype == "int16" and holder not in ("list", "tuple of arrays") and not (holder.startswith("list") and not values.numel())
    assert isinstance(out, np.ndarray) and out.shape == (values.numel(),)
    assert out.dtype == (np.int16 if stays else np.float32)
    assert out.tolist() == values.reshape(-1).tolist()
    assert copies == ("device" in holder and (not holder.startswith("list") or values.numel() > 0))


def test_silence_as_numbers_between_scalars_of_the_device_is_still_one_transfer() -> None:
    """What a program has that appends zeros to a list of samples."""
    with FakeAccelerator() as fake:
        mixed = [*fake.put(torch.tensor([0.5, -0.5])), 0, 0.25, fake.put(torch.ones(2)), np.zeros(1)]
        assert to_host(mixed).tolist() == [0.5, -0.5, 0, 0.25, 1, 1, 0]
        assert (fake.counts.host_copies, fake.counts.waits) == (1, 1)


def test_what_is_packed_as_whole_numbers_comes_back_bit_for_bit() -> None:
    """An upload holds lengths and floats in one buffer, floats as the whole numbers of the same bits."""
    floats = np.array([0.0, -0.0, 1e-45, np.nan, np.inf, -1.5], dtype=np.float32)
    packed = np.concatenate([np.array([7], np.int32), floats.view(np.int32)])
    with FakeAccelerator() as fake:
        boundary = HostBoundary(DEVICE)
        there = boundary.upload(packed)
        assert there.device == DEVICE and int(there[0].cpu()) == 7
        back = boundary.begin_read(there[1:].view(torch.float32)).result()
        assert (boundary.uploads, boundary.reads) == (1, 1) and fake.counts.uploads == 1
    assert np.array_equal(back.view(np.int32), floats.view(np.int32))


def test_a_read_can_be_asked_twice() -> None:
    with FakeAccelerator() as fake:
        read = HostBoundary(DEVICE).begin_read(fake.put(torch.arange(3, dtype=torch.int16)))
        assert read.result().tolist() == read.result().tolist() == [0, 1, 2]
        assert fake.counts.host_copies == 1


def test_a_read_is_waited_for_when_it_is_wanted_and_no_other_with_it() -> None:
    with FakeAccelerator(asynchronous=True) as fake:
        boundary = HostBoundary(DEVICE)
        there = boundary.upload(np.arange(3, dtype=np.int32))
        first, second = boundary.begin_read(there + 1), boundary.begin_read(there + 2)
        assert fake.counts.waits == 0 and first.memory.tolist() != [1, 2, 3]
        assert first.result().tolist() == [1, 2, 3]
        assert second.memory.tolist() != [2, 3, 4]
        assert second.result().tolist() == second.result().tolist() == [2, 3, 4]
        assert to_host([there[0], there[2]]).tolist() == [0, 2]


def test_a_buffer_may_be_used_again_as_soon_as_its_upload_has_begun() -> None:
    with FakeAccelerator(asynchronous=True):
        packed = np.arange(3, dtype=np.int32)
        there = HostBoundary(DEVICE).upload(packed)
        packed[:] = 0
        assert to_host(there).tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", ["mps", "xpu:0"])
def test_where_nothing_keeps_the_hosts_memory_a_copy_waits(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *args, **kwargs: asked.append((args, kwargs)) or self)
    HostBoundary(torch.device(kind)).upload(np.zeros(1, np.float32))
    assert asked == [((torch.device(kind),), {"non_blocking": False})]


def test_a_batch_is_read_while_the_next_is_computed_and_every_sample_is_right(voices: Callable[[str], Voice]) -> None:
    voice = voices("coqui")
    on_cpu = spoken(VitsTorch.speaking_with(loaded(voice), "cpu-torch", HostBoundary(torch.device("cpu"))), lines())
    with FakeAccelerator(asynchronous=True) as fake:
        engine = VitsTorch.speaking_with(loaded(voice), "cuda:0", HostBoundary(DEVICE), replace(GPU_BUDGET, look_ahead=1))
        fake.counts.clear()
        on_device = spoken(engine, lines())
        order = "".join(what[0] for what in fake.counts.order)
    for index, take in on_cpu.items():
        np.testing.assert_allclose(take.samples / 32768, on_device[index].samples / 32768, atol=1e-4)
    # u: upload, h: read begun, w: waited. The first is counted, alone; the others are encoded ahead of the decoding before them, and what
    # is spoken is waited for behind the next one's decoding
    assert order == "uhwuhw" + "uhw" + "uhuh" + "w" + "uhuh" + "ww" + "uh" + "ww"
