"""A small VITS with random weights, spoken by the engine's own way: proof that torch and a device work before there is a voice."""

from __future__ import annotations

import torch
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

from e2a_sidecar.model import Line, Take
from e2a_sidecar.speaking.device import CPU, torch_device
from e2a_sidecar.speaking.host import HostBoundary
from e2a_sidecar.speaking.phonemes import PhonemeFrontEnd
from e2a_sidecar.speaking.vits_torch import VitsTorch
from e2a_sidecar.voices import coqui
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.piper import PiperConfig


def front_end() -> PhonemeFrontEnd:
    """Piper's own front end for American English with its own phoneme table."""
    described = {
        "audio": {"sample_rate": 16000},
        "espeak": {"voice": "en-us"},
        "num_symbols": 256,
        "num_speakers": 1,
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
    }
    return PhonemeFrontEnd(PiperConfig.from_dict(described, "check"))


def small_engine(device: str) -> VitsTorch:
    """The voice on a device of torch's; SidecarError `device_unusable`, `speech_failed`. What it says is noise in the rhythm of its phonemes."""
    return VitsTorch.speaking_with(_small_voice(), device, HostBoundary(torch_device(device)))


def speak_small(line: Line) -> list[Take]:
    """Speak `line` on the CPU; one take."""
    engine = small_engine(CPU)
    try:
        return [take for batch in engine.speak([line], lambda: False) for take in batch]
    finally:
        engine.close()


def _small_voice() -> LoadedVits:
    shape = coqui.Shape(
        num_chars=256,
        hidden_channels=16,
        hidden_channels_ffn_text_encoder=32,
        num_heads_text_encoder=2,
        num_layers_text_encoder=1,
        kernel_size_text_encoder=3,
        kernel_size_flow=5,
        num_layers_flow=1,
        upsample_initial_channel_decoder=32,
        upsample_rates_decoder=(8, 8, 4),
        upsample_kernel_sizes_decoder=(16, 16, 8),
        resblock_type_decoder="2",
        resblock_kernel_sizes_decoder=(3,),
        resblock_dilation_sizes_decoder=((1, 2),),
        duration_channels=16,
    )
    torch.manual_seed(0)
    return LoadedVits(
        network=coqui.blank(shape),
        front_end=front_end(),
        rate_hz=16000,
        hop_length=256,
        channels=shape.hidden_channels,
        speaker=None,
        language=None,
        speaker_sets_durations=False,
        noise_scale=0.5,
        noise_w=0.5,
        length_scale=1.0,
        identity={"engine": "vits"},
        versions=coqui.versions(),
    )
