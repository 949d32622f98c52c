"""The last check of an installed layer: it speaks a word (design rule 14) and writes and reads back an M4B.

Core: espeak in process, Piper's phonemes, onnxruntime, the encoder. Neural: besides, a small VITS with random weights, built
by coqui's own class and spoken by torch on the CPU through the host boundary. Heart, without whom a layer is whole, is
checked alone, in a process of her own. One JSON line is the answer.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from e2a_sidecar import __version__
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Line, Metadata, Take

log = logging.getLogger(__name__)

_WORD: Final = Line(0, "Hello.", "5e1fc4ec")
_LAYERS: Final = ("core", "neural")


def run(arguments: Sequence[str], writer: BinaryIO) -> int:
    """Check the layer named, or Heart; exit code 0 where it works. The answer goes to `writer`."""
    parser = argparse.ArgumentParser(prog="e2a_sidecar check")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--layer", choices=_LAYERS)
    what.add_argument("--heart", action="store_true")
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    core: list[Callable[[], str]] = [_espeak, _phonemes, _onnxruntime, _clips, _encoder]
    checks = [_heart] if options.heart else [*core, _neural] if options.layer == "neural" else core
    done: list[str] = []
    try:
        for check in checks:
            done.append(check())
    except Exception as error:  # the process's edge: whatever an unsuitable machine raises is the answer
        log.exception("check failed")
        failed = checks[len(done)].__name__.strip("_")
        _answer(writer, ok=False, failed=failed, reason=_reason(error)[:500])
        return 1
    _answer(writer, ok=True, version=__version__, checks=done, **({"layer": options.layer} if options.layer else {}))
    return 0


def _reason(error: Exception) -> str:
    """In words where they are ours."""
    words = error.params.get("reason") if isinstance(error, SidecarError) else None
    return str(words or f"{type(error).__name__}: {error}")


def _answer(writer: BinaryIO, **fields: object) -> None:
    writer.write(json.dumps(fields).encode() + b"\n")
    writer.flush()


def _heard(takes: Sequence[Take]) -> int:
    """Number of samples of one take that is a sound; SidecarError where it is none."""
    samples = takes[0].samples
    if len(takes) != 1 or samples.size == 0 or not samples.any():
        raise SidecarError("speech_failed", "silence", reason="nothing was heard")
    return int(samples.size)


def _espeak() -> str:
    from e2a_sidecar.speaking.make import make_engine
    from e2a_sidecar.speaking.settings import SpeechSettings
    from e2a_sidecar.voices.voice import Voice

    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(Voice("espeak", "espeak"), "cpu", "en", SpeechSettings(), Path(folder))
        try:
            takes = [take for batch in engine.speak([_WORD], lambda: False) for take in batch]
        finally:
            engine.close()
    return f"espeak {_heard(takes)} samples"


def _phonemes() -> str:
    from e2a_sidecar.speaking.phonemes import espeak_phonemes

    found = espeak_phonemes("en-us", _WORD.text)
    if not found or not found[0]:
        raise SidecarError("speech_failed", "no phonemes", reason="piper-tts gave no phonemes")
    return f"phonemes {len(found[0])}"


def _onnxruntime() -> str:
    import onnxruntime  # type: ignore[import-untyped]

    return f"onnxruntime {onnxruntime.__version__} {','.join(onnxruntime.get_available_providers())}"


def _clips() -> str:
    """A clip into the store and back: SQLite, and soundfile with its library."""
    import numpy as np

    from e2a_sidecar.mastering.clips import ClipStore
    from e2a_sidecar.model import Clip, Speaker

    samples = np.arange(-400, 400, dtype=np.int16)
    with tempfile.TemporaryDirectory() as folder:
        store = ClipStore(Path(folder))
        try:
            store.put([Clip("check", 22050, samples, None, 0, (), Speaker("check", "cpu", ()))])
            found = store.get("check")
        finally:
            store.close()
    if found is None or not np.array_equal(found.samples, samples):
        raise SidecarError("speech_failed", "clip store", reason="a spoken sentence could not be kept")
    return "clips ok"


def _encoder() -> str:
    from e2a_sidecar.writing.tags import Tags
    from e2a_sidecar.writing.verify import encoder_check

    with tempfile.TemporaryDirectory() as folder:
        encoder_check(Path(folder) / "check.m4b", 22050, 64_000, Tags(Metadata("check"), "check", "check"))
    return "encoder ok"


def _heart() -> str:
    """The voice that comes with a package of its own."""
    from e2a_sidecar.speaking.make import make_engine
    from e2a_sidecar.speaking.settings import SpeechSettings
    from e2a_sidecar.voices.voice import STUDENT, Voice

    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(Voice("heart", STUDENT, language="en-US").verified(), "cpu", "en", SpeechSettings(), Path(folder))
        try:
            takes = [take for batch in engine.speak([_WORD], lambda: False) for take in batch]
        finally:
            engine.close()
    return f"heart {_heard(takes)} samples"


def _neural() -> str:
    from e2a_sidecar.speaking.vits_check import speak_small

    return f"vits_torch {_heard(speak_small(_WORD))} samples"
