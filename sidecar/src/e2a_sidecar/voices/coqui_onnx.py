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

import logging
import shutil
from pathlib import Path
from typing import Final

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices import blocked_decoder, faster_flow
from e2a_sidecar.voices.coqui_exported import complete, description, names, opened, vectors
from e2a_sidecar.voices.cut import Cut
from e2a_sidecar.voices.kept import keep
from e2a_sidecar.voices.onnx_voice import OnnxVoice
from e2a_sidecar.voices.voice import Voice

_REVISION: Final = 3  # raised when what is exported changes
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
    described = description(_folder(voice, cache_dir), voice.id)
    return None if described is None else (described.identity(voice, language, settings), described.rate_hz)


def _folder(voice: Voice, cache_dir: Path) -> Path:
    return cache_dir / "exports" / f"{voice.content_hash()}-{_REVISION}"


def _make(voice: Voice, folder: Path) -> None:
    """Export, and compare by sound."""
    try:
        from e2a_sidecar.voices import coqui_export
    except ImportError as error:
        raise SidecarError("voice_unsupported", repr(error), voice=voice.id, reason="it must be made ready once by the engine's extra part (neural)") from None
    _log.info("%s is made ready for onnxruntime", voice.id)

    def make(beside: Path) -> None:
        coqui_export.export(voice, beside)
        described = description(beside, voice.id)
        assert described is not None, "it was read when it was compared"
        fixed = vectors(beside, {"speaker": (len(described.speakers), 0 if described.speaker_vectors else None)})
        faster_flow.make(Cut.at(beside, names(described), None), described.channels, fixed)
        blocked_decoder.make(beside, "latents", "samples", fixed)

    keep(folder, voice.file("model"), _whole, make)


def _whole(folder: Path) -> bool:
    return complete(folder) and blocked_decoder.whole(folder) and description(folder, folder.name) is not None
