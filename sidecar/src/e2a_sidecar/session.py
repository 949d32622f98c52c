"""The life of the sidecar process: read requests, serve them one at a time, stop at once when told to.

The main thread reads the wire and never computes; a worker thread serves. A cancel sets the running request's stop
flag. End of stdin, SIGTERM and `shutdown` end the process: the worker gets a moment to remove its half file, then the
process leaves by `os._exit`, since a native library may sit in a long call and clips are committed per batch anyway.
Idle for `IDLE_S` it ends by itself, and its voice's memory with it.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, Final, NoReturn

from e2a_sidecar import __version__, protocol
from e2a_sidecar.errors import SidecarError, Stopped, trace_of
from e2a_sidecar.memory import map_large_blocks
from e2a_sidecar.protocol import Wire
from e2a_sidecar.request import Cancel, Served, Shutdown
from e2a_sidecar.writing import target

log = logging.getLogger(__name__)

IDLE_S: Final = 300.0
TIDY_S: Final = 10.0
"""How long the next request, or `shutdown`, may have to wait while the one before it is tidied up after."""
GRACE_S: Final = 0.8
"""How long the worker may take to clean up once the end has come; the plugin's ladder waits 1 s."""


def layer() -> str:
    """`neural` where torch and coqui-tts are installed beside us, else `core`. Looks, does not import."""
    from importlib.util import find_spec

    return "neural" if find_spec("torch") is not None and find_spec("TTS") is not None else "core"


def _leave(code: int) -> NoReturn:
    """End the process, whatever its threads are at; no half file stays."""
    target.drop_all()
    os._exit(code)


@dataclass(eq=False, slots=True)
class _Job:
    """A request that has no answer yet."""

    request: Served
    stop: threading.Event = field(default_factory=threading.Event)
    running: bool = False


class Session:
    """One process's service over one wire."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO, idle_s: float = IDLE_S) -> None:
        self._reader = reader
        self._wire = Wire(writer)
        self._idle_s = idle_s
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()  # its put may be interrupted by SIGTERM's
        self._jobs_open: dict[int, _Job] = {}  # waiting or running, by id
        self._lock = threading.RLock()  # SIGTERM is handled in the thread that may hold it
        self._ending = threading.Event()
        self._at_once = threading.Event()
        self._tidying = threading.Event()
        """Set from before an answer until all that it left to do is done."""
        self._last_use = time.monotonic()

    def serve(self) -> int:
        """Run until the end of stdin, shutdown or idleness."""
        self._wire.send("hello", protocol=protocol.PROTOCOL, version=__version__, layer=layer(), pid=os.getpid())
        worker = threading.Thread(target=self._worker, name="worker", daemon=True)
        worker.start()
        threading.Thread(target=self._watch_idle, name="idle", daemon=True).start()
        asked = self._read()
        with self._lock:
            gently = asked and self._tidying.is_set() and not self._jobs_open
        self.end(at_once=not gently)
        worker.join(TIDY_S + GRACE_S if gently else GRACE_S)
        return 0

    def end(self, at_once: bool = True) -> None:
        """Stop what runs and take no more. at_once: not even for tidying up is there time."""
        if at_once:
            self._at_once.set()
        self._ending.set()
        with self._lock:
            for job in self._jobs_open.values():
                job.stop.set()
        self._jobs.put(None)

    def _read(self) -> bool:
        """Until nothing more comes; were we asked to leave?"""
        while not self._ending.is_set():
            line = self._reader.readline(protocol.MAX_LINE_BYTES + 2)
            if not line:
                return False
            if not line.strip():
                continue
            try:
                request = protocol.parse(line)
            except SidecarError as error:
                self._refuse(protocol.request_id(line), error)
                if len(line) > protocol.MAX_LINE_BYTES:  # the rest of the line would be read as requests
                    return False
                continue
            if isinstance(request, Shutdown):
                return True
            if isinstance(request, Cancel):
                self._cancel(request.id)
            else:
                self._take(request)
        return False

    def _take(self, request: Served) -> None:
        """Put a request into the queue; one whose number is in use would make two ends for one number."""
        with self._lock:
            if request.id not in self._jobs_open:
                job = self._jobs_open[request.id] = _Job(request)
                self._last_use = time.monotonic()
                self._jobs.put(job)
                return
        self._refuse(None, SidecarError("bad_request", f"request {request.id} is still open"))

    def _refuse(self, number: int | None, error: SidecarError) -> None:
        log.error("refused: %s", error.code)
        self._wire.send("error", id=number, code=error.code, params=error.params, detail=error.detail)

    def _cancel(self, number: int) -> None:
        """A running request is told to stop; one that waits is answered here and never begins."""
        with self._lock:
            job = self._jobs_open.get(number)
            if job is None:
                return
            job.stop.set()
            if job.running:
                return
            del self._jobs_open[number]
        self._wire.send("cancelled", id=number)

    def _watch_idle(self) -> None:
        while not self._ending.wait(min(5.0, self._idle_s)):
            with self._lock:
                busy = bool(self._jobs_open)
            if not busy and time.monotonic() - self._last_use > self._idle_s:
                log.info("idle for %.0f s, leaving", self._idle_s)
                self.end()
                _leave(0)

    def _worker(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  (the thread's edge: without it nobody would ever be answered, so the process goes too)
            log.error("the worker died: %s", trace_of(error))
            logging.shutdown()
            _leave(1)

    def _work(self) -> None:
        from e2a_sidecar.serve import Service  # heavy imports come after hello

        service = Service(self._wire)
        while (job := self._jobs.get()) is not None:
            request = job.request
            with self._lock:
                if self._jobs_open.get(request.id) is not job:  # cancelled while it waited
                    continue
                job.running = True
            try:
                if job.stop.is_set():
                    raise Stopped
                fields = service.handle(request, job.stop.is_set)
                self._tidying.set()
                self._answer(job, "done", **fields)
            except Stopped:
                self._answer(job, "cancelled")
            except SidecarError as error:
                self._fail(job, error)
            except Exception as error:  # noqa: BLE001  (the process's edge: whatever it was, the request ends with one answer)
                self._fail(job, SidecarError("internal", trace_of(error)))
            if service.worn:
                log.warning("a device is lost; a new process may find it well again")
                logging.shutdown()
                _leave(0)  # at once: who frees a dead device may wait for ever, and the main thread sits in a read
            service.tidy(self._hurry())
            self._tidying.clear()
        service.close()

    def _hurry(self) -> Callable[[], bool]:
        """Is what can be left to be left, from now on?"""
        until = time.monotonic() + TIDY_S
        return lambda: self._at_once.is_set() or (time.monotonic() > until and not self._jobs.empty())

    def _answer(self, job: _Job, kind: str, **fields: object) -> None:
        """The one message that ends a request; its number is free before the other side can read that."""
        with self._lock:
            self._jobs_open.pop(job.request.id, None)
        self._last_use = time.monotonic()
        self._wire.send(kind, id=job.request.id, **fields)

    def _fail(self, job: _Job, error: SidecarError) -> None:
        log.error("request %d: %s", job.request.id, error.code)
        self._answer(job, "error", code=error.code, params=error.params, detail=error.detail)


def serve(reader: BinaryIO, writer: BinaryIO) -> int:
    """Serve the wire, then leave the process without waiting for native threads."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    map_large_blocks()
    session = Session(reader, writer)

    def terminate(_number: int, _frame: object) -> None:
        session.end()
        threading.Timer(GRACE_S, _leave, (0,)).start()

    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the plugin decides what it means
    code = session.serve()
    logging.shutdown()
    _leave(code)
