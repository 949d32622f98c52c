"""FreeVC24 beside coqui's own: the same sound of the same noise, alone and in company, short and long; and files that are none."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import tiny_converters
import torch
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.speaking.clone.converter import Converter, Reference
from e2a_sidecar.speaking.clone.resample import Resampler
from e2a_sidecar.speaking.clone.wavlm import LONGEST_S, Features
from e2a_sidecar.voices.clone import open_converter
from e2a_sidecar.voices.clone.safety import offline
from e2a_sidecar.voices.voice import Clone
from tiny_converters import voice_like

CPU = torch.device("cpu")
SECONDS = (0.3, 4.123, 1.7, 2.5)


def go_on() -> None: ...


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    folder = tmp_path_factory.mktemp("clone")
    return tiny_converters.clone_of(tiny_converters.sample(folder / "sample.flac"), "freevc24", tiny_converters.freevc(folder / "freevc24"))


@pytest.fixture(scope="module")
def ours(clone: Clone) -> Converter:
    return open_converter(clone, CPU)


@pytest.fixture(scope="module")
def reference(ours: Converter) -> Reference:
    with torch.inference_mode():
        return ours.refer(torch.from_numpy(voice_like(6, 16_000, seed=5)), 16_000)


@pytest.fixture(scope="module")
def theirs(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """coqui's own FreeVC of the same files, by its own loader."""
    from TTS.utils.synthesizer import Synthesizer  # type: ignore[import-untyped]

    home = tmp_path_factory.mktemp("home")
    (home / "tts" / "wavlm").mkdir(parents=True)
    (home / "tts" / "wavlm" / "WavLM-Large.pt").write_bytes(clone.file("wavlm").read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TTS_HOME", str(home))
        yield Synthesizer(vc_checkpoint=str(clone.file("model")), vc_config=str(clone.file("config"))).vc_model.eval()


def converted(converter: Converter, reference: Reference, waves: list[torch.Tensor], noise: list[torch.Tensor]) -> torch.Tensor:
    with torch.inference_mode():
        batch = torch.nn.utils.rnn.pad_sequence(waves, batch_first=True)
        return converter.convert(batch, [len(wave) for wave in waves], reference, noise, go_on)


def drawn(converter: Converter, waves: list[torch.Tensor]) -> list[torch.Tensor]:
    return [torch.randn(converter.noise(len(wave)), generator=torch.Generator().manual_seed(n)) for n, wave in enumerate(waves)]


def waves_of(*seconds: float) -> list[torch.Tensor]:
    return [torch.from_numpy(voice_like(length, 16_000, seed=n)) for n, length in enumerate(seconds)]


def test_a_speaker_is_heard_as_coqui_hears_it(ours: Converter, theirs: Any) -> None:
    for seconds in (1.0, 6.0, 14.0):  # one slice of its spectrogram, several
        wave = torch.from_numpy(np.concatenate([np.zeros(9000, np.float32), voice_like(seconds, 16_000, seed=3), np.zeros(5000, np.float32)]))
        with torch.inference_mode():
            expected = theirs._extract_target_se([wave])
            assert float((ours.refer(wave, 16_000)["speaker"] - expected).abs().max()) < 1e-6 and float(expected.abs().max()) > 0.1


@pytest.mark.parametrize("seconds", [0.5, 4.123, 12.0])
def test_a_sentence_sounds_as_coqui_makes_it_of_the_same_noise(seconds: float, ours: Converter, theirs: Any, reference: Reference) -> None:
    """coqui leaves out what lies behind the last whole frame; so it is given the source with the silence that ours puts there."""
    (wave,) = waves_of(seconds)
    noise = drawn(ours, [wave])
    made = converted(ours, reference, [wave], noise)[0].numpy()
    assert len(made) == ours.samples(len(wave)) == round(len(wave) * 1.5)
    frames = noise[0].shape[1]
    with mock.patch.object(torch, "randn_like", lambda like: noise[0][None]):
        expected = theirs.voice_conversion(torch.nn.functional.pad(wave, (0, 320 * frames + 80 - len(wave))), [torch.from_numpy(voice_like(6, 16_000, seed=5))])
    np.testing.assert_allclose(made, expected[: len(made)], atol=1e-4)
    assert 0.1 < np.abs(made).max() < 0.99, "loud enough for an error to be seen, and not clipped"


def test_a_checkpoint_without_a_wavlm_of_its_own_takes_the_file(ours: Converter, reference: Reference, clone: Clone, tmp_path: Path) -> None:
    files = tiny_converters.freevc(tmp_path, own_wavlm=False)
    other = open_converter(tiny_converters.clone_of(clone.file("sample"), "freevc24", files), CPU)
    waves = waves_of(1.0)
    noise = drawn(ours, waves)
    assert torch.allclose(converted(other, reference, waves, noise), converted(ours, reference, waves, noise), atol=1e-5)


def test_the_published_kind_hears_a_speaker_by_an_encoder_of_its_own_as_coqui_does(clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from TTS.utils.synthesizer import Synthesizer  # type: ignore[import-untyped]
    from TTS.vc.layers.freevc.speaker_encoder import speaker_encoder  # type: ignore[import-untyped]

    files = tiny_converters.freevc(tmp_path / "freevc24", published=True)
    cloned = tiny_converters.clone_of(clone.file("sample"), "freevc24", files)
    ours = open_converter(cloned, CPU)
    (tmp_path / "tts" / "wavlm").mkdir(parents=True)
    (tmp_path / "tts" / "wavlm" / "WavLM-Large.pt").write_bytes(files["wavlm"].read_bytes())
    monkeypatch.setenv("TTS_HOME", str(tmp_path))
    monkeypatch.setattr(speaker_encoder, "load_fsspec", lambda *_what, **_how: torch.load(files["speaker_encoder"], weights_only=True))
    weights = torch.load(files["model"], weights_only=True)
    heard = {f"enc_spk_ex.{n}": value for n, value in torch.load(files["speaker_encoder"], weights_only=True)["model_state"].items() if "similarity" not in n}
    torch.save({**weights, "model": weights["model"] | heard}, tmp_path / "whole.pth")  # coqui's loader wants all in one
    theirs = Synthesizer(vc_checkpoint=str(tmp_path / "whole.pth"), vc_config=str(files["config"])).vc_model.eval()
    for seconds in (1.0, 9.0):
        wave = torch.from_numpy(np.concatenate([np.zeros(9000, np.float32), voice_like(seconds, 16_000, seed=3)]))
        with torch.inference_mode():
            expected = theirs._extract_target_se([wave])
            assert float((ours.refer(wave, 16_000)["speaker"] - expected).abs().max()) < 1e-6 and float(expected.abs().max()) > 0.05
    in_one = open_converter(tiny_converters.clone_of(clone.file("sample"), "freevc24", {**files, "model": tmp_path / "whole.pth"}), CPU)
    with torch.inference_mode():
        assert torch.equal(in_one.refer(wave, 16_000)["speaker"], ours.refer(wave, 16_000)["speaker"])
    other = tiny_converters.clone_of(clone.file("sample"), "freevc24", {**files, "speaker_encoder": tmp_path / "whole.pth"})
    assert other.converter_hash() != cloned.converter_hash(), "what listens shapes the sound"
    without = tiny_converters.clone_of(clone.file("sample"), "freevc24", {role: path for role, path in files.items() if role != "speaker_encoder"})
    for bad in (other, without):
        with pytest.raises(SidecarError) as caught:
            open_converter(bad, CPU)
        assert caught.value.code == "voice_broken" and "speaker" in str(caught.value.params["reason"])


def test_a_sentence_sounds_the_same_alone_and_in_company(ours: Converter, reference: Reference) -> None:
    waves = waves_of(*SECONDS, 27.0)  # one of them in windows
    noise = drawn(ours, waves)
    together = converted(ours, reference, waves, noise)
    for number, wave in enumerate(waves):
        alone = converted(ours, reference, [wave], [noise[number]])[0]
        assert len(alone) == ours.samples(len(wave)) and float(alone.abs().max()) > 0.1
        np.testing.assert_allclose(together[number, : len(alone)].numpy(), alone.numpy(), atol=1e-5)
        assert not together[number, len(alone) :].any()


@pytest.mark.parametrize("samples", [1, 79, 400, 700])
def test_the_shortest_sentences_have_a_sound_too(samples: int, ours: Converter, reference: Reference) -> None:
    wave = torch.from_numpy(voice_like(2.0, 16_000, seed=1))[:samples]
    made = converted(ours, reference, [wave], drawn(ours, [wave]))
    assert made.shape == (1, ours.samples(samples)) and torch.isfinite(made).all()


def test_a_long_sentence_takes_no_more_memory_than_its_windows_and_has_no_seam(ours: Converter, reference: Reference, clone: Clone) -> None:
    """Beside one that is heard as a whole: what differs is what attention is paid to beyond a window."""
    (wave,) = waves_of(71.0)
    noise = drawn(ours, [wave])
    longest: list[int] = []
    original = torch.nn.functional.scaled_dot_product_attention

    def seen(query: torch.Tensor, *more: Any, **named: Any) -> torch.Tensor:
        longest.append(query.shape[0] * query.shape[2])
        return original(query, *more, **named)

    with mock.patch.object(torch.nn.functional, "scaled_dot_product_attention", seen):
        made = converted(ours, reference, [wave], noise)[0]
    assert max(longest) <= 2 * (LONGEST_S * 50 + 1)
    whole = open_converter(clone, CPU)
    with mock.patch("e2a_sidecar.speaking.clone.wavlm.LONGEST_S", 80.0):
        whole._features = Features(ours._features._network)  # type: ignore[attr-defined]
    expected = converted(whole, reference, [wave], noise)[0]
    error = (made - expected).abs()
    assert float(error.mean()) < 0.02 * float(expected.abs().mean())
    steps = (made[1:] - made[:-1]).abs()
    edges = [round(71.0 * number / 5 * 24_000) for number in range(1, 5)]
    assert max(float(steps[at - 480 : at + 480].max()) for at in edges) <= float(steps.max())


def test_whoever_stops_is_asked_between_the_layers(ours: Converter, reference: Reference) -> None:
    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked == 12:
            raise Stopped

    (wave,) = waves_of(1.0)
    with torch.inference_mode(), pytest.raises(Stopped):
        ours.convert(wave[None], [len(wave)], reference, drawn(ours, [wave]), stop)
    assert asked == 12


@pytest.mark.parametrize(("rate_hz", "new_hz"), [(22_050, 16_000), (16_000, 22_050), (24_000, 16_000), (48_000, 16_000), (16_000, 16_000)])
def test_resampling_keeps_the_tone_and_each_sentences_length(rate_hz: int, new_hz: int) -> None:
    lengths = [rate_hz, rate_hz // 2 + 3, 7]
    tone = torch.sin(torch.arange(rate_hz) / rate_hz * 2 * torch.pi * 440)
    batch = torch.nn.utils.rnn.pad_sequence([tone[:length] for length in lengths], batch_first=True)
    resample = Resampler(rate_hz, new_hz, CPU)
    made, longer = resample(batch, lengths)
    for row, length, new_length in zip(made, lengths, longer, strict=True):
        alone, _ = resample(tone[None, :length], [length])
        assert new_length == -(-length * new_hz // rate_hz) == alone.shape[1]
        assert torch.allclose(row[:new_length], alone[0], atol=1e-6) and not row[new_length:].any()
    expected = torch.sin(torch.arange(new_hz) / new_hz * 2 * torch.pi * 440)
    assert float((made[0] - expected)[500:-500].abs().max()) < 1e-3
    high = torch.sin(torch.arange(rate_hz, dtype=torch.float64) * 2 * torch.pi * 0.49).float()
    if new_hz < 0.9 * rate_hz:  # what the new rate cannot hold is gone, and does not come back as another tone
        assert float(resample(high[None], [rate_hz])[0][0, 2000:-2000].abs().max()) < 1e-3


class Payload:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path(PAYLOAD[0]),))


PAYLOAD: list[str] = []


def with_code(files: Mapping[str, Path]) -> None:
    torch.save({"model": {"x": torch.zeros(1)}, "more": Payload()}, files["model"], pickle_protocol=pickle.HIGHEST_PROTOCOL)


def evaluated(files: Mapping[str, Path]) -> None:
    """coqui's WavLM hands this text to Python's eval."""
    loaded = torch.load(files["wavlm"], weights_only=True)
    loaded["cfg"]["conv_feature_layers"] = f"[(16,10,5)] * len([__import__('pathlib').Path({PAYLOAD[0]!r}).touch()])"
    torch.save(loaded, files["wavlm"])


def wavlm_with(**shapes: Any) -> Callable[[Mapping[str, Path]], None]:
    def change(files: Mapping[str, Path]) -> None:
        loaded = torch.load(files["wavlm"], weights_only=True)
        loaded["cfg"] |= shapes
        torch.save(loaded, files["wavlm"])

    return change


def described(**args: Any) -> Callable[[Mapping[str, Path]], None]:
    def change(files: Mapping[str, Path]) -> None:
        raw = json.loads(files["config"].read_text())
        raw["model_args"] |= args.pop("model_args", {})
        files["config"].write_text(json.dumps(raw | args))

    return change


def written(role: str, data: bytes) -> Callable[[Mapping[str, Path]], None]:
    return lambda files: files[role].write_bytes(data) and None


def cut(role: str) -> Callable[[Mapping[str, Path]], None]:
    return lambda files: files[role].write_bytes(files[role].read_bytes()[:-3000]) and None


def another_network(files: Mapping[str, Path]) -> None:
    torch.save({"model": {"weight": torch.zeros(3)}}, files["model"])


def wrong_shape(files: Mapping[str, Path]) -> None:
    loaded = torch.load(files["model"], weights_only=True)
    loaded["model"]["dec.conv_pre.weight"] = torch.zeros(1).expand(1 << 20, 1 << 20)  # four bytes that say they are terabytes
    torch.save(loaded, files["model"])


def many_names(files: Mapping[str, Path]) -> None:
    loaded = torch.load(files["model"], weights_only=True)
    one = torch.zeros(1 << 21, dtype=torch.float16)
    loaded["model"] |= {f"dec.more.{number}": one for number in range(400)}  # four megabytes, 3.2 gigabytes in float32
    torch.save(loaded, files["model"])


def endless(files: Mapping[str, Path]) -> None:
    loaded = torch.load(files["wavlm"], weights_only=True)
    nested: list[Any] = []
    for _ in range(40):
        nested = [nested, nested]  # whoever prints it prints for years
    loaded["cfg"]["encoder_layers"] = nested
    torch.save(loaded, files["wavlm"])


def claims(files: Mapping[str, Path]) -> None:
    """An archive of which many entries are the same bytes."""
    with zipfile.ZipFile(files["model"]) as archive:
        start, infos = archive.start_dir, archive.infolist()
    data = files["model"].read_bytes()
    largest = max(infos, key=lambda info: info.file_size)
    with zipfile.ZipFile(files["model"], "w") as archive:
        archive.fp.write(data[:start])
        archive.start_dir = start
        for number, info in enumerate([*infos, *[largest] * 50]):
            again = copy.copy(info)
            again.filename = info.filename if number < len(infos) else f"{info.filename}-{number}"
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
        archive._didModify = True


WIDE = ("inter_channels", "hidden_channels", "gin_channels", "spec_channels", "upsample_initial_channel")
HOSTILE: dict[str, tuple[Callable[[Mapping[str, Path]], None], str]] = {
    "code in the checkpoint": (with_code, "voice_broken"),
    "code in WavLM's shapes": (evaluated, "voice_broken"),
    "a billion channels": (described(model_args={"upsample_initial_channel": 10**9}), "voice_broken"),
    "a network beyond all bounds": (described(model_args=dict.fromkeys(WIDE, 2048) | {"resblock_kernel_sizes": [31] * 8}), "voice_broken"),
    "a thousand layers": (wavlm_with(encoder_layers=1000), "voice_broken"),
    "a hundred wide layers": (wavlm_with(encoder_layers=100, encoder_embed_dim=4096, encoder_ffn_embed_dim=16384), "voice_broken"),
    "a network of many names for one number": (many_names, "voice_broken"),
    "a number that never ends": (endless, "voice_broken"),
    "an archive that holds more than it does": (claims, "voice_broken"),
    "convolutions that are no list": (wavlm_with(conv_feature_layers="[{[]:1}]"), "voice_broken"),
    "frames of one sample": (wavlm_with(conv_feature_layers="[(16,10,1)] + [(16,3,1)] * 6"), "voice_broken"),
    "frames of minutes": (wavlm_with(conv_feature_layers="[(16,64,64)] * 7"), "voice_broken"),
    "a single bucket": (wavlm_with(num_buckets=1), "voice_broken"),
    "no dilations": (described(model_args={"resblock_dilation_sizes": []}), "voice_broken"),
    "a million convolutions": (wavlm_with(conv_feature_layers="[(16,10,5)] * 16 * 16 * 16 * 16 * 16"), "voice_broken"),
    "tensors for words": (wavlm_with(extractor_mode=torch.zeros(3), layer_norm_first=torch.ones(1)), "voice_unsupported"),
    "WavLM-Base": (wavlm_with(extractor_mode="default", layer_norm_first=False), "voice_unsupported"),
    "shapes that are texts": (described(model_args={"hidden_channels": "192"}), "voice_broken"),
    "shapes that are lists of lists": (described(model_args={"upsample_rates": [[10]]}), "voice_broken"),
    "frames of another length": (described(model_args={"upsample_rates": [10, 6, 4, 4]}), "voice_unsupported"),
    "another converter": (described(model="knnvc"), "voice_broken"),
    "a speaker encoder that is not there": (described(model_args={"use_spk": True}), "voice_broken"),
    "a list": (written("config", b"[]"), "voice_broken"),
    "JSON too deep": (written("config", b"[" * 100_000), "voice_broken"),
    "no JSON": (written("config", b"\x00\xff"), "voice_broken"),
    "an empty checkpoint": (written("model", b""), "voice_broken"),
    "two bytes": (written("wavlm", b"PK"), "voice_broken"),
    "a checkpoint cut off": (cut("model"), "voice_broken"),
    "a WavLM cut off": (cut("wavlm"), "voice_broken"),
    "another network's checkpoint": (another_network, "voice_broken"),
    "a tensor that says it is terabytes": (wrong_shape, "voice_broken"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_converter_is_refused_with_a_reason_and_runs_nothing(what: str, clone: Clone, tmp_path: Path) -> None:
    spoil, code = HOSTILE[what]
    PAYLOAD[:] = [str(tmp_path / "ran")]
    files = {role: Path(shutil.copy(path, tmp_path)) for role, path in clone.files}
    spoil(files)
    clone = tiny_converters.clone_of(files.pop("sample"), "freevc24", files)
    began = time.monotonic()
    with pytest.raises(SidecarError) as caught:
        open_converter(clone, CPU)
    assert caught.value.code == code and caught.value.params["voice"] == clone.id and caught.value.params["reason"], caught.value
    assert not (tmp_path / "ran").exists() and time.monotonic() - began < 20


def test_upstream_runs_the_code_in_wavlms_shapes(tmp_path: Path) -> None:
    """vc/layers/freevc/wavlm/wavlm.py, `WavLM.__init__`: `eval(cfg.conv_feature_layers)`; weights_only does not help, it is a text."""
    from TTS.vc.layers.freevc.wavlm import wavlm  # type: ignore[import-untyped]

    PAYLOAD[:] = [str(tmp_path / "ran")]
    files = tiny_converters.freevc(tmp_path)
    evaluated(files)
    wavlm.WavLM(wavlm.WavLMConfig(torch.load(files["wavlm"], weights_only=True)["cfg"]))
    assert (tmp_path / "ran").exists()


def test_what_coqui_would_fetch_is_refused_before_it_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket
    import urllib.request

    import fsspec  # type: ignore[import-untyped]
    import requests  # type: ignore[import-untyped]
    from TTS.vc.layers.freevc.wavlm import get_wavlm  # type: ignore[import-untyped]

    monkeypatch.setenv("TTS_HOME", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        address = f"http://127.0.0.1:{port}/x"
        monkeypatch.setattr("TTS.vc.layers.freevc.wavlm.model_uri", address)
        asks: tuple[Callable[[], Any], ...] = (
            get_wavlm,
            lambda: urllib.request.urlopen(address),
            lambda: requests.get(address),
            lambda: fsspec.open(address).open().read(),
            lambda: socket.create_connection(("127.0.0.1", port)),
        )
        for ask in asks:
            with offline(), pytest.raises(OSError):
                ask()
        with pytest.raises(BlockingIOError):  # nobody came
            server.accept()
        socket.create_connection(("127.0.0.1", port)).close()  # afterwards all is as it was


def test_opening_asks_nobody_and_leaves_coquis_own_ways_as_they_were(clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from TTS.vc.layers.freevc.wavlm import get_wavlm, wavlm
    from TTS.vc.models import freevc  # type: ignore[import-untyped]

    monkeypatch.setenv("TTS_HOME", str(tmp_path))
    before = wavlm.init_bert_params
    open_converter(clone, CPU)
    assert freevc.get_wavlm is get_wavlm and wavlm.init_bert_params is before and not list(tmp_path.iterdir())
