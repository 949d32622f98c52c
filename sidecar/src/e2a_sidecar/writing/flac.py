"""A sound as a FLAC file (mono, 16 bit): written beside its place and then renamed."""

from __future__ import annotations

import contextlib
import hashlib
import io
from pathlib import Path

import soundfile  # type: ignore[import-untyped]

from e2a_sidecar.model import Samples
from e2a_sidecar.writing.target import refused


def write_flac(path: Path, samples: Samples, rate_hz: int) -> str:
    """Write it beside its place and rename it; the sha256 (hex) of the file. SidecarError `output_unwritable`, `disk_full`."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format="FLAC", subtype="PCM_16")
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(file.getvalue())
        part.replace(path)
    except OSError as error:
        raise refused(error, path) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return hashlib.sha256(file.getvalue()).hexdigest()
