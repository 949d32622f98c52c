"""What was exported of a coqui voice, as it lies in a folder (see `coqui_onnx`), read again. No torch here."""

from __future__ import annotations

import json
import logging
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices import blocked_decoder
from e2a_sidecar.voices.coqui_description import Description
from e2a_sidecar.voices.cut import PLAIN, Cut, Names
from e2a_sidecar.voices.onnx_voice import OnnxVoice
from e2a_sidecar.voices.voice import Voice

DESCRIPTION: Final = "description.json"
VECTORS: Final = "vectors.npz"
_LARGEST_DESCRIPTION: Final = 8 * 1024 * 1024
_GRAPHS: Final = ("encode.onnx", "flow.onnx", PLAIN)
_log = logging.getLogger(__name__)


def opened(folder: Path, voice: Voice, language: str, settings: SpeechSettings) -> OnnxVoice | None:
    """What lies in a folder, with speaker and language chosen (SidecarError `voice_unsupported`); None where it is not whole."""
    described = description(folder, voice.id)
    if described is None or not complete(folder):
        return None
    chosen, speaker = described.language(language, voice), described.speaker(voice)
    try:
        fixed = vectors(folder, {"speaker": (len(described.speakers), speaker.row), "language": (len(described.languages), chosen.row)})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("vectors of %s cannot be read: %r", voice.id, error)
        return None
    noise_scale, noise_w, length_scale = described.scales(settings)
    return OnnxVoice(
        cut=Cut.at(folder, names(described), blocked_decoder.found(folder)),
        per_phoneme=True,
        fixed=fixed,
        front_end=described.front_end(chosen, voice.id),
        rate_hz=described.rate_hz,
        hop_length=described.hop_length,
        upsampling=described.upsampling,
        context=described.context,
        noise_scale=noise_scale,
        noise_w=noise_w,
        length_scale=length_scale,
        identity=described.identity(voice, language, settings),
        versions={"onnxruntime": onnxruntime.__version__, "piper-tts": version("piper-tts")},
    )


def description(folder: Path, voice: str) -> Description | None:
    """What is written of a voice there; None where it is missing or damaged."""
    path = folder / DESCRIPTION
    try:
        if path.stat().st_size > _LARGEST_DESCRIPTION:
            return None
        return Description.from_dict(json.loads(path.read_text(encoding="utf-8")), voice)
    except (OSError, ValueError, RecursionError):
        return None
    except SidecarError as error:
        _log.warning("what is kept of %s is damaged: %s", voice, error)
        return None


def vectors(folder: Path, wanted: dict[str, tuple[int, int | None]]) -> dict[str, NDArray[Any]]:
    """By name the row of a table (how many rows it has, which one; no table where None), as a graph takes it: (1, channels, 1)."""
    found: dict[str, NDArray[Any]] = {}
    with np.load(folder / VECTORS, allow_pickle=False) as tables:
        for name, (rows, row) in wanted.items():
            if row is None:
                continue
            table = tables[name + "s"]
            if table.dtype != np.float32 or table.ndim != 2 or len(table) != rows:
                raise ValueError(f"{name}: {table.dtype} {table.shape}")
            found[name] = table[row].reshape(1, -1, 1)
    return found


def names(described: Description) -> Names:
    """Of the tensors, as `coqui_export` gives them."""
    fixed = (*(["speaker"] if described.speaker_vectors else []),)
    return Names(
        mean="mean",
        deviation="deviation",
        frames="frames",
        unrounded="frames",
        z="z",
        mask="mask",
        latents="latents",
        samples="samples",
        duration_noise="duration_noise" if described.stochastic else "",
        encode_inputs=("input", "input_lengths"),
        flow_inputs=fixed,
        decode_inputs=fixed,
    )


def complete(folder: Path) -> bool:
    """Are all files there?"""
    return all((folder / name).is_file() for name in (*_GRAPHS, DESCRIPTION, VECTORS))
