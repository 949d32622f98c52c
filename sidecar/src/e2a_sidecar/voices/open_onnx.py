"""A verified voice, Piper's or coqui's, made ready for onnxruntime: cut (`piper_cut`) or exported once (`coqui_onnx`). No torch here."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.identity import length_scale, scale, vits_identity
from e2a_sidecar.speaking.phonemes import PhonemeFrontEnd
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.onnx_voice import OnnxVoice
from e2a_sidecar.voices.piper import PiperConfig
from e2a_sidecar.voices.piper_cut import cut_voice
from e2a_sidecar.voices.voice import Voice


def open_voice(voice: Voice, language: str, settings: SpeechSettings, cache_dir: Path) -> OnnxVoice:
    """A verified voice of kind piper or coqui. cache_dir: where the graphs are kept.

    SidecarError `voice_broken`, `voice_unsupported`, `disk_full`, `output_unwritable`.
    """
    if voice.kind == "piper":
        return _piper(voice, settings, cache_dir)
    if voice.kind == "coqui":
        from e2a_sidecar.voices import coqui_onnx

        return coqui_onnx.load(voice, language, settings, cache_dir)
    raise SidecarError("voice_unsupported", voice.kind, voice=voice.id, reason="it is no VITS")


def _piper(voice: Voice, settings: SpeechSettings, cache_dir: Path) -> OnnxVoice:
    config = PiperConfig.load(voice.file("config"), voice.id)
    noise_scale, noise_w = scale(settings.noise_scale, config.noise_scale), scale(settings.noise_w, config.noise_w)
    slowness = length_scale(config, settings)
    fixed: dict[str, NDArray[Any]] = {"scales": np.array([noise_scale, slowness, noise_w], dtype=np.float32)}
    speaker = config.speaker_id(voice.speaker, voice.id)
    if speaker is not None:
        fixed["sid"] = np.array([speaker], dtype=np.int64)
    cut = cut_voice(voice.file("model"), dict(voice.sha256)["model"], cache_dir, voice.id)
    several = "sid" in (*cut.names.encode_inputs, *cut.names.flow_inputs, *cut.names.decode_inputs)
    if several != (speaker is not None) or 0 < cut.names.symbols <= config.largest_id:
        detail = f"{cut.names.symbols} symbols, several speakers: {several}"
        raise SidecarError("voice_broken", detail, voice=voice.id, reason="its two files do not belong together")
    return OnnxVoice(
        cut=cut,
        per_phoneme=False,
        fixed=fixed,
        front_end=PhonemeFrontEnd(config),
        rate_hz=config.sample_rate_hz,
        hop_length=config.hop_length,
        upsampling=1,
        context=cut.names.context,
        noise_scale=noise_scale,
        noise_w=noise_w,
        length_scale=slowness,
        identity=vits_identity(voice, config, settings),
        versions={"onnxruntime": onnxruntime.__version__, "piper-tts": version("piper-tts")},
    )
