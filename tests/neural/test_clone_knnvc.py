"""kNN-VC in the engine, beside coqui's own: the same sound, whatever the company; what each computes, and of what it is kept from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import tiny_converters
import tiny_converters_more
import torch
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.clone import knnvc
from e2a_sidecar.speaking.clone.converter import Reference
from e2a_sidecar.speaking.clone.reference import reference_of
from e2a_sidecar.speaking.host import HostBoundary, to_host
from e2a_sidecar.voices.clone import open_converter
from e2a_sidecar.voices.voice import Clone
from fake_accelerator import FakeAccelerator
from fake_accelerator.device import DEVICE
from torch.nn.utils.rnn import pad_sequence

CPU = torch.device("cpu")
HZ = 16_000
LENGTHS = (29_000, 12_345, 250, 61_000)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    folder = tmp_path_factory.mktemp("knnvc")
    recording = tiny_converters.sample(folder / "sample.flac", rate_hz=HZ)
    return tiny_converters.clone_of(recording, "knnvc", tiny_converters_more.knnvc(folder / "files"))


def opened(clone: Clone, device: torch.device = CPU) -> tuple[Any, Reference]:
    converter = open_converter(clone, device)
    return converter, reference_of(clone, converter, HostBoundary(device), None)


def said(samples: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(tiny_converters.voice_like(samples / HZ, HZ, seed=seed)[:samples])


@torch.inference_mode()
def converted(converter: Any, reference: Reference, waves: list[torch.Tensor]) -> list[torch.Tensor]:
    lengths = [len(wave) for wave in waves]
    made = converter.convert(pad_sequence(waves, batch_first=True), lengths, reference, [torch.empty(0)] * len(waves), lambda: None)
    for wave, length in zip(made, lengths, strict=True):
        assert not wave[converter.samples(length) :].any()
    return [wave[: converter.samples(length)] for wave, length in zip(made, lengths, strict=True)]


def coquis(clone: Clone, home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """coqui's Synthesizer with kNN-VC and its vocoder, by coqui's own loaders; the WavLM lies where it would be fetched to."""
    from TTS.utils.synthesizer import Synthesizer  # type: ignore[import-untyped]
    from TTS.vc.configs.knnvc_config import KNNVCConfig  # type: ignore[import-untyped]
    from TTS.vocoder.models import gan  # type: ignore[import-untyped]

    store = home / "tts" / "wavlm"
    store.mkdir(parents=True)
    (store / "WavLM-Large.pt").symlink_to(clone.file("wavlm"))
    monkeypatch.setenv("TTS_HOME", str(home))
    monkeypatch.setattr(gan, "setup_discriminator", lambda config: torch.nn.Module())  # 70 million numbers, for training
    KNNVCConfig().save_json(str(home / "knnvc.json"))
    return Synthesizer(
        vc_checkpoint=str(home / "none.pth"),
        vc_config=str(home / "knnvc.json"),
        vocoder_checkpoint=str(clone.file("vocoder")),
        vocoder_config=str(clone.file("vocoder_config")),
    )


def test_it_sounds_as_coquis_own(clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """coqui's matching set is not trimmed here, as a sample of ours is when it becomes one. What coqui leaves out, up to 25 ms at
    the end, is silence to ours: coqui is given it too."""
    theirs = coquis(clone, tmp_path, monkeypatch)
    converter, reference = opened(clone)
    recording, _ = soundfile.read(clone.file("sample"), dtype="float32")
    matching_set = theirs.vc_model.get_matching_set([torch.from_numpy(recording)], vad_trigger_level=0)
    np.testing.assert_allclose(reference["matching_set"], matching_set, atol=1e-4)
    for length in LENGTHS[:2]:
        whole = torch.nn.functional.pad(said(length), (0, -(-length // 320) * 320 + 80 - length))
        features = theirs.vc_model.match(theirs.vc_model.get_features(whole), reference["matching_set"])
        expected = theirs.vocoder_model.inference(features).reshape(-1)[:length]
        (made,) = converted(converter, reference, [said(length)])
        assert expected.abs().max() > 0.1 and len(made) == length
        np.testing.assert_allclose(made, expected, atol=1e-4)


def test_a_sentence_sounds_the_same_alone_and_in_company(clone: Clone) -> None:
    converter, reference = opened(clone)
    waves = [said(length, seed) for seed, length in enumerate(LENGTHS)]
    for wave, together in zip(waves, converted(converter, reference, waves), strict=True):
        np.testing.assert_allclose(converted(converter, reference, [wave])[0], together, atol=1e-4)


def test_a_long_sentence_is_the_same_in_any_company_and_as_long_as_it_was(clone: Clone) -> None:
    converter, reference = opened(clone)
    long, short = said(45 * HZ), said(HZ, 1)
    (alone,) = converted(converter, reference, [long])
    assert len(alone) == len(long) and alone.abs().max() > 0.1
    np.testing.assert_allclose(converted(converter, reference, [short, long])[1], alone, atol=1e-4)


def test_the_sample_is_compared_in_blocks_of_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    steps, others = torch.randn(50, 16), torch.randn(70, 16)
    whole = knnvc.nearest(steps, others)
    monkeypatch.setattr(knnvc, "_COMPARED", 700)
    np.testing.assert_allclose(knnvc.nearest(steps, others), whole, atol=1e-6)
    by_hand = torch.nn.functional.cosine_similarity(steps[0][None], others).topk(4).indices
    np.testing.assert_allclose(whole[0], others[by_hand].mean(0), atol=1e-6)
    assert knnvc.nearest(steps, others[:2]).allclose(others[:2].mean(0))


def test_what_is_no_number_spoils_its_own_sentence_alone(clone: Clone) -> None:
    converter, reference = opened(clone)
    waves = [said(length, seed) for seed, length in enumerate(LENGTHS)]
    good = converted(converter, reference, waves)
    waves[1] = waves[1].clone()
    waves[1][4000:4256] = float("nan")
    for number, (made, before) in enumerate(zip(converted(converter, reference, waves), good, strict=True)):
        assert bool(torch.isnan(made).any()) == (number == 1)
        assert number == 1 or made.allclose(before, atol=1e-5)


def test_no_more_of_wavlm_is_used_than_its_sixth_layer(clone: Clone, tmp_path: Path) -> None:
    saved = torch.load(clone.file("wavlm"), weights_only=True)
    for name, value in saved["model"].items():
        if name.startswith(("encoder.layers.6.", "encoder.layers.7.", "encoder.layer_norm.")):
            value.fill_(float("nan"))
    torch.save(saved, tmp_path / "WavLM-Large.pt")
    other = tiny_converters_more.with_file(clone, "wavlm", tmp_path / "WavLM-Large.pt")
    assert converted(*opened(other), [said(HZ)])[0].equal(converted(*opened(clone), [said(HZ)])[0])


def test_a_vocoder_is_found_beside_its_discriminators(clone: Clone, tmp_path: Path) -> None:
    """As coqui's trainer saves it, where `clone`'s lies as older ones do."""
    saved = torch.load(clone.file("vocoder"), weights_only=True)["model"]
    both = {**{f"model_g.{name}": value for name, value in saved.items()}, "model_d.mpd.weight": torch.ones(2)}
    torch.save({"model": both}, tmp_path / "vocoder.pth")
    trained = tiny_converters_more.with_file(clone, "vocoder", tmp_path / "vocoder.pth")
    assert converted(*opened(trained), [said(HZ)])[0].equal(converted(*opened(clone), [said(HZ)])[0])


def test_on_a_device_nothing_crosses_but_the_sample_once_where_coquis_set_goes_up_each_time_and_numpy_refuses_what_it_gives(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_cpu = converted(*opened(clone), [said(HZ), said(2 * HZ)])
    theirs = coquis(clone, tmp_path, monkeypatch)
    with FakeAccelerator() as fake:
        converter, reference = opened(clone, DEVICE)
        waves = [HostBoundary(DEVICE).upload(said(length).numpy()) for length in (HZ, 2 * HZ)]
        fake.counts.clear()
        made = converted_on_device(converter, reference, waves)
        assert (fake.counts.host_copies, fake.counts.uploads, fake.counts.waits) == (0, 0, 0), fake.counts.where
        for here, there in zip(on_cpu, made, strict=True):
            np.testing.assert_allclose(to_host(there[: len(here)]), here, atol=1e-4)

        theirs.vc_model.cuda()
        theirs.vocoder_model.cuda()
        fake.counts.clear()
        matching_set = theirs.vc_model.get_matching_set([waves[1]], vad_trigger_level=0)
        assert matching_set.device == CPU
        handed_on = theirs.vocoder_model.inference(theirs.vc_model.match(theirs.vc_model.get_features(waves[0]), matching_set))
        assert fake.counts.host_copies == 1 and fake.counts.uploads >= 2
        with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
            np.abs(handed_on)


@torch.inference_mode()
def converted_on_device(converter: Any, reference: Reference, waves: list[torch.Tensor]) -> torch.Tensor:
    made: torch.Tensor = converter.convert(pad_sequence(waves, batch_first=True), [len(wave) for wave in waves], reference, [], lambda: None)
    return made


def deep(raw: dict[str, Any], **params: Any) -> None:
    raw["generator_model_params"].update(params)


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another network": (lambda raw: raw.update(generator_model="melgan_generator"), "voice_broken"),
    "a module of its own": (lambda raw: raw.update(generator_model="..os"), "voice_broken"),
    "no shapes": (lambda raw: raw.pop("generator_model_params"), "voice_broken"),
    "another rate": (lambda raw: raw["audio"].update(sample_rate=22050), "voice_unsupported"),
    "for spectrograms": (lambda raw: deep(raw, pre_linear=None), "voice_unsupported"),
    "absurd channels": (lambda raw: deep(raw, upsample_initial_channel=10**9), "voice_broken"),
    "large where each is possible": (
        lambda raw: deep(raw, upsample_initial_channel=4096, pre_linear=4096, in_channels=4096, resblock_kernel_sizes=[31] * 2),
        "voice_broken",
    ),
    "negative": (lambda raw: deep(raw, in_channels=-1), "voice_broken"),
    "text": (lambda raw: deep(raw, upsample_factors="8"), "voice_broken"),
    "a thousand stages": (lambda raw: deep(raw, upsample_factors=[2] * 1000), "voice_broken"),
    "dilations of nothing": (lambda raw: deep(raw, resblock_dilation_sizes=[[], []]), "voice_broken"),
    "steps of another length": (lambda raw: deep(raw, upsample_factors=[10, 8, 2], upsample_kernel_sizes=[20, 16, 8]), "voice_unsupported"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_description_that_asks_for_too_much_or_something_else_is_refused(what: str, clone: Clone, tmp_path: Path) -> None:
    change, code = REFUSED[what]
    with pytest.raises(SidecarError) as caught:
        opened(tiny_converters_more.described(clone, "vocoder_config", change, tmp_path))
    assert caught.value.code == code and caught.value.params["voice"] == clone.id and caught.value.params["reason"]
