"""One voice, two runtimes, any batch: the same take (design rules 9 and 12)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
import torch
from e2a_sidecar.model import Take
from e2a_sidecar.speaking import vits_onnx, vits_torch
from e2a_sidecar.speaking.budget import CPU_BUDGET, GPU_BUDGET, Budget
from e2a_sidecar.speaking.durations import inverse_spline
from e2a_sidecar.speaking.host import HostBoundary
from e2a_sidecar.speaking.noise import take_noise
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices.voice import Voice

from .conftest import lines, loaded, spoken

CPU = torch.device("cpu")
SETTINGS = SpeechSettings()
PIPER = ("piper", "piper, high, 3 speakers")


def speak(voice: Voice, budget: Budget = CPU_BUDGET, batched: bool = False, texts: tuple[str, ...] | None = None) -> dict[int, Take]:
    engine = VitsTorch.speaking_with(loaded(voice), "cpu-torch", HostBoundary(CPU), budget)
    if batched:  # as on a GPU
        engine._workers = 0
    return spoken(engine, lines(texts) if texts else lines())


def assert_same(one: dict[int, Take], other: dict[int, Take], within: float) -> None:
    assert one.keys() == other.keys()
    for index, take in one.items():
        assert len(take.samples) == len(other[index].samples) > 0
        assert take.words == other[index].words
        np.testing.assert_allclose(take.samples / 32768, other[index].samples / 32768, atol=within)


def test_a_take_does_not_depend_on_the_batch(voice: Voice) -> None:
    assert_same(speak(voice), speak(voice, GPU_BUDGET, batched=True), within=1e-4)


def test_a_take_does_not_depend_on_windows(voice: Voice) -> None:
    whole = replace(GPU_BUDGET, window=100_000)
    assert_same(speak(voice, whole, batched=True), speak(voice, replace(whole, window=24, frames=60), batched=True), within=1e-4)


def test_one_sentence_after_another_gives_the_same_bytes(voices: Callable[[str], Voice]) -> None:
    first, again = speak(voices("piper")), speak(voices("piper"))
    assert all(np.array_equal(take.samples, again[index].samples) for index, take in first.items())


def test_both_runtimes_give_the_same_take(voice: Voice, cache: Path) -> None:
    """For every speaker and language of a voice."""
    for asked, language in choices(voice):
        core = vits_onnx.VitsOnnx(asked, language, SETTINGS, cache)
        neural = VitsTorch.speaking_with(loaded(asked, language), "cpu-torch", HostBoundary(CPU))
        assert dict(core.identity) == dict(neural.identity)
        assert core.rate_hz == neural.rate_hz
        assert_same(spoken(core, lines()), spoken(neural, lines()), within=1e-3)
        core.close()


def choices(voice: Voice) -> list[tuple[Voice, str]]:
    """The first and another of a voice's speakers and languages, as tiny_voices names them."""
    roles = {role for role, _ in voice.files}
    several = bool(roles & {"speakers", "d_vectors"}) or ("num_speakers" in (raw := json.loads(voice.file("config").read_text())) and raw["num_speakers"] > 1)
    last = replace(voice, speaker="p1" if several else ""), "fr-fr" if "languages" in roles else "en-us"
    return [(voice, "en-us"), *([last] if last != (voice, "en-us") else [])]


def test_a_line_far_longer_than_a_sentence_is_cut_alike_in_both(voices: Callable[[str], Voice], cache: Path) -> None:
    text = ("the old house stood at the end of the long road and nobody went there any more ",) * 12
    core = vits_onnx.VitsOnnx(voices("piper"), "en-us", SETTINGS, cache)
    assert vits_torch.LONGEST_IDS == vits_onnx.LONGEST_IDS
    assert_same(spoken(core, lines(("".join(text),))), speak(voices("piper"), texts=("".join(text),)), within=1e-3)
    core.close()


def test_the_real_voice_sounds_the_same_in_both_runtimes(joe: Voice, cache: Path) -> None:
    core = vits_onnx.VitsOnnx(joe, "en-us", SETTINGS, cache)
    assert_same(spoken(core, lines()), speak(joe), within=1e-3)
    core.close()


def test_the_real_voice_in_a_padded_batch(joe: Voice) -> None:
    assert_same(speak(joe), speak(joe, GPU_BUDGET, batched=True), within=1e-4)


def assert_like_the_exported_graph(voice: Voice, speaker: int | None) -> None:
    """Without noise: our samples against what the voice's own file gives, whole."""
    quiet = SpeechSettings(noise_scale=0.0, noise_w=0.0)
    ids = loaded(voice, settings=quiet).front_end.encode(lines()[0].text).ids
    feed: dict[str, Any] = {"input": np.array([ids]), "input_lengths": np.array([len(ids)]), "scales": np.array([0, 1, 0], np.float32)}
    feed |= {} if speaker is None else {"sid": np.array([speaker])}
    theirs = onnxruntime.InferenceSession(str(voice.file("model"))).run(None, feed)[0].reshape(-1)
    ours = spoken(VitsTorch.speaking_with(loaded(voice, settings=quiet), "cpu-torch", HostBoundary(CPU)), lines()[:1])[0].samples
    assert len(ours) == len(theirs)
    np.testing.assert_allclose(ours / 32767, np.clip(theirs, -1, 1), atol=1e-4)


@pytest.mark.parametrize("name", PIPER)
def test_the_exported_graph_is_what_we_speak(name: str, voices: Callable[[str], Voice]) -> None:
    assert_like_the_exported_graph(voices(name), 0 if "3 speakers" in name else None)


def test_the_real_voices_graph_is_what_we_speak(joe: Voice) -> None:
    assert_like_the_exported_graph(joe, None)


def test_our_inference_is_coquis_own(voice: Voice) -> None:
    assert_like_coquis_inference(voice)


def assert_like_coquis_inference(voice: Voice) -> None:
    """coqui's `inference` with our noise in place of its own: the same samples."""
    vits, line = loaded(voice), lines()[0]
    ids = vits.front_end.encode(line.text).ids
    ours = spoken(VitsTorch.speaking_with(loaded(voice), "cpu-torch", HostBoundary(CPU)), [line])[0].samples
    frames = len(ours) // vits.hop_length
    noise = [take_noise(line.key, 0, "duration", (2, len(ids)))[None], take_noise(line.key, 0, "latent", (vits.channels, frames))[None]]
    wanted: Iterator[torch.Tensor] = map(torch.from_numpy, noise if vits.network.args.use_sdp else noise[1:])
    network = vits.network
    network.inference_noise_scale, network.inference_noise_scale_dp = vits.noise_scale, vits.noise_w
    given = {"x_lengths": torch.tensor([len(ids)]), "speaker_ids": None, "d_vectors": None, "language_ids": None}
    args = network.args
    if args.use_speaker_embedding:
        given["speaker_ids"] = torch.tensor([0])
    elif args.use_d_vector_file:
        given["d_vectors"] = torch.tensor(network.speaker_manager.get_mean_embedding("p0"), dtype=torch.float32)[None]
    if args.use_language_embedding:
        given["language_ids"] = torch.tensor([network.language_manager.name_to_id["en-us"]])
    with mock.patch("torch.randn", lambda *a, **k: next(wanted)), mock.patch("torch.randn_like", lambda *a, **k: next(wanted)):
        theirs = network.inference(torch.tensor([ids]), given)["model_outputs"].reshape(-1)
    assert len(theirs) == len(ours)
    np.testing.assert_allclose(ours / 32767, theirs.clamp(-1, 1), atol=1e-4)


def test_the_spline_is_upstreams_inside_and_outside_its_bounds() -> None:
    from TTS.tts.layers.vits.transforms import piecewise_rational_quadratic_transform  # type: ignore[import-untyped]

    torch.manual_seed(1)
    y = torch.cat([torch.linspace(-7, 7, 57), torch.tensor([-5.0, 5.0, 0.0])]).reshape(1, 1, -1)
    widths, heights, slopes = (torch.randn(*y.shape, n) * 2 for n in (10, 10, 9))
    theirs, _ = piecewise_rational_quadratic_transform(y, widths, heights, slopes, inverse=True, tails="linear", tail_bound=5.0)
    ours = inverse_spline(y, widths, heights, slopes, 5.0)
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert torch.equal(ours[y.abs() > 5], y[y.abs() > 5])


def test_the_spline_survives_what_is_not_a_number() -> None:
    y = torch.tensor([[[float("nan"), 1.0]]])
    widths, heights, slopes = (torch.zeros(1, 1, 2, n) for n in (10, 10, 9))
    out = inverse_spline(y, widths, heights, slopes, 5.0)
    assert out[0, 0, 1] == pytest.approx(1.0, abs=1e-5)
