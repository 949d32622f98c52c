"""The tool that stands for a GPU: it refuses what a device refuses, sees what crosses, and fails as it is told to."""

from __future__ import annotations

import copy
import io
import operator
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from fake_accelerator import LOST, FakeAccelerator, OnDevice
from fake_accelerator.device import DEVICE, MIXED, NO_SUCH, NUMPY_REFUSED
from torch.nn import functional as F

ASKED_TWICE = pytest.mark.filterwarnings("ignore:__array__ implementation")  # np.array asks again, with a warning, after a TypeError

# what is done to six numbers on the device -> (copies to the host, uploads, waits)
CROSSINGS: dict[str, tuple[Callable[[torch.Tensor], Any], tuple[int, int, int]]] = {
    "cpu()": (lambda x: x.cpu(), (1, 0, 1)),
    "to(cpu)": (lambda x: x.to("cpu", torch.float16), (1, 0, 1)),
    "to a host tensor's place": (lambda x: x.to(torch.ones(1)), (1, 0, 1)),
    "type of the host": (lambda x: x.type("torch.FloatTensor"), (1, 0, 1)),
    "asynchronously": (lambda x: x.to("cpu", non_blocking=True), (1, 0, 0)),
    "copy_ to the host": (lambda x: torch.empty(6).copy_(x), (1, 0, 1)),
    "set in a host tensor": (lambda x: operator.setitem(torch.ones(6), slice(6), x), (1, 0, 1)),
    "numpy by force": (lambda x: x.numpy(force=True), (1, 0, 1)),
    "tolist": (lambda x: x.tolist(), (1, 0, 1)),
    "printed": (lambda x: f"{x}", (1, 0, 1)),
    "pickled": (lambda x: torch.save(x, io.BytesIO()), (1, 0, 1)),
    "from host values": (lambda x: torch.tensor([1, 2], device="cuda"), (0, 1, 0)),
    "from NumPy": (lambda x: torch.as_tensor(np.ones(2), device=DEVICE), (0, 1, 0)),
    "from_numpy, cuda()": (lambda x: torch.from_numpy(np.ones(2)).cuda(non_blocking=True), (0, 1, 0)),
    "to a tensor's place": (lambda x: torch.ones(2).to(x), (0, 1, 0)),
    "type_as": (lambda x: torch.ones(2).type_as(x), (0, 1, 0)),
    "by number": (lambda x: torch.ones(2).to(0), (0, 1, 0)),
    "new_tensor": (lambda x: x.new_tensor([1.0]), (0, 1, 0)),
    "copy_ to the device": (lambda x: x.copy_(torch.ones(6)), (0, 1, 0)),
    "host indices": (lambda x: x[[0, 2]], (0, 1, 0)),
    "numbers of the device in a list": (lambda x: torch.tensor([x[0], x[1]], device=DEVICE), (0, 1, 2)),
    "item": (lambda x: x[0].item(), (0, 0, 1)),
    "float": (lambda x: float(x[0]), (0, 0, 1)),
    "int": (lambda x: int(x[0]), (0, 0, 1)),
    "index": (lambda x: operator.index(x[0].long()), (0, 0, 1)),
    "range": (lambda x: range(x[0].long()), (0, 0, 1)),
    "a slice's end": (lambda x: x[: x[0].long()], (0, 0, 1)),
    "if": (lambda x: "a" if x[0] > 0 else "b", (0, 0, 1)),
    "formatted": (lambda x: f"{x[0]:.2f}", (0, 0, 1)),
    "equal": (lambda x: torch.equal(x, x), (0, 0, 1)),
    "allclose": (lambda x: torch.allclose(x, x), (0, 0, 1)),
    "greatest of Python": (lambda x: max(x[:2]), (0, 0, 1)),
    "nonzero": (lambda x: x.nonzero(), (0, 0, 1)),
    "unique": (lambda x: x.unique(), (0, 0, 1)),
    "picked by a mask": (lambda x: x[x > 2], (0, 0, 1)),
    "set by a mask to what is there": (lambda x: operator.setitem(x, x > 2, x[0]), (0, 0, 1)),
    "a factory's size": (lambda x: torch.zeros(x[0].long()), (0, 0, 1)),
    "set by a mask to a number": (lambda x: operator.setitem(x, x > 2, 0.0), (0, 0, 0)),
    "computed": (lambda x: (x + 1) * torch.tensor(2.0), (0, 0, 0)),
    "cut, joined, chosen": (lambda x: torch.cat([x[1:], x.split([2, 4])[0], torch.where(x > 1, x, 0.0)]), (0, 0, 0)),
    "like it": (lambda x: (torch.full_like(x, 2.0), x.new_zeros(3), torch.zeros_like(torch.ones(1), device=DEVICE)), (0, 0, 0)),
    "like it, for the host": (lambda x: torch.zeros_like(x, device="cpu").numpy(), (0, 0, 0)),
    "another type": (lambda x: (x.half(), x.to(torch.int16), x.type_as(x.double())), (0, 0, 0)),
    "copied": (lambda x: copy.deepcopy(x), (0, 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("what", CROSSINGS)
def test_what_crosses_is_counted_and_nothing_else(what: str) -> None:
    work, expected = CROSSINGS[what]
    with FakeAccelerator() as fake:
        x = fake.put(torch.arange(1.0, 7.0))
        work(x)
        counts = fake.counts
    assert (counts.host_copies, counts.uploads, counts.waits) == expected, counts.where
    assert all("tests/neural/test_fake_accelerator.py:" in line for _, line in counts.where)


REFUSED: dict[str, tuple[Callable[[torch.Tensor], Any], type[Exception], str]] = {
    "np.asarray": (np.asarray, TypeError, NUMPY_REFUSED),
    "np.abs": (np.abs, TypeError, NUMPY_REFUSED),
    "np.array of its numbers": (lambda x: np.array(list(x)), TypeError, NUMPY_REFUSED),
    "np.concatenate": (lambda x: np.concatenate([x, x]), TypeError, NUMPY_REFUSED),
    "numpy()": (lambda x: x.detach().numpy(), TypeError, NUMPY_REFUSED),
    "dlpack": (lambda x: np.from_dlpack(x), BufferError, "Unsupported device"),
    "host + device": (lambda x: torch.ones(6) + x, RuntimeError, MIXED),
    "device + host, in place": (lambda x: x.add_(torch.ones(6)), RuntimeError, MIXED),
    "host + a number of the device": (lambda x: torch.ones(6) + x[0], RuntimeError, MIXED),
    "joined": (lambda x: torch.cat([x, torch.ones(1)]), RuntimeError, MIXED),
    "host weights": (lambda x: F.conv1d(x[None, None], torch.ones(1, 1, 3)), RuntimeError, MIXED),
    "host ids": (lambda x: F.embedding(torch.tensor([1]), x[None]), RuntimeError, MIXED),
    "a window of the host": (lambda x: torch.stft(x, 4, window=torch.hann_window(4), return_complex=True), RuntimeError, MIXED),
    "indices of the device": (lambda x: torch.ones(6)[x.long()[:1] * 0], RuntimeError, "indices should be either on cpu"),
    "a device that is not there": (lambda x: torch.ones(1).to("cuda:1"), RuntimeError, NO_SUCH),
    "cuda(3)": (lambda x: torch.ones(1).cuda(3), RuntimeError, NO_SUCH),
    "made on it": (lambda x: torch.zeros(1, device="cuda:2"), RuntimeError, NO_SUCH),
}


@ASKED_TWICE
@pytest.mark.parametrize("what", REFUSED)
def test_what_a_device_refuses_is_refused_in_torchs_words(what: str) -> None:
    work, kind, words = REFUSED[what]
    with FakeAccelerator() as fake, pytest.raises(kind) as caught:
        work(fake.put(torch.arange(6.0)))
    assert words.split(".")[0] in str(caught.value)


def test_views_and_changes_in_place_reach_what_they_are_views_of() -> None:
    with FakeAccelerator() as fake:
        x = fake.put(torch.ones(1, 4))
        part = x[:, 1:]
        assert part.mul_(3) is part
        x.squeeze_(0)
        assert x.shape == (4,) and (x + 1).shape == (4,)
        assert x.cpu().tolist() == [1, 3, 3, 3]
        assert x.to(DEVICE) is x and x.to(DEVICE, copy=True) is not x
        assert (x.device, x.get_device(), x.is_cuda, x.is_cpu, x.type()) == (DEVICE, 0, True, False, "torch.cuda.FloatTensor")


MODULES: dict[str, tuple[Callable[[], torch.nn.Module], tuple[int, ...]]] = {
    "convolution with weight norm": (lambda: torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv1d(4, 4, 3)), (1, 4, 9)),
    "batch norm": (lambda: torch.nn.BatchNorm1d(4), (2, 4, 9)),
    "LSTM": (lambda: torch.nn.LSTM(4, 5, num_layers=2, batch_first=True), (1, 7, 4)),
    "GRU": (lambda: torch.nn.GRU(4, 5), (7, 1, 4)),
    "transformer": (lambda: torch.nn.TransformerEncoderLayer(4, 2, dim_feedforward=8), (7, 1, 4)),
    "embedding and linear": (lambda: torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.LayerNorm(4)), (2, 4)),
}


@pytest.mark.parametrize("what", MODULES)
@pytest.mark.parametrize("move", [lambda m: m.to(DEVICE), lambda m: m.cuda()], ids=["to", "cuda"])
def test_a_module_computes_on_the_device_what_it_does_on_the_host_and_comes_back(what: str, move: Callable[[Any], Any]) -> None:
    make, shape = MODULES[what]
    torch.manual_seed(0)
    module, given = make().eval(), torch.randn(shape)

    def first(made: Any) -> torch.Tensor:
        return (made[0] if isinstance(made, tuple) else made).detach()

    expected = first(module(given))
    with FakeAccelerator() as fake:
        move(module)
        assert all(isinstance(t, OnDevice) for t in [*module.parameters(), *module.buffers()])
        assert torch.allclose(first(module(fake.put(given))).cpu(), expected, atol=1e-6)
        with pytest.raises(RuntimeError, match="at least two devices"):
            module(given)
        module.cpu()
        assert torch.equal(first(module(given)), expected)


def test_a_signal_goes_to_its_spectrum_and_back_on_the_device() -> None:
    with FakeAccelerator() as fake:
        window = torch.hann_window(64, device=DEVICE)
        signal = fake.put(torch.randn(1, 800))
        there = torch.stft(signal, 64, 16, 64, window=window, return_complex=True)
        back = torch.istft(there, 64, 16, 64, window=window)
        assert torch.allclose(back.cpu(), signal.cpu(), atol=1e-5)
        assert F.interpolate(signal[None], scale_factor=2.0, mode="linear").shape == (1, 1, 1600)


def test_a_checkpoint_can_be_loaded_onto_the_device() -> None:
    file = io.BytesIO()
    torch.save({"weight": torch.ones(3)}, file)
    file.seek(0)
    with FakeAccelerator() as fake:
        assert torch.load(file, map_location="cuda:0")["weight"].device == DEVICE
        assert fake.counts.uploads == 1
        with torch.device("cuda"):
            assert torch.zeros(2).device == DEVICE


@ASKED_TWICE
def test_threads_are_on_the_device_too() -> None:
    with FakeAccelerator() as fake, ThreadPoolExecutor(1) as pool:
        made = pool.submit(lambda: torch.ones(2, device="cuda") + torch.tensor([1.0, 2.0]).cuda()).result()
        assert made.device == DEVICE and fake.counts.uploads == 1
        with pytest.raises(TypeError, match="can't convert cuda:0"):
            pool.submit(np.asarray, made).result()


def test_a_copy_that_was_not_waited_for_has_not_arrived() -> None:
    with FakeAccelerator(asynchronous=True) as fake:
        x = fake.put(torch.arange(3.0))
        pinned, ordinary = torch.empty(3, pin_memory=True), torch.empty(3)
        ordinary.copy_(x, non_blocking=True)
        assert ordinary.tolist() == [0, 1, 2] and fake.counts.waits == 1  # torch waits where memory is not pinned
        pinned.copy_(x, non_blocking=True)
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream())
        late = x.to("cpu", non_blocking=True)
        assert pinned.is_pinned() and pinned.tolist() != [0, 1, 2] and not event.query()
        event.synchronize()
        assert pinned.tolist() == [0, 1, 2] and late.tolist() != [0, 1, 2]
        x.sum().item()  # the stream is one: who waits for it waits for all that was begun
        assert late.tolist() == [0, 1, 2]
        source = torch.ones(3).pin_memory()
        there = source.to(DEVICE, non_blocking=True)
        source.zero_()
        assert (there + 0).cpu().tolist() == [0, 0, 0]  # changed before the device came to it


def test_outside_nothing_is_left_of_it() -> None:
    with FakeAccelerator():
        pass
    with pytest.raises((AssertionError, RuntimeError), match=r"not compiled|No CUDA|NVIDIA") if not torch.cuda.is_available() else pytest.raises(RuntimeError):
        torch.ones(1).to("cuda:0" if not torch.cuda.is_available() else "cuda:99")
    linear = torch.nn.Linear(1, 1)
    weight = linear.weight
    assert linear.double().weight is weight  # torch's own way of converting a module


def test_faults_are_raised_where_they_were_injected_and_as_often() -> None:
    def inside(x: torch.Tensor) -> torch.Tensor:
        return x.exp()

    with FakeAccelerator() as fake:
        x = fake.put(torch.ones(4))
        fake.faults.fail_next(1, RuntimeError("mine"), operation="exp", where="test_fake_accelerator.py:inside", after=1)
        assert inside(x).shape == x.exp().shape == (x + 1).shape
        with pytest.raises(RuntimeError, match="mine"):
            inside(x)
        assert inside(x).shape == (4,) and fake.faults.injected == 1
        fake.faults.out_of_memory_above(4)
        assert (x + 1).shape == (4,)
        for too_much in (lambda: torch.cat([x, x]), lambda: torch.zeros(5, device=DEVICE), lambda: torch.zeros(5).cuda()):
            with pytest.raises(torch.OutOfMemoryError, match="out of memory"):
                too_much()
        fake.faults.mend()
        assert torch.cat([x, x]).shape == (8,)


def test_a_lost_device_answers_nothing_any_more() -> None:
    with FakeAccelerator() as fake:
        x = fake.put(torch.ones(4))
        fake.faults.lose(operation="host_copy", after=1)
        assert x.cpu().tolist() == [1] * 4 and (x + 1).shape == (4,)
        for work in (lambda: x.cpu(), lambda: x + 1, lambda: torch.zeros(1, device=DEVICE), lambda: torch.zeros(1).cuda(), lambda: x.tolist()):
            with pytest.raises(RuntimeError) as caught:
                work()
            assert str(caught.value) == LOST
        assert torch.ones(1).add(1).item() == 2


def test_what_an_operation_gives_can_be_spoiled_and_its_input_stays_whole() -> None:
    with FakeAccelerator() as fake:
        x = fake.put(torch.arange(4.0))
        fake.faults.spoil("nan", operation="slice", times=1)
        fake.faults.spoil("zeros", operation="add", times=1)
        fake.faults.spoil(lambda values: values * 1000, operation="mul", times=1)
        assert x[1:].isnan().all() and not x.isnan().any()
        assert (x + 1).cpu().tolist() == [0] * 4 and (x + 1).cpu().tolist() == [1, 2, 3, 4]
        assert (x * 2).cpu().tolist() == [0, 2000, 4000, 6000]
        assert x.cpu().tolist() == [0, 1, 2, 3] and fake.faults.injected == 3
        fake.faults.spoil("zeros", operation="host_copy", times=1)
        assert x.cpu().tolist() == [0] * 4 and x.cpu().tolist() == [0, 1, 2, 3]
