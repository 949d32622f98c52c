"""A small WavLM and FreeVC with random weights, written as coqui's loaders take them, and a sample: what tests clone with.

    wavlm       a checkpoint of WavLM-Large's kind: `cfg` and `model`
    freevc      checkpoint and config.json as coqui publishes FreeVC24 (24 kHz, frames of 20 ms), and a WavLM
    sample      a recording: harmonics that swell and fall like syllables, mono FLAC of 16 bit
    cloned      a base voice with such a clone, verified

Layers that training starts at zero get weights, and the decoder is made loud enough that an error would be seen in 16 bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np
import soundfile  # type: ignore[import-untyped]
import torch
from e2a_sidecar.voices.voice import Clone, Voice
from numpy.typing import NDArray

WAVLM: Final[dict[str, Any]] = {
    "encoder_layers": 8,
    "encoder_embed_dim": 16,
    "encoder_ffn_embed_dim": 32,
    "encoder_attention_heads": 2,
    "conv_feature_layers": "[(16,10,5)] + [(16,3,2)] * 4 + [(16,2,2)] * 2",
    "conv_pos": 16,
    "conv_pos_groups": 2,
    "extractor_mode": "layer_norm",
    "layer_norm_first": True,
    "relative_position_embedding": True,
    "gru_rel_pos": True,
    "num_buckets": 32,
    "max_distance": 80,
    "activation_fn": "gelu",
    "conv_bias": False,
    "normalize": True,
}
"""WavLM-Large's kind with eight layers of 16 channels."""

WAVLM_LARGE: Final[dict[str, Any]] = {
    **WAVLM,
    "encoder_layers": 24,
    "encoder_embed_dim": 1024,
    "encoder_ffn_embed_dim": 4096,
    "encoder_attention_heads": 16,
    "conv_feature_layers": "[(512,10,5)] + [(512,3,2)] * 4 + [(512,2,2)] * 2",
    "conv_pos": 128,
    "conv_pos_groups": 16,
    "num_buckets": 320,
    "max_distance": 800,
}


@dataclass(frozen=True, slots=True)
class FreeVCShape:
    """Channels by coqui's own names; `stock` is what is published."""

    inter_channels: int = 16
    hidden_channels: int = 16
    gin_channels: int = 16
    upsample_initial_channel: int = 32
    resblock_kernel_sizes: tuple[int, ...] = (3, 7)
    upsample_rates: tuple[int, ...] = (10, 6, 4, 2)
    upsample_kernel_sizes: tuple[int, ...] = (16, 16, 4, 4)


TINY: Final = FreeVCShape()
STOCK: Final = FreeVCShape(192, 192, 256, 512, (3, 7, 11))


def wavlm(path: Path, shapes: Mapping[str, Any] = WAVLM, *, seed: int = 0) -> Path:
    """A checkpoint by coqui's own class."""
    from TTS.vc.layers.freevc.wavlm.wavlm import WavLM, WavLMConfig  # type: ignore[import-untyped]

    path.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    network = WavLM(WavLMConfig(dict(shapes)))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if ".self_attn." in name and name.endswith("proj.weight"):
                parameter.mul_(8)  # else attention is the same everywhere, and nothing is seen of what it looks at
            elif "relative_attention_bias" in name or "grep_linear" in name:
                parameter.normal_(0.0, 0.5)
    torch.save({"cfg": dict(shapes), "model": network.state_dict()}, path)
    return path


def freevc(
    folder: Path, shape: FreeVCShape = TINY, listener: Mapping[str, Any] = WAVLM, *, seed: int = 0, own_wavlm: bool = True, published: bool = False
) -> dict[str, Path]:
    """Files by role: `model`, `config`, `wavlm`. own_wavlm: the checkpoint holds WavLM's weights too, as coqui's loader wants it.

    published: a speaker is heard by an encoder with a file of its own, `speaker_encoder` (of the only size that coqui has), as by the published one.
    """
    from TTS.vc.configs.freevc_config import FreeVCConfig  # type: ignore[import-untyped]
    from TTS.vc.layers.freevc.speaker_encoder import speaker_encoder  # type: ignore[import-untyped]
    from TTS.vc.models import freevc as models  # type: ignore[import-untyped]

    files = {"model": folder / "freevc.pth", "config": folder / "config.json", "wavlm": wavlm(folder / "WavLM-Large.pt", listener, seed=seed)}
    torch.manual_seed(seed + 1)
    config = FreeVCConfig()
    for name in FreeVCShape.__dataclass_fields__:
        value = getattr(shape, name)
        setattr(config.model_args, name, list(value) if isinstance(value, tuple) else value)
    config.model_args.ssl_dim = int(listener["encoder_embed_dim"])
    config.model_args.resblock_dilation_sizes = [[1, 3, 5]] * len(shape.resblock_kernel_sizes)
    config.model_args.use_spk = published
    if published:
        config.model_args.gin_channels = 256
    blank = {"model_state": {}}
    with mock.patch.object(models, "get_wavlm", lambda: None), mock.patch.object(speaker_encoder, "load_fsspec", lambda *_what, **_how: blank):
        network = models.FreeVC(config)
    with torch.no_grad():
        for flow in network.flow.flows[::2]:
            flow.post.weight.normal_(0.0, 0.05)
            flow.post.bias.normal_(0.0, 0.05)
        network.enc_p.proj.weight.normal_(0.0, 0.3)
        for up in network.dec.ups:
            up.parametrizations.weight.original0.mul_(2)
        network.dec.conv_post.weight.normal_(0.0, 0.3)
    state = dict(network.state_dict())
    if own_wavlm:
        state |= {f"wavlm.{name}": value for name, value in torch.load(files["wavlm"], weights_only=True)["model"].items()}
    if published:
        heard = {name.removeprefix("enc_spk_ex."): state.pop(name) for name in list(state) if name.startswith("enc_spk_ex.")}
        files["speaker_encoder"] = folder / "speaker_encoder.pt"
        torch.save({"step": 0, "model_state": heard | {"similarity_weight": torch.ones(1)}, "optimizer_state": {}}, files["speaker_encoder"])
    torch.save({"model": state, "step": 0}, files["model"])
    config.save_json(str(files["config"]))
    return files


def voice_like(seconds: float, rate_hz: int, *, pitch_hz: float = 120.0, seed: int = 0) -> NDArray[np.float32]:
    """Harmonics with a wandering pitch that swell and fall four times a second, with pauses: no speech, but like it in level and rhythm."""
    random = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.2 * np.sin(2 * np.pi * 0.7 * t + random.uniform(0, 6)))) / rate_hz
    tone = sum(np.sin(n * phase + random.uniform(0, 6)) / n for n in range(1, 20))
    swell = np.clip(np.sin(2 * np.pi * 2 * t), 0, 1) * (np.sin(2 * np.pi * 0.4 * t) > -0.8)
    noise = random.standard_normal(len(t)) * 0.02
    return np.asarray(0.2 * tone * swell + noise * swell, dtype=np.float32)


def sample(path: Path, *, seconds: float = 8.0, rate_hz: int = 24000, pitch_hz: float = 180.0, seed: int = 1) -> Path:
    """A recording to clone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, voice_like(seconds, rate_hz, pitch_hz=pitch_hz, seed=seed), rate_hz, subtype="PCM_16")
    return path


def clone_of(recording: Path, converter: str, files: Mapping[str, Path], name: str = "Anna") -> Clone:
    """A verified clone."""
    digest = hashlib.sha256(recording.read_bytes()).hexdigest()
    roles = {"sample": recording, **files}
    return Clone(f"clone-{digest[:12]}", name, converter, tuple(sorted(roles.items()))).verified()


def cloned(base: Voice, folder: Path, *, seed: int = 0) -> Voice:
    """A base voice with a clone by a tiny FreeVC."""
    recording = sample(folder / "sample.flac", seed=seed + 1)
    return replace(base, clone=clone_of(recording, "freevc24", freevc(folder / "freevc24", seed=seed)))


def on_wire(voice: Voice) -> dict[str, Any]:
    """A voice as the plugin names it."""

    def named(files: Any, sha256: Any) -> dict[str, Any]:
        return {"files": {role: str(path) for role, path in files}, "sha256": dict(sha256)}

    raw = {"id": voice.id, "kind": voice.kind, "name": voice.name, "language": voice.language, "speaker": voice.speaker, **named(voice.files, voice.sha256)}
    if voice.clone is not None:
        clone = voice.clone
        raw["clone"] = {"id": clone.id, "name": clone.name, "converter": clone.converter, **named(clone.files, clone.sha256)}
    return raw
