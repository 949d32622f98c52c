"""How like its recording a clone sounds, to coqui's speaker encoder: cosines between d-vectors, of what it spoke and of the recording's two halves.

Everything is brought to one level and to the encoder's rate on the device; the figures come to the host in one read. What
the recording's halves have in common with each other says what can be expected of a clone. Importing this imports torch.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Samples
from e2a_sidecar.speaking.clone.d_vector import SpeakerEncoder
from e2a_sidecar.speaking.clone.reference import recording
from e2a_sidecar.speaking.device import torch_device
from e2a_sidecar.speaking.host import HostBoundary
from e2a_sidecar.voices.clone.speaker_encoder import open_speaker_encoder
from e2a_sidecar.voices.voice import Clone

_LOG = logging.getLogger(__name__)
_LEVEL, _LEAST_LEVEL = 0.1, 1e-5


@dataclass(frozen=True, slots=True)
class Likeness:
    """Cosines, -1 to 1. clone: of what was spoken to each half of the recording, their mean; halves: of these to each other."""

    clone: float
    halves: float


def likeness(clone: Clone, spoken: Samples, rate_hz: int, device: str, stopped: Callable[[], bool]) -> Likeness:
    """Of a verified clone that has the encoder's files; on the device that spoke, else on the CPU.

    SidecarError `voice_broken`, `voice_unsupported`, `speech_failed`; Stopped.
    """
    detail = ""
    for name in dict.fromkeys((device, "cpu-torch")):
        boundary = HostBoundary(torch_device(name))
        try:
            return compared(clone, open_speaker_encoder(clone, boundary.device), spoken, rate_hz, boundary, stopped)
        except (RuntimeError, MemoryError) as error:  # torch's errors, of whatever device; they name shapes and devices, never text
            detail = f"{type(error).__name__}: {error}"[:2000]
            _LOG.warning("the likeness could not be heard on %s: %s", name, detail)
    raise SidecarError("speech_failed", detail, reason="what it spoke could not be compared with its recording")


@torch.inference_mode()
def compared(clone: Clone, encoder: SpeakerEncoder, spoken: Samples, rate_hz: int, boundary: HostBoundary, stopped: Callable[[], bool]) -> Likeness:
    """By an encoder on the boundary's device. SidecarError `voice_broken`, `speech_failed`; Stopped; RuntimeError of the device."""
    sample, sample_hz = recording(clone)
    whole, said = boundary.upload(sample), boundary.upload(spoken.astype(np.float32) / 32768)
    halves = torch.tensor_split(whole, 2)
    vectors = []
    for wave, hz in ((halves[0], sample_hz), (halves[1], sample_hz), (said, rate_hz)):
        if stopped():
            raise Stopped
        vectors.append(encoder.refer(_levelled(wave), hz)["d_vector"])
    first, second, clones = F.normalize(torch.stack(vectors))
    figures = boundary.begin_read(torch.stack([(first + second) @ clones / 2, first @ second])).result()
    found = Likeness(float(figures[0]), float(figures[1]))
    if not (math.isfinite(found.clone) and math.isfinite(found.halves)):
        raise SidecarError("speech_failed", "no number", reason="what it spoke could not be compared with its recording")
    return found


def _levelled(wave: torch.Tensor) -> torch.Tensor:
    """As loud as any other: encoders differ in how far they mind."""
    return wave * (_LEVEL / wave.square().mean().sqrt().clamp_min(_LEAST_LEVEL))
