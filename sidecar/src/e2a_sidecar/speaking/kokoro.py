"""Kokoro itself by onnxruntime, of files that Calibre has downloaded: its model and one of its voices (`voices.kokoro_files`).

    text -> phoneme ids, which word is which (English: `misaki.front_end`; else `kokoro_front_end`)
         -> samples and durations of a piece, in the voice's style for as many phonemes (one session, one run)

Its model (325 MB) takes 0.4 GB and a run 25 MB a second of speech: of pieces of 15 seconds at most (0.4 GB), there are as many at once
as there are cores, four, and two gigabytes of the machine's memory for each. While it is opened it takes four times its file.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking.clock import words_at
from e2a_sidecar.speaking.cores import usable_cores
from e2a_sidecar.speaking.cpu_session import cpu_session
from e2a_sidecar.speaking.device_errors import is_out_of_memory
from e2a_sidecar.speaking.identity import is_british, kokoro_identity, kokoro_language
from e2a_sidecar.speaking.kokoro_front_end import IDS, KokoroFrontEnd
from e2a_sidecar.speaking.kokoro_lines import KokoroLines, Spoken, as_heard, duration_fault
from e2a_sidecar.speaking.limits import on_edge
from e2a_sidecar.speaking.noise import take_noise
from e2a_sidecar.speaking.onnx_lines import go_on
from e2a_sidecar.speaking.onnx_network import LOAD_ERRORS
from e2a_sidecar.speaking.phonemes import Encoded
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.takes import to_int16
from e2a_sidecar.voices.kokoro_files import LONGEST_IDS, LONGEST_UNITS, NOISE, NOISE_LENGTH, RATE_HZ, SAMPLES_A_UNIT, STYLES, KokoroGraph, kokoro_graph, styles
from e2a_sidecar.voices.loaded import FrontEnd
from e2a_sidecar.voices.student_graph import UNITS, UNROUNDED
from e2a_sidecar.voices.voice import Voice

_MOST_WORKERS: Final = 4
_BYTES_A_WORKER: Final = 2 << 30
_HELLO: Final = (0, *(IDS[sign] for sign in "ˈaɪ."), 0)
_log = logging.getLogger(__name__)


class Kokoro(KokoroLines):
    """Engine `kokoro`. See engine.Engine for the contract; a batch is one line. Its device is always the CPU."""

    name = "kokoro"
    device = "cpu"
    rate_hz = RATE_HZ

    def __init__(self, voice: Voice, settings: SpeechSettings, workers: int | None = None) -> None:
        """Open a voice of kind kokoro (`voice` verified). SidecarError `voice_broken`, `voice_unsupported`."""
        self.identity: Mapping[str, str | int | float] = kokoro_identity(voice, settings)
        self.versions: Mapping[str, str] = {"onnxruntime": ort.__version__}
        hashes = dict(voice.sha256)
        self._styles = styles(voice.file("voice"), hashes.get("voice", ""), voice.id)
        front_end = _front_end(voice)
        self._speed = np.array([settings.speed], dtype=np.float32)
        longest = max(2, int(LONGEST_IDS * min(1.0, settings.speed)))  # a slower voice makes more of as much
        self._graph, session = _opened(voice.file("model"), hashes["model"], voice.id)
        super().__init__(front_end, session, longest, workers or _workers())
        self._try(voice.id)

    def _spoken(self, piece: Encoded, key: str, take: int, run: ort.RunOptions, ended: threading.Event) -> Spoken:
        samples, units, unrounded = self._session.run(None, self._feed(piece.ids, self._speed, key, take), run)
        units, unrounded, samples = units.reshape(-1), unrounded.reshape(-1), samples.reshape(-1)
        go_on(ended)
        wrong = duration_fault(units, unrounded, len(piece.ids), LONGEST_UNITS)
        wrong = wrong or ("" if len(samples) == int(units.sum()) * SAMPLES_A_UNIT else "failed")
        times = words_at(np.zeros(len(piece.ids), np.float32) if wrong else as_heard(units), piece.words, SAMPLES_A_UNIT, self.rate_hz)
        if wrong:
            return [], times, wrong
        odd = "nan" if not np.isfinite(samples).all() else "edge" if on_edge(unrounded - np.float32(0.5)) else ""  # it rounds at halves, and below 1.5 all is 1
        return [to_int16(samples)], times, odd

    def _feed(self, ids: tuple[int, ...], speed: NDArray[np.float32], key: str, take: int) -> dict[str, NDArray[Any]]:
        """In the style for as many phonemes; the pads are none."""
        row = min(max(len(ids) - 2, 1), STYLES) - 1
        graph = self._graph
        given: dict[str, NDArray[Any]] = {graph.tokens: np.array([ids], dtype=np.int64), graph.style: self._styles[row : row + 1], graph.speed: speed}
        if graph.draws:
            given[NOISE] = take_noise(key, take, "spectrum", (graph.draws, NOISE_LENGTH))
        return given

    def _try(self, voice: str) -> None:
        """A word: SidecarError `voice_unsupported` where its clock is not that of its sound, or its speed cannot be set."""
        fast, faster = np.array([2.0], dtype=np.float32), np.array([4.0], dtype=np.float32)
        try:
            samples, units, unrounded = (each.reshape(-1) for each in self._session.run(None, self._feed(_HELLO, fast, "", 0)))
            less = self._session.run([UNROUNDED], self._feed(_HELLO, faster, "", 0))[0]
        except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no common class
            self.close()
            raise _unsupported(voice, repr(error)[:500], "onnxruntime does not speak it") from None
        whole = units.shape == unrounded.shape == (len(_HELLO),) and units.min() >= 1 and np.array_equal(units, np.rint(units))
        if not whole or len(samples) != int(units.sum()) * SAMPLES_A_UNIT or not np.isfinite(samples).all() or not less.sum() < unrounded.sum():
            self.close()
            raise _unsupported(voice, f"{units.tolist()} for {len(samples)} samples"[:500], "its durations are not those of its sound")


def _front_end(voice: Voice) -> FrontEnd:
    language = kokoro_language(voice)
    if language != "en":
        return KokoroFrontEnd(language)
    from e2a_sidecar.speaking.misaki.front_end import MisakiFrontEnd

    return MisakiFrontEnd(is_british(voice))


def _opened(model: Path, sha256: str, voice: str) -> tuple[KokoroGraph, Any]:
    graph = kokoro_graph(model, sha256, voice)
    try:
        session = cpu_session(graph.model)
    except LOAD_ERRORS as error:
        if is_out_of_memory(error):
            raise SidecarError("speech_failed", repr(error)[:2000], reason="there is too little memory to load the voice") from None
        raise _unsupported(voice, repr(error)[:2000], "onnxruntime does not open it") from None
    given = [out.name for out in session.get_outputs()]
    if given[1:] != [UNITS, UNROUNDED]:
        raise _unsupported(voice, str(given)[:500], "onnxruntime does not open it")
    return KokoroGraph(b"", graph.tokens, graph.style, graph.speed, graph.draws), session


def _unsupported(voice: str, detail: str, reason: str) -> SidecarError:
    return SidecarError("voice_unsupported", detail, voice=voice, reason=reason)


def _workers() -> int:
    """As many as there are cores and memory for; where the system does not tell its memory, two."""
    try:
        by_memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _BYTES_A_WORKER
    except (AttributeError, OSError, ValueError):
        by_memory = 2
    return max(1, min(usable_cores(), by_memory, _MOST_WORKERS))
