"""What a user may change about how a voice speaks. All of it is part of a clip's key (design rule 4)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """speed: 1.0 is the voice's own, 2.0 twice as fast. The noise scales are the voice's own where None."""

    speed: float = 1.0
    noise_scale: float | None = None
    noise_w: float | None = None
