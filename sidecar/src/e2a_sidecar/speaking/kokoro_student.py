"""A student of Kokoro (package hibari-tts) by onnxruntime: natural English on any CPU, many times faster than a VITS.

    text -> phoneme ids, which word is which (`misaki.front_end`)
         -> spectra, durations (one session, its graph with a clock: `voices.student_graph`)
         -> samples, window after window (`spectra`), noise being an input

Lines are spoken as `kokoro_lines` has it. A single sentence takes a twentieth of a second, so nobody helps with it. Memory: the
network's, some 5 MB a second of speech.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Samples
from e2a_sidecar.speaking import spectra
from e2a_sidecar.speaking.clock import words_at
from e2a_sidecar.speaking.cores import usable_cores
from e2a_sidecar.speaking.cpu_session import cpu_session
from e2a_sidecar.speaking.device_errors import is_out_of_memory
from e2a_sidecar.speaking.identity import STUDENT_RATE_HZ, is_british, student_identity
from e2a_sidecar.speaking.kokoro_lines import KokoroLines, Spoken, as_heard, duration_fault
from e2a_sidecar.speaking.limits import on_edge
from e2a_sidecar.speaking.misaki.front_end import MisakiFrontEnd
from e2a_sidecar.speaking.misaki.package import PACKAGE
from e2a_sidecar.speaking.onnx_lines import go_on
from e2a_sidecar.speaking.onnx_network import LOAD_ERRORS
from e2a_sidecar.speaking.phonemes import Encoded
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.side_by_side import MOST_WORKERS
from e2a_sidecar.speaking.takes import to_int16
from e2a_sidecar.voices.student_graph import BINS, FRAMES_A_UNIT, LONGEST_IDS, LONGEST_UNITS, forget, student_graph
from e2a_sidecar.voices.voice import Voice

_LONG: Final = 0.625
"""Of as much as is spoken at once, some 15 seconds: from there on a piece is a long one."""
_log = logging.getLogger(__name__)


class KokoroStudent(KokoroLines):
    """Engine `kokoro_student`. See engine.Engine for the contract; a batch is one line. Its device is always the CPU."""

    name = "kokoro_student"
    device = "cpu"
    rate_hz = STUDENT_RATE_HZ

    def __init__(self, voice: Voice, settings: SpeechSettings, cache_dir: Path, workers: int | None = None) -> None:
        """Open a voice of kind kokoro_student (`voice` verified). cache_dir: where its graph is kept.

        SidecarError `voice_broken`, `voice_unsupported`, `disk_full`, `output_unwritable`.
        """
        self.identity: Mapping[str, str | int | float] = student_identity(voice, settings)
        self.versions: Mapping[str, str] = {"onnxruntime": ort.__version__, PACKAGE: version(PACKAGE), "piper-tts": version("piper-tts")}
        self._speed = np.array([settings.speed], dtype=np.float32)
        longest = max(2, int(LONGEST_IDS * min(1.0, settings.speed)))  # a slower voice makes more of as much
        front_end, session = MisakiFrontEnd(is_british(voice)), _opened(voice, cache_dir)
        super().__init__(front_end, session, longest, workers or min(usable_cores(), MOST_WORKERS), int(_LONG * longest))

    def _spoken(self, piece: Encoded, key: str, take: int, run: ort.RunOptions, ended: threading.Event) -> Spoken:
        given = {"ids": np.array([piece.ids], dtype=np.int64), "speed": self._speed}
        *found, units, unrounded = self._session.run(None, given, run)
        wrong = duration_fault(units, unrounded, len(piece.ids), LONGEST_UNITS) or _spectra_fault(found, units)
        times = words_at(np.zeros(len(piece.ids), np.float32) if wrong else as_heard(units), piece.words, FRAMES_A_UNIT * spectra.HOP, self.rate_hz)
        if wrong:
            return [], times, wrong
        whole = spectra.Spectra(*(each[0] for each in found))
        train, noise = spectra.pulses(whole), spectra.noise_of(key, take, whole.frames)
        made, finite = list[Samples](), True
        for start, end in spectra.windows(whole.frames):
            go_on(ended)
            samples = spectra.samples_of(whole, train, noise, start, end)
            finite = finite and bool(np.isfinite(samples).all())
            made.append(to_int16(samples))
        odd = "nan" if not finite else "edge" if on_edge(unrounded - np.float32(0.5)) else ""  # it rounds at halves, and below 1.5 all is 1
        return made, times, odd


def _spectra_fault(found: Sequence[NDArray[Any]], units: NDArray[np.float32]) -> str:
    """`failed` where they are not of as many frames as the durations say: a graph may fit what it was tried with and nothing else."""
    frames = int(units.sum(dtype=np.float64)) * FRAMES_A_UNIT
    *spectra_of, f0 = found
    return "" if f0.shape == (1, frames) and all(each.shape == (1, BINS, frames) for each in spectra_of) else "failed"


def _opened(voice: Voice, cache_dir: Path) -> Any:
    """The voice's session; a graph that was damaged on disk is made once more."""
    for again in (True, False):
        graph = student_graph(voice.file("model"), dict(voice.sha256)["model"], cache_dir, voice.id)
        try:
            return cpu_session(str(graph))
        except LOAD_ERRORS as error:
            if is_out_of_memory(error):  # what is kept is whole
                raise SidecarError("speech_failed", repr(error)[:2000], reason="there is too little memory to load the voice") from None
            _log.warning("what was kept of %s does not open: %s", voice.id, error)
            forget(graph)
            if not again:
                raise SidecarError("voice_unsupported", repr(error), voice=voice.id, reason="onnxruntime does not open it") from None
    raise AssertionError("unreachable")
