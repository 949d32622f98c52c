"""One sidecar process: start it, talk to it, stop what it does, end it, say what it last complained about.

A thread reads its stdout into a queue of events, another drains its stderr (a full pipe would stall it) and keeps the
last characters for the error. The caller's thread waits on the queue, so `stopped` is asked also while the sidecar is
silent; a living sidecar that says nothing for `Patience.silence_s` is ended, so that nobody waits for ever. Whatever
happens, `close` leaves no process behind: on POSIX the sidecar leads a group of its own, which also keeps a terminal's
Ctrl-C away from it; if this program dies, the sidecar ends by itself at the end of its stdin.

Cancel ladder (design rule 3): message; answered within 2 s, the process and its voice stay; else close stdin, 1 s,
terminate the group, 1 s, kill. Knows nothing of Calibre.
"""

from __future__ import annotations

import os
import platform
import queue
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, cast

from ..commands import end_tree, neutral_folder, own_group
from ..errors import PluginError, Stopped
from . import protocol
from .events import STANDS, Cancelled, Devices, Done, Event, Failed, Hello, Progress, Summary, Told
from .requests import Convert, Probe, Request, cancel, shutdown

STDERR_CHARS: Final = 4000
POLL_S: Final = 0.1
PROBE_S: Final = 300.0
"""For all devices; each takes seconds, but making a voice ready for one (once) may take a minute."""


@dataclass(frozen=True)
class Patience:
    """Seconds: how long each rung of the ladder waits, how long a start may take, and how long it may say nothing within a request.

    silence_s: the longest silences of a healthy one are seconds (a voice is loaded, a long sentence spoken on a slow
    machine, the finished file read back), so this is a way out and no estimate. Time in which the computer sleeps does
    not count.
    """

    hello_s: float = 120.0
    silence_s: float = 900.0
    answer_s: float = 2.0
    eof_s: float = 1.0
    terminate_s: float = 1.0
    tidy_s: float = 12.0
    """After a book it may still be making room among the kept sentences."""
    killed_s: float = 5.0
    """A process that waits for a driver in the kernel cannot be killed before that answers: then it is left to it."""


def never() -> bool:
    """A `stopped` for what cannot be stopped."""
    return False


class Sidecar:
    """A running sidecar; made by `start`. One request at a time; `stop_now` alone may be called from another thread."""

    def __init__(self, process: subprocess.Popen[bytes], patience: Patience) -> None:
        assert process.stdin and process.stdout and process.stderr
        self._process = process
        self._patience = patience
        self._stdin: IO[bytes] = process.stdin
        self._events: queue.Queue[Event | PluginError | None] = queue.Queue()
        self._complaint = _Tail(STDERR_CHARS)
        self._last_id = 0
        self._tidies = False
        self._drain = threading.Thread(target=self._complaint.drain, args=(cast(BufferedReader, process.stderr),), name="sidecar stderr", daemon=True)
        self._reader = threading.Thread(target=_read_events, args=(cast(BufferedReader, process.stdout), self._events), name="sidecar stdout", daemon=True)
        self._drain.start()
        self._reader.start()
        self.hello: Hello | None = None

    @classmethod
    def start(cls, command: Sequence[str], env: Mapping[str, str], stopped: Callable[[], bool] = never, patience: Patience | None = None) -> Sidecar:
        """Start the process and wait for its hello.

        Raises PluginError `engine_broken` (it ended, its stderr in `detail`; or there is no such program), `engine_silent`,
        `protocol`; Stopped. No process is left behind in any of these cases.
        """
        patience = patience or Patience()
        try:
            process = subprocess.Popen(
                list(command),
                env=dict(env),
                cwd=neutral_folder(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                **own_group(),
            )
        except OSError as error:
            raise PluginError("engine_broken", f"cannot be started: {error}") from None
        sidecar = cls(process, patience)
        try:
            sidecar.hello = sidecar._await_hello(stopped)
        except BaseException:
            sidecar._descend()
            raise
        return sidecar

    @property
    def alive(self) -> bool:
        """False once the process has ended, or was told to."""
        return not self._stdin.closed and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the process; also its group's on POSIX."""
        return self._process.pid

    @property
    def complaint(self) -> str:
        """The last characters of its stderr."""
        return self._complaint.text()

    def request(self, request: Request, on_event: Callable[[Told], None], stopped: Callable[[], bool] = never) -> Done:
        """Send a request and wait for its end.

        `on_event` is called in this thread. Raises Stopped when `stopped` said so (after the cancel ladder; the process
        may be gone then, see `alive`), PluginError with the sidecar's own code, `engine_died`, `engine_stuck` or
        `protocol`. A request that was done before the cancel reached it is done, and so is one whose file stands: that is
        never stopped, nor does it fail any more, whatever becomes of its report. Of a process that died or had to be killed
        no half file stays.
        """
        self._tidies = False
        try:
            done = self._asked(request, on_event, stopped)
            self._tidies = done.outcome == "written"
            return done
        finally:
            if isinstance(request, Convert) and self.hello is not None and self._process.poll() is not None:
                drop_parts(Path(request.out), self.hello.pid)

    def _asked(self, request: Request, on_event: Callable[[Told], None], stopped: Callable[[], bool]) -> Done:
        self._last_id += 1
        self._send(request.wire(self._last_id))
        deadline: float | None = None
        stands: Done | None = None
        silent_s = 0.0
        while True:
            if deadline is None and stands is None and stopped():
                self._send(cancel(self._last_id))
                deadline = time.monotonic() + self._patience.answer_s
            if deadline is not None and time.monotonic() > deadline:
                self._descend()
                raise Stopped
            try:
                event = self._next_event(POLL_S)
                silent_s = silent_s + POLL_S if event is None else 0.0
                if silent_s > self._patience.silence_s:
                    raise PluginError("engine_stuck", self.complaint, minutes=round(self._patience.silence_s / 60))
            except PluginError:
                self._descend()
                if stands is not None:
                    return stands
                if deadline is not None:
                    raise Stopped from None
                raise
            if event is None or isinstance(event, Hello) or event.id not in (self._last_id, None):
                continue
            if isinstance(event, Done):
                return event
            if isinstance(event, Failed):
                if stands is not None:
                    return stands
                raise PluginError(event.code, event.detail, **event.params)
            if isinstance(event, Cancelled):
                raise Stopped
            if isinstance(event, Progress) and event.stage == STANDS:
                stands, deadline = Done(self._last_id, "written", Summary()), None
            on_event(event)

    def close(self) -> None:
        """Ask it to end, then see to it."""
        with suppress(PluginError):
            self._send(shutdown())
            if self._tidies:
                self._gone_within(self._patience.tidy_s)
        self._descend()

    def stop_now(self) -> None:
        """Kill the process and its group at once, from any thread."""
        if self._process.poll() is None:  # else its number may be another's by now
            self._signal(hard=True)

    def __enter__(self) -> Sidecar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _await_hello(self, stopped: Callable[[], bool]) -> Hello:
        deadline = time.monotonic() + self._patience.hello_s
        while time.monotonic() < deadline:
            if stopped():
                raise Stopped
            event = self._next_event(POLL_S)
            if isinstance(event, Hello):
                return event
            if event is not None:
                raise PluginError("protocol", f"{type(event).__name__} before hello")
        raise PluginError("engine_silent", self.complaint, seconds=round(self._patience.hello_s))

    def _next_event(self, timeout_s: float) -> Event | None:
        """The next event, None if there was none in time; PluginError `engine_died` (before hello `engine_broken`) or `protocol`."""
        try:
            event = self._events.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if event is None:
            self._events.put(None)  # for whoever asks again
            raise self._died()
        if isinstance(event, PluginError):
            raise event
        return event

    def _send(self, message: Mapping[str, Any]) -> None:
        line = protocol.encode(message)
        try:
            self._stdin.write(line)
            self._stdin.flush()
        except (OSError, ValueError):
            raise self._died() from None

    def _died(self) -> PluginError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self._patience.eof_s)
        self._drain.join(self._patience.eof_s)
        last_words = f"exit code {self._process.returncode}\n{self.complaint}"
        return PluginError("engine_broken", last_words) if self.hello is None else PluginError("engine_died", last_words)

    def _descend(self) -> None:
        """The lower rungs of the ladder; returns when the process is gone, or nothing more can be done about it."""
        with suppress(OSError):
            self._stdin.close()
        if not self._gone_within(self._patience.eof_s):
            self._signal(hard=False)
            self._gone_within(self._patience.terminate_s)
            self._signal(hard=True)  # also what the leader may have left in its group
            self._gone_within(self._patience.killed_s)
        for thread, stream in ((self._reader, self._process.stdout), (self._drain, self._process.stderr)):
            thread.join(self._patience.eof_s)
            if stream is not None and not thread.is_alive():
                stream.close()

    def _gone_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _signal(self, hard: bool) -> None:
        if sys.platform == "win32":
            end_tree(self.pid, hard)
        else:
            with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM of a group of zombies
                os.killpg(self.pid, signal.SIGKILL if hard else signal.SIGTERM)


def drop_parts(out: Path, pid: int) -> None:
    """Remove what a sidecar that is gone was writing for `out`, by the name that it gives it (`writing/target.py`); another computer's has another one."""
    host = f"{zlib.crc32(platform.node().encode()):08x}"
    with suppress(OSError):  # the next conversion into this folder removes it
        for part in out.resolve().parent.glob(f".convert-to-audiobook-{host}-{pid}-*.part"):
            part.unlink()


def probe(sidecar: Sidecar, stopped: Callable[[], bool] = never, wanted: Probe | None = None, limit_s: float = PROBE_S) -> Devices:
    """Ask a sidecar which devices can speak. Raises as `Sidecar.request`; a driver may hang, so `engine_stuck` after `limit_s`."""
    found: list[Devices] = []
    end = time.monotonic() + limit_s
    try:
        sidecar.request(
            wanted or Probe(), lambda event: found.append(event) if isinstance(event, Devices) else None, lambda: stopped() or time.monotonic() > end
        )
    except Stopped:
        if stopped():
            raise
        raise PluginError("engine_stuck", sidecar.complaint, minutes=round(limit_s / 60)) from None
    except PluginError:
        if stopped():  # it was killed because we are to stop, which says nothing of a driver
            raise Stopped from None
        raise
    if not found:
        raise PluginError("protocol", "a probe without devices")
    return found[-1]


class _Tail:
    """The last characters of a stream of bytes."""

    def __init__(self, chars: int) -> None:
        self._chars = chars
        self._kept = b""

    def drain(self, stream: BufferedReader) -> None:
        with suppress(OSError, ValueError):
            while chunk := stream.read1(65536):
                self._kept = (self._kept + chunk)[-4 * self._chars :]

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace")[-self._chars :]


def _read_events(stream: BufferedReader, events: queue.Queue[Event | PluginError | None]) -> None:
    """Lines to events until the stream ends or stops making sense; then None or the error, once."""
    pending = b""
    end: PluginError | None = None
    try:
        while chunk := stream.read1(65536):
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                events.put(protocol.decode(line))
            if len(pending) > protocol.MAX_LINE_BYTES:
                raise PluginError("protocol", "a line over 1 MiB")
    except PluginError as error:
        end = error
    except (OSError, ValueError):  # the stream was closed
        pass
    finally:  # whatever ends this thread: somebody waits
        events.put(end)
