"""A coqui voice for onnxruntime: what was exported of it once, kept on disk by the hash of its files.

    exports/<hash>-<revision>/
        encode.onnx, flow.onnx, decode.onnx    see coqui_export; the flow written anew (faster_flow)
        decode-blocked.*                       see blocked_decoder
        vectors.npz                            `speakers`, `languages`: a row for each, where the voice has such
        description.json                       all else that the front end needs (coqui_description)

The first use needs torch and coqui-tts (`coqui_export`). Afterwards the core layer alone speaks the voice, but where its
text is cleaned by coqui's own code (`coqui_text`). Nothing here imports torch unless it exports.
"""

from __future__ import annotations

import json
import logging
import shutil
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices import blocked_decoder, faster_flow
from e2a_sidecar.voices.coqui_description import Description
from e2a_sidecar.voices.kept import keep
from e2a_sidecar.voices.onnx_voice import OnnxVoice
from e2a_sidecar.voices.piper_cut import Cut, Names
from e2a_sidecar.voices.voice import Voice

DESCRIPTION: Final = "description.json"
VECTORS: Final = "vectors.npz"
_REVISION: Final = 3  # raised when what is exported changes
_LARGEST_DESCRIPTION: Final = 8 * 1024 * 1024
_GRAPHS: Final = ("encode.onnx", "flow.onnx", blocked_decoder.PLAIN)
_log = logging.getLogger(__name__)


def load(voice: Voice, language: str, settings: SpeechSettings, cache_dir: Path) -> OnnxVoice:
    """A verified coqui voice, from the cache or exported now.

    language: BCP 47, chooses one of a multilingual voice's. Raises SidecarError `voice_broken`, `voice_unsupported`,
    and `disk_full` or `output_unwritable` where the cache cannot be written.
    """
    for role in ("config", "model"):
        voice.file(role)
    folder = _folder(voice, cache_dir)
    kept = opened(folder, voice, language, settings) if blocked_decoder.whole(folder) else None
    if kept is None:
        shutil.rmtree(folder, ignore_errors=True)
        _make(voice, folder)
        kept = opened(folder, voice, language, settings)
    if kept is None:
        raise SidecarError("output_unwritable", "", path=str(folder), reason="what was written there cannot be read again")
    return kept


def identity_of(voice: Voice, language: str, settings: SpeechSettings, cache_dir: Path) -> tuple[dict[str, str | int | float], int] | None:
    """Identity (speaking.engine.Engine) and sample rate of a verified voice that was exported before; None for another.

    Opens no model. SidecarError `voice_unsupported` for a speaker or language that the voice does not have.
    """
    described = _description(_folder(voice, cache_dir), voice.id)
    return None if described is None else (described.identity(voice, language, settings), described.rate_hz)


def opened(folder: Path, voice: Voice, language: str, settings: SpeechSettings) -> OnnxVoice | None:
    """What lies in a folder, with speaker and language chosen (SidecarError `voice_unsupported`); None where it is not whole."""
    described = _description(folder, voice.id)
    if described is None or not _complete(folder):
        return None
    chosen, speaker = described.language(language, voice), described.speaker(voice)
    try:
        fixed = _vectors(folder, {"speaker": (len(described.speakers), speaker.row), "language": (len(described.languages), chosen.row)})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("vectors of %s cannot be read: %r", voice.id, error)
        return None
    noise_scale, noise_w, length_scale = described.scales(settings)
    return OnnxVoice(
        cut=Cut.at(folder, _names(described)),
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


def _folder(voice: Voice, cache_dir: Path) -> Path:
    return cache_dir / "exports" / f"{voice.content_hash()}-{_REVISION}"


def _description(folder: Path, voice: str) -> Description | None:
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


def _vectors(folder: Path, wanted: dict[str, tuple[int, int | None]]) -> dict[str, NDArray[Any]]:
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


def _names(described: Description) -> Names:
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


def _make(voice: Voice, folder: Path) -> None:
    """Export, and compare by sound."""
    try:
        from e2a_sidecar.voices import coqui_export
    except ImportError as error:
        raise SidecarError("voice_unsupported", repr(error), voice=voice.id, reason="it must be made ready once by the engine's extra part (neural)") from None
    _log.info("%s is made ready for onnxruntime", voice.id)

    def make(beside: Path) -> None:
        coqui_export.export(voice, beside)
        described = _description(beside, voice.id)
        assert described is not None, "it was read when it was compared"
        fixed = _vectors(beside, {"speaker": (len(described.speakers), 0 if described.speaker_vectors else None)})
        faster_flow.make(Cut.at(beside, _names(described)), described.channels, fixed)
        blocked_decoder.make(beside, "latents", "samples", fixed)

    keep(folder, voice.file("model"), _whole, make)


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in (*_GRAPHS, DESCRIPTION, VECTORS))


def _whole(folder: Path) -> bool:
    return _complete(folder) and blocked_decoder.whole(folder) and _description(folder, folder.name) is not None
