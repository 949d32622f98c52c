"""Requests become calls: one Service a process, which keeps the last voice loaded for the next book of a queue."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

from e2a_sidecar.convert import Conversion, Engines
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.model import Warn
from e2a_sidecar.progress import Progress, Tracker
from e2a_sidecar.protocol import Convert, Probe, Wire
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.make import make_engine
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.voice import Voice

log = logging.getLogger(__name__)


class KeptEngine(Engines):
    """Makes an engine when one is needed and keeps the last: a voice is loaded once for a whole queue."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._engine: Engine | None = None

    def get(self, voice: Voice, device: str, language: str, settings: SpeechSettings, cache_dir: Path) -> Engine:
        """The engine for these, made if it is not the last one."""
        key = (voice, device, language, settings, cache_dir)
        if self._engine is None or self._key != key:
            self.close()
            self._engine = make_engine(voice, device, language, settings, cache_dir)
            self._key = key
        return self._engine

    def close(self) -> None:
        """Free the voice."""
        if self._engine is not None:
            self._engine.close()
        self._engine, self._key = None, None


class Service:
    """Serves requests, one at a time, and answers on the wire."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._engines = KeptEngine()

    def handle(self, request: Convert | Probe, stopped: Callable[[], bool]) -> dict[str, object]:
        """Serve one request; returns the fields of its `done`, unless this raises."""
        return self._probe(request) if isinstance(request, Probe) else self._convert(request, stopped)

    def _probe(self, request: Probe) -> dict[str, object]:
        from e2a_sidecar.speaking.probe import probe_devices

        self._wire.send("devices", id=request.id, devices=[dataclasses.asdict(d) for d in probe_devices()])
        return {"outcome": "probed"}

    def _convert(self, request: Convert, stopped: Callable[[], bool]) -> dict[str, object]:
        def progress(at: Progress) -> None:
            self._wire.send("progress", id=request.id, **dataclasses.asdict(at))

        def warn(warning: Warn) -> None:
            self._wire.send("warning", id=request.id, code=warning.code, params=warning.params)

        try:
            result = Conversion(request, self._engines, Tracker(progress), warn, stopped).run()
        except SidecarError as error:
            if error.code in ("device_unusable", "speech_failed"):  # it is not asked again: the next request makes it anew
                self._engines.close()
            raise
        return {"outcome": result.outcome, "report": result.summary}

    def close(self) -> None:
        """Free what is kept."""
        self._engines.close()
