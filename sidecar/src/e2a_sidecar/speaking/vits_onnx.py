"""A VITS voice by onnxruntime, without torch: the core layer's engine, for Piper's and coqui's voices alike.

One set of sessions (`onnx_network`) is shared by as many Python threads as there are cores, each run on one thread of its
own: onnxruntime lets go of the GIL, and this is faster than its own threads within a sentence. Where no line is left for a
thread, as with a preview or at the end of a book, it helps with the windows of the others'. Noise is an input
(speaking.noise), so a take is the same whatever runs beside it. A line that cannot be spoken is told (flags `failed`,
`no_memory`) and the next one is spoken.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Line, Take, Word
from e2a_sidecar.speaking.clock import words_at
from e2a_sidecar.speaking.cores import usable_cores
from e2a_sidecar.speaking.device_errors import is_out_of_memory
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.flags import unspoken_flags
from e2a_sidecar.speaking.helped import helped
from e2a_sidecar.speaking.limits import LONGEST_IDS, fault
from e2a_sidecar.speaking.noise import take_noise
from e2a_sidecar.speaking.onnx_lines import go_on, on_threads, spoken
from e2a_sidecar.speaking.onnx_network import LOAD_ERRORS, Floats, OnnxNetwork, Share, one_by_one
from e2a_sidecar.speaking.phonemes import Encoded
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.side_by_side import MOST_WORKERS
from e2a_sidecar.speaking.takes import to_int16
from e2a_sidecar.voices.onnx_voice import OnnxVoice
from e2a_sidecar.voices.open_onnx import open_voice
from e2a_sidecar.voices.piper_cut import forget
from e2a_sidecar.voices.voice import Voice

_LONG_IDS: Final = 500  # beyond, one encode at a time
_PARTS_EACH: Final = 2  # of a sentence for each thread, where there are idle ones
_log = logging.getLogger(__name__)


class VitsOnnx:
    """Engine `vits_onnx`. See engine.Engine for the contract; a batch is one line."""

    name = "vits_onnx"

    def __init__(self, voice: Voice, language: str, settings: SpeechSettings, cache_dir: Path, device: str = "cpu", workers: int | None = None) -> None:
        """Open a voice of kind piper or coqui (`voice` verified). device: where the decoder runs (`cpu`, `coreml`, `dml:N`).

        language: BCP 47, chooses one of a multilingual voice's. cache_dir: where the voice's graphs are kept. Raises
        SidecarError `voice_broken`, `voice_unsupported`, `device_unusable`, `disk_full`, `output_unwritable`.
        """
        self.device = device
        self._voice, self._network = _opened(voice, language, settings, cache_dir, device)
        self.rate_hz = self._voice.rate_hz
        self.identity: Mapping[str, str | int | float] = self._voice.identity
        self.versions: Mapping[str, str] = self._voice.versions
        self._workers = workers or min(usable_cores(), MOST_WORKERS)
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="speak")
        self._one_long = threading.Lock()
        self._waiting, self._counting = 0, threading.Lock()

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        """One take a batch, as they are finished; `lines` is read a few ahead of the workers."""
        return on_threads(self._pool, self._workers, self._counted(lines), self._take, stopped)

    def transfers(self) -> Transfers:
        """Not counted: onnxruntime copies to its devices by itself."""
        return Transfers()

    def close(self) -> None:
        """Wait for the workers (they end within a moment) and free the sessions."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        del self._network

    def _counted(self, lines: Iterable[Line]) -> Iterator[Line]:
        """The lines; those that were given and not begun are `_waiting`."""
        self._waiting = 0
        for line in lines:
            with self._counting:
                self._waiting += 1
            yield line

    def _take(self, line: Line, run: ort.RunOptions, ended: threading.Event) -> Take:
        go_on(ended)
        with self._counting:
            self._waiting -= 1
        found = spoken(self._voice.front_end, line, LONGEST_IDS, self.rate_hz, ended, lambda piece, key: self._spoken(piece, key, line.take, run))
        if isinstance(found, Take):
            return found
        whole = np.concatenate(found.sound) if found.sound else np.zeros(0, dtype=np.float32)
        lost = unspoken_flags(self._voice.front_end.lost(line.text))
        flags = (*lost, *found.flags, *(["nan"] if not np.isfinite(whole).all() and "nan" not in found.flags else []))
        return Take(line.index, to_int16(whole), tuple(found.words), line.take, flags)

    def _spoken(self, piece: Encoded, key: str, take: int, run: ort.RunOptions) -> tuple[list[Floats], tuple[Word, ...], str]:
        """Samples, the words' times in them, and what is odd with its durations: `edge`, or what is so wrong that there are no samples."""
        with self._one_long if len(piece.ids) > _LONG_IDS else nullcontext():
            prior = self._network.encode(piece.ids, take_noise(key, take, "duration", (2, len(piece.ids))), run)
        wrong = fault(prior.frames, self._voice.hop_length)
        if wrong:
            return [], words_at(np.zeros_like(prior.frames), piece.words, self._voice.hop_length, self.rate_hz), wrong
        mean, deviation = prior.of_frames()
        noise = take_noise(key, take, "latent", mean.shape)
        times = words_at(prior.frames, piece.words, self._voice.hop_length, self.rate_hz)
        return self._network.decode(mean, deviation, noise, run, *self._sharing()), times, "edge" if prior.edge else ""

    def _sharing(self) -> tuple[int, Share]:
        """Into how many parts a sentence may be cut, and who does them."""
        if self._workers == 1 or self.device != "cpu" or self._waiting > 0:
            return 1, one_by_one
        return self._workers * _PARTS_EACH, lambda parts: helped(self._pool, self._workers - 1, parts)


def _opened(voice: Voice, language: str, settings: SpeechSettings, cache_dir: Path, device: str) -> tuple[OnnxVoice, OnnxNetwork]:
    """The voice and its sessions; graphs that were damaged on disk are made once more."""
    for again in (True, False):
        opened = open_voice(voice, language, settings, cache_dir)
        try:
            return opened, OnnxNetwork(opened, voice.id, device)
        except LOAD_ERRORS as error:
            if is_out_of_memory(error):  # what is kept is whole
                raise SidecarError("speech_failed", repr(error)[:2000], reason="there is too little memory to load the voice") from None
            _log.warning("what was kept of %s does not open: %s", voice.id, error)
            forget(opened.cut)
            if not again:
                raise SidecarError("voice_unsupported", repr(error), voice=voice.id, reason="onnxruntime does not open it") from None
    raise AssertionError("unreachable")
