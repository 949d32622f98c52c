"""OpenVoice's files (checkpoint and config.json as its authors publish them) as coqui's own class.

coqui's loader reads of config.json only `data` and takes its own shapes, which are those of the published weights; here
the shapes of `model` are read too, as OpenVoice's own code does, checked before anything is built. Its way to the
description (a `config.json` beside the checkpoint, read again by name) is not used: the files come by role.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import torch

from e2a_sidecar.speaking.clone.openvoice import OpenVoice
from e2a_sidecar.voices.clone.safety import blank, broken, checkpoint, description, filled, whole
from e2a_sidecar.voices.clone.shapes import MOST_CHANNELS, hifigan_shapes
from e2a_sidecar.voices.voice import CONVERTERS, Clone

_CHANNELS: Final = ("inter_channels", "hidden_channels", "gin_channels")
_LARGEST_FFT: Final = 8192


def open_openvoice(clone: Clone, device: torch.device) -> OpenVoice:
    """A verified clone's converter on a device; SidecarError `voice_broken`, `voice_unsupported`."""
    from TTS.vc.models.openvoice import OpenVoice as Network  # type: ignore[import-untyped]

    config = _config(description(clone.file("config"), clone.id), clone.id)
    network = blank(lambda: Network(config), clone.id)
    network = filled(network, checkpoint(clone.file("model"), clone.id).get("model"), clone.id)
    audio = config.audio
    return OpenVoice(network.to(device), audio.input_sample_rate, audio.fft_size, audio.win_length, clone.id)


def _config(raw: Mapping[str, Any], voice: str) -> Any:
    """coqui's configuration with a description's rates and shapes, each within what a converter needs."""
    from TTS.vc.configs.openvoice_config import OpenVoiceConfig  # type: ignore[import-untyped]

    config = OpenVoiceConfig()
    audio, args = config.audio, config.model_args
    data, shapes = raw.get("data"), raw.get("model", {})
    if not isinstance(data, dict) or not isinstance(shapes, dict) or data.get("sampling_rate") != CONVERTERS["openvoice_v2"].rate_hz:
        raise broken(voice, "its description is not one of OpenVoice")
    audio.input_sample_rate = audio.output_sample_rate = data["sampling_rate"]
    audio.fft_size = whole(data.get("filter_length"), "filter_length", voice, 64, _LARGEST_FFT)
    audio.hop_length = whole(data.get("hop_length"), "hop_length", voice, 16, audio.fft_size)
    audio.win_length = whole(data.get("win_length"), "win_length", voice, 16, audio.fft_size)
    found = {name: whole(shapes[name], name, voice, 2, MOST_CHANNELS) for name in _CHANNELS if name in shapes}
    for name, value in (found | hifigan_shapes(shapes, voice, steps="upsample_rates", kind="resblock")).items():
        setattr(args, name, value)
    args.zero_g = bool(shapes.get("zero_g", args.zero_g))
    if (audio.fft_size - audio.hop_length) % 2:
        raise broken(voice, "its spectrogram does not give whole frames")
    if math.prod(args.upsample_rates) != audio.hop_length:
        raise broken(voice, "its spectrogram and its decoder count frames of different lengths")
    return config
