"""Work that a window waits for, done in a thread, told of in the GUI's own: so that no window ever hangs, and closing one ends its work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import cache, partial
from itertools import count
from typing import Any
from weakref import WeakValueDictionary

from qt.core import QObject, Qt, QTimer, pyqtSignal, sip  # type: ignore[import-not-found]

from ..converting.progress import Show
from ..errors import PluginError, Stopped
from ..log import as_plugin_error, told

log = logging.getLogger(__name__)
Work = Callable[[Show, Callable[[], bool]], Any]
"""work(show, stopped): show takes a Step; stopped says whether to leave, by raising Stopped. Must touch nothing of Qt."""


class _Post(QObject):  # type: ignore[misc]
    """What threads tell, brought into the GUI's thread. There is one, and it stays: a signal that a thread sends by an object which the GUI deletes
    at that moment ends the whole program."""

    _told = pyqtSignal(int, int, str, object)

    def __init__(self) -> None:
        super().__init__()
        self._addresses = count()
        self._windows: WeakValueDictionary[int, Background] = WeakValueDictionary()
        self._told.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def register(self, background: Background) -> int:
        """The address that `tell` takes."""
        address = next(self._addresses)
        self._windows[address] = background
        return address

    def tell(self, address: int, number: int, what: str, value: object) -> None:
        """From any thread."""
        self._told.emit(address, number, what, value)

    def _deliver(self, address: int, number: int, what: str, value: object) -> None:
        background = self._windows.get(address)
        if background is not None and not sip.isdeleted(background):
            background.hear(number, what, value)


@cache
def _post() -> _Post:
    return _Post()


class Background(QObject):  # type: ignore[misc]
    """One piece of work at a time; starting another stops the one before, of which nothing more is heard.

    `done(result)`, `failed(PluginError)` and `step(Step)` are sent in the GUI's thread; a stopped work sends `ended` alone.
    `ended` comes last in any case. Belongs to a window (`parent`) and is stopped with it.
    """

    done = pyqtSignal(object)
    failed = pyqtSignal(object)
    step = pyqtSignal(object)
    ended = pyqtSignal()

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self._address = _post().register(self)
        self._number = 0
        self._stop = threading.Event()
        self._running = False
        parent.destroyed.connect(self._stop_all)

    @property
    def running(self) -> bool:
        """Is there work that was not stopped?"""
        return self._running

    def start(self, work: Work) -> None:
        """Begin; what ran before is stopped."""
        self.stop()
        self._number += 1
        self._stop = threading.Event()
        self._running = True
        tell = partial(_post().tell, self._address, self._number)
        threading.Thread(target=_run, args=(work, tell, self._stop), name="audiobook window", daemon=True).start()

    def leave(self) -> None:
        """Ask the work to leave, and hear all the same how it ends: what cannot be broken off is done."""
        self._stop.set()

    def stop(self) -> None:
        """Ask the work to leave; `ended` is sent at once, and nothing else of it."""
        self._stop.set()
        if self._running:
            self._running = False
            self._number += 1
            self.ended.emit()

    def _stop_all(self) -> None:
        self._stop.set()

    def hear(self, number: int, what: str, value: Any) -> None:
        """What the thread of the work of that number tells."""
        if number != self._number:
            return
        if what == "step":
            self.step.emit(value)
            return
        self._running = False
        if what == "done":
            self.done.emit(value)
        elif what == "failed":
            self.failed.emit(value)
        self.ended.emit()


def soon(do: Callable[[], Any]) -> None:
    """Do it in the GUI's thread when what is going on there is over."""
    QTimer.singleShot(0, do)


def _run(work: Work, tell: Callable[[str, object], None], stop: threading.Event) -> None:
    """In the thread; knows nothing of the window, which may be gone."""
    try:
        tell("done", work(lambda step: tell("step", step), stop.is_set))
    except Stopped:
        tell("stopped", None)
    except PluginError as error:
        log.warning(told(error))
        tell("failed", error)
    except Exception as error:
        log.exception("work of a window")
        tell("failed", as_plugin_error(error))

