"""A Piper voice (a VITS exported to ONNX) in coqui's own `Vits` class.

Weights and shape are found by the graph's structure (piper_layers), so every published shape is known, x_low too, without
a table and whatever the exporter called things. What is not as expected is refused with a reason: such a voice is still
spoken by onnxruntime. Before a voice is first used, a few phonemes are spoken by both with the same noise and compared.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.durations import log_durations
from e2a_sidecar.speaking.flow import reverse_flow
from e2a_sidecar.speaking.host import to_host
from e2a_sidecar.speaking.identity import length_scale, scale, vits_identity
from e2a_sidecar.speaking.phonemes import PhonemeFrontEnd
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices import coqui, piper_layers, sound_check
from e2a_sidecar.voices.graph_constants import Floats
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.piper import PiperConfig
from e2a_sidecar.voices.piper_cut import cut_voice
from e2a_sidecar.voices.piper_graph import Unrecognised, read_graph
from e2a_sidecar.voices.piper_layers import Layers
from e2a_sidecar.voices.voice import Voice

_LOG = logging.getLogger(__name__)
_REVISION: Final = 1  # raised when a voice is converted otherwise
_TRAINING_ONLY: Final = ("duration_predictor.post", "duration_predictor.flows.1.")
_FEWEST_SPEAKERS: Final = 2  # for coqui's class to have any: a voice with one speaker fixed in it has a row that nobody asks for
_EDGE: Final = 1e-3  # frames; so near to a whole number rounding may differ


def load(voice: Voice, settings: SpeechSettings, cache_dir: Path | None = None) -> LoadedVits:
    """Load a verified voice of kind piper; SidecarError `voice_broken`, `voice_unsupported`.

    cache_dir: where it is remembered that the voice sounds like its file; without it that is not tried.
    """
    config = PiperConfig.load(voice.file("config"), voice.id)
    sha256 = dict(voice.sha256)["model"]
    try:
        layers = _layers(voice.file("model"), sha256, voice.id)
        shape = _shape(layers)
        network = coqui.blank(shape)
    except (Unrecognised, KeyError, IndexError, ValueError, TypeError, AssertionError, ArithmeticError, RuntimeError) as error:
        raise _unknown(voice, f"{type(error).__name__}: {error}") from None
    _fill(network, layers.weights, voice)
    speakers = len(layers.weights.get("emb_g.weight", (0,)))
    number = config.speaker_id(voice.speaker, voice.id)
    if shape.num_chars <= config.largest_id or (speakers > 1) != (config.num_speakers > 1) or (number or 0) >= speakers:
        detail = f"{shape.num_chars} symbols, {speakers} speakers"
        raise SidecarError("voice_broken", detail, voice=voice.id, reason="its two files do not belong together")
    speaker = network.emb_g.weight.detach()[number or 0].clone().reshape(1, -1, 1) if shape.speakers > 1 else None
    if cache_dir is not None:
        try:
            unlike = sound_check.remembered(cache_dir, f"{sha256}-torch-{_REVISION}", lambda: _unlike_its_file(network, voice, cache_dir, number, speaker))
        except sound_check.Unsound as error:  # not remembered: it may have been for want of memory
            raise SidecarError("voice_unsupported", str(error), voice=voice.id, reason=error.reason) from None
        if unlike:
            raise _unsupported(voice, unlike, "what is made of it here does not sound like its file")
    return LoadedVits(
        network=network,
        front_end=PhonemeFrontEnd(config),
        rate_hz=config.sample_rate_hz,
        hop_length=math.prod(shape.upsample_rates_decoder),
        channels=shape.hidden_channels,
        speaker=speaker,
        language=None,
        speaker_sets_durations=True,
        noise_scale=scale(settings.noise_scale, config.noise_scale),
        noise_w=scale(settings.noise_w, config.noise_w),
        length_scale=length_scale(config, settings),
        identity=vits_identity(voice, config, settings),
        versions=coqui.versions(),
    )


def _layers(model: Path, sha256: str, voice: str) -> Layers:
    """Of a file; its graph is let go."""
    return piper_layers.read(read_graph(model, sha256, voice).graph)


def _shape(layers: Layers) -> coqui.Shape:
    """Raises KeyError and the like for a voice that is no such VITS."""
    w = layers.weights
    if not layers.stochastic:
        raise Unrecognised("durations that are not drawn")
    symbols, hidden = w["text_encoder.emb.weight"].shape
    first = w["text_encoder.encoder.ffn_layers.0.conv_1.weight"]
    blocks = [f"waveform_decoder.resblocks.{i}.{'convs' if layers.resblock == '2' else 'convs1'}" for i in range(len(layers.dilations))]
    rows, embedding = w["emb_g.weight"].shape if "emb_g.weight" in w else (0, 0)
    return coqui.Shape(
        num_chars=symbols,
        hidden_channels=hidden,
        hidden_channels_ffn_text_encoder=first.shape[0],
        num_heads_text_encoder=hidden // w["text_encoder.encoder.attn_layers.0.emb_rel_k"].shape[-1],
        num_layers_text_encoder=layers.text_layers,
        kernel_size_text_encoder=first.shape[-1],
        kernel_size_flow=w["flow.flows.0.enc.in_layers.0.weight"].shape[-1],
        num_layers_flow=layers.flow_layers,
        upsample_initial_channel_decoder=w["waveform_decoder.conv_pre.weight"].shape[0],
        upsample_rates_decoder=layers.up_strides,
        upsample_kernel_sizes_decoder=tuple(w[f"waveform_decoder.ups.{i}.weight"].shape[-1] for i in range(len(layers.up_strides))),
        resblock_type_decoder=layers.resblock,
        resblock_kernel_sizes_decoder=tuple(w[f"{block}.0.weight"].shape[-1] for block in blocks),
        resblock_dilation_sizes_decoder=layers.dilations,
        duration_channels=w["duration_predictor.pre.weight"].shape[0],
        speakers=max(rows, _FEWEST_SPEAKERS) if rows else 1,
        speaker_embedding_channels=embedding,
    )


def _fill(network: Any, weights: Mapping[str, Floats], voice: Voice) -> None:
    """Set the network's weights, every one that speech needs, and no other."""
    wanted = {name: tensor for name, tensor in network.state_dict().items() if not name.startswith(_TRAINING_ONLY)}
    given = {name: torch.tensor(weight) for name, weight in weights.items()}
    if len(given.get("emb_g.weight", ())) == 1:
        given["emb_g.weight"] = given["emb_g.weight"].expand(_FEWEST_SPEAKERS, -1)
    missing = sorted(name for name in wanted if name not in given)
    other = sorted(name for name, tensor in given.items() if name in wanted and tensor.shape != wanted[name].shape)
    surplus = sorted(name for name in given if name not in wanted)
    if missing or other or surplus:
        _LOG.warning("voice %s: missing %s, of another shape %s, unknown %s", voice.id, missing[:5], other[:5], surplus[:5])
        raise _unknown(voice, f"missing {missing[:5]}, of another shape {other[:5]}, unknown {surplus[:5]}")
    network.load_state_dict(given, strict=False)


def _unlike_its_file(network: Any, voice: Voice, cache_dir: Path, speaker_id: int | None, speaker: torch.Tensor | None) -> str:
    """Why the network does not sound as the voice's own graph does; empty where it does. Unsound where that cannot be tried."""
    cut = cut_voice(voice.file("model"), dict(voice.sha256)["model"], cache_dir, voice.id)
    theirs = sound_check.spoken_by_cut(cut, speaker_id, sound_check.NOISE_SCALE, sound_check.NOISE_W)
    try:
        apart = _apart(network, theirs, sound_check.ids_of(cut), speaker)
    except (RuntimeError, MemoryError) as error:
        raise sound_check.Unsound("torch does not speak it", repr(error)) from None
    _LOG.info("voice %s: %.1e from its file", voice.id, apart)
    return "" if apart <= sound_check.WITHIN else f"{apart:.1e} of full scale from its file"


def _apart(network: Any, theirs: sound_check.Spoken, numbers: Sequence[int], speaker: torch.Tensor | None) -> float:
    """The largest difference from what onnxruntime spoke of these ids; infinite where they last otherwise or are no numbers."""
    ids = torch.tensor([numbers])
    with torch.inference_mode():
        hidden, mean, log_scale, mask = network.text_encoder(ids, torch.tensor([ids.shape[1]]))
        noise = torch.from_numpy(sound_check.duration_noise()) * sound_check.NOISE_W
        unrounded = torch.exp(log_durations(network.duration_predictor, hidden, mask, noise, speaker, None))[0, 0]
        frames = torch.from_numpy(theirs.frames)
        if frames.shape != unrounded.shape or bool(((torch.ceil(unrounded) != frames) & ((unrounded - unrounded.round()).abs() > _EDGE)).any()):
            return math.inf
        times = frames.to(torch.int64)
        noise = torch.from_numpy(theirs.latent_noise) * sound_check.NOISE_SCALE
        z = mean.repeat_interleave(times, 2) + noise * torch.exp(log_scale).repeat_interleave(times, 2)
        samples = network.waveform_decoder(reverse_flow(network.flow, z, torch.ones_like(z[:, :1]), speaker), g=speaker).reshape(-1)
        return sound_check.difference(to_host(samples), theirs.samples)


def _unknown(voice: Voice, detail: str) -> SidecarError:
    return _unsupported(voice, detail, "it is exported in a way that is not known here")


def _unsupported(voice: Voice, detail: str, why: str) -> SidecarError:
    return SidecarError("voice_unsupported", detail[:500], voice=voice.id, reason=f"{why}; the device cpu may still speak it")
