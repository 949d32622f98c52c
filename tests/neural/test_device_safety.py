"""VITS cannot die of a device: what upstream does on a GPU, and what we do there, on the fake accelerator.

Each place where coqui-tts 0.28.0 fails or waits on a device has a test that shows it, beside ours that passes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from e2a_sidecar.speaking.host import HostBoundary, to_host
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.voice import Voice
from fake_accelerator import FakeAccelerator, show
from fake_accelerator.device import DEVICE, NUMPY_REFUSED

from .conftest import lines, loaded, spoken

ASKED_TWICE = pytest.mark.filterwarnings("ignore:__array__ implementation")  # np.array asks again, with a warning, after a TypeError
THE_ERROR = "can't convert cuda:0 device type tensor to numpy"


def upstream_inference(fake: FakeAccelerator, voice: Voice) -> torch.Tensor:
    """coqui's own inference on the device."""
    vits = loaded(voice)
    network, ids = vits.network.to(DEVICE), vits.front_end.encode(lines()[0].text).ids
    fake.counts.clear()
    made: torch.Tensor = network.inference(torch.tensor([ids], device=DEVICE))["model_outputs"]
    return made


def test_the_naive_path_dies_of_the_very_error(voices: Callable[[str], Voice]) -> None:
    with FakeAccelerator() as fake:
        made = upstream_inference(fake, voices("coqui"))
        for naive in (np.abs, np.asarray, lambda x: x.numpy(), lambda x: x.squeeze().detach().numpy()):
            with pytest.raises(TypeError, match=THE_ERROR):
                naive(made)


def test_the_same_program_passes_on_a_cpu_so_nobody_saw_it(voices: Callable[[str], Voice]) -> None:
    vits = loaded(voices("coqui"))
    made = vits.network.inference(torch.tensor([vits.front_end.encode("Hello.").ids]))["model_outputs"]
    assert np.abs(np.asarray(made)).max() > 0


def test_every_voice_speaks_on_the_device_with_two_reads_and_two_uploads_a_batch(voice: Voice) -> None:
    with FakeAccelerator() as fake:
        engine = VitsTorch.speaking_with(loaded(voice), "cuda:0", HostBoundary(DEVICE))
        fake.counts.clear()
        takes = spoken(engine, lines())
        seen, counted = fake.counts, engine.transfers()
    assert sorted(takes) == [0, 1, 2, 3]
    assert all(take.samples.dtype == np.int16 and np.abs(take.samples.astype(int)).max() > 1000 for take in takes.values())
    assert (counted.host_copies_per_batch, counted.uploads_per_batch, counted.hidden_syncs) == (2, 2, 0)
    assert (seen.host_copies, seen.uploads) == (2, 2), seen.where
    assert {line.rsplit(":", 1)[0] for kind, line in seen.where} == {"e2a_sidecar/speaking/host.py"}


def test_the_device_and_the_cpu_give_the_same_take(voice: Voice, tmp_path: Path) -> None:
    on_cpu = spoken(VitsTorch.speaking_with(loaded(voice), "cpu-torch", HostBoundary(torch.device("cpu"))), lines())
    with FakeAccelerator():
        on_device = spoken(VitsTorch.speaking_with(loaded(voice), "cuda:0", HostBoundary(DEVICE)), lines())
    for index, take in on_cpu.items():
        assert take.words == on_device[index].words
        np.testing.assert_allclose(take.samples / 32768, on_device[index].samples / 32768, atol=1e-4)


def test_upstream_waits_for_the_device_many_times_a_sentence(voices: Callable[[str], Voice]) -> None:
    with FakeAccelerator() as fake:
        upstream_inference(fake, voices("piper"))
        waits = {line: n for (kind, line), n in fake.counts.where.items() if kind == "wait"}
    assert sum(n for line, n in waits.items() if "layers/vits/transforms.py" in line) >= 9, waits


@ASKED_TWICE
def test_upstream_cannot_convert_a_voice_on_a_device(voices: Callable[[str], Voice]) -> None:
    """TTS/tts/models/vits.py, inference_voice_conversion: speakers' numbers through NumPy."""
    with FakeAccelerator():
        network = loaded(voices("coqui, 2 speakers")).network.to(DEVICE)
        speaker = torch.tensor([0], device=DEVICE)
        with pytest.raises(TypeError, match=THE_ERROR) as caught:
            network.inference_voice_conversion(torch.zeros(1, 513, 4, device=DEVICE), torch.tensor([4], device=DEVICE), speaker, speaker)
    assert "inference_voice_conversion" in {entry.name for entry in caught.traceback}


@ASKED_TWICE
def test_upstream_cannot_save_a_list_of_scalars_of_a_device_and_we_can_read_it(tmp_path: Path) -> None:
    """TTS/utils/audio/numpy_transforms.py by utils/synthesizer.py, save_wav: what voice conversion hands on."""
    with FakeAccelerator() as fake:
        scalars = list(torch.linspace(-1, 1, 5, device=DEVICE))
        with pytest.raises(TypeError, match=THE_ERROR):
            np.array(scalars)
        fake.counts.clear()
        assert to_host(scalars).tolist() == pytest.approx([-1, -0.5, 0, 0.5, 1])
        assert fake.counts.host_copies == 1


@pytest.mark.parametrize("kind", ["list", "ndarray", "tensor", "device"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int16"])
@pytest.mark.parametrize("shape", [(6,), (2, 3), (0,), (1, 1, 6)])
def test_whatever_holds_speech_comes_out_as_flat_numpy(kind: str, dtype: str, shape: tuple[int, ...]) -> None:
    values = (np.arange(np.prod(shape)) - 2).astype(dtype).reshape(shape)
    with FakeAccelerator() as fake:
        given: Any = {
            "list": lambda: values.tolist(),
            "ndarray": lambda: values,
            "tensor": lambda: torch.from_numpy(values.copy()).requires_grad_(dtype != "int16"),  # type: ignore[no-untyped-call]
            "device": lambda: fake.put(torch.from_numpy(values.copy())),
        }[kind]()
        out = to_host(given)
        copies = fake.counts.host_copies
    assert isinstance(out, np.ndarray) and out.ndim == 1
    assert out.dtype == (np.int16 if dtype == "int16" and kind != "list" else np.float32)
    np.testing.assert_array_equal(out, values.reshape(-1).astype(out.dtype))
    assert copies == (1 if kind == "device" else 0)


@ASKED_TWICE
def test_the_fake_refuses_what_a_device_refuses() -> None:
    with FakeAccelerator() as fake:
        there = torch.ones(3, device="cuda:0")
        assert there.device == DEVICE and there.is_cuda
        with pytest.raises(RuntimeError, match="at least two devices, cuda:0 and cpu"):
            there + torch.ones(3)
        assert (there + torch.tensor(1.0)).cpu().tolist() == [2, 2, 2]
        with pytest.raises(TypeError, match=NUMPY_REFUSED.split(".")[0]):
            np.array(there)
        fake.counts.clear()
        bool(there.sum() > 2)
        there[there > 0]
        there.tolist()
        torch.ones(2).to("cuda:0")
        assert (fake.counts.waits, fake.counts.host_copies, fake.counts.uploads) == (3, 1, 1)


def test_the_demo_shows_both(capsys: pytest.CaptureFixture[str]) -> None:
    show.main()
    shown = json.loads(capsys.readouterr().out)
    assert shown["naive"] == f"TypeError: {NUMPY_REFUSED}"
    assert shown["ours"] == "ok" and shown["host_copies_per_batch"] == 2 and shown["hidden_syncs"] == 0
