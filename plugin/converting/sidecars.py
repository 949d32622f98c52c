"""The sidecar that is kept between conversions and between questions, so that its voice stays loaded.

One that ends by itself just when it is asked, after its idle minutes, is started anew; who else dies is a PluginError. No Calibre.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .. import environ
from ..engine import runtime
from ..errors import PluginError
from .client import Sidecar, never, probe
from .events import Devices, Done, Told
from .requests import Probe, Request

T = TypeVar("T")


class Sidecars:
    """At most one. Not for two threads at once."""

    def __init__(self) -> None:
        self._layer = ""
        self._sidecar: Sidecar | None = None

    def borrow(self, layer: runtime.Layer, stopped: Callable[[], bool]) -> Sidecar:
        """A living sidecar of that layer: the kept one, or a new one in its place."""
        key = str(layer.folder)
        if self._sidecar is not None and (key != self._layer or not self._sidecar.alive):
            self.close()
        if self._sidecar is None:
            self._sidecar = Sidecar.start(layer.command(), environ.for_children(), stopped)
            self._layer = key
        return self._sidecar

    def request(self, layer: runtime.Layer, request: Request, on_event: Callable[[Told], None], stopped: Callable[[], bool]) -> Done:
        """Served by a living sidecar. A kept one may end by itself, after its idle minutes, just when it is asked: then a new one is."""
        heard: list[bool] = []

        def hear(event: Told) -> None:
            heard.append(True)
            on_event(event)

        return self._served(layer, stopped, lambda sidecar: sidecar.request(request, hear, stopped), lambda: bool(heard))

    def probe(self, layer: runtime.Layer, wanted: Probe, stopped: Callable[[], bool]) -> Devices:
        """What `client.probe` finds, by a living sidecar; as `request`, one that was just leaving is not taken for one that a driver ended."""
        return self._served(layer, stopped, lambda sidecar: probe(sidecar, stopped, wanted))

    def _served(self, layer: runtime.Layer, stopped: Callable[[], bool], ask: Callable[[Sidecar], T], begun: Callable[[], bool] = never) -> T:
        """begun: did it answer before it died? Then it was not just leaving."""
        kept = self._sidecar
        sidecar = self.borrow(layer, stopped)
        try:
            return ask(sidecar)
        except PluginError as error:
            if error.code != "engine_died" or sidecar is not kept or begun() or stopped():
                raise
        return ask(self.borrow(layer, stopped))

    def close(self) -> None:
        """End it."""
        sidecar, self._sidecar = self._sidecar, None
        if sidecar is not None:
            sidecar.close()

    def stop_now(self) -> None:
        """Kill it at once; from any thread."""
        sidecar = self._sidecar
        if sidecar is not None:
            sidecar.stop_now()
