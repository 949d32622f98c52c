"""What a user may change about how a voice speaks. All of it is part of a clip's key (design rule 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FLOAT32: Final = "float32"
HALF: Final = "half"
PRECISIONS: Final = (FLOAT32, HALF)

@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """speed: 1.0 is the voice's own, 2.0 twice as fast. The noise scales are the voice's own where None.

    precision: HALF allows a graphics card to decode in half precision, where that stays near enough to float32 (see `precision`).
    Lengths and words are always computed in float32. The processor (`cpu`, `cpu-torch`), eSpeak and what is not near enough
    speak in float32, under the key of HALF.
    """

    speed: float = 1.0
    noise_scale: float | None = None
    noise_w: float | None = None
    precision: str = FLOAT32
