"""A base voice that speaks in the sample's voice by itself: a VITS conditioned on d-vectors, given the sample's (YourTTS's kind).

The d-vector is coqui's (TTS/encoder/models/base_encoder.py, `compute_embedding`, 0.28.0): the mean over ten pieces of the
sample. coqui trims the sample's silence first; ours is cleaned already. Nothing else of the engine changes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch.nn import functional as F

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.clone.converter import Reference
from e2a_sidecar.speaking.clone.resample import resampled
from e2a_sidecar.voices.loaded import LoadedVits


class SpeakerEncoder:
    """coqui's, in eval mode, on one device. Takes whole samples only: no sentence is ever given to it."""

    name = "d_vector"

    def __init__(self, network: Any, rate_hz: int, numbers: int) -> None:
        """rate_hz: of what it hears. numbers: of its d-vectors."""
        self.source_hz = rate_hz
        self.numbers = numbers
        self._network = network

    def refer(self, sample: torch.Tensor, rate_hz: int) -> Reference:
        """`d_vector` (numbers,) of a sample, 1-D float32 on the encoder's device. May wait for the device."""
        return {"d_vector": self._network.compute_embedding(resampled(sample, rate_hz, self.source_hz)[None])[0]}


def speaking_as(voice: LoadedVits, reference: Reference, clone_id: str) -> LoadedVits:
    """A base voice with the sample's d-vector in place of its own speaker's; SidecarError `voice_unsupported` where it takes none of that size."""
    vector = reference["d_vector"]
    args = voice.network.args
    if not getattr(args, "use_d_vector_file", False) or voice.speaker is None:
        raise SidecarError("voice_unsupported", "no d-vectors", voice=clone_id, reason="the base voice has a fixed set of speakers and takes no other")
    if voice.speaker.numel() != vector.numel():
        reason = f"the base voice and the recording's analysis do not fit ({voice.speaker.numel()} and {vector.numel()} numbers)"
        raise SidecarError("voice_unsupported", "d-vectors of another size", voice=clone_id, reason=reason)
    return replace(voice, speaker=F.normalize(vector[None]).reshape(1, -1, 1))
