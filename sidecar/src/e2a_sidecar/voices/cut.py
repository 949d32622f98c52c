"""The record of a VITS voice that is cut, or was exported, into three graphs for onnxruntime: encode, flow, decode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from e2a_sidecar.voices.blocked_graph import Blocked

PLAIN: Final = "decode.onnx"
"""The decoder as the voice's file says it."""


@dataclass(frozen=True, slots=True)
class Names:
    """Tensors of the graph by what they are."""

    mean: str
    deviation: str
    frames: str
    """Whole ones of each id, and before they were rounded up."""
    unrounded: str
    z: str
    mask: str
    latents: str
    samples: str
    duration_noise: str
    """Empty where the voice has no stochastic duration predictor."""
    encode_inputs: tuple[str, ...]
    """Of the original graph: input, input_lengths, scales, perhaps sid."""
    flow_inputs: tuple[str, ...]
    """Of the original graph: sid, where the voice has several speakers."""
    decode_inputs: tuple[str, ...]
    context: int = 0
    """Frames that the decoder sees on each side: found by trying, when the cut is made."""
    symbols: int = 0
    """Rows of the embedding of phonemes; 0 where they were not found."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut voice on disk."""

    encode: Path
    flow: Path
    decode: Path
    names: Names
    blocked: Blocked | None
    """Another way to decode, of the same sound and faster on this machine's CPU."""

    @classmethod
    def at(cls, folder: Path, names: Names, blocked: Blocked | None) -> Cut:
        """The cut in a folder, by the names of its files."""
        return cls(folder / "encode.onnx", folder / "flow.onnx", folder / PLAIN, names, blocked)
