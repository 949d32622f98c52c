"""kNN-VC's files: WavLM-Large, and the HiFi-GAN that takes its features (checkpoint and description as coqui publishes it).

coqui's loader builds the discriminators too (70 million numbers, for training), by whatever modules the description names,
and reads the checkpoint twice; here it is coqui's generator alone, its shapes checked first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch

from e2a_sidecar.speaking.clone.knnvc import LAYER, KnnVc
from e2a_sidecar.voices.clone.safety import blank, broken, checkpoint, description, filled, unsupported, whole
from e2a_sidecar.voices.clone.shapes import MOST_CHANNELS, hifigan_shapes
from e2a_sidecar.voices.clone.wavlm import open_wavlm
from e2a_sidecar.voices.voice import CONVERTERS, Clone

_GENERATOR: Final = "model_g."
_FLAGS: Final = ("conv_pre_weight_norm", "conv_post_weight_norm", "conv_post_bias")
_NEEDED: Final = frozenset(
    ("upsample_factors", "upsample_kernel_sizes", "upsample_initial_channel", "resblock_kernel_sizes", "resblock_dilation_sizes", "resblock_type")
)


def open_knnvc(clone: Clone, device: torch.device) -> KnnVc:
    """A verified clone's converter on a device; SidecarError `voice_broken`, `voice_unsupported`."""
    from TTS.vocoder.configs import HifiganConfig  # type: ignore[import-untyped]
    from TTS.vocoder.models import setup_generator  # type: ignore[import-untyped]

    config = HifiganConfig()
    config.generator_model_params = _shapes(description(clone.file("vocoder_config"), clone.id), clone.id)
    vocoder = filled(blank(lambda: setup_generator(config), clone.id), _weights(checkpoint(clone.file("vocoder"), clone.id)), clone.id)
    wavlm = open_wavlm(clone.file("wavlm"), clone.id)
    if len(wavlm.encoder.layers) < LAYER:
        raise broken(clone.id, f"{clone.file('wavlm').name} is not the network that its converter listens with")
    del wavlm.encoder.layers[LAYER:]  # three quarters of its gigabyte
    return KnnVc(wavlm.to(device), vocoder.to(device), clone.id)


def _weights(loaded: Mapping[str, Any]) -> Any:
    """The generator's, as coqui's `GAN.load_checkpoint` finds them: beside the discriminators', or alone."""
    weights = loaded.get("model")
    if not isinstance(weights, dict):
        return weights
    return {name.removeprefix(_GENERATOR): value for name, value in weights.items() if str(name).startswith(_GENERATOR)} or weights


def _shapes(raw: Mapping[str, Any], voice: str) -> dict[str, Any]:
    """Those of a description, each within what a vocoder needs."""
    params, audio = raw.get("generator_model_params"), raw.get("audio")
    if not isinstance(params, dict) or not isinstance(audio, dict) or raw.get("generator_model") != "hifigan_generator":
        raise broken(voice, "its description is not one of a HiFi-GAN")
    if audio.get("sample_rate") != CONVERTERS["knnvc"].rate_hz or params.get("pre_linear") is None:
        raise unsupported(voice, "its vocoder is not one for kNN-VC")
    params = {"in_channels": audio.get("num_mels"), **params}
    if params.get("inference_padding") or params.get("cond_channels") or params.get("cond_in_each_up_layer"):
        raise unsupported(voice, "its vocoder takes more than features")
    found = hifigan_shapes(params, voice, steps="upsample_factors", kind="resblock_type")
    if found.keys() != _NEEDED:
        raise broken(voice, "its description lacks what a HiFi-GAN is made of")
    found |= {name: whole(params.get(name), name, voice, 1, MOST_CHANNELS) for name in ("in_channels", "pre_linear")}
    return found | {name: params[name] is True for name in _FLAGS if name in params}
