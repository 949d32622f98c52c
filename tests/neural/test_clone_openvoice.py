"""OpenVoice in the engine, beside coqui's own: the same sound from the same noise, whatever the company; what crosses, and what is refused."""

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
from e2a_sidecar.speaking.clone import openvoice
from e2a_sidecar.speaking.clone.converter import Reference
from e2a_sidecar.speaking.clone.reference import reference_of
from e2a_sidecar.speaking.host import HostBoundary, to_host
from e2a_sidecar.voices.clone import open_converter
from e2a_sidecar.voices.voice import Clone
from fake_accelerator import FakeAccelerator
from fake_accelerator.device import DEVICE
from torch.nn.utils.rnn import pad_sequence

from .upstream import failed_in

CPU = torch.device("cpu")
HZ = 22_050
LENGTHS = (100 * 256, 40 * 256, 1, 61_111)
THE_ERROR = "can't convert cuda:0 device type tensor to numpy"


@pytest.fixture(scope="module", params=["its second version", "its first"])
def clone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The first version's decoder and posterior are told the colours too."""
    folder = tmp_path_factory.mktemp("openvoice")
    shapes = tiny_converters_more.OPENVOICE
    raw = shapes | {"model": shapes["model"] | {"zero_g": request.param != "its first"}}
    recording = tiny_converters.sample(folder / "sample.flac", rate_hz=HZ)
    return tiny_converters.clone_of(recording, "openvoice_v2", tiny_converters_more.openvoice(folder / "files", raw=raw))


def opened(clone: Clone, device: torch.device = CPU) -> tuple[Any, Reference]:
    converter = open_converter(clone, device)
    return converter, reference_of(clone, converter, HostBoundary(device), None)


def said(samples: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(tiny_converters.voice_like(max(samples, 100) / HZ, HZ, seed=seed)[:samples])


def drawn(converter: Any, samples: int) -> torch.Tensor:
    return torch.randn(converter.noise(samples), generator=torch.Generator().manual_seed(samples))


@torch.inference_mode()
def converted(converter: Any, reference: Reference, waves: list[torch.Tensor]) -> list[torch.Tensor]:
    lengths = [len(wave) for wave in waves]
    noise = [drawn(converter, length) for length in lengths]
    made = converter.convert(pad_sequence(waves, batch_first=True), lengths, reference, noise, lambda: None)
    for wave, length in zip(made, lengths, strict=True):
        assert not wave[converter.samples(length) :].any()
    return [wave[: converter.samples(length)] for wave, length in zip(made, lengths, strict=True)]


def coquis(clone: Clone) -> Any:
    """coqui's own, by its own loader."""
    from e2a_sidecar.voices.clone.safety import description

    made = tiny_converters_more.blank_openvoice(description(clone.file("config"), ""))
    made.load_checkpoint(made.config, str(clone.file("model")), eval=True)
    return made


def test_it_sounds_as_coquis_own_with_the_same_noise(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, (converter, reference) = coquis(clone), opened(clone)
    recording, _ = soundfile.read(clone.file("sample"), dtype="float32")
    recording = recording[: len(recording) // 256 * 256]
    wave = said(LENGTHS[0])
    monkeypatch.setattr(torch, "randn_like", lambda x: drawn(converter, len(wave))[None])
    expected = theirs.voice_conversion(wave, [torch.from_numpy(recording)])
    (made,) = converted(converter, {"colour": theirs.extract_se(torch.from_numpy(recording))[0]}, [wave])
    assert np.abs(expected).max() > 0.1 and len(made) == len(expected) == len(wave)
    np.testing.assert_allclose(made, expected, atol=1e-4)
    np.testing.assert_allclose(reference["colour"], theirs.extract_se(torch.from_numpy(recording))[0], atol=1e-3)  # ours has the last part of a frame
    noiseless = converter.convert(wave[None], [len(wave)], reference, [torch.zeros(converter.noise(len(wave)))], lambda: None)[0]
    assert (made - noiseless).abs().max() > 1e-3


def test_a_sentence_sounds_the_same_alone_and_in_company(clone: Clone) -> None:
    converter, reference = opened(clone)
    waves = [said(length, seed) for seed, length in enumerate(LENGTHS)]
    for wave, together in zip(waves, converted(converter, reference, waves), strict=True):
        assert len(together) == len(wave)
        np.testing.assert_allclose(converted(converter, reference, [wave])[0], together, atol=1e-4)


def test_a_long_sentence_is_decoded_and_its_colour_heard_in_pieces_that_make_no_difference(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    from e2a_sidecar.speaking.clone import decoding

    converter, reference = opened(clone)
    wave = said(300 * 256 + 7)
    (whole,) = converted(converter, reference, [wave])
    monkeypatch.setattr(openvoice, "_PIECE", 128)
    monkeypatch.setattr(decoding, "_ROW", 100)
    np.testing.assert_allclose(converted(converter, reference, [said(256), wave])[1], whole, atol=1e-4)
    assert whole.abs().max() > 0.1


def test_what_is_no_number_spoils_its_own_sentence_alone(clone: Clone) -> None:
    converter, reference = opened(clone)
    waves = [said(length, seed) for seed, length in enumerate(LENGTHS)]
    good = converted(converter, reference, waves)
    waves[1] = waves[1].clone()
    waves[1][4000:4256] = float("nan")
    for number, (made, before) in enumerate(zip(converted(converter, reference, waves), good, strict=True)):
        assert bool(torch.isnan(made).any()) == (number == 1)
        assert number == 1 or made.allclose(before, atol=1e-5)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # np.array asks again, with a warning, after a TypeError
def test_on_a_device_nothing_crosses_where_coquis_own_waits_and_dies_of_a_list(clone: Clone) -> None:
    """vc/models/openvoice.py:258, `load_audio`, and `wav_to_spec`, which looks for the least and the greatest sample."""
    lengths = LENGTHS[:2]
    on_cpu = converted(*opened(clone), [said(length) for length in lengths])
    with FakeAccelerator() as fake:
        boundary = HostBoundary(DEVICE)
        converter, reference = opened(clone, DEVICE)
        waves = [boundary.upload(said(length).numpy()) for length in lengths]
        noise = [boundary.upload(drawn(converter, length).numpy()) for length in lengths]
        fake.counts.clear()
        with torch.inference_mode():
            made = converter.convert(pad_sequence(waves, batch_first=True), lengths, reference, noise, lambda: None)
        assert (fake.counts.host_copies, fake.counts.uploads, fake.counts.waits) == (0, 0, 0), fake.counts.where
        for here, there in zip(on_cpu, made, strict=True):
            np.testing.assert_allclose(to_host(there[: len(here)]), here, atol=1e-4)

        theirs = coquis(clone).cuda()
        scalars = list(waves[0][:512])
        with pytest.raises(TypeError, match=THE_ERROR) as caught:
            theirs.voice_conversion(scalars, [waves[1]])
        assert failed_in(caught) == ("vc/models/openvoice.py", "load_audio")
        again = boundary.upload(to_host(scalars))
        with torch.inference_mode():
            assert converter.convert(again[None], [512], reference, [noise[0][:, :2]], lambda: None).shape == (1, 512)
        fake.counts.clear()
        theirs.voice_conversion(waves[0], [waves[1]])
        assert fake.counts.waits >= 4 and fake.counts.host_copies == 1


def test_weights_as_they_were_named_when_it_was_published_are_the_same(clone: Clone, tmp_path: Path) -> None:
    """With torch's older weight norm, and in another precision."""
    saved = torch.load(clone.file("model"), weights_only=True)
    olden = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    for name in list(saved["model"]):
        for new, old in olden.items():
            if name.endswith(new):
                saved["model"][name.replace(new, old)] = saved["model"].pop(name).double()
    assert any(name.endswith("weight_g") for name in saved["model"])
    torch.save(saved, tmp_path / "checkpoint.pth")
    older = tiny_converters_more.with_file(clone, "model", tmp_path / "checkpoint.pth")
    assert converted(*opened(older), [said(LENGTHS[0])])[0].equal(converted(*opened(clone), [said(LENGTHS[0])])[0])


def of(part: str, **changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda raw: raw[part].update(changes)


REFUSED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no rates": lambda raw: raw.pop("data"),
    "no object": lambda raw: raw.update(model=[1]),
    "another rate": of("data", sampling_rate=16000),
    "a rate that is none": of("data", sampling_rate="22050"),
    "an absurd spectrogram": of("data", filter_length=2**40),
    "a window longer than its spectrogram": of("data", win_length=513),
    "half frames": of("data", filter_length=513),
    "frames of two lengths": of("data", hop_length=128),
    "absurd channels": of("model", inter_channels=10**9),
    "odd channels": of("model", inter_channels=17),
    "large where each is possible": of(
        "model", upsample_initial_channel=2048, hidden_channels=2048, resblock_kernel_sizes=[31] * 8, resblock_dilation_sizes=[[1, 3, 5]] * 8
    ),
    "no channels": of("model", hidden_channels=0),
    "no numbers": of("model", gin_channels=True),
    "a thousand stages": of("model", upsample_rates=[2] * 1000),
    "no stages": of("model", upsample_rates=[]),
    "dilations of nothing": of("model", resblock_dilation_sizes=[[], []]),
    "another network than the checkpoint's": of("model", gin_channels=32),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_description_that_asks_for_too_much_or_something_else_is_refused(what: str, clone: Clone, tmp_path: Path) -> None:
    with pytest.raises(SidecarError) as caught:
        opened(tiny_converters_more.described(clone, "config", REFUSED[what], tmp_path))
    assert caught.value.code == "voice_broken" and caught.value.params["voice"] == clone.id and caught.value.params["reason"]
