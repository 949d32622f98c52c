"""The engine `vits_torch`: a VITS by coqui's own class, on the CPU or a GPU; two reads and two uploads a batch.

On a CPU a batch is one sentence on one thread, several threads side by side (padding costs there and gains nothing; two
OpenMP threads for one sentence were fourteen times slower on busy cores). On a GPU sentences of like length are spoken
together, and a batch is read while the next is computed. What a take sounds like depends on neither: its noise is an
input, and padded batches and windows are exact (see `decoder`). Importing this imports torch.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Line, Take, Word
from e2a_sidecar.speaking import device as devices
from e2a_sidecar.speaking.clock import words_at
from e2a_sidecar.speaking.cores import usable_cores
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.host import HostBoundary
from e2a_sidecar.speaking.noise import take_noise
from e2a_sidecar.speaking.phonemes import Encoded
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.side_by_side import LINES_AHEAD, MOST_WORKERS, side_by_side
from e2a_sidecar.speaking.transfers import TransferCount
from e2a_sidecar.speaking.vits_network import VitsNetwork, Waves
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.voice import Voice

_LOG = logging.getLogger(__name__)

LONGEST_IDS: Final = 1200
"""Of what is encoded at once, as in vits_onnx: longer lines are spoken in pieces, each with noise of its own."""
LONGEST_FRAMES: Final = 60_000
"""Of one piece: some ten minutes. A voice that predicts more has lost its way, and memory is not infinite."""
EDGE: Final = 1e-4
"""A duration so near to a whole number of frames may be rounded otherwise in another batch or on another device."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is spoken at once: lines looked at, phoneme ids encoded (padded), frames of a window and decoded together."""

    look_ahead: int
    ids: int
    window: int
    frames: int

    def halved(self) -> Budget:
        """After the device's memory did not suffice."""
        return replace(self, look_ahead=max(1, self.look_ahead // 2), ids=max(1, self.ids // 2), frames=max(1, self.frames // 2))


CPU_BUDGET: Final = Budget(look_ahead=1, ids=1, window=256, frames=1)
GPU_BUDGET: Final = Budget(look_ahead=64, ids=8192, window=1024, frames=8192)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A line, or a part of one that is too long."""

    line: Line
    number: int
    encoded: Encoded

    @property
    def key(self) -> str:
        return f"{self.line.key}.{self.number}" if self.number else self.line.key


_Job = tuple[_Piece, ...]
"""All pieces of one line."""


@dataclass(frozen=True, slots=True)
class _Flight:
    """A batch under way: its pieces, their phonemes' frames (whole), what was odd with each, and the samples to come."""

    pieces: tuple[_Piece, ...]
    frames: tuple[NDArray[np.float32], ...]
    flags: tuple[tuple[str, ...], ...]
    waves: Waves


class VitsTorch:
    """See speaking.engine.Engine. `edge_sentences` counts takes that may differ in length elsewhere (see EDGE)."""

    name = "vits_torch"

    def __init__(self, voice: Voice, device: str, language: str, settings: SpeechSettings, cache_dir: Path) -> None:
        """Load a verified voice of kind piper or coqui onto `device` (`cpu-torch`, `cuda:N`). `cache_dir` is not used.

        SidecarError `voice_broken`, `voice_unsupported`, `device_unusable`.
        """
        target = devices.usable_device(device)
        self._start(load_voice(voice, language, settings), device, HostBoundary(target))

    @classmethod
    def speaking_with(cls, voice: LoadedVits, device: str, boundary: HostBoundary, budget: Budget | None = None) -> VitsTorch:
        """With a voice that is loaded already, across a boundary that is given; `budget` by the device where None."""
        engine = cls.__new__(cls)
        engine._start(voice, device, boundary, budget)
        return engine

    def _start(self, voice: LoadedVits, device: str, boundary: HostBoundary, budget: Budget | None = None) -> None:
        devices.repeatable()
        self.device = device
        self.rate_hz = voice.rate_hz
        self.identity: Mapping[str, str | int | float] = voice.identity
        self.versions: Mapping[str, str] = voice.versions
        self.edge_sentences = 0
        self._voice = voice
        self._on_cpu = boundary.device.type == "cpu"
        self._budget = budget or (CPU_BUDGET if self._on_cpu else GPU_BUDGET)
        self._boundary = boundary
        self._count = TransferCount(boundary)
        self._workers = min(usable_cores(), MOST_WORKERS) if self._on_cpu else 0
        self._pool = ThreadPoolExecutor(self._workers or 1, thread_name_prefix="speak", initializer=_one_thread)
        try:
            self._network: VitsNetwork | None = VitsNetwork(voice, boundary)
        except RuntimeError as error:
            raise self._failed(error) from error

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        """See speaking.engine.Engine: batches of finished takes."""
        self._count = TransferCount(self._boundary)
        try:
            yield from self._side_by_side(lines, stopped) if self._workers else self._in_batches(lines, stopped)
        except RuntimeError as error:  # torch's errors, of whatever device
            raise self._failed(error) from error

    def transfers(self) -> Transfers:
        """Of the first batch of the last `speak`."""
        return self._count.transfers

    def close(self) -> None:
        """Wait for the workers (they end within a layer's time) and let go of the network and the device's memory."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._network = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _side_by_side(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        """On the CPU: each line on a thread of its own. The first one alone, since the counting sees all threads' reads."""
        ended = threading.Event()

        def poll() -> None:
            if ended.is_set() or stopped():
                raise Stopped

        def ahead() -> int:
            return self._workers * LINES_AHEAD if self._counted else 1

        return side_by_side(self._pool, lines, lambda line: self._spoken(line, poll), ahead, stopped, ended.set)

    def _in_batches(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        """On a GPU: many lines at once; a batch is read after the next has been started."""

        def poll() -> None:
            if stopped():
                raise Stopped

        flights: list[_Flight] = []
        for silent, jobs in self._batches(lines, poll):
            if silent:
                yield silent
            if jobs and not self._counted:
                yield self._counted_takes(jobs, poll)
            elif jobs:
                before, flights = flights, self._launched(jobs, poll)
                if before:
                    yield self._landed(before)
        if flights:
            yield self._landed(flights)

    @property
    def _counted(self) -> bool:
        return self._count.transfers.host_copies_per_batch is not None

    def _counted_takes(self, jobs: list[_Job], poll: Callable[[], None]) -> list[Take]:
        with self._count.counting():
            return self._landed(self._launched(jobs, poll))

    def _spoken(self, line: Line, poll: Callable[[], None]) -> list[Take]:
        """One line on the thread that calls."""
        job = self._job(line, poll)
        if not job:
            return [_silence(line)]
        return self._landed(self._launched([job], poll)) if self._counted else self._counted_takes([job], poll)

    def _job(self, line: Line, poll: Callable[[], None]) -> _Job:
        """The line's pieces; none where it has nothing that can be pronounced."""
        poll()
        encoded = self._voice.front_end.encode(line.text)
        pieces = () if encoded.empty else self._voice.front_end.pieces(encoded, LONGEST_IDS)
        return tuple(_Piece(line, number, piece) for number, piece in enumerate(pieces))

    def _batches(self, lines: Iterable[Line], poll: Callable[[], None]) -> Iterator[tuple[list[Take], list[_Job]]]:
        """Takes of lines that cannot be pronounced, and lines to be spoken together; the shortest of the look-ahead first."""
        source = iter(lines)
        while ahead := list(islice(source, self._budget.look_ahead)):
            jobs = [(line, self._job(line, poll)) for line in ahead]
            silent = [_silence(line) for line, job in jobs if not job]
            batch: list[_Job] = []
            for job in sorted((job for _, job in jobs if job), key=_longest):
                if batch and _padded_ids([*batch, job]) > self._budget.ids:
                    yield silent, batch
                    silent, batch = [], []
                batch.append(job)
            yield silent, batch

    def _launched(self, jobs: list[_Job], poll: Callable[[], None]) -> list[_Flight]:
        """Start a batch; where the device's memory does not suffice, its halves, and smaller batches from now on."""
        poll()
        try:
            return [self._launch([piece for job in jobs for piece in job], poll)]
        except torch.OutOfMemoryError:
            if len(jobs) == 1 and self._budget.frames <= self._budget.window:
                raise
            self._budget = self._budget.halved()
            _LOG.warning("device memory did not suffice for %d lines; from now on %s", len(jobs), self._budget)
        middle = (len(jobs) + 1) // 2
        flights = [flight for half in (jobs[:middle], jobs[middle:]) if half for flight in self._launched(half, poll)]
        return [replace(f, flags=tuple((*flags, "halved") if "halved" not in flags else flags for flags in f.flags)) for f in flights]

    def _launch(self, pieces: Sequence[_Piece], poll: Callable[[], None]) -> _Flight:
        assert self._network is not None, "the engine is closed"
        ids = [piece.encoded.ids for piece in pieces]
        noise = [take_noise(p.key, p.line.take, "duration", (2, len(p.encoded.ids))) for p in pieces]
        prior, predicted = self._network.encode(ids, noise)
        frames: list[NDArray[np.float32]] = []
        flags: list[tuple[str, ...]] = []
        for row, numbers in zip(predicted, ids, strict=True):
            whole = np.ceil(row[: len(numbers)])
            fault = _fault(whole)
            self.edge_sentences += bool(np.any(np.abs(row[: len(numbers)] - np.rint(row[: len(numbers)])) < EDGE))
            frames.append(np.zeros_like(whole) if fault else whole)
            flags.append((fault,) if fault else ())
        counts = [max(1, int(whole.sum())) for whole in frames]
        channels = self._network.channels
        latent = [take_noise(p.key, p.line.take, "latent", (channels, count)) for p, count in zip(pieces, counts, strict=True)]
        waves = self._network.decode(prior, counts, latent, self._budget.window, self._budget.frames, poll)
        return _Flight(tuple(pieces), tuple(frames), tuple(flags), waves)

    def _landed(self, flights: list[_Flight]) -> list[Take]:
        """Wait for the samples and make takes of them; the pieces of a line become one."""
        takes: list[Take] = []
        for flight in flights:
            for piece, frames, flags, (samples, broken) in zip(flight.pieces, flight.frames, flight.flags, flight.waves.result(), strict=True):
                if _FAULTS.intersection(flags):
                    samples = samples[:0]
                elif broken:
                    flags = (*flags, "nan")
                words = words_at(frames, piece.encoded.words, self._voice.hop_length, self.rate_hz)
                take = Take(piece.line.index, samples, words, piece.line.take, flags)
                takes.append(_joined(takes.pop(), take, self.rate_hz) if piece.number else take)
        return takes

    def _failed(self, error: RuntimeError) -> SidecarError:
        """torch's error as ours; its message names shapes and devices, never text."""
        detail = f"{type(error).__name__}: {error}"[:2000]
        if self._on_cpu:
            return SidecarError("speech_failed", detail, reason="torch")
        return SidecarError("device_unusable", detail, device=self.device, reason=devices.in_plain_words(str(error)))


_FAULTS: Final = frozenset(("nan", "too_long"))


def _fault(frames: NDArray[np.float32]) -> str:
    """What is wrong with predicted durations, so that nothing can be decoded from them; empty where nothing is."""
    total = float(frames.sum(dtype=np.float64))
    if not np.isfinite(total):
        return "nan"
    return "too_long" if total > LONGEST_FRAMES else ""


def _joined(first: Take, second: Take, rate_hz: int) -> Take:
    """Two pieces of one line, one after the other."""
    by_s = len(first.samples) / rate_hz
    later: tuple[Word, ...] = tuple(replace(w, start_s=w.start_s + by_s, end_s=w.end_s + by_s) for w in second.words or ())
    flags = (*first.flags, *(flag for flag in second.flags if flag not in first.flags))
    return replace(first, samples=np.concatenate([first.samples, second.samples]), words=(*(first.words or ()), *later), flags=flags)


def _silence(line: Line) -> Take:
    return Take(line.index, np.zeros(0, dtype=np.int16), (), line.take, ("unpronounceable",))


def _longest(job: _Job) -> int:
    return max(len(piece.encoded.ids) for piece in job)


def _padded_ids(jobs: Sequence[_Job]) -> int:
    return sum(map(len, jobs)) * max(map(_longest, jobs))


def _one_thread() -> None:
    torch.set_num_threads(1)


def load_voice(voice: Voice, language: str, settings: SpeechSettings) -> LoadedVits:
    """Load a verified voice; SidecarError `voice_broken`, `voice_unsupported`."""
    if voice.kind == "piper":
        from e2a_sidecar.voices import piper_torch

        return piper_torch.load(voice, settings)
    if voice.kind == "coqui":
        from e2a_sidecar.voices import coqui

        return coqui.load(voice, language, settings)
    raise SidecarError("voice_unsupported", voice.kind, voice=voice.id, reason="it is no VITS")
