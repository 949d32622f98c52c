"""coqui's speaker encoders (recurrent and residual), which give the d-vector of a recording.

Built by coqui's `setup_encoder_model` from a description of which nothing is read but the shapes, each checked. coqui's
`SpeakerManager` would build an `AudioProcessor` too, which reads whatever file the description names as its statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch

from e2a_sidecar.speaking.clone.d_vector import SpeakerEncoder
from e2a_sidecar.voices.clone.safety import LOADER_ERRORS, Bounded, broken, checkpoint, description, filled, offline, unsupported, whole
from e2a_sidecar.voices.voice import Clone

_KINDS: Final = ("lstm", "resnet")
_AUDIO: Final = {"sample_rate": (8000, 48_000), "fft_size": (64, 8192), "win_length": (16, 8192), "hop_length": (16, 8192), "num_mels": (8, 512)}


def open_speaker_encoder(clone: Clone, device: torch.device) -> SpeakerEncoder:
    """A verified clone's encoder on a device; SidecarError `voice_broken`, `voice_unsupported`."""
    from TTS.encoder.utils.generic_utils import setup_encoder_model  # type: ignore[import-untyped]

    config = _config(description(clone.file("encoder_config"), clone.id), clone.id)
    try:
        with offline(), Bounded(clone.id):  # not without memory: its mel filters are computed, and compared, while it is built
            network = setup_encoder_model(config)
    except LOADER_ERRORS as error:
        raise broken(clone.id, f"coqui's loader refuses it ({type(error).__name__})", f"{type(error).__name__}: {error}"[:500]) from None
    network = filled(network, checkpoint(clone.file("encoder"), clone.id).get("model"), clone.id)
    return SpeakerEncoder(network.to(device), config.audio.sample_rate, config.model_params["proj_dim"])


def _config(raw: Mapping[str, Any], voice: str) -> Any:
    """coqui's configuration with a description's shapes, each within what an encoder needs."""
    from TTS.encoder.configs.speaker_encoder_config import SpeakerEncoderConfig  # type: ignore[import-untyped]

    audio, params = (raw.get(name) for name in ("audio", "model_params"))
    if not isinstance(audio, dict) or not isinstance(params, dict) or params.get("model_name") not in _KINDS:
        raise broken(voice, "its description is not one of a speaker encoder")
    if params.get("use_torch_spec") is not True:  # else coqui makes its spectrogram by librosa, from the description's many ways to
        raise unsupported(voice, "its speaker encoder takes another kind of spectrogram than those that are supported")
    config = SpeakerEncoderConfig(num_loader_workers=0, num_classes_in_batch=2, num_utter_per_class=2)
    for name, (least, most) in _AUDIO.items():
        setattr(config.audio, name, whole(audio.get(name), name, voice, least, most))
    emphasis = audio.get("preemphasis", 0.0)
    if not isinstance(emphasis, int | float) or not 0 <= emphasis <= 1:
        raise broken(voice, "its description has a preemphasis that is none")
    config.audio.preemphasis = float(emphasis)
    shapes = {name: whole(params.get(name), name, voice, 1, 2048) for name in ("input_dim", "proj_dim")}
    if params["model_name"] == "lstm":
        shapes |= {"lstm_dim": whole(params.get("lstm_dim"), "lstm_dim", voice, 1, 2048)}
        shapes |= {"num_lstm_layers": whole(params.get("num_lstm_layers"), "num_lstm_layers", voice, 1, 12)}
    if shapes["input_dim"] != config.audio.num_mels or config.audio.win_length > config.audio.fft_size:
        raise broken(voice, "its description does not fit itself")
    config.model_params = {"model_name": params["model_name"], "use_torch_spec": True, "log_input": params.get("log_input") is True, **shapes}
    return config
