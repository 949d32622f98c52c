"""The engine `vits_torch`: a VITS by coqui's own class, on the CPU or a GPU; two reads and two uploads a batch, three with a converter behind it.

On a CPU a batch is one sentence on one thread, several threads side by side (padding costs there and gains nothing; two
OpenMP threads for one sentence were fourteen times slower on busy cores). On a GPU many sentences are spoken together (see
`rows`), and while the device computes a batch the next is got ready (see `ahead`). What a take sounds like depends on
neither: its noise is an input, and windows and rows are exact. Importing this imports torch.
"""

from __future__ import annotations

import gc
import logging
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.memory import give_back, reuse_large_blocks
from e2a_sidecar.model import Line, Samples, Take, Warn
from e2a_sidecar.speaking import device as devices
from e2a_sidecar.speaking.ahead import Begun, UnevenError
from e2a_sidecar.speaking.budget import CPU_BUDGET, GPU_BUDGET, Budget
from e2a_sidecar.speaking.cores import usable_cores
from e2a_sidecar.speaking.device_errors import in_plain_words, is_out_of_memory
from e2a_sidecar.speaking.engine import Transfers
from e2a_sidecar.speaking.flags import unspoken_flags
from e2a_sidecar.speaking.flights import NO_SAMPLES, NOT_SPOKEN, Flight, Job, Piece, batches, joined, padded_ids
from e2a_sidecar.speaking.host import HostBoundary
from e2a_sidecar.speaking.identity import cloned_identity
from e2a_sidecar.speaking.in_a_thread import in_a_thread
from e2a_sidecar.speaking.limits import LONGEST_IDS
from e2a_sidecar.speaking.phoneme_pieces import UnsaidError, pieces_of
from e2a_sidecar.speaking.precision import LEAST_DB, half_db
from e2a_sidecar.speaking.settings import HALF, SpeechSettings
from e2a_sidecar.speaking.side_by_side import LINES_AHEAD, MOST_WORKERS, side_by_side
from e2a_sidecar.speaking.takes import nothing
from e2a_sidecar.speaking.transfers import TransferCount
from e2a_sidecar.speaking.vits_network import VitsNetwork
from e2a_sidecar.voices.loaded import LoadedVits
from e2a_sidecar.voices.voice import Clone, Voice

if TYPE_CHECKING:
    from e2a_sidecar.speaking.clone.conversion import Conversion

_LOG = logging.getLogger(__name__)


class VitsTorch:
    """See speaking.engine.Engine. A take flagged `edge` may have another length elsewhere (see limits.EDGE)."""

    name = "vits_torch"

    def __init__(self, voice: Voice, device: str, language: str, settings: SpeechSettings, cache_dir: Path) -> None:
        """Load a verified voice of kind piper or coqui onto `device` (`cpu-torch`, `cuda:N`, `mps`, `xpu:N`). cache_dir: keeps that a voice was checked.

        SidecarError `voice_broken`, `voice_unsupported`, `device_unusable`.
        """
        boundary = HostBoundary(devices.usable_device(device))
        self._start(load_voice(voice, language, settings, cache_dir), device, boundary, clone=voice.clone, cache_dir=cache_dir)

    @classmethod
    def speaking_with(
        cls,
        voice: LoadedVits,
        device: str,
        boundary: HostBoundary,
        budget: Budget | None = None,
        *,
        clone: Clone | None = None,
        cache_dir: Path | None = None,
    ) -> VitsTorch:
        """With a voice that is loaded already, across a boundary that is given; `budget` by the device where None. clone: that it is
        to sound like, verified; cache_dir: keeps what is computed of its sample."""
        engine = cls.__new__(cls)
        engine._start(voice, device, boundary, budget, clone, cache_dir)
        return engine

    def _start(
        self,
        voice: LoadedVits,
        device: str,
        boundary: HostBoundary,
        budget: Budget | None = None,
        clone: Clone | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        devices.repeatable()
        self.device = device
        self.rate_hz = voice.rate_hz
        self.identity: Mapping[str, str | int | float] = voice.identity
        self.versions: Mapping[str, str] = voice.versions
        self._on_cpu = boundary.device.type == "cpu"
        self._budget = budget or (CPU_BUDGET if self._on_cpu else GPU_BUDGET)
        self._boundary = boundary
        self._count = TransferCount(boundary)
        workers = min(usable_cores(), MOST_WORKERS)
        self._workers = workers if self._on_cpu else 0
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="speak", initializer=_one_thread)
        try:
            self._voice, conversion = _cloned(voice, clone, boundary, cache_dir)
            if conversion is not None:
                self.rate_hz = conversion.rate_hz
            self._network: VitsNetwork | None = VitsNetwork(self._voice, boundary, conversion)
            self.warnings = self._prepared(self._network)
        except (RuntimeError, MemoryError) as error:
            raise self._unusable(error) from error

    def _prepared(self, network: VitsNetwork) -> tuple[Warn, ...]:
        """What is done once, before there is speech; gives what has to be told of it."""
        if self._on_cpu:
            reuse_large_blocks()
        if self._on_cpu or not self._budget.rows:
            return ()
        told: tuple[Warn, ...] = ()
        if self.identity.get("precision") == HALF:
            found_db = self._half_db(network)
            if not found_db >= LEAST_DB:
                network.in_float32()
                told = (Warn("half_not_exact", {"device": self.device, "db": round(found_db, 1) if math.isfinite(found_db) else 0.0}),)
        row = network.row_that_fits(self._budget.frames)
        self._budget = replace(self._budget, frames=row, window=min(self._budget.window, row))
        if self._boundary.asynchronous:
            network.capture(row)
        return told

    def _half_db(self, network: VitsNetwork) -> float:
        """See `precision`; NaN where the device cannot do it."""
        try:
            found_db = half_db(network, self._voice)
        except RuntimeError as error:
            _LOG.warning("no half precision on %s: %s", self.device, _technical(error))
            return math.nan
        _LOG.info("half precision on %s: the error lies %.1f dB below the speech", self.device, found_db)
        return found_db

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        """See speaking.engine.Engine: batches of finished takes."""
        self._count = TransferCount(self._boundary)
        if self._workers:
            yield from self._side_by_side(lines, stopped)
        else:
            yield from in_a_thread(lambda given_up: self._in_batches(lines, given_up), stopped)

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
        if self._on_cpu:
            give_back()
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
        """On a GPU: many lines at once, so that it always has something to do. Runs in a thread of its own.

        A batch is encoded before the one ahead of it is decoded: so its lengths are known while the device decodes that one,
        and its noise is drawn, by threads, meanwhile. What is spoken is waited for when the next decoding has been started.
        """

        _one_thread()

        def poll() -> None:
            if stopped():
                raise Stopped

        decoding: list[Flight] = []
        encoding: tuple[list[Job], Begun] | None = None
        for silent, jobs in batches(lines, lambda line: self._job(line, poll), lambda: self._budget):
            if silent:
                yield silent
            if jobs and not self._counted:
                yield self._counted_takes(jobs, poll)
            elif jobs:
                following = self._begun(jobs)
                if encoding is not None:
                    before, decoding = decoding, self._launched(encoding[0], poll, encoding[1])
                    if before:
                        yield self._landed(before)
                following.go_on()
                encoding = jobs, following
        if encoding is not None:
            before, decoding = decoding, self._launched(encoding[0], poll, encoding[1])
            if before:
                yield self._landed(before)
        if decoding:
            yield self._landed(decoding)

    @property
    def _counted(self) -> bool:
        return self._count.transfers.host_copies_per_batch is not None

    def _counted_takes(self, jobs: list[Job], poll: Callable[[], None]) -> list[Take]:
        """A batch that went ill is not what is to be counted: then the next one is."""
        count = TransferCount(self._boundary)
        with count.counting():
            flights = self._launched(jobs, poll)
            takes = self._landed(flights)
        if len(flights) == 1 and not any(NOT_SPOKEN.intersection(take.flags) for take in takes):
            self._count = count
        return takes

    def _spoken(self, line: Line, poll: Callable[[], None]) -> list[Take]:
        """One line on the thread that calls."""
        job = self._job(line, poll)
        if isinstance(job, Take):
            return [job]
        return self._landed(self._launched([job], poll)) if self._counted else self._counted_takes([job], poll)

    def _job(self, line: Line, poll: Callable[[], None]) -> Job | Take:
        """The line's pieces, or its take where nothing of it can be spoken."""
        poll()
        try:
            pieces = pieces_of(self._voice.front_end, line, LONGEST_IDS)
        except UnsaidError:
            return nothing(line, "failed")
        lost = unspoken_flags(self._voice.front_end.lost(line.text)) if pieces else ()
        return tuple(Piece(line, number, piece, () if number else lost) for number, piece in enumerate(pieces)) or nothing(line, "unpronounceable")

    def _launched(self, jobs: list[Job], poll: Callable[[], None], begun: Begun | None = None) -> list[Flight]:
        """Start decoding a batch, which may have been `begun`, by its halves where the device fails at it.

        SidecarError `device_unusable` where it is dead.

        Where memory was too little, batches are smaller from then on; where that was the fault of one sentence, which is
        too much by itself, nothing changes for the others.
        """
        ids = self._budget.ids
        flights = self._parted(jobs, poll, begun)
        alone = [flags for flight in flights for flags in flight.flags if "no_memory" in flags]
        if alone and len(alone) < len(jobs):
            self._budget = replace(self._budget, ids=ids)
        return flights

    def _parted(self, jobs: list[Job], poll: Callable[[], None], begun: Begun | None = None) -> list[Flight]:
        """Start a batch or, where the device fails at it, its halves, down to the sentence that it cannot speak."""
        poll()
        pieces, before, halved, flag = [piece for job in jobs for piece in job], self._budget, False, "failed"
        while True:
            done: list[str] = []
            try:
                begun = begun or self._begun(jobs)
                flight = self._launch(begun, poll, done)
                return [flight.halved() if halved else flight]
            except UnevenError:
                break
            except (RuntimeError, MemoryError) as error:  # torch's errors, of whatever device
                flag = self._judged(error, len(jobs))
            finally:
                if begun is not None:
                    begun.drop()
                begun = None
            if flag == "failed":
                break
            halved, now = True, self._budget
            self._free()
            smaller = now.fewer_frames() if done else now
            if smaller == now:
                if len(jobs) > 1:
                    self._budget = now.fewer_ids(padded_ids(jobs))
                else:
                    self._budget, flag = before, "no_memory"
                break
            self._budget = smaller
        if halved:
            _LOG.warning("memory did not suffice for %d lines; from now on %s", len(jobs), self._budget)
        if len(jobs) == 1:
            return [Flight.failed(pieces, flag)]
        middle = (len(jobs) + 1) // 2
        flights = [flight for half in (jobs[:middle], jobs[middle:]) for flight in self._parted(half, poll)]
        return [flight.halved() for flight in flights] if halved else flights

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

    def _begun(self, jobs: list[Job]) -> Begun:
        """Start encoding a batch."""
        assert self._network is not None, "the engine is closed"
        return Begun(self._network, [piece for job in jobs for piece in job], self._budget, None if self._workers else self._pool)

    def _launch(self, begun: Begun, poll: Callable[[], None], done: list[str]) -> Flight:
        """Start decoding; `done` tells a caller who catches an error how far it came."""
        assert self._network is not None, "the engine is closed"
        begun.heard()
        return Flight(begun.pieces, begun.frames, begun.flags, begun.decoded(poll, done))

    def _landed(self, flights: list[Flight]) -> list[Take]:
        """Wait for the samples and make takes of them; the pieces of a line become one."""
        clock = self._voice.hop_length, self._voice.rate_hz
        return joined((piece for flight, waves in map(self._arrived, flights) for piece in flight.takes(waves, *clock)), self.rate_hz)

    def _arrived(self, flight: Flight) -> tuple[Flight, list[tuple[Samples, bool]]]:
        """The flight and its samples once they are there: what a device does later than it was told to fails here."""
        if flight.waves is not None:
            try:
                return flight, flight.waves.result()
            except (RuntimeError, MemoryError) as error:
                flag = self._judged(error, len(flight.pieces))
                flight = Flight.failed(flight.pieces, "no_memory" if flag == "halved" else flag)
        return flight, [NO_SAMPLES] * len(flight.pieces)

    def _unusable(self, error: BaseException) -> SidecarError:
        """torch's error as ours; its message names shapes and devices, never text."""
        detail = _technical(error)
        if self._on_cpu:
            return SidecarError("speech_failed", detail, reason="there is too little memory for this voice" if is_out_of_memory(error) else "torch")
        return SidecarError("device_unusable", detail, device=self.device, reason=in_plain_words(str(error)))


def _technical(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:2000]


def _one_thread() -> None:
    torch.set_num_threads(1)


def load_voice(voice: Voice, language: str, settings: SpeechSettings, cache_dir: Path | None = None) -> LoadedVits:
    """Load a verified voice, a clone's base with its clone's identity; SidecarError `voice_broken`, `voice_unsupported`. cache_dir: see
    `VitsTorch`; None: unchecked."""
    loaded = _loaded(voice, language, settings, cache_dir)
    return replace(loaded, identity=cloned_identity(loaded.identity, voice))


def _loaded(voice: Voice, language: str, settings: SpeechSettings, cache_dir: Path | None) -> LoadedVits:
    if voice.kind == "piper":
        from e2a_sidecar.voices import piper_torch

        return piper_torch.load(voice, settings, cache_dir)
    if voice.kind == "coqui":
        from e2a_sidecar.voices import coqui

        return coqui.load(voice, language, settings)
    raise SidecarError("voice_unsupported", voice.kind, voice=voice.id, reason="it is no VITS")


def _cloned(voice: LoadedVits, clone: Clone | None, boundary: HostBoundary, cache_dir: Path | None) -> tuple[LoadedVits, Conversion | None]:
    """A base voice that speaks as the clone by itself, or what turns its speech into the clone's; without a clone as it is."""
    if clone is None:
        return voice, None
    if clone.converter == "d_vector":
        from e2a_sidecar.speaking.clone.d_vector import speaking_as
        from e2a_sidecar.speaking.clone.reference import reference_of
        from e2a_sidecar.voices.clone.speaker_encoder import open_speaker_encoder

        encoder = open_speaker_encoder(clone, boundary.device)
        return speaking_as(voice, reference_of(clone, encoder, boundary, cache_dir), clone.id), None
    from e2a_sidecar.speaking.clone.conversion import open_conversion

    return voice, open_conversion(clone, voice.rate_hz, boundary, cache_dir)
