"""Requests become calls: one Service a process, which keeps the last voice loaded for the next book of a queue."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from e2a_sidecar.convert import Conversion, Voices
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.look import look
from e2a_sidecar.model import Warn
from e2a_sidecar.progress import Progress, Tracker
from e2a_sidecar.protocol import Wire
from e2a_sidecar.request import Convert, Excerpt, Look, Probe, Sample, Say, Served
from e2a_sidecar.sample import Sampling
from e2a_sidecar.say import Saying
from e2a_sidecar.speaking.device_errors import is_out_of_memory
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.ladder import Rungs
from e2a_sidecar.speaking.make import make_engine
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.voice import Voice
from e2a_sidecar.writing.excerpt import cut

log = logging.getLogger(__name__)


class KeptVoice(Voices):
    """Makes engines when they are needed and keeps those of the last voice, one a device: it is loaded once for a whole queue."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._engines: dict[str, Engine] = {}
        self.lost: set[str] = set()
        """Devices that died in this process or could not be used: what a driver once told a process stands until its end."""

    def rungs(self, voice: Voice, language: str, settings: SpeechSettings, cache_dir: Path) -> Rungs:
        """Engines of this voice; those of another are closed."""
        key = (voice, language, settings, cache_dir)
        if self._key != key:
            self.close()
            self._key = key
        return _Opened(self._engines, self.lost, lambda device: make_engine(voice, device, language, settings, cache_dir))

    def close(self) -> None:
        """Free the voice."""
        while self._engines:
            self._engines.popitem()[1].close()
        self._key = None


class _Opened(Rungs):
    """See speaking.ladder.Rungs."""

    def __init__(self, engines: dict[str, Engine], lost: set[str], make: Callable[[str], Engine]) -> None:
        self._engines = engines
        self._lost = lost
        self._make = make

    def open(self, device: str) -> Engine:
        if device not in self._engines:
            try:
                self._engines[device] = self._make(device)
            except SidecarError as error:
                if error.code == "device_unusable":
                    self._lost.add(device)
                raise
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                raise SidecarError("speech_failed", repr(error)[:2000], reason="there is too little memory to load the voice") from None
        return self._engines[device]

    def drop(self, device: str) -> None:
        self._lost.add(device)
        engine = self._engines.pop(device, None)
        if engine is not None:
            engine.close()

    def rest(self, device: str) -> None:
        for other in [name for name in self._engines if name != device]:
            self._engines.pop(other).close()


class Service:
    """Serves requests, one at a time, and answers on the wire."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._kept = KeptVoice()
        self._sampling = Sampling()
        self._done: Conversion | None = None

    @property
    def worn(self) -> bool:
        """True where a device died or could not be used: a fresh process may find it well again."""
        return bool(self._kept.lost)

    def handle(self, request: Served, stopped: Callable[[], bool]) -> dict[str, object]:
        """Serve one request; returns the fields of its `done`, unless this raises. Then `tidy` is to follow; what it did not come to is left now."""
        self.tidy(lambda: True)
        match request:
            case Convert():
                return self._convert(request, stopped)
            case Say():
                return self._say(request, stopped)
            case Look():
                return self._look(request, stopped)
            case Excerpt():
                return self._excerpt(request, stopped)
            case Sample():
                return self._sample(request, stopped)
            case Probe():
                return self._probe(request, stopped)

    def tidy(self, stopped: Callable[[], bool]) -> None:
        """What is left to do of a request that has its answer; takes seconds."""
        done, self._done = self._done, None
        if done is not None:
            done.tidy(stopped)

    def _probe(self, request: Probe, stopped: Callable[[], bool]) -> dict[str, object]:
        from e2a_sidecar.speaking.probe import probe_devices

        found = probe_devices(request.voice, request.language, request.cache_dir, stopped)
        self._wire.send("devices", id=request.id, devices=[dataclasses.asdict(device) for device in found])
        return {"outcome": "probed"}

    def _look(self, request: Look, stopped: Callable[[], bool]) -> dict[str, object]:
        self._wire.send("looked", id=request.id, **look(request, stopped))
        return {"outcome": "looked"}

    def _excerpt(self, request: Excerpt, stopped: Callable[[], bool]) -> dict[str, object]:
        duration_s = cut(request.path, request.start_s, request.end_s, request.out, stopped)
        return {"outcome": "cut", "report": {"duration_s": round(duration_s, 3)}}

    def _sample(self, request: Sample, stopped: Callable[[], bool]) -> dict[str, object]:
        self._wire.send("sampled", id=request.id, **self._sampling.answer(request, stopped))
        return {"outcome": "sampled"}

    def _say(self, request: Say, stopped: Callable[[], bool]) -> dict[str, object]:
        with self._speaking():
            report = Saying(request, self._kept, partial(self._progress, request.id), partial(self._warning, request.id), stopped).run()
        return {"outcome": "said", "report": report}

    def _convert(self, request: Convert, stopped: Callable[[], bool]) -> dict[str, object]:
        tracker = Tracker(partial(self._progress, request.id))
        conversion = Conversion(request, self._kept, tracker, partial(self._warning, request.id), stopped)
        with self._speaking():
            result = conversion.run()
        self._done = conversion
        return {"outcome": result.outcome, "report": result.summary}

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """An engine that failed is not asked again: the next request makes it anew."""
        try:
            yield
        except SidecarError as error:
            if error.code in ("device_unusable", "speech_failed"):
                self._kept.close()
            raise

    def _progress(self, number: int, at: Progress) -> None:
        self._wire.send("progress", id=number, **dataclasses.asdict(at))

    def _warning(self, number: int, warning: Warn) -> None:
        self._wire.send("warning", id=number, code=warning.code, params=warning.params)

    def close(self) -> None:
        """Free what is kept."""
        self.tidy(lambda: True)
        self._kept.close()
