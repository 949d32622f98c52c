"""Calibre jobs: one for each conversion, one for each installation; what they say when they end comes back in the GUI's thread.

A library can be switched while books wait, or while a stopped one leaves: from then on nothing is asked of it any more, so a job knows its book's key.

What a job of Calibre's must keep to (read in its source): its function returns when it is stopped and never raises
then, nothing is made before it runs, its callback runs in the job's thread and is brought to the GUI by Dispatcher, a
job that is stopped while it waits never calls back, and Calibre does not end our processes when it quits, so `quit` does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from html import escape
from operator import itemgetter
from typing import Any, Final, TypeVar

from calibre.gui2 import Dispatcher  # type: ignore[import-not-found]
from calibre.gui2.threaded_jobs import ThreadedJob  # type: ignore[import-not-found]

from ..book import library
from ..engine.install_plan import Wanted
from ..errors import PluginError, Stopped
from ..log import as_plugin_error, detail_of, shortened, told
from ..resources import Resources
from ..room import in_details
from ..wording import translate as _
from . import begun
from .installations import Installations, Then, Underway, Work, is_unfinished
from .job import Job, Options, Result
from .progress import Step
from .sidecars import Sidecars
from .sources import FromLibrary, Library

log = logging.getLogger(__name__)
T = TypeVar("T")

CONVERT: Final = "convert-to-audiobook"
INSTALL: Final = "convert-to-audiobook-install"
"""Types of jobs; of each one runs at a time."""
ADDING_S: Final = 10.0
"""So long Calibre's end waits for an audiobook that is finished and is just being added."""
LEAVING_S: Final = 3.0
"""And then for what was being copied to be removed."""
AT_ONCE: Final = 20
"""So many of the books that were queued together become jobs in one go, the others after what else is to be done in the GUI's thread."""

Ended = Callable[[int, str, "Result | None", "PluginError | None"], None]
"""ended(book_id, title, result, error) of a conversion that was not stopped before its end."""
Stop = tuple[str, begun.Begun | None]
"""(title, what there is to go on with) of a book that the user stopped."""


class _Job(ThreadedJob):  # type: ignore[misc]
    """Says in its details, which stay in the Jobs list, what there is to go on with where it is stopped while it runs."""

    api: Any = None
    """Of the library that its book is in."""
    at_stop: Callable[[], str] | None = None
    """Gives what its details say where it is stopped while it runs."""
    stopped_waiting: Callable[[], None] | None = None
    """Called where it is stopped before it runs, which Calibre tells nobody."""
    stopped_running: Callable[[], None] | None = None
    """Called where it is stopped and has yet to leave."""
    _never_ran = False

    def start_work(self) -> None:
        """By Calibre, in its thread, which may begin at the very moment when it is stopped."""
        if not self._never_ran:
            super().start_work()

    def kill(self) -> None:
        """By Calibre, in the GUI's thread."""
        waited = self.start_time is None
        if self.at_stop is not None and not waited and self.log is not None:
            self.log(escape(in_details(self.at_stop())))
        self._never_ran = waited
        self.abort.set()  # Calibre does so only where it runs
        super().kill()
        told = self.stopped_waiting if waited else self.stopped_running
        if told is not None:
            told()

    def consolidate_log(self) -> None:
        """Calibre's own moves what a job has said from memory into a file, a millisecond's work or so: not for each of a shelf of books that never ran."""
        if not self._never_ran:
            super().consolidate_log()


_Following = tuple[Any, int, Options]


class Conversions:
    """The queue of a running Calibre. gui: its main window."""

    def __init__(
        self, gui: Any, resources: Resources, ended: Ended, stopped: Callable[[Mapping[str, Stop]], None], soon: Callable[[Callable[[], None]], None]
    ) -> None:
        """stopped: what was stopped by the user together is told together, once all of it has left; by `library.key_of` of each book, the one that spoke first.
        soon: does something in the GUI's thread when what is going on there is over."""
        self._gui = gui
        self._resources = resources
        self._ended = ended
        self._stopped = stopped
        self._soon = soon
        self._sidecars = Sidecars()
        self._speaking = threading.Lock()
        """Held by the job that uses the sidecar, also while a stopped one leaves."""
        self._quitting = threading.Event()
        self._settled = threading.Event()
        """Set while nothing is being added to a library."""
        self._settled.set()
        self._jobs: dict[str, Any] = {}
        self._following: list[_Following] = []
        """Books that are about to become jobs."""
        self._leaving: set[Any] = set()
        """Jobs that were stopped while they ran and have not come back."""
        self._stops: list[tuple[float, str, Stop]] = []
        """(when it began to run, else when it was stopped; its key; what is told) of each that was stopped and is not told of yet."""
        self._unwritten = False
        """Was something stopped since `begun` was written?"""
        self._installations = Installations(self._run_installation, lambda job: gui.job_manager.kill_job(job, gui), resources)

    def busy(self) -> bool:
        """Is a conversion running or waiting?"""
        return bool(self.to_come())

    def to_come(self) -> int:
        """Conversions that run or wait."""
        return len(self._unfinished()) + len(self._following)

    def queued(self) -> set[str]:
        """The books that are being converted, or wait for it (`library.key_of`)."""
        return {key for key, _job in self._unfinished()} | {library.key_of(api, book_id) for api, book_id, _options in self._following}

    def is_queued(self, key: str) -> bool:
        """Is this very book among `queued`? Asked of each book of a shelf."""
        job = self._jobs.get(key)
        return (job is not None and is_unfinished(job)) or any(library.key_of(api, book_id) == key for api, book_id, _options in self._following)

    def leaving(self) -> bool:
        """Was something stopped that still has to leave, and is told of then?"""
        return bool(self._stops or self._leaving)

    def convert_all(self, api: Any, books: Sequence[tuple[int, Options]]) -> None:
        """Queue conversions; a shelf of them in portions, since each job takes Calibre some time. api: kept for the jobs."""
        before, self._following = self._following, [*self._following, *((api, book_id, options) for book_id, options in books)]
        if not before:
            self._follow()
        self._gui.jobs_pointer.start()

    def _follow(self) -> None:
        now, self._following = self._following[:AT_ONCE], self._following[AT_ONCE:]
        for api, book_id, options in now:
            self.convert(api, book_id, options)
        if self._following:
            self._soon(self._follow)

    def library_changed(self, api: Any) -> list[str]:
        """Another library is shown, by `api`: what waits of the former one is queued no more. Gives these books (`library.key_of`)."""
        left = [library.key_of(its, book_id) for its, book_id, _options in self._following if its is not api]
        self._following = [following for following in self._following if following[0] is api]
        for key, job in self._unfinished():
            if job.api is not api and job.start_time is None:
                job.stopped_waiting = None
                self._gui.job_manager.kill_job(job, self._gui)
                left.append(key)
        return left

    def convert(self, api: Any, book_id: int, options: Options) -> Any:
        """Queue a conversion; gives its job."""
        key, title = library.key_of(api, book_id), str(api.field_for("title", book_id) or _("Book {number}").format(number=book_id))
        work = partial(_convert_in_job, key, of(api, book_id), options, self._resources, self._sidecars, self._speaking, self._quitting, self._settled)
        work = partial(work, closed=partial(library.is_closed, api))
        job = self._run(CONVERT, _("{title} (audiobook)").format(title=title), work, partial(self._converted, api, key, book_id, title), partial(_kept, key))
        job.api, job.stopped_waiting = api, partial(self._user_stopped, key, title)
        self._jobs[key] = job
        return job

    def _user_stopped(self, key: str, title: str, began_s: float | None = None) -> None:
        if not self._quitting.is_set():
            self.tell_stopped(key, title, began_s)

    def tell_stopped(self, key: str, title: str, began_s: float | None = None) -> None:
        """The user stopped a book: it is told, with what else is being stopped, unless it is queued again by then. began_s: when it did, if it ran; one that
        did for a moment only, since another had just been stopped, is not told before that one."""
        self._stops.append((time.time() if began_s is None else began_s, key, (title, begun.stop(key, at_once=False))))
        if not self._unwritten:  # of a shelf, once
            self._unwritten = True
            self._soon(self._tell_stops)

    def _tell_stops(self) -> None:
        if self._unwritten:
            self._unwritten = False
            begun.write()
        if self._stops and not self._leaving:
            stops = {key: stop for _began_s, key, stop in sorted(self._stops, key=itemgetter(0))}  # one may have been queued and stopped again
            self._stops, again = [], self.queued()
            self._stopped({key: stop for key, stop in stops.items() if key not in again})

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
        self._gui.jobs_pointer.start()
        job = self._run(INSTALL, description, in_job, lambda job: ended(job, None if job.killed else _error_of(job)))  # Calibre calls a stopped one failed
        job.stopped_waiting = partial(ended, job, None)
        return job

    def release(self) -> None:
        """End the sidecar that keeps a voice for the next book, if none is being converted; takes up to some seconds."""
        if not self.busy():
            with self._speaking:
                self._sidecars.close()

    def quit(self, waiting: Sequence[str]) -> None:
        """Calibre quits: what runs is asked to stop, and the sidecar ended; what was spoken is kept. waiting: books that were to follow (`library.key_of`).

        A finished audiobook that is being added gets a moment to arrive; on a slow disk it is given up, whole or not at all.
        """
        begun.leave({*waiting, *self.queued()})
        self._settled.wait(ADDING_S)
        self._quitting.set()
        self._sidecars.stop_now()
        self._settled.wait(LEAVING_S)

    def _run(self, kind: str, description: str, work: Callable[..., Any], done: Callable[[Any], None], at_stop: Callable[[], str] | None = None) -> Any:
        # partial: Calibre writes a failed job's arguments into the log that the user is invited to copy
        job = _Job(kind, description, work, (), {}, Dispatcher(partial(self._back, done)), max_concurrent_count=1)
        job.at_stop, job.stopped_running = at_stop, lambda: self._leaving.add(job)
        self._gui.job_manager.run_threaded_job(job)
        return job

    def _back(self, done: Callable[[Any], None], job: Any) -> None:
        self._leaving.discard(job)
        done(job)
        self._soon(self._tell_stops)

    def _unfinished(self) -> list[tuple[str, Any]]:
        return [(key, job) for key, job in self._jobs.items() if is_unfinished(job)]

    def _converted(self, api: Any, key: str, book_id: int, title: str, job: Any) -> None:
        """A job that was stopped when its audiobook stood already has a result all the same; one that left by itself had its library closed."""
        self._jobs = dict(self._unfinished())
        result = job.result if isinstance(job.result, Result) else None
        error = None if result is not None or job.killed else _error_of(job)
        if error is not None and error.code == "no_such_book":  # a number means nothing to whoever clicked a title
            error = PluginError("book_removed", error.detail, title=title)
        if job.killed and result is None:
            if not self.is_queued(key):  # what is noted of it is the new one's
                self._user_stopped(key, title, job.start_time)
        elif error is not None:
            begun.halt(key)
        elif result is None and not self._quitting.is_set():
            begun.put_off([key])
        shown = getattr(self._gui.current_db, "new_api", None)  # in another library the number is another book's; at the end there is none
        if (result is not None or error is not None) and shown is api:
            self._ended(book_id, title, result, error)


def of(api: Any, book_id: int) -> FromLibrary:
    """A book of the library that is open in Calibre."""
    return FromLibrary(_as_it_is(api), book_id, shared=True)


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
    closed: Callable[[], bool],
    log: Any,
    abort: Any,
    notifications: Any,
) -> Result | None:
    """In the job's thread: the result; None where it was stopped, or where its library is closed. Raises PluginError alone."""
    told = _either(abort, quitting)

    def stopped() -> bool:
        return told() or closed()

    def show(step: Step) -> None:
        if step.spoken:
            begun.speaks(key, step.spoken)
        if step.stage == "add":
            settled.clear()
        notifications.put((_seen(step.whole), step.status()))

    def work() -> Result:
        try:
            result = Job(options, resources, sidecars, show, stopped, hear=lambda text: log(escape(in_details(text)))).run(source)
            begun.over(key)  # here, since at Calibre's end nobody is called back
            return result
        finally:
            settled.set()

    with speaking:
        return None if stopped() else _guarded(stopped, log, work)


def _install_in_job(work: Work, quitting: threading.Event, *, log: Any, abort: Any, notifications: Any) -> bool | None:
    """In the job's thread: True when all is there; None where it was stopped. Raises PluginError alone."""
    stopped = _either(abort, quitting)

    def install() -> bool:
        work(lambda done, text: notifications.put((_seen(done), text)), stopped)
        return True

    return _guarded(stopped, log, install)


def _kept(key: str) -> str:
    """What is known of a book when it is stopped, and what to do."""
    left = begun.of(key)
    if left is None or left.waits:
        return _("It was stopped before anything was spoken. Convert the book again to begin.")
    if left.percent == 100:
        return _("It was stopped. All of it is spoken, and kept. Where the book has no audiobook, convert it again: only the file is still to be made.")
    if left.percent:
        text = _("It was stopped. At least {percent} % of the book is spoken, and kept. Convert it again: it goes on from there.")
        return text.format(percent=left.percent)
    return _("It was stopped. What was spoken is kept. Convert the book again: it goes on from there.")


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
