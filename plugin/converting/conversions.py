"""Calibre jobs: one for each conversion, one for each installation; what they say when they end comes back in the GUI's thread.

What a job of Calibre's must keep to (read in its source): its function returns when it is stopped and never raises
then, nothing is made before it runs, its callback runs in the job's thread and is brought to the GUI by Dispatcher, a
job that is stopped while it waits never calls back, and Calibre does not end our processes when it quits, so `quit` does.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from html import escape
from typing import Any, Final, TypeVar

from calibre.gui2 import Dispatcher  # type: ignore[import-not-found]
from calibre.gui2.threaded_jobs import ThreadedJob  # type: ignore[import-not-found]

from ..book import library
from ..engine.install_plan import Wanted
from ..errors import PluginError, Stopped
from ..log import as_plugin_error, detail_of, shortened, told
from ..resources import Resources
from ..wording import N_
from ..wording import translate as _
from . import begun
from .installations import Installations, Then, Underway, Work, is_unfinished
from .job import FromLibrary, Job, Library, Options, Result, Sidecars
from .progress import Step

log = logging.getLogger(__name__)
T = TypeVar("T")

CONVERT: Final = "convert-to-audiobook"
INSTALL: Final = "convert-to-audiobook-install"
"""Types of jobs; of each one runs at a time."""
ADDING_S: Final = 10.0
"""So long Calibre's end waits for an audiobook that is finished and is just being added."""
LEAVING_S: Final = 3.0
"""And then for what was being copied to be removed."""

Ended = Callable[[int, str, "Result | None", "PluginError | None"], None]
"""ended(book_id, title, result, error) of a conversion that was not stopped before its end."""


KEPT: Final = N_("It was stopped. If its audiobook was not finished by then: what was spoken is kept; converting the book again goes on from there.")


class _Job(ThreadedJob):  # type: ignore[misc]
    """Says in its details, which stay in the Jobs list, what follows where it is stopped while it runs."""

    at_stop = ""
    stopped_waiting: Callable[[], None] | None = None
    """Called where it is stopped before it runs, which Calibre tells nobody."""

    def kill(self) -> None:
        """By Calibre, in the GUI's thread."""
        waited = self.start_time is None
        if self.at_stop and not waited and self.log is not None:
            self.log(escape(self.at_stop))
        super().kill()
        if waited and self.stopped_waiting is not None:
            self.stopped_waiting()


class Conversions:
    """The queue of a running Calibre. gui: its main window."""

    def __init__(self, gui: Any, resources: Resources, ended: Ended, stopped: Callable[[str, begun.Begun | None], None]) -> None:
        """stopped(title, left): a conversion was stopped by the user; left: what there is to go on with."""
        self._gui = gui
        self._resources = resources
        self._ended = ended
        self._stopped = stopped
        self._sidecars = Sidecars()
        self._speaking = threading.Lock()
        """Held by the job that uses the sidecar, also while a stopped one leaves."""
        self._quitting = threading.Event()
        self._settled = threading.Event()
        """Set while nothing is being added to a library."""
        self._settled.set()
        self._jobs: list[tuple[str, Any]] = []
        self._installations = Installations(self._run_installation, lambda job: gui.job_manager.kill_job(job, gui), resources)

    def busy(self) -> bool:
        """Is a conversion running or waiting?"""
        return bool(self.to_come())

    def to_come(self) -> int:
        """Conversions that run or wait."""
        return len(self._unfinished())

    def is_queued(self, api: Any, book_id: int) -> bool:
        """Is this very book being converted, or waiting for it?"""
        return library.key_of(api, book_id) in (key for key, _job in self._unfinished())

    def convert(self, api: Any, book_id: int, options: Options) -> Any:
        """Queue a conversion; gives its job. api: kept for the job, which may outlive the library's being shown."""
        key, title = library.key_of(api, book_id), str(api.field_for("title", book_id) or _("Book {number}").format(number=book_id))
        work = partial(_convert_in_job, key, of(api, book_id), options, self._resources, self._sidecars, self._speaking, self._quitting, self._settled)
        job = self._run(CONVERT, _("{title} (audiobook)").format(title=title), work, partial(self._converted, api, book_id, title), _(KEPT))
        job.stopped_waiting = partial(self._user_stopped, key, title)
        self._jobs.append((key, job))
        return job

    def _user_stopped(self, key: str, title: str) -> None:
        if not self._quitting.is_set():
            self._stopped(title, begun.stop(key))

    def install(
        self,
        wanted: Wanted,
        then: Then | None,
        stopped: Callable[[], None] = lambda: None,
        untold: Callable[[PluginError | None], None] = lambda error: None,
    ) -> Any:
        """Queue an installation, or join one that brings all of it already; gives its job. As `Installations.begin`."""
        return self._installations.begin(wanted, then, stopped, untold)

    def underway(self) -> tuple[Underway, ...]:
        """The installations that run or wait."""
        return self._installations.underway()

    def installing(self) -> bool:
        """Does an installation run or wait?"""
        return bool(self.underway())

    def _run_installation(self, description: str, work: Work, ended: Callable[[Any, PluginError | None], None]) -> Any:
        in_job = partial(_install_in_job, work, self._quitting)
        return self._run(INSTALL, description, in_job, lambda job: ended(job, None if job.killed else _error_of(job)))  # Calibre calls a stopped one failed

    def release(self) -> None:
        """End the sidecar that keeps a voice for the next book, if none is being converted; takes up to some seconds."""
        if not self.busy():
            with self._speaking:
                self._sidecars.close()

    def quit(self, waiting: Sequence[str]) -> None:
        """Calibre quits: what runs is asked to stop, and the sidecar ended; what was spoken is kept. waiting: books that were to follow (`library.key_of`).

        A finished audiobook that is being added gets a moment to arrive; on a slow disk it is given up, whole or not at all.
        """
        begun.leave([*waiting, *(key for key, _job in self._unfinished())])
        self._settled.wait(ADDING_S)
        self._quitting.set()
        self._sidecars.stop_now()
        self._settled.wait(LEAVING_S)

    def _run(self, kind: str, description: str, work: Callable[..., Any], done: Callable[[Any], None], at_stop: str = "") -> Any:
        # partial: Calibre writes a failed job's arguments into the log that the user is invited to copy
        job = _Job(kind, description, work, (), {}, Dispatcher(done), max_concurrent_count=1)
        job.at_stop = at_stop
        self._gui.job_manager.run_threaded_job(job)
        self._gui.jobs_pointer.start()
        return job

    def _unfinished(self) -> list[tuple[str, Any]]:
        return [(key, job) for key, job in self._jobs if is_unfinished(job)]

    def _converted(self, api: Any, book_id: int, title: str, job: Any) -> None:
        """A job that was stopped when its audiobook stood already has a result all the same."""
        self._jobs = self._unfinished()
        result = job.result if isinstance(job.result, Result) else None
        error = None if result is not None or job.killed else _error_of(job)
        if error is not None and error.code == "no_such_book":  # a number means nothing to whoever clicked a title
            error = PluginError("book_removed", error.detail, title=title)
        if job.killed and result is None:
            self._user_stopped(library.key_of(api, book_id), title)
        elif error is not None:
            begun.halt(library.key_of(api, book_id))
        shown = getattr(self._gui.current_db, "new_api", None)  # in another library the number is another book's; at the end there is none
        if (result is not None or error is not None) and shown is api:
            self._ended(book_id, title, result, error)


def of(api: Any, book_id: int) -> FromLibrary:
    """A book of the library that is open in Calibre."""
    return FromLibrary(_as_it_is(api), book_id)


def _as_it_is(api: Any) -> Library:
    @contextmanager
    def opened() -> Iterator[Any]:
        yield api

    return opened


def _error_of(job: Any) -> PluginError | None:
    """What a job failed with; None of one that did not, or that left because Calibre quits."""
    if not job.failed:
        return None
    return as_plugin_error(job.exception)


def _convert_in_job(
    key: str,
    source: FromLibrary,
    options: Options,
    resources: Resources,
    sidecars: Sidecars,
    speaking: threading.Lock,
    quitting: threading.Event,
    settled: threading.Event,
    *,
    log: Any,
    abort: Any,
    notifications: Any,
) -> Result | None:
    """In the job's thread: the result; None where it was stopped. Raises PluginError alone."""
    stopped = _either(abort, quitting)

    def show(step: Step) -> None:
        if step.spoken:
            begun.speaks(key, step.spoken)
        if step.stage == "add":
            settled.clear()
        notifications.put((_seen(step.whole), step.status()))

    def work() -> Result:
        try:
            result = Job(options, resources, sidecars, show, stopped, hear=lambda text: log(escape(text))).run(source)
            begun.over(key)  # here, since at Calibre's end nobody is called back
            return result
        finally:
            settled.set()

    with speaking:
        return _guarded(stopped, log, work)


def _install_in_job(work: Work, quitting: threading.Event, *, log: Any, abort: Any, notifications: Any) -> bool | None:
    """In the job's thread: True when all is there; None where it was stopped. Raises PluginError alone."""
    stopped = _either(abort, quitting)

    def install() -> bool:
        work(lambda done, text: notifications.put((_seen(done), text)), stopped)
        return True

    return _guarded(stopped, log, install)


def _seen(done: float) -> float:
    """Less than 1 % Calibre's Jobs list calls unavailable."""
    return max(done, 0.01)


def _either(abort: Any, quitting: threading.Event) -> Callable[[], bool]:
    """Is the job to stop: by the user, or because Calibre quits?"""
    return lambda: abort.is_set() or quitting.is_set()


def _guarded(stopped: Callable[[], bool], say: Callable[..., None], work: Callable[[], T]) -> T | None:
    try:
        return work()
    except Stopped:
        return None
    except PluginError as error:
        if stopped():  # after a kill Calibre has taken the log away: nothing may be raised
            return None
        log.warning(told(error))
        say(escape(shortened(f"{error.code} {detail_of(error)}")))  # Calibre shows its log as markup, and asks to copy it
        raise
    except Exception as error:
        if stopped():
            return None
        log.exception("a job")
        raise as_plugin_error(error) from None
