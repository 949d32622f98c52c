"""A whole audiobook on the device, by the sidecar's own code: from a bundle to the verified M4B."""

from __future__ import annotations

import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from e2a_sidecar.convert import Conversion
from e2a_sidecar.progress import Tracker
from e2a_sidecar.request import Convert, Settings
from e2a_sidecar.speaking.cores import usable_cores
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.ladder import Rungs
from e2a_sidecar.speaking.make import make_engine
from e2a_sidecar.speaking.settings import FLOAT32, HALF, SpeechSettings

from gpu import stand_in
from gpu.outcome import Outcome, Skipped
from gpu.speaking import Setup


class _Opened:
    """An engine that is there already (see convert.Voices and speaking.ladder.Rungs)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def rungs(self, *_of: Any) -> Rungs:
        return self

    def open(self, device: str) -> Engine:
        return self._engine

    def drop(self, device: str) -> None: ...

    def rest(self, device: str) -> None: ...


def m4b(setup: Setup) -> Outcome:
    """In both precisions, the voice loaded and its gain not yet known, as with a voice's first book."""
    if setup.bundle is None or setup.files is None:
        raise Skipped("no bundle and voice were given")
    missing = [name for name in ("av", "mutagen", "soundfile") if find_spec(name) is None] + (["piper"] if stand_in.stands_in() else [])
    if missing:
        raise Skipped(f"{', '.join(missing)} is not installed")
    figures: dict[str, Any] = {"cores": usable_cores()}
    for precision in (FLOAT32, HALF) if setup.real_cuda else (FLOAT32,):
        with tempfile.TemporaryDirectory() as folder:
            engine = make_engine(setup.files, setup.device, "en", SpeechSettings(precision=precision), Path(folder, "kept"))
            wanted = Convert(1, setup.bundle, Path(folder, "book.m4b"), Path(folder, "clips"), setup.device, setup.files, Settings(precision=precision))
            begun = time.perf_counter()
            result = Conversion(wanted, _Opened(engine), Tracker(lambda _: None), lambda _: None, lambda: False).run()
            wall_s = time.perf_counter() - begun
            engine.close()
        audio_s = float(result.summary["duration_s"])
        figures[precision] = {"audio_s": round(audio_s, 1), "wall_s": round(wall_s, 2), "times_real_time": round(audio_s / wall_s, 1)}
    found = ", ".join(f"{name} {figure['times_real_time']}" for name, figure in figures.items() if isinstance(figure, dict))
    return Outcome(True, f"finished M4B on {figures['cores']} cores: {found} x real time", figures)
