"""A Piper voice by onnxruntime, without torch: the core layer's engine.

One set of sessions (encode, flow, decode; voices.piper_cut) is shared by as many Python threads as there are cores,
each run on one thread of its own: onnxruntime lets go of the GIL, and this is faster than its own threads within a
sentence. The decoder works in windows with neighbours on each side that are thrown away: bit for bit the whole's
samples, memory does not grow with a sentence, and what it works on stays nearer to the cache.
Noise is an input (speaking.noise), so a take is the same whatever runs beside it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # type: ignore[import-untyped]

from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Line, Samples, Take, Word
from e2a_sidecar.speaking.clock import words_at
from e2a_sidecar.speaking.cores import usable_cores
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.identity import length_scale, scale, vits_identity
from e2a_sidecar.speaking.noise import take_noise
from e2a_sidecar.speaking.phonemes import PhonemeFrontEnd
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.side_by_side import LINES_AHEAD, MOST_WORKERS, side_by_side
from e2a_sidecar.voices.piper import PiperConfig
from e2a_sidecar.voices.piper_cut import Cut, cut_voice, forget
from e2a_sidecar.voices.voice import Voice

WINDOW_FRAMES: Final = 228
NEIGHBOUR_FRAMES: Final = 14  # as far as the largest Piper decoder sees: 13.3 frames
LONGEST_IDS: Final = 1200  # some 500 characters; the text encoder's memory grows with the square
_LONG_IDS: Final = 500  # beyond, one encode at a time
_ORT_ERRORS: Final = (ort_errors.Fail, ort_errors.RuntimeException, ort_errors.InvalidArgument, ort_errors.EPFail, ort_errors.NotImplemented)
_LOAD_ERRORS: Final = (*_ORT_ERRORS, ort_errors.NoSuchFile, ort_errors.InvalidProtobuf, ort_errors.InvalidGraph, ort_errors.NoModel)
_log = logging.getLogger(__name__)

Floats = NDArray[np.float32]


class VitsOnnx:
    """Engine `vits_onnx`. See engine.Engine for the contract; a batch is one line."""

    name = "vits_onnx"
    device = "cpu"

    def __init__(self, voice: Voice, settings: SpeechSettings, cache_dir: Path, workers: int | None = None) -> None:
        """Open a Piper voice (`voice` verified). cache_dir: where the cut voice is kept. Raises SidecarError `voice_*`."""
        config = PiperConfig.load(voice.file("config"), voice.id)
        self.rate_hz = config.sample_rate_hz
        self.identity: Mapping[str, str | int | float] = vits_identity(voice, config, settings)
        self.versions: Mapping[str, str] = {"onnxruntime": version("onnxruntime"), "piper-tts": version("piper-tts")}
        self._name = voice.id
        self._config = config
        self._front_end = PhonemeFrontEnd(config)
        self._workers = workers or min(usable_cores(), MOST_WORKERS)
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="speak")
        self._one_long = threading.Lock()
        self._noise_scale = np.float32(scale(settings.noise_scale, config.noise_scale))
        scales = [self._noise_scale, length_scale(config, settings), scale(settings.noise_w, config.noise_w)]
        self._scales: Floats = np.array(scales, dtype=np.float32)
        speaker = config.speaker_id(voice.speaker, voice.id)
        self._speaker = {} if speaker is None else {"sid": np.array([speaker], dtype=np.int64)}
        self._cut, self._encode, self._flow, self._decode = _sessions(voice, cache_dir)

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        """One take a batch, as they are finished; `lines` is read a few ahead of the workers."""
        run = ort.RunOptions()
        run.terminate = False
        ended = threading.Event()

        def over() -> None:
            ended.set()
            run.terminate = True  # ends a window in the middle; harmless where nothing runs

        return side_by_side(self._pool, lines, lambda line: [self._take(line, run, ended)], lambda: self._workers * LINES_AHEAD, stopped, over)

    def transfers(self) -> Transfers:
        """Nothing is copied: there is no device."""
        return Transfers()

    def close(self) -> None:
        """Wait for the workers (they end within a moment) and free the sessions."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        del self._encode, self._flow, self._decode

    def _take(self, line: Line, run: ort.RunOptions, ended: threading.Event) -> Take:
        if ended.is_set():
            raise Stopped
        encoded = self._front_end.encode(line.text)
        if encoded.empty:
            return Take(line.index, np.zeros(0, dtype=np.int16), (), line.take, ("unpronounceable",))
        sound: list[Floats] = []
        words: list[Word] = []
        try:
            for number, piece in enumerate(self._front_end.pieces(encoded, LONGEST_IDS)):
                key = f"{line.key}.{number}" if number else line.key
                mean, deviation, frames = self._latents(piece.ids, key, line.take, run)
                before_s = sum(map(len, sound)) / self.rate_hz
                words += (_later(w, before_s) for w in words_at(frames, piece.words, self._config.hop_length, self.rate_hz))
                noise = take_noise(key, line.take, "latent", mean.shape)
                sound += self._samples(mean + noise * deviation * self._noise_scale, run)
        except (*_ORT_ERRORS, MemoryError) as error:
            if ended.is_set():
                raise Stopped from None
            raise SidecarError("speech_failed", f"line {line.index}: {error!r}"[:2000], reason="onnxruntime") from None
        samples = np.concatenate(sound)
        flags = () if np.isfinite(samples).all() else ("nan",)
        return Take(line.index, to_int16(samples), tuple(words), line.take, flags)

    def _latents(self, ids: tuple[int, ...], key: str, take: int, run: ort.RunOptions) -> tuple[Floats, Floats, Floats]:
        """(mean, deviation) of shape (channels, frames), and the frames of each id."""
        names = self._cut.names
        feed: dict[str, Any] = {
            "input": np.array([ids], dtype=np.int64),
            "input_lengths": np.array([len(ids)], dtype=np.int64),
            "scales": self._scales,
            **self._speaker,
        }
        feed = {name: feed[name] for name in names.encode_inputs}
        if names.duration_noise:
            feed[names.duration_noise] = take_noise(key, take, "duration", (2, len(ids)))[None]
        with self._one_long if len(ids) > _LONG_IDS else nullcontext():
            mean, deviation, frames = self._encode.run([names.mean, names.deviation, names.frames], feed, run)
        return mean[0], deviation[0], frames.reshape(-1)

    def _samples(self, z: Floats, run: ort.RunOptions) -> Iterator[Floats]:
        """Window after window. At the true ends there are no neighbours: the decoder pads there as it does for the whole."""
        names, hop, length = self._cut.names, self._config.hop_length, z.shape[1]
        feed: dict[str, Any] = {names.z: z[None], names.mask: np.ones((1, 1, length), dtype=np.float32)}
        feed |= {name: self._speaker[name] for name in names.flow_inputs}
        latents: Floats = self._flow.run([names.latents], feed, run)[0]
        for start, end in windows(length):
            low, high = max(0, start - NEIGHBOUR_FRAMES), min(length, end + NEIGHBOUR_FRAMES)
            feed = {names.latents: latents[:, :, low:high]} | {name: self._speaker[name] for name in names.decode_inputs}
            samples: Floats = self._decode.run([names.samples], feed, run)[0].reshape(-1)
            if samples.size != (high - low) * hop:  # every time and every window would be wrong
                reason = f"its description says {hop} samples a frame, its network makes {samples.size / (high - low):g}"
                raise SidecarError("voice_broken", "hop_length", voice=self._name, reason=reason)
            yield samples[(start - low) * hop : (end - low) * hop]


def _later(word: Word, by_s: float) -> Word:
    return replace(word, start_s=word.start_s + by_s, end_s=word.end_s + by_s)


def windows(length: int) -> list[tuple[int, int]]:
    """[start, end) frames of windows of about equal length, none longer than WINDOW_FRAMES."""
    count = max(1, -(-length // WINDOW_FRAMES))
    return list(pairwise(length * i // count for i in range(count + 1)))


def to_int16(samples: Floats) -> Samples:
    """The fixed scale: 1.0 is 32767, never a gain of a sentence."""
    scaled: Samples = np.rint(np.clip(np.nan_to_num(samples), -1.0, 1.0) * 32767.0).astype(np.int16)
    return scaled


def _sessions(voice: Voice, cache_dir: Path) -> tuple[Cut, ort.InferenceSession, ort.InferenceSession, ort.InferenceSession]:
    """The cut voice, opened; a cut that was damaged on disk is made once more."""
    model, sha256 = voice.file("model"), dict(voice.sha256)["model"]
    for again in (True, False):
        cut = cut_voice(model, sha256, cache_dir, voice.id)
        try:
            return cut, _session(cut.encode), _session(cut.flow), _session(cut.decode)
        except _LOAD_ERRORS as error:
            _log.warning("the cut of %s does not open: %s", voice.id, error)
            forget(cut)
            if not again:
                raise SidecarError("voice_unsupported", repr(error), voice=voice.id, reason="onnxruntime does not open it") from None
    raise AssertionError("unreachable")


def _session(path: Path) -> ort.InferenceSession:
    """One thread. The arena (onnxruntime's default, up to three times as fast) keeps what its largest run took: runs are bounded."""
    _share_arena()
    options = ort.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # shapes differ from line to line, and a plan would be kept for each
    options.log_severity_level = 4  # a run that is stopped is logged as an error
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@lru_cache(maxsize=1)
def _share_arena() -> None:
    """One arena for all sessions of the process, which never run at their largest together: 90 MB less than one for each."""
    memory = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    defaults = {"max_mem": 0, "arena_extend_strategy": 0, "initial_chunk_size_bytes": -1, "max_dead_bytes_per_chunk": -1}
    ort.create_and_register_allocator(memory, ort.OrtArenaCfg(defaults))
