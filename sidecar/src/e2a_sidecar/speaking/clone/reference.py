"""What a converter computes of a clone's sample: once, kept on disk, from then on read from there.

    <cache folder>/references/<clone's id>/<hash>/reference.pt      the plugin removes the clone's folder with the clone
"""

from __future__ import annotations

import hashlib
import io
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import soundfile  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.clone.converter import Reference
from e2a_sidecar.speaking.host import HostBoundary, to_host
from e2a_sidecar.voices.kept import keep
from e2a_sidecar.voices.voice import CONVERTERS, SAMPLE, Clone

_log = logging.getLogger(__name__)
_FILE: Final = "reference.pt"
_LONGEST_S: Final = 120.0
_HIGHEST_HZ: Final = 192_000
_LEAST_S: Final = 1.0
_LARGEST: Final = 256 << 20


class Referring(Protocol):
    """A converter, or a speaker encoder."""

    def refer(self, sample: torch.Tensor, rate_hz: int) -> Reference: ...


def reference_of(clone: Clone, converter: Referring, boundary: HostBoundary, cache_dir: Path | None) -> Reference:
    """Of a verified clone, on the boundary's device. cache_dir: where it is kept; None: nowhere.

    SidecarError `voice_broken` for a sample that cannot be read; RuntimeError of the device.
    """
    if cache_dir is None:
        return _computed(clone, converter, boundary)
    folder = cache_dir / "references" / clone.id / _key(clone)
    kept = _read(folder)
    if kept is None:
        made = {name: torch.from_numpy(to_host(value).copy()).view(value.shape) for name, value in _computed(clone, converter, boundary).items()}
        try:
            keep(folder, clone.file(SAMPLE), lambda there: _read(there) is not None, _writer(made))
        except SidecarError as error:  # it serves all the same, and is computed again the next time
            _log.warning("the reference of %s cannot be kept: %s", clone.id, error.code)
        kept = made
    return {name: value.to(boundary.device) for name, value in kept.items()}


def _key(clone: Clone) -> str:
    text = f"{clone.converter} {CONVERTERS[clone.converter].revision} {clone.sample_hash()} {clone.converter_hash()}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@torch.inference_mode()
def _computed(clone: Clone, converter: Referring, boundary: HostBoundary) -> Reference:
    sample, rate_hz = recording(clone)
    return converter.refer(boundary.upload(sample), rate_hz)


def recording(clone: Clone) -> tuple[NDArray[np.float32], int]:
    """A verified clone's, mono, with its rate. SidecarError `voice_broken` for what is none."""
    path = clone.file(SAMPLE)
    try:
        with soundfile.SoundFile(path) as f:
            if not 0 < f.samplerate <= _HIGHEST_HZ or f.frames > _LONGEST_S * f.samplerate:
                reason = f"{path.name} is too long for a recording of a voice"
                raise SidecarError("voice_broken", f"{f.frames} at {f.samplerate}", voice=clone.id, reason=reason)
            samples: NDArray[np.float32] = f.read(dtype="float32", always_2d=True).mean(axis=1)
            rate_hz = int(f.samplerate)
    except (OSError, RuntimeError, MemoryError) as error:  # soundfile's own are RuntimeErrors
        raise SidecarError("voice_broken", repr(error)[:300], voice=clone.id, reason=f"{path.name} is no recording that could be read") from None
    if len(samples) < _LEAST_S * rate_hz or not np.isfinite(samples).all() or not samples.any():
        raise SidecarError("voice_broken", f"{len(samples)} samples", voice=clone.id, reason=f"there is nothing to be heard in {path.name}")
    return samples, rate_hz


def _writer(made: Reference) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        buffer = io.BytesIO()
        torch.save(dict(made), buffer)
        (folder / _FILE).write_bytes(buffer.getvalue())

    return write


def _read(folder: Path) -> Reference | None:
    """What is kept in a folder; None where that is nothing, or broken."""
    path = folder / _FILE
    try:
        if path.stat().st_size > _LARGEST:
            return None
        kept = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        _log.warning("the reference in %s cannot be read: %r", folder, error)
        return None
    whole = isinstance(kept, dict) and bool(kept) and all(isinstance(value, torch.Tensor) and bool(torch.isfinite(value).all()) for value in kept.values())
    return kept if whole else None
