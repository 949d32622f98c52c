"""The entry in Calibre's menus: converts the selected books with the usual settings, one ThreadedJob each.

What a job of Calibre's must keep to (read in its source): the job's function returns when it is stopped and never
raises then, nothing is made before it runs, its callback runs in the job's thread and is brought to the GUI by
Dispatcher, and Calibre does not end our processes when it quits, so `shutting_down` does. Strings go through `_`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from calibre.gui2 import Dispatcher, error_dialog  # type: ignore[import-not-found]
from calibre.gui2.actions import InterfaceAction  # type: ignore[import-not-found]
from calibre.gui2.threaded_jobs import ThreadedJob  # type: ignore[import-not-found]

from .cli import installed_resources
from .errors import N_, PluginError, Stopped, translate
from .job import FromLibrary, Job, Options, Result, Sidecars
from .progress import Step


class ConvertToAudiobook(InterfaceAction):  # type: ignore[misc]
    """Right-click, Convert to audiobook."""

    name = "Convert to Audiobook"
    action_spec = (translate(N_("Convert to audiobook")), "convert.png", translate(N_("Turn the selected books into audiobooks")), ())
    action_type = "current"
    dont_add_to = frozenset({"toolbar-device", "context-menu-device", "menubar-device"})

    def genesis(self) -> None:
        """Called once, before the library is shown."""
        self.qaction.triggered.connect(self.convert_selected)
        self.sidecars = Sidecars()
        self.quitting = threading.Event()

    def location_selected(self, loc: str) -> None:
        """Books on a device cannot be converted."""
        self.qaction.setEnabled(loc == "library")

    def shutting_down(self) -> None:
        """Calibre quits: running jobs are asked to stop, the sidecar is ended."""
        self.quitting.set()
        self.sidecars.stop_now()

    def convert_selected(self) -> None:
        """Start a job for each selected book."""
        ids = self.gui.library_view.get_selected_ids()
        if not ids:
            error_dialog(self.gui, translate(N_("No book selected")), translate(N_("Select the books to convert first.")), show=True)
            return
        for book_id in ids:
            self.start(book_id)

    def start(self, book_id: int) -> Any:
        """Queue one conversion; gives its job."""
        api = self.gui.current_db.new_api  # kept: the user may switch libraries meanwhile
        # partial: Calibre writes a failed job's arguments into the log that the user is invited to copy
        convert = partial(convert_in_job, api, book_id, installed_resources(), self.sidecars, self.quitting)
        title = translate(N_("Convert to audiobook: {title}")).format(title=api.field_for("title", book_id))
        job = ThreadedJob("convert-to-audiobook", title, convert, (), {}, Dispatcher(partial(self.finished, api, book_id)), max_concurrent_count=1)
        self.gui.job_manager.run_threaded_job(job)
        self.gui.jobs_pointer.start()
        self.gui.status_bar.show_message(translate(N_("Started converting to an audiobook")), 3000)
        return job

    def finished(self, api: Any, book_id: int, job: Any) -> None:
        """In the GUI's thread. A stopped job comes here too."""
        if job.killed:
            return
        if job.failed:
            self.gui.job_exception(job, dialog_title=translate(N_("No audiobook")))
            return
        if isinstance(job.result, str):
            error_dialog(self.gui, translate(N_("No audiobook")), job.result, show=True)
            return
        if job.result is None:
            return
        if self.gui.current_db.new_api is api:
            view = self.gui.library_view
            view.model().refresh_ids((book_id,))
            view.model().current_changed(view.currentIndex(), view.currentIndex())
            self.gui.tags_view.recount()
        self.gui.status_bar.show_message(translate(N_("Audiobook ready")), 5000)


def convert_in_job(
    api: Any,
    book_id: int,
    resources: Callable[[str], bytes],
    sidecars: Sidecars,
    quitting: threading.Event,
    *,
    log: Callable[..., None],
    abort: threading.Event,
    notifications: Any,
) -> Result | str | None:
    """In the job's thread: the result; the sentence of what went wrong; None if it was stopped."""

    def stopped() -> bool:
        return abort.is_set() or quitting.is_set()

    def show(step: Step) -> None:
        notifications.put((step.whole, step.line()))

    @contextmanager
    def own_library() -> Iterator[Any]:
        yield api

    try:
        return Job(Options(fetch=True), resources, sidecars, show, stopped, hear=log).run(FromLibrary(own_library, book_id))
    except Stopped:
        return None
    except PluginError as error:
        if stopped():
            return None
        log(error.code, error.detail)
        return error.sentence()
    except Exception:
        if stopped():  # an exception after a kill would reach a log that Calibre has taken away
            return None
        raise
