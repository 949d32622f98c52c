"""A base voice with d-vectors speaks in the sample's voice by itself: the d-vector is coqui's, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_converters
import tiny_converters_more
import torch
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Take
from e2a_sidecar.speaking.clone.reference import reference_of
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.host import HostBoundary, to_host
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.clone.speaker_encoder import open_speaker_encoder
from e2a_sidecar.voices.voice import Clone, Voice
from fake_accelerator import FakeAccelerator
from fake_accelerator.device import DEVICE

from .conftest import lines, loaded, spoken

CPU = torch.device("cpu")
BASE = "coqui, d-vectors, 2 languages"
HZ = 16_000


def made(folder: Path, kind: str = "lstm", **sample: Any) -> Clone:
    recording = tiny_converters.sample(folder / "sample.flac", rate_hz=HZ, **sample)
    return tiny_converters.clone_of(recording, "d_vector", tiny_converters_more.d_vector(folder / "files", kind))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    return made(tmp_path_factory.mktemp("d_vector"))


def as_the_clone(voice: Voice, clone: Clone | None, device: torch.device = CPU) -> VitsTorch:
    name = "cpu-torch" if device == CPU else "cuda:0"
    return VitsTorch.speaking_with(loaded(replace(voice, clone=clone)), name, HostBoundary(device), clone=clone)


def differ(one: Take, other: Take) -> bool:
    return len(one.samples) != len(other.samples) or np.abs(one.samples.astype(int) - other.samples).max() > 100


@pytest.mark.filterwarnings("ignore::DeprecationWarning:audioread")  # librosa's way to read a file
@pytest.mark.filterwarnings("ignore::DeprecationWarning:aifc")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:sunau")
@pytest.mark.parametrize("kind", ["lstm", "resnet"])
def test_the_d_vector_is_coquis_own(kind: str, tmp_path: Path) -> None:
    from TTS.tts.utils.speakers import SpeakerManager  # type: ignore[import-untyped]

    clone = made(tmp_path, kind)
    manager = SpeakerManager(encoder_model_path=str(clone.file("encoder")), encoder_config_path=str(clone.file("encoder_config")))
    manager.encoder_ap.do_trim_silence = False  # of what is cleaned already
    expected = manager.compute_embedding_from_clip(str(clone.file("sample")))
    found = reference_of(clone, open_speaker_encoder(clone, CPU), HostBoundary(CPU), None)["d_vector"]
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_it_speaks_as_the_sample_on_every_device_with_the_reads_and_uploads_of_a_voice(clone: Clone, voices: Callable[[str], Voice]) -> None:
    voice = voices(BASE)
    stock, on_cpu = (spoken(as_the_clone(voice, whom), lines()) for whom in (None, clone))
    with FakeAccelerator():
        engine = as_the_clone(voice, clone, DEVICE)
        on_device = spoken(engine, lines())
        assert engine.transfers() == Transfers(2, 2, 0)
        assert engine.rate_hz == 22_050
    for index, take in on_cpu.items():
        np.testing.assert_allclose(take.samples / 32768, on_device[index].samples / 32768, atol=1e-4)
        assert differ(take, stock[index]) and not take.flags


def test_it_is_the_base_voice_conditioned_on_coquis_vector(clone: Clone, voices: Callable[[str], Voice]) -> None:
    voice = loaded(voices(BASE))
    vector = reference_of(clone, open_speaker_encoder(clone, CPU), HostBoundary(CPU), None)["d_vector"]
    conditioned = replace(voice, speaker=voice.network._get_speaker_conditioning({"d_vectors": vector[None]}))
    by_hand = spoken(VitsTorch.speaking_with(conditioned, "cpu-torch", HostBoundary(CPU)), lines())
    for index, take in spoken(as_the_clone(voices(BASE), clone), lines()).items():
        assert np.array_equal(take.samples, by_hand[index].samples)


def test_another_sample_is_another_voice_under_another_name(clone: Clone, voices: Callable[[str], Voice], tmp_path: Path) -> None:
    other = made(tmp_path, pitch_hz=90.0, seed=5)
    one, two = (as_the_clone(voices(BASE), whom) for whom in (clone, other))
    assert one.identity != two.identity
    assert not np.array_equal(spoken(one, lines()[:1])[0].samples, spoken(two, lines()[:1])[0].samples)


@pytest.mark.parametrize("base", ["piper, high, 3 speakers", "coqui, 2 speakers", "coqui"])
def test_a_base_voice_that_takes_no_other_speaker_is_refused(base: str, clone: Clone, voices: Callable[[str], Voice]) -> None:
    with pytest.raises(SidecarError) as caught:
        as_the_clone(voices(base), clone)
    assert caught.value.code == "voice_unsupported" and caught.value.params["voice"] == clone.id


def test_a_vector_of_another_size_is_refused(voices: Callable[[str], Voice], tmp_path: Path) -> None:
    import tiny_voices

    recording = tiny_converters.sample(tmp_path / "sample.flac", rate_hz=HZ)
    (tmp_path / "e").mkdir()
    clone = tiny_converters.clone_of(recording, "d_vector", tiny_voices.coqui_speaker_encoder(tmp_path / "e", "lstm", 24))
    with pytest.raises(SidecarError) as caught:
        as_the_clone(voices(BASE), clone)
    assert caught.value.code == "voice_unsupported" and "24" in str(caught.value.params["reason"])


def test_the_sample_goes_up_once_and_its_vector_never_comes_back(clone: Clone) -> None:
    with FakeAccelerator() as fake:
        encoder = open_speaker_encoder(clone, DEVICE)
        fake.counts.clear()
        vector = reference_of(clone, encoder, HostBoundary(DEVICE), None)["d_vector"]
        assert (fake.counts.host_copies, fake.counts.uploads, fake.counts.waits) == (0, 1, 0), fake.counts.where
        on_cpu = reference_of(clone, open_speaker_encoder(clone, CPU), HostBoundary(CPU), None)["d_vector"]
        np.testing.assert_allclose(to_host(vector), on_cpu, atol=1e-5)
        with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
            np.abs(vector)


def of(part: str, **changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda raw: raw[part].update(changes)


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no shapes": (lambda raw: raw.pop("model_params"), "voice_broken"),
    "another network": (of("model_params", model_name="transformer"), "voice_broken"),
    "librosa's spectrogram": (of("model_params", use_torch_spec=False), "voice_unsupported"),
    "absurd size": (of("model_params", proj_dim=10**9), "voice_broken"),
    "a million layers": (of("model_params", num_lstm_layers=10**6), "voice_broken"),
    "another network than the checkpoint's": (of("model_params", lstm_dim=25), "voice_broken"),
    "absurd spectrogram": (of("audio", fft_size=2**40), "voice_broken"),
    "more mels than it hears": (of("audio", num_mels=80), "voice_broken"),
    "a window longer than its spectrogram": (of("audio", win_length=513), "voice_broken"),
    "a rate that is none": (of("audio", sample_rate=None), "voice_broken"),
    "a preemphasis that is none": (of("audio", preemphasis="x"), "voice_broken"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_description_that_asks_for_too_much_or_something_else_is_refused(what: str, clone: Clone, tmp_path: Path) -> None:
    change, code = REFUSED[what]
    with pytest.raises(SidecarError) as caught:
        open_speaker_encoder(tiny_converters_more.described(clone, "encoder_config", change, tmp_path), CPU)
    assert caught.value.code == code and caught.value.params["voice"] == clone.id and caught.value.params["reason"]


def test_a_description_reads_no_file_of_its_choosing(clone: Clone, tmp_path: Path) -> None:
    """coqui's `SpeakerManager` builds an `AudioProcessor`, which loads the statistics that `stats_path` names."""
    statistics = tmp_path / "statistics.npy"
    changed = tiny_converters_more.described(clone, "encoder_config", of("audio", stats_path=str(statistics)), tmp_path)
    assert json.loads(changed.file("encoder_config").read_text())["audio"]["stats_path"] == str(statistics) and not statistics.exists()
    assert open_speaker_encoder(changed, CPU).source_hz == HZ
