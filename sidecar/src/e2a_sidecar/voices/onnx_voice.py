"""The record of a VITS voice that is ready for onnxruntime, whoever published it: three graphs and what they are given (`open_onnx` makes it)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from e2a_sidecar.voices.cut import Cut
from e2a_sidecar.voices.loaded import FrontEnd


@dataclass(frozen=True, slots=True)
class OnnxVoice:
    """A voice on disk, its speaker and language chosen; settings applied.

    per_phoneme: encode gives mean, deviation and unrounded frames (at length scale 1) of each phoneme, and takes its noise
    scaled; else it takes the scales, and gives mean and deviation of each frame. fixed: inputs that stay the same, by the
    graphs' names (each graph takes some of them). Rates as in LoadedVits. context: frames that the decoder sees on each side.
    """

    cut: Cut
    per_phoneme: bool
    fixed: Mapping[str, NDArray[Any]]
    front_end: FrontEnd
    rate_hz: int
    hop_length: int
    upsampling: int
    context: int
    noise_scale: float
    noise_w: float
    length_scale: float
    identity: Mapping[str, str | int | float]
    versions: Mapping[str, str]
