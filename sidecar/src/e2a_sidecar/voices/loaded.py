"""What a VITS voice is once it is loaded for torch, whoever published it: the same record for Piper's and coqui's.

The record of one that is loaded for onnxruntime is `voices.onnx_voice.OnnxVoice`. Importing this imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from e2a_sidecar.speaking.phonemes import Encoded

if TYPE_CHECKING:
    import torch


class FrontEnd(Protocol):
    """Text to phoneme ids, and which ids are which word."""

    name: str
    version: str

    def encode(self, text: str) -> Encoded: ...

    def pieces(self, encoded: Encoded, longest: int) -> tuple[Encoded, ...]:
        """The same in pieces of at most `longest` ids, cut between words."""
        ...

    def lost(self, text: str) -> tuple[tuple[int, int], ...]:
        """[start, end) of the words of which something cannot be said. Free behind `encode` of the same text on the same thread."""
        ...


@dataclass(frozen=True, slots=True)
class LoadedVits:
    """A voice on the CPU, in eval mode, without discriminator and weight norm, its speaker chosen.

    network: coqui's `Vits`. speaker, language: conditioning vectors (1, channels, 1), or None. length_scale: greater is
    slower; it and the noise scales are final (settings applied). identity: see speaking.engine.Engine.
    hop_length: samples a frame of the clock. upsampling: frames of the decoder for each of those (1 but where a voice's
    latents are interpolated before they are decoded).
    """

    network: Any
    front_end: FrontEnd
    rate_hz: int
    hop_length: int
    channels: int
    speaker: torch.Tensor | None
    language: torch.Tensor | None
    speaker_sets_durations: bool
    noise_scale: float
    noise_w: float
    length_scale: float
    identity: Mapping[str, str | int | float]
    versions: Mapping[str, str]
    upsampling: int = 1
