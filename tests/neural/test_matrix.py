"""Every kind of voice on every kind of device, through coqui's real loaders: it speaks, and what crosses is what must.

Voices: `conftest.MAKERS` (one speaker, several, d-vectors, languages; Piper's and coqui's). Devices: the CPU, the fake
accelerator, and a real CUDA or ROCm device where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_voices
import torch
from e2a_sidecar.speaking.budget import GPU_BUDGET
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.host import HostBoundary, to_host
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.voice import Voice
from fake_accelerator import FakeAccelerator
from fake_accelerator.device import DEVICE

from .conftest import WHERE, device, lines, loaded, spoken

CPU = torch.device("cpu")
TWO_BATCHES = replace(GPU_BUDGET, look_ahead=2)  # TEXTS are four lines


def variants(voice: Voice) -> list[tuple[Voice, str]]:
    """A voice in each of its languages, its second speaker where it has several."""
    several = any('"p1"' in path.read_text(encoding="utf-8") for _, path in voice.files if path.suffix == ".json")
    languages = ("en-us", "fr-fr") if "languages" in dict(voice.files) else ("en-us",)
    return [(replace(voice, speaker="p1") if several else voice, language) for language in languages]


@pytest.mark.parametrize("where", WHERE)
def test_every_voice_speaks_on_every_device_alike_with_two_reads_and_two_uploads_a_batch(where: str, voice: Voice) -> None:
    for who, language in variants(voice):
        engine = VitsTorch.speaking_with(loaded(who, language), "cpu-torch", HostBoundary(CPU))
        on_cpu = spoken(engine, lines())
        assert engine.transfers() == Transfers(2, 2, 0)
        with device(where) as (there, fake):
            engine = VitsTorch.speaking_with(loaded(who, language), where, HostBoundary(there), TWO_BATCHES)
            if fake is not None:
                fake.counts.clear()
            on_device = spoken(engine, lines())
            assert engine.transfers() == Transfers(2, 2, 0)
        if fake is not None:
            seen = fake.counts
            assert (seen.host_copies, seen.uploads, seen.waits) == (4, 4, 4), seen.where  # the fake has no events: a read waits
            assert {line.rsplit(":", 1)[0] for _, line in seen.where} == {"e2a_sidecar/speaking/host.py"}
        assert sorted(on_cpu) == sorted(on_device) == [0, 1, 2, 3]
        for index, take in on_cpu.items():
            assert take.samples.dtype == np.int16 and np.abs(take.samples.astype(int)).max() > 1000
            assert take.words == on_device[index].words
            np.testing.assert_allclose(take.samples / 32768, on_device[index].samples / 32768, atol=1e-4 if where == "fake" else 1e-3)


SECOND = 16000
"""Samples that a speaker encoder hears a second."""


@pytest.mark.parametrize("kind", ["lstm", "resnet"])
def test_a_speaker_heard_by_coquis_encoder_on_the_device_speaks_there(kind: str, voices: Callable[[str], Voice], tmp_path: Path) -> None:
    """The room for cloning: a reference is uploaded once, becomes a d-vector by coqui's own encoder, and never comes back."""
    from TTS.tts.utils.speakers import SpeakerManager  # type: ignore[import-untyped]

    files = tiny_voices.coqui_speaker_encoder(tmp_path, kind)
    manager = SpeakerManager()
    manager.init_encoder(files["encoder"], files["encoder_config"])
    reference = np.sin(np.arange(2 * SECOND) * 0.05 + np.sin(np.arange(2 * SECOND) * 0.001)).astype(np.float32)
    expected = torch.nn.functional.normalize(manager.encoder.compute_embedding(torch.from_numpy(reference)[None]))
    voice = loaded(voices("coqui, d-vectors, 2 languages"))
    with FakeAccelerator() as fake:
        boundary = HostBoundary(DEVICE)
        encoder = manager.encoder.to(DEVICE)
        fake.counts.clear()
        heard = torch.nn.functional.normalize(encoder.compute_embedding(boundary.upload(reference)[None]))
        assert (fake.counts.host_copies, fake.counts.uploads, fake.counts.waits) == (0, 1, 0), fake.counts.where
        cloned = VitsTorch.speaking_with(with_speaker(voice, heard), "cuda:0", boundary)
        assert fake.counts.host_copies == 0
        takes = spoken(cloned, lines())
        assert cloned.transfers() == Transfers(2, 2, 0)
        np.testing.assert_allclose(to_host(heard), expected.reshape(-1), atol=1e-5)
    on_cpu = spoken(VitsTorch.speaking_with(with_speaker(loaded(voices("coqui, d-vectors, 2 languages")), expected), "cpu-torch", HostBoundary(CPU)), lines())
    stock = spoken(VitsTorch.speaking_with(loaded(voices("coqui, d-vectors, 2 languages")), "cpu-torch", HostBoundary(CPU)), lines())
    for index, take in on_cpu.items():
        np.testing.assert_allclose(take.samples / 32768, takes[index].samples / 32768, atol=1e-4)
        assert len(take.samples) != len(stock[index].samples) or np.abs(take.samples.astype(int) - stock[index].samples).max() > 100


def with_speaker(voice: LoadedVits, d_vector: torch.Tensor) -> LoadedVits:
    return replace(voice, speaker=d_vector.reshape(1, -1, 1))
