"""coqui's own `Synthesizer` with any VITS that is loaded here, Piper's too. Needs torch and coqui-tts.

What it is spared, in its favour: its phonemes are made in this process (its own way starts the espeak program for each
clause), and the weight norm is folded.
"""

from __future__ import annotations

from typing import Any, Final

from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_torch import load_voice
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.voice import Voice
from TTS.config.shared_configs import BaseAudioConfig  # type: ignore[import-untyped]
from TTS.utils.synthesizer import PAD_SILENCE_SAMPLES, Synthesizer  # type: ignore[import-untyped]

SILENCE: Final[int] = PAD_SILENCE_SAMPLES
"""Samples that `tts` puts behind each sentence: no speech, so never counted as such."""


class OneVoice(Synthesizer):  # type: ignore[misc]
    """`tts` is coqui's, unchanged. device: torch's name."""

    def __init__(self, voice: Voice, language: str, device: str = "cpu") -> None:
        self._loaded = load_voice(voice, language, SpeechSettings())
        self._device = device
        super().__init__(tts_checkpoint=voice.id)

    def _load_tts(self, *_given: Any, **_more: Any) -> None:
        network = with_front_end(self._loaded)
        self.tts_model = network.to(self._device)
        self.tts_config = network.config
        self.output_sample_rate = self._loaded.rate_hz


def first_speaker(network: Any) -> str | None:
    """Of a voice with several; the others have no use for a name."""
    names = list(network.speaker_manager.name_to_id) if network.speaker_manager is not None else []
    return names[0] if names else None


def with_front_end(loaded: LoadedVits) -> Any:
    """coqui's `Vits` that takes text to ids by our front end, its scales set."""
    network = loaded.network
    network.tokenizer.text_to_ids = lambda text, **_: list(loaded.front_end.encode(text).ids)
    network.inference_noise_scale, network.inference_noise_scale_dp = loaded.noise_scale, loaded.noise_w
    network.length_scale = loaded.length_scale
    network.config.audio = BaseAudioConfig(sample_rate=loaded.rate_hz, do_trim_silence=False)  # the synthesizer asks more of it than the class does
    return network
