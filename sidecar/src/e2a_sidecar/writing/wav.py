"""A sound as a WAV file (mono, 16 bit), for a player: written beside its place and then renamed."""

from __future__ import annotations

import contextlib
import wave
from collections.abc import Iterable
from pathlib import Path

from e2a_sidecar.model import Samples
from e2a_sidecar.writing.target import refused


def write_wav(path: Path, sound: Iterable[Samples], rate_hz: int) -> float:
    """Write it and return its length in seconds; nothing is left where `sound` raises. SidecarError `output_unwritable`, `disk_full`."""
    part = path.with_name(path.name + ".part")
    frames = 0
    try:
        with open(part, "wb") as file, wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(rate_hz)
            for samples in sound:
                out.writeframes(samples.astype("<i2", copy=False).tobytes())
                frames += samples.size
        part.replace(path)
    except OSError as error:
        raise refused(error, path) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return frames / rate_hz
