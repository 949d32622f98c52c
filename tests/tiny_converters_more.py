"""Small kNN-VC and OpenVoice with random weights, as coqui's loaders take them.

    knnvc       a WavLM (`tiny_converters`'), and checkpoint and description of a HiFi-GAN that takes its features
    openvoice   checkpoint and config.json as OpenVoice publishes them: `data` and `model`
    d_vector    coqui's speaker encoder (`tiny_voices`'), for a base voice with d-vectors
    cloned      a base voice with a clone by one of them, verified

Layers that start at zero get weights, and the last convolution is made loud enough that an error would be seen in 16 bits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import tiny_converters
import tiny_voices
import torch
from e2a_sidecar.voices.voice import Clone, Voice

OPENVOICE: Final[dict[str, Any]] = {
    "data": {"sampling_rate": 22050, "filter_length": 512, "hop_length": 256, "win_length": 512, "n_speakers": 0},
    "model": {
        "zero_g": True,
        "inter_channels": 16,
        "hidden_channels": 16,
        "filter_channels": 32,
        "n_heads": 2,
        "n_layers": 2,
        "kernel_size": 3,
        "p_dropout": 0.1,
        "resblock": "1",
        "resblock_kernel_sizes": [3, 5],
        "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5]],
        "upsample_rates": [8, 8, 4],
        "upsample_initial_channel": 32,
        "upsample_kernel_sizes": [16, 16, 8],
        "n_layers_q": 3,
        "use_spectral_norm": False,
        "gin_channels": 16,
    },
}
OPENVOICE_V2: Final[dict[str, Any]] = {
    "data": OPENVOICE["data"] | {"filter_length": 1024, "win_length": 1024},
    "model": OPENVOICE["model"]
    | {"inter_channels": 192, "hidden_channels": 192, "gin_channels": 256, "upsample_initial_channel": 512}
    | {"upsample_rates": [8, 8, 2, 2], "upsample_kernel_sizes": [16, 16, 4, 4]}
    | {"resblock_kernel_sizes": [3, 7, 11], "resblock_dilation_sizes": [[1, 3, 5]] * 3},
}
"""The shapes that are published."""

VOCODER: Final[dict[str, Any]] = {
    "in_channels": 12,
    "pre_linear": tiny_converters.WAVLM["encoder_embed_dim"],
    "upsample_factors": [10, 8, 4],
    "upsample_kernel_sizes": [20, 16, 8],
    "upsample_initial_channel": 32,
    "resblock_kernel_sizes": [3, 5],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5]],
    "resblock_type": "1",
    "inference_padding": 0,
}
VOCODER_STOCK: Final[dict[str, Any]] = VOCODER | {
    "in_channels": 512,
    "pre_linear": 1024,
    "upsample_factors": [10, 8, 2, 2],
    "upsample_kernel_sizes": [20, 16, 4, 4],
    "upsample_initial_channel": 512,
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5]] * 3,
}
"""Of kNN-VC's HiFi-GAN as its authors describe it."""


def knnvc(folder: Path, shapes: dict[str, Any] = VOCODER, listener: Mapping[str, Any] = tiny_converters.WAVLM, *, seed: int = 0) -> dict[str, Path]:
    """Files by role: `wavlm`, `vocoder`, `vocoder_config`. 320 samples a frame."""
    from TTS.vocoder.configs import HifiganConfig  # type: ignore[import-untyped]
    from TTS.vocoder.models import setup_generator  # type: ignore[import-untyped]

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    config = HifiganConfig()
    config.audio.sample_rate, config.audio.hop_length, config.audio.num_mels = 16000, 320, shapes["in_channels"]
    config.generator_model_params = dict(shapes)
    network = setup_generator(config)
    _loud(network.conv_post)
    files = {"vocoder": folder / "vocoder.pth", "vocoder_config": folder / "vocoder.json"}
    torch.save({"model": network.state_dict(), "model_disc": {}}, files["vocoder"])
    config.save_json(str(files["vocoder_config"]))
    return files | {"wavlm": tiny_converters.wavlm(folder / "WavLM-Large.pt", listener, seed=seed)}


def openvoice(folder: Path, *, seed: int = 0, raw: dict[str, Any] = OPENVOICE) -> dict[str, Path]:
    """Files by role: `model`, `config` (the latter beside it and named as coqui's own loader wants it)."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    network = blank_openvoice(raw)
    with torch.no_grad():
        for coupling in network.flow.flows[::2]:
            coupling.post.weight.normal_(0.0, 0.05)
            coupling.post.bias.normal_(0.0, 0.05)
    _loud(network.dec.conv_post)
    files = {"model": folder / "checkpoint.pth", "config": folder / "config.json"}
    torch.save({"model": network.state_dict(), "iteration": 0}, files["model"])
    files["config"].write_text(json.dumps(raw), encoding="utf-8")
    return files


def blank_openvoice(raw: dict[str, Any]) -> Any:
    """coqui's own class in the shape of a description, in eval mode."""
    from TTS.vc.configs.openvoice_config import OpenVoiceConfig  # type: ignore[import-untyped]
    from TTS.vc.models.openvoice import OpenVoice  # type: ignore[import-untyped]

    config = OpenVoiceConfig()
    for name, value in raw["model"].items():
        setattr(config.model_args, name, value)
    config.audio.fft_size, config.audio.win_length = raw["data"]["filter_length"], raw["data"]["win_length"]
    return OpenVoice(config).eval()


def d_vector(folder: Path, kind: str = "lstm") -> dict[str, Path]:
    """Files by role: `encoder`, `encoder_config`."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    return tiny_voices.coqui_speaker_encoder(folder, kind)


MAKERS: Final[dict[str, Callable[[Path], dict[str, Path]]]] = {"knnvc": knnvc, "openvoice_v2": openvoice, "d_vector": d_vector}


def cloned(base: Voice, converter: str, folder: Path) -> Voice:
    """With a sample of its own."""
    recording = tiny_converters.sample(folder / "sample.flac")
    return replace(base, clone=tiny_converters.clone_of(recording, converter, MAKERS[converter](folder / converter)))


@torch.no_grad()
def _loud(last: Any) -> None:
    """The last convolution, with weight norm or without."""
    last.load_state_dict({name: torch.randn_like(value) for name, value in last.state_dict().items()})


def described(clone: Clone, role: str, change: Callable[[dict[str, Any]], Any], folder: Path) -> Clone:
    """The same files with another description, by its role."""
    raw = json.loads(clone.file(role).read_text(encoding="utf-8"))
    change(raw)
    path = folder / clone.file(role).name
    path.write_text(json.dumps(raw), encoding="utf-8")
    return with_file(clone, role, path)


def with_file(clone: Clone, role: str, path: Path) -> Clone:
    """The same with another file, verified."""
    return replace(clone, files=tuple((one, path if one == role else file) for one, file in clone.files), sha256=()).verified()
