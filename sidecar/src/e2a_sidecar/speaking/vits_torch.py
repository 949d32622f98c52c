"""The engine `vits_torch`: a VITS by coqui's own class, on the CPU or a GPU; two reads and two uploads a batch.

On a CPU a batch is one sentence on one thread, several threads side by side (padding costs there and gains nothing; two
OpenMP threads for one sentence were fourteen times slower on busy cores). On a GPU sentences of like length are spoken
together, and a batch is read while the next is computed. What a take sounds like depends on neither: its noise is an
input, and padded batches and windows are exact (see `decoder`). Importing this imports torch.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Line, Samples, Take, Word
from e2a_sidecar.speaking import device as devices
from e2a_sidecar.speaking.budget import CPU_BUDGET, GPU_BUDGET, MOST_FRAMES, Budget
from e2a_sidecar.speaking.clock import words_at
from e2a_sidecar.speaking.cores import usable_cores
from e2a_sidecar.speaking.device_errors import in_plain_words, is_out_of_memory
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.host import HostBoundary
from e2a_sidecar.speaking.limits import FAULTS, LONGEST_IDS, fault, on_edge
from e2a_sidecar.speaking.noise import take_noise
from e2a_sidecar.speaking.phonemes import Encoded
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.side_by_side import LINES_AHEAD, MOST_WORKERS, side_by_side
from e2a_sidecar.speaking.transfers import TransferCount
from e2a_sidecar.speaking.vits_network import VitsNetwork, Waves
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.voice import Voice

_LOG = logging.getLogger(__name__)


class _UnevenError(Exception):
    """A line of a batch lasts so long that to pad the others to it takes too much: it has to be spoken without them."""


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
    """A batch under way: its pieces, their phonemes' frames (whole), what was odd with each, and the samples to come.

    waves: None where the device could not speak it; then `flags` say why.
    """

    pieces: tuple[_Piece, ...]
    frames: tuple[NDArray[np.float32], ...]
    flags: tuple[tuple[str, ...], ...]
    waves: Waves | None

    @classmethod
    def failed(cls, pieces: Sequence[_Piece], flag: str) -> _Flight:
        """Of pieces that were not spoken."""
        return cls(tuple(pieces), tuple(np.zeros(len(p.encoded.ids), dtype=np.float32) for p in pieces), ((flag,),) * len(pieces), None)


class VitsTorch:
    """See speaking.engine.Engine. A take flagged `edge` may have another length elsewhere (see limits.EDGE)."""

    name = "vits_torch"

    def __init__(self, voice: Voice, device: str, language: str, settings: SpeechSettings, cache_dir: Path) -> None:
        """Load a verified voice of kind piper or coqui onto `device` (`cpu-torch`, `cuda:N`, `mps`, `xpu:N`). cache_dir: keeps that a voice was checked.

        SidecarError `voice_broken`, `voice_unsupported`, `device_unusable`.
        """
        target = devices.usable_device(device)
        self._start(load_voice(voice, language, settings, cache_dir), device, HostBoundary(target))

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
        self._voice = voice
        self._on_cpu = boundary.device.type == "cpu"
        self._budget = budget or (CPU_BUDGET if self._on_cpu else GPU_BUDGET)
        self._boundary = boundary
        self._count = TransferCount(boundary)
        self._workers = min(usable_cores(), MOST_WORKERS) if self._on_cpu else 0
        self._pool = ThreadPoolExecutor(self._workers or 1, thread_name_prefix="speak", initializer=_one_thread)
        try:
            self._network: VitsNetwork | None = VitsNetwork(voice, boundary)
        except (RuntimeError, MemoryError) as error:
            raise self._unusable(error) from error

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        """See speaking.engine.Engine: batches of finished takes."""
        self._count = TransferCount(self._boundary)
        yield from self._side_by_side(lines, stopped) if self._workers else self._in_batches(lines, stopped)

    def transfers(self) -> Transfers:
        """Of the first batch of the last `speak`."""
        return self._count.transfers

    def close(self) -> None:
        """Wait for the workers (they end within a layer's time) and let go of the network and the device's memory."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._network is not None:
            self._network = None
            del self._voice  # its modules are the network's
            gc.collect()  # modules and their hooks hold one another
        self._free()

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
        """A batch that went ill is not what is to be counted: then the next one is."""
        count = TransferCount(self._boundary)
        with count.counting():
            flights = self._launched(jobs, poll)
            takes = self._landed(flights)
        if len(flights) == 1 and not any(_NOT_SPOKEN.intersection(take.flags) for take in takes):
            self._count = count
        return takes

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
        """Start a batch, by its halves where the device fails at it. SidecarError `device_unusable` where it is dead.

        Where memory was too little, batches are smaller from then on; where that was the fault of one sentence, which is
        too much by itself, nothing changes for the others.
        """
        ids = self._budget.ids
        flights = self._parted(jobs, poll)
        alone = [flags for flight in flights for flags in flight.flags if "no_memory" in flags]
        if alone and len(alone) < len(jobs):
            self._budget = replace(self._budget, ids=ids)
        return flights

    def _parted(self, jobs: list[_Job], poll: Callable[[], None]) -> list[_Flight]:
        """Start a batch or, where the device fails at it, its halves, down to the sentence that it cannot speak."""
        poll()
        pieces, before, halved, flag = [piece for job in jobs for piece in job], self._budget, False, "failed"
        while True:
            done: list[str] = []
            try:
                flight = self._launch(pieces, poll, done)
                return [replace(flight, flags=tuple((*flags, "halved") for flags in flight.flags)) if halved else flight]
            except _UnevenError:
                break
            except (RuntimeError, MemoryError) as error:  # torch's errors, of whatever device
                flag = self._judged(error, len(jobs))
            if flag == "failed":
                break
            halved, now = True, self._budget
            self._free()
            smaller = now.fewer_frames() if done else now
            if smaller == now:
                if len(jobs) > 1:
                    self._budget = now.fewer_ids(_padded_ids(jobs))
                else:
                    self._budget, flag = before, "no_memory"
                break
            self._budget = smaller
        if halved:
            _LOG.warning("memory did not suffice for %d lines; from now on %s", len(jobs), self._budget)
        if len(jobs) == 1:
            return [_Flight.failed(pieces, flag)]
        middle = (len(jobs) + 1) // 2
        flights = [flight for half in (jobs[:middle], jobs[middle:]) for flight in self._parted(half, poll)]
        return [replace(f, flags=tuple(flags if "halved" in flags else (*flags, "halved") for flags in f.flags)) for f in flights] if halved else flights

    def _judged(self, error: BaseException, lines: int) -> str:
        """The flag of what could not be spoken: `halved` for want of memory, else `failed`; raises where the device is dead."""
        if is_out_of_memory(error):
            return "halved"
        if not self._on_cpu and not devices.alive(self._boundary.device):
            raise self._unusable(error) from error
        _LOG.warning("%d lines failed on %s: %s", lines, self.device, _technical(error))
        return "failed"

    def _free(self) -> None:
        """Give the device's unused memory back; a dead device is left alone."""
        kind = self._boundary.device.type
        backend = {"cuda": torch.cuda, "xpu": torch.xpu, "mps": torch.mps}.get(kind)
        with suppress(RuntimeError):
            if backend is not None and backend.is_available():
                backend.empty_cache()

    def _launch(self, pieces: Sequence[_Piece], poll: Callable[[], None], done: list[str]) -> _Flight:
        """Encode, and start decoding; `done` tells a caller who catches an error how far it came."""
        assert self._network is not None, "the engine is closed"
        ids = [piece.encoded.ids for piece in pieces]
        noise = [take_noise(p.key, p.line.take, "duration", (2, len(p.encoded.ids))) for p in pieces]
        prior, predicted = self._network.encode(ids, noise)
        done.append("encode")
        frames: list[NDArray[np.float32]] = []
        flags: list[tuple[str, ...]] = []
        for row, numbers in zip(predicted, ids, strict=True):
            whole = np.ceil(row[: len(numbers)])
            odd = fault(whole)
            frames.append(np.zeros_like(whole) if odd else whole)
            flags.append((odd,) if odd else ("edge",) if on_edge(row[: len(numbers)]) else ())
        counts = [max(1, int(whole.sum())) for whole in frames]
        if len({piece.line.index for piece in pieces}) > 1 and len(pieces) * max(counts) > MOST_FRAMES:
            raise _UnevenError
        channels = self._network.channels
        latent = [take_noise(p.key, p.line.take, "latent", (channels, count)) for p, count in zip(pieces, counts, strict=True)]
        waves = self._network.decode(prior, counts, latent, self._budget.window, self._budget.frames, poll)
        return _Flight(tuple(pieces), tuple(frames), tuple(flags), waves)

    def _landed(self, flights: list[_Flight]) -> list[Take]:
        """Wait for the samples and make takes of them; the pieces of a line become one."""
        takes: list[Take] = []
        for flight, waves in map(self._arrived, flights):
            for piece, frames, flags, (samples, broken) in zip(flight.pieces, flight.frames, flight.flags, waves, strict=True):
                if FAULTS.intersection(flags):
                    samples = samples[:0]
                elif broken:
                    flags = (*flags, "nan")
                words = words_at(frames, piece.encoded.words, self._voice.hop_length, self.rate_hz)
                take = Take(piece.line.index, samples, words, piece.line.take, flags)
                takes.append(_joined(takes.pop(), take, self.rate_hz) if piece.number else take)
        return [replace(take, samples=take.samples[:0], words=()) if _NOT_SPOKEN.intersection(take.flags) else take for take in takes]

    def _arrived(self, flight: _Flight) -> tuple[_Flight, list[tuple[Samples, bool]]]:
        """The flight and its samples once they are there: what a device does later than it was told to fails here."""
        if flight.waves is not None:
            try:
                return flight, flight.waves.result()
            except (RuntimeError, MemoryError) as error:
                flag = self._judged(error, len(flight.pieces))
                flight = _Flight.failed(flight.pieces, "no_memory" if flag == "halved" else flag)
        return flight, [_NO_SAMPLES] * len(flight.pieces)

    def _unusable(self, error: BaseException) -> SidecarError:
        """torch's error as ours; its message names shapes and devices, never text."""
        detail = _technical(error)
        if self._on_cpu:
            return SidecarError("speech_failed", detail, reason="torch")
        return SidecarError("device_unusable", detail, device=self.device, reason=in_plain_words(str(error)))


_NOT_SPOKEN: Final = frozenset(("failed", "no_memory"))
_NO_SAMPLES: Final = (np.zeros(0, dtype=np.int16), False)


def _joined(first: Take, second: Take, rate_hz: int) -> Take:
    """Two pieces of one line, one after the other."""
    by_s = len(first.samples) / rate_hz
    later: tuple[Word, ...] = tuple(replace(w, start_s=w.start_s + by_s, end_s=w.end_s + by_s) for w in second.words or ())
    flags = (*first.flags, *(flag for flag in second.flags if flag not in first.flags))
    return replace(first, samples=np.concatenate([first.samples, second.samples]), words=(*(first.words or ()), *later), flags=flags)


def _technical(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:2000]


def _silence(line: Line) -> Take:
    return Take(line.index, np.zeros(0, dtype=np.int16), (), line.take, ("unpronounceable",))


def _longest(job: _Job) -> int:
    return max(len(piece.encoded.ids) for piece in job)


def _padded_ids(jobs: Sequence[_Job]) -> int:
    return sum(map(len, jobs)) * max(map(_longest, jobs))


def _one_thread() -> None:
    torch.set_num_threads(1)


def load_voice(voice: Voice, language: str, settings: SpeechSettings, cache_dir: Path | None = None) -> LoadedVits:
    """Load a verified voice; SidecarError `voice_broken`, `voice_unsupported`. cache_dir: see `VitsTorch`; None: unchecked."""
    if voice.kind == "piper":
        from e2a_sidecar.voices import piper_torch

        return piper_torch.load(voice, settings, cache_dir)
    if voice.kind == "coqui":
        from e2a_sidecar.voices import coqui

        return coqui.load(voice, language, settings)
    raise SidecarError("voice_unsupported", voice.kind, voice=voice.id, reason="it is no VITS")
