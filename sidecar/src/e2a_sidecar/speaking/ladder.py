"""Every sentence is spoken until it sounds like one, by whatever still can: what fails falls down a ladder, and is told.

    rungs     the device that was asked for, others of its kind, the CPU by either runtime (`make.rungs`)

    too little memory             the engine halves its batch, remembers, and halves again (flag `halved`)
    a sentence that is too much   or fails, or comes out as NaN, silence, of absurd length:
                                  another take, then the CPU (on the CPU itself the other runtime, where it was no
                                  matter of the take), then kept as it is, with its flags, for the report
    a device that dies            the next rung, with all that is not done; what is done is kept
    a runtime that cannot speak   the next rung, before anything is spoken
    the voice

The engine reads its lines lazily from here, so a bad sentence is spoken again at once and not after the whole book (the
file is being written in order meanwhile). Nothing is dropped. Flags of a good take that took more than one: `again`,
and `cpu` where the CPU spoke it in the device's place.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final, Protocol

from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Line, Take, Warn
from e2a_sidecar.speaking.engine import Engine, Transfers
from e2a_sidecar.speaking.limits import FAULTS

TAKES: Final = 3
"""Takes of one sentence at most; the last one on the CPU, where there is one below the device."""
IN_A_ROW: Final = 8
"""So many sentences in a row that a rung cannot speak, and it is not asked any more."""
NOT_SPOKEN: Final = frozenset(("failed", "no_memory", "empty"))
"""Flags of a sentence that is missing: an engine could not make it, or made no samples of what can be pronounced."""
_BROKEN: Final = frozenset(("nan", "failed", "no_memory"))
"""Flags that say that the runtime failed, and not that a take came out badly: worth the other runtime's loading."""
_NO_SOUND: Final = frozenset(("silent", *_BROKEN, *NOT_SPOKEN))
_CPUS: Final = ("cpu", "cpu-torch")
FALLS: Final = ("voice_other_runtime", "device_left", "device_lost")
"""Codes of the warnings that a rung was left: it cannot speak the voice; it could not be used from the start; it died."""
_RUNG_FAILS: Final = ("device_unusable", "speech_failed")

Check = Callable[[Line, Take], tuple[str, ...]]


class Rungs(Protocol):
    """Whoever opens an engine on a device, and may keep it for the next book."""

    def open(self, device: str) -> Engine: ...

    def drop(self, device: str) -> None:
        """The device died: its engine is closed and not given again."""
        ...

    def rest(self, device: str) -> None:
        """Keep the engine of that device alone: what helped out is freed."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Takes that are final, and who spoke them."""

    engine: Engine
    takes: list[Take]


class _Lines(Iterator[Line]):
    """The engine's lazily read input: lines to be spoken again go first. Safe to be read from several threads."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._fresh = iter(lines)
        self._again: deque[Line] = deque()
        self._lock = threading.Lock()
        self.open: dict[int, Line] = {}
        """Lines that were read and are not done, by index, with the take that they are at."""

    def __next__(self) -> Line:
        with self._lock:
            if self._again:
                return self._again.popleft()
            line = next(self._fresh)
            self.open[line.index] = line
            return line

    def again(self, line: Line) -> None:
        """Speak it next."""
        with self._lock:
            self.open[line.index] = line
            self._again.append(line)

    def all_again(self) -> None:
        """Whatever was read and is not done, in order, as for another engine."""
        with self._lock:
            self._again = deque(self.open[index] for index in sorted(self.open))

    def left(self) -> bool:
        """True where lines wait to be spoken again."""
        with self._lock:
            return bool(self._again)


class Ladder:
    """The engines of one book, from the first rung that can speak down. Not for two threads at once."""

    def __init__(self, devices: Sequence[str], rungs: Rungs, warn: Callable[[Warn], None], chosen: bool) -> None:
        """devices: of the rungs. warn: told what fell, in codes. chosen: the user chose the first one, so that its being
        unusable from the start is an error and no reason to take another."""
        self._devices = list(devices)
        self._rungs = rungs
        self._warn = warn
        self._chosen = devices[0] if chosen else ""
        self._fallen: list[tuple[str, str, str]] = []  # code, device, reason: told when it is known who goes on
        self._told: list[Warn] = []
        """What engines had to say of themselves."""
        self._no_help: set[str] = set()
        """CPU rungs that could not help out and are not loaded again for each sentence."""
        self._for_cpu: deque[Line] = deque()
        self._best: dict[int, tuple[Engine, Take]] = {}
        self._tried_before: frozenset[int] = frozenset()
        self._any_good = False
        self._bad_in_a_row = 0  # no sound came, whoever tried
        self._failed_in_a_row = 0  # nothing came at all
        self._mended_in_a_row = 0  # the device could not, the CPU could
        self._transfers = Transfers()
        self.device = ""
        """That speaks now, or spoke last; not the CPU while it helps out."""

    def engine(self) -> Engine:
        """Of the highest rung that can speak the voice; what the first one said where none can. Rungs above are left for good."""
        first: SidecarError | None = None
        while True:
            device = self._devices[0]
            try:
                engine = self._rungs.open(device)
            except SidecarError as error:
                first = first or error
                may_fall = error.code == "voice_unsupported" or (error.code in _RUNG_FAILS and (device != self._chosen or self._any_good))
                if len(self._devices) == 1 or not may_fall:
                    raise first from None
                code = FALLS[0] if error.code == "voice_unsupported" else FALLS[1]
                self._fallen.append((code, device, str(error.params.get("reason", ""))))
                self._devices.pop(0)
                continue
            for code, left, reason in self._fallen:
                self._warn(Warn(code, {"device": left, "reason": reason, "next": device}))
            self._fallen = []
            self.device = engine.device
            for warning in getattr(engine, "warnings", ()):  # the Protocol asks for none: only one kind of engine has any
                if warning not in self._told:
                    self._told.append(warning)
                    self._warn(warning)
            return engine

    def rest(self) -> None:
        """The book is spoken: keep the engine that will be asked for the next one."""
        self._rungs.rest(self._devices[0])

    def transfers(self) -> Transfers:
        """Of the first engine that counted any."""
        return self._transfers

    def speak(
        self, lines: Iterable[Line], check: Check, stopped: Callable[[], bool], tried_before: frozenset[int] = frozenset()
    ) -> Generator[Batch, None, None]:
        """Speak all `lines`; yield final takes, each with the flags that `check` still finds.

        check: the faults of a take, empty where it is good. tried_before: indexes of lines that nobody could speak in an
        earlier run; that they fail again says nothing of who speaks. Raises SidecarError `speech_failed` where no rung is left or
        the voice gives no sound at all, and what `engine` raises; Stopped.
        """
        queue = _Lines(lines)
        self._tried_before = tried_before
        self._for_cpu.clear()  # of a run before this one that did not come to its end
        self._best.clear()
        while True:
            engine = self.engine()
            try:
                with closing(_generator(engine.speak(queue, stopped))) as batches:
                    for takes in batches:
                        if self._transfers.host_copies_per_batch is None:
                            self._transfers = engine.transfers()
                        yield from self._finished(engine, takes, queue, check)
                        if self._for_cpu:
                            yield from self._on_cpu(queue, check, stopped)
                        self._give_up_if_useless()
            except SidecarError as error:
                if error.code not in _RUNG_FAILS or len(self._devices) == 1:
                    raise
                self._fall(error)
                queue.all_again()
                continue
            if queue.left():
                continue
            if queue.open:  # the file would wait for them for ever
                raise SidecarError("speech_failed", f"{len(queue.open)} lines were not spoken", reason=engine.name)
            return

    def _fall(self, error: SidecarError) -> None:
        device = self._devices.pop(0)
        self._fallen.append((FALLS[2], device, str(error.params.get("reason", ""))))
        self._rungs.drop(device)
        self._bad_in_a_row = self._failed_in_a_row = self._mended_in_a_row = 0
        self._for_cpu.clear()

    def _finished(self, engine: Engine, takes: list[Take], queue: _Lines, check: Check, helped: bool = False) -> Iterator[Batch]:
        """What of the takes is final; the rest is asked for again. helped: the CPU spoke in the device's place."""
        final: list[tuple[Engine, Take]] = []
        for take in takes:
            line = queue.open[take.index]
            faults = self._faults(line, take, check)
            if "empty" in faults:  # whatever it is, nothing of it is the line
                take = replace(take, samples=take.samples[:0], words=())
            best = engine, replace(take, flags=(*take.flags, *(f for f in faults if f not in take.flags)))
            kept = self._best.pop(take.index, None)
            if kept is not None and faults and _worth(kept[1]) >= _worth(best[1]):
                best = kept
            if faults and take.take + 1 < TAKES:
                self._best[take.index] = best
                self._again(queue, replace(line, take=take.take + 1), (*take.flags, *faults))
                continue
            self._note(best[1], bool(faults), helped)
            del queue.open[take.index]
            if not faults:
                more = (*(["again"] if take.take else ()), *(["cpu"] if helped else ()))
                best = engine, replace(take, flags=(*take.flags, *more))
            final.append(best)
        for speaker in {id(speaker): speaker for speaker, _ in final}.values():
            yield Batch(speaker, [take for its, take in final if its is speaker])

    @staticmethod
    def _faults(line: Line, take: Take, check: Check) -> tuple[str, ...]:
        """What another take may mend; a line in which there is nothing to pronounce is as it is."""
        if "unpronounceable" in take.flags:
            return ()
        found = (*NOT_SPOKEN.intersection(take.flags),) or check(line, take)
        of_a_part = FAULTS.intersection(take.flags)  # of a long line spoken in pieces: one is missing, however long the whole is
        return (*found, *(of_a_part.difference(found)))

    def _again(self, queue: _Lines, line: Line, faults: tuple[str, ...]) -> None:
        queue.open[line.index] = line
        broken = self._devices[0] not in _CPUS or not _BROKEN.isdisjoint(faults)
        if line.take == TAKES - 1 and broken and self._helpers():
            self._for_cpu.append(line)
        else:
            queue.again(line)

    def _helpers(self) -> list[str]:
        """CPU rungs that can help out the first one with single sentences; the other runtime, where that is on the CPU itself."""
        return [device for device in self._devices[1:] if device in _CPUS and device not in self._no_help]

    def _on_cpu(self, queue: _Lines, check: Check, stopped: Callable[[], bool]) -> Iterator[Batch]:
        """Speak there what the device could not. Where no CPU rung can, the device has the last take."""
        for device in self._helpers():
            waiting = list(self._for_cpu)
            try:
                cpu = self._rungs.open(device)
                with closing(_generator(cpu.speak(iter(waiting), stopped))) as batches:
                    for takes in batches:
                        spoken = {take.index for take in takes}
                        self._for_cpu = deque(line for line in self._for_cpu if line.index not in spoken)
                        yield from self._finished(cpu, takes, queue, check, helped=True)
            except SidecarError as error:  # whatever it is: the book does not depend on who helps out
                self._no_help.add(device)
                logging.getLogger(__name__).warning("the CPU could not help out (%s): %s", device, error)
            if not self._for_cpu:
                return
        while self._for_cpu:
            queue.again(self._for_cpu.popleft())

    def _note(self, take: Take, faulty: bool, helped: bool) -> None:
        """A final take: what it says of who speaks."""
        if "unpronounceable" in take.flags or (faulty and take.index in self._tried_before):
            return
        if not faulty:
            self._mended_in_a_row = self._mended_in_a_row + 1 if helped else 0
            self._bad_in_a_row = self._failed_in_a_row = 0
            self._any_good = True
        elif _NO_SOUND.intersection(take.flags):
            self._bad_in_a_row += 1
            self._failed_in_a_row += bool(NOT_SPOKEN.intersection(take.flags))

    def _give_up_if_useless(self) -> None:
        """A rung that cannot speak sentence after sentence is left; where nothing ever sounded, the voice is told to be broken."""
        device = self._devices[0]
        if self._mended_in_a_row >= IN_A_ROW:
            raise SidecarError("device_unusable", "", device=device, reason="what it speaks is faulty again and again")
        if self._failed_in_a_row >= IN_A_ROW:
            raise SidecarError("speech_failed", f"{IN_A_ROW} sentences in a row", reason="it fails again and again")
        if self._bad_in_a_row >= IN_A_ROW and not self._any_good:
            raise SidecarError("speech_failed", "nothing but silence, NaN or failures", reason="it gives no sound")


def _worth(take: Take) -> tuple[bool, int]:
    """Of a faulty take: one that has a sound is better, then the one that has more of it."""
    return _NO_SOUND.isdisjoint(take.flags), len(take.samples)


def _generator(batches: Iterator[list[Take]]) -> Generator[list[Take], None, None]:
    """The same, closable whatever kind of iterator an engine gives."""
    yield from batches
