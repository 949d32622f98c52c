"""The decoder that a voice has beside its cut or exported one where that is faster: written anew once, heard before it is kept.

    decode-blocked.onnx   see blocked_graph; missing where there is none
    decode-blocked.json   {"context": frames of neighbours; 0 where there is none, "step": frames of which a window begins at a multiple}

Only on x86-64, for whose kernels in onnxruntime a part of it is written. What is not recognised, or not the same within 1e-4 of
full scale (seen: 2e-6; whole sentences 1e-5), is decoded as the voice's file says; that is no error. Samples differ in their last
bits, as between runtimes, so which decoder spoke is no part of a clip's key (design rule 4).
"""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import onnx
from numpy.typing import NDArray

from e2a_sidecar.voices import blocked_graph, decoder_steps, sound_check
from e2a_sidecar.voices.blocked_graph import Blocked
from e2a_sidecar.voices.cut import PLAIN
from e2a_sidecar.voices.piper_graph import Unrecognised

_GRAPH: Final = "decode-blocked.onnx"
_NOTE: Final = "decode-blocked.json"
_WITHIN: Final = 1e-4
_LARGEST: Final = 64  # frames of context, or between places for windows; a published voice needs 15 of each
_PROCESSORS: Final = frozenset(("x86_64", "amd64"))
_log = logging.getLogger(__name__)


def make(folder: Path, latents: str, samples: str, fixed: Mapping[str, NDArray[Any]]) -> None:
    """Write the blocked decoder of a folder's plain one, or that there is none. Takes a second of a core; five for a voice of coqui's stock shape.

    latents, samples: tensors of the plain one; fixed: its other inputs, of any speaker. Raises OSError alone.
    """
    note = {"context": 0}
    if platform.machine().lower() in _PROCESSORS:
        try:
            blocked = _write(folder, latents, samples, fixed)
            note = {"context": blocked.context, "step": blocked.step}
        except (Unrecognised, sound_check.Unsound, ValueError) as error:  # ValueError: of onnx and NumPy, for tensors of other shapes
            _log.info("decoded as its file says: %s", error)
            (folder / _GRAPH).unlink(missing_ok=True)
    (folder / _NOTE).write_text(json.dumps(note), encoding="utf-8")


def found(folder: Path) -> Blocked | None:
    """What `make` wrote, or None."""
    context, step = _noted(folder) or (0, 0)
    return Blocked(folder / _GRAPH, context, step) if context and platform.machine().lower() in _PROCESSORS else None


def whole(folder: Path) -> bool:
    """Whether all of it is there."""
    noted = _noted(folder)
    return noted is not None and (not noted[0] or (folder / _GRAPH).is_file())


def _write(folder: Path, latents: str, samples: str, fixed: Mapping[str, NDArray[Any]]) -> Blocked:
    """Unrecognised, sound_check.Unsound."""
    blocked, channels = _written(folder, latents, samples)
    if max(blocked.context, blocked.step) > _LARGEST:
        raise Unrecognised(f"a decoder that sees {blocked.context} frames, {blocked.step} at a time")
    apart = sound_check.decoder_difference(folder / PLAIN, latents, samples, blocked, channels, fixed)
    if not apart <= _WITHIN:
        raise sound_check.Unsound("it does not sound the same when its decoder is written anew", f"{apart:.1e}")
    _log.info("decoder written anew: within %.1e", apart)
    return blocked


def _written(folder: Path, latents: str, samples: str) -> tuple[Blocked, int]:
    """And the channels of the latents; the weights are let go before anything is tried."""
    source = onnx.load(str(folder / PLAIN))
    stages = decoder_steps.read(source.graph, latents, samples)
    return blocked_graph.write(stages, source, folder / _GRAPH), stages[0].channels


def _noted(folder: Path) -> tuple[int, int] | None:
    """Context and step, 0 where there is no graph; None where nothing was written, or nothing that can be read."""
    try:
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
        context, step = note["context"], note.get("step", 1)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    known = isinstance(context, int) and isinstance(step, int) and 0 <= context <= _LARGEST and 1 <= step <= _LARGEST
    return (context, step) if known else None
