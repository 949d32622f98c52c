"""FreeVC24's files (checkpoint and config.json as coqui publishes them, WavLM-Large and the speaker encoder) as coqui's own class.

Of the network only what converts is kept: not the posterior encoder, which is for training. The published one hears a speaker
by an encoder that has a file of its own (`use_spk`). A checkpoint may hold a WavLM and that encoder too; as with coqui's
loader these are then the ones that listen.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import torch

from e2a_sidecar.speaking.clone.freevc import FreeVC, by_spectrogram, by_waves
from e2a_sidecar.speaking.clone.wavlm import RATE_HZ
from e2a_sidecar.voices.clone.safety import blank, broken, checkpoint, description, filled, instead, whole
from e2a_sidecar.voices.clone.shapes import MOST_CHANNELS, hifigan_shapes
from e2a_sidecar.voices.clone.wavlm import wavlm_of
from e2a_sidecar.voices.voice import Clone

_CHANNELS: Final = ("spec_channels", "inter_channels", "hidden_channels", "gin_channels", "ssl_dim")
_AUDIO: Final = {
    "input_sample_rate": (RATE_HZ, RATE_HZ),
    "output_sample_rate": (8000, 48_000),
    "filter_length": (64, 8192),
    "hop_length": (16, 8192),
    "win_length": (16, 8192),
    "n_mel_channels": (8, 512),
}


def open_freevc(clone: Clone, device: torch.device) -> FreeVC:
    """A verified clone's converter on a device; SidecarError `voice_broken`, `voice_unsupported`."""
    from TTS.vc.layers.freevc.mel_processing import mel_spectrogram_torch  # type: ignore[import-untyped]
    from TTS.vc.layers.freevc.speaker_encoder import speaker_encoder  # type: ignore[import-untyped]
    from TTS.vc.models import freevc  # type: ignore[import-untyped]

    config = _config(description(clone.file("config"), clone.id), clone.id)
    weights = checkpoint(clone.file("model"), clone.id).get("model")
    own = {name.removeprefix(_OWN): value for name, value in weights.items() if str(name).startswith(_OWN)} if isinstance(weights, dict) else {}
    listener = checkpoint(clone.file("wavlm"), clone.id, mapped=bool(own))  # then of the file only the shapes are needed, not a gigabyte
    wavlm = wavlm_of({**listener, "model": own or listener.get("model")}, clone.file("wavlm").name, clone.id)
    del listener, own
    with instead(freevc, "get_wavlm", lambda: None), instead(speaker_encoder, "load_fsspec", lambda *_what, **_how: {"model_state": {}}):  # they would fetch
        network = blank(lambda: freevc.FreeVC(config), clone.id)
    network.enc_q = None
    if config.model_args.use_spk and isinstance(weights, dict) and not any(str(name).startswith(_LISTENS) for name in weights):
        weights = weights | {f"{_LISTENS}{name}": value for name, value in _encoder(clone).items()}
    network = filled(network, weights, clone.id, may_have=_UNUSED)
    if wavlm.encoder.embedding_dim != config.model_args.ssl_dim:
        raise broken(clone.id, f"{clone.file('wavlm').name} is not the network that its converter listens with")
    audio = config.audio
    mel = partial(
        mel_spectrogram_torch,
        n_fft=audio.filter_length,
        num_mels=audio.n_mel_channels,
        sampling_rate=audio.input_sample_rate,
        hop_size=audio.hop_length,
        win_size=audio.win_length,
        fmin=audio.mel_fmin,
        fmax=audio.mel_fmax,
    )
    network = network.to(device)
    by = by_waves(network.enc_spk_ex) if config.model_args.use_spk else by_spectrogram(network.enc_spk, mel)
    return FreeVC(network, wavlm.to(device), by, audio.output_sample_rate, clone.id)


def _encoder(clone: Clone) -> Mapping[str, Any]:
    """The weights of the speaker encoder's own file."""
    state = checkpoint(clone.file("speaker_encoder"), clone.id).get("model_state")
    if not isinstance(state, dict):
        raise broken(clone.id, f"{clone.file('speaker_encoder').name} is no speaker encoder")
    return state


_OWN: Final = "wavlm."
_LISTENS: Final = "enc_spk_ex."
_UNUSED: Final = (_OWN, "enc_q.", f"{_LISTENS}similarity_")


def _config(raw: Mapping[str, Any], voice: str) -> Any:
    """coqui's configuration with a description's rates and shapes, each within what a converter needs; nothing else of it is read."""
    from TTS.vc.configs.freevc_config import FreeVCConfig  # type: ignore[import-untyped]

    config = FreeVCConfig()
    args, audio = raw.get("model_args"), raw.get("audio")
    if not isinstance(args, dict) or not isinstance(audio, dict) or raw.get("model") != "freevc":
        raise broken(voice, "its description is not one of FreeVC")
    for name, (least, most) in _AUDIO.items():
        setattr(config.audio, name, whole(audio.get(name, getattr(config.audio, name)), name, voice, least, most))
    if config.audio.win_length > config.audio.filter_length or (config.audio.filter_length - config.audio.hop_length) % 2:
        raise broken(voice, "its spectrogram does not give whole frames")
    config.model_args.use_spk = args.get("use_spk") is True
    found = {name: whole(args[name], name, voice, 2, MOST_CHANNELS) for name in _CHANNELS if name in args}
    for name, value in (found | hifigan_shapes(args, voice, steps="upsample_rates", kind="resblock")).items():
        setattr(config.model_args, name, value)
    return config
