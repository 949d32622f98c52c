"""A side: our engine, made and asked as a conversion does it; and a whole conversion with it, from a bundle to a verified M4B."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from e2a_sidecar.convert import Conversion
from e2a_sidecar.model import Line
from e2a_sidecar.progress import Tracker
from e2a_sidecar.request import Convert
from e2a_sidecar.speaking.engine import Engine
from e2a_sidecar.speaking.ladder import NOT_SPOKEN, Rungs
from e2a_sidecar.speaking.make import make_engine
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.voice import Voice

from build_steps.bench_sides.parts import Parts, of_book, of_engine
from build_steps.bench_sides.serving import Process


class _Opened:
    """An engine that is there already (see convert.Voices and speaking.ladder.Rungs)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def rungs(self, *_of: Any) -> Rungs:
        return self

    def open(self, device: str) -> Engine:
        if device != self._engine.device:
            raise RuntimeError(f"{self._engine.device} does not speak the voice, and {device} is not what is measured")
        return self._engine

    def drop(self, device: str) -> None: ...

    def rest(self, device: str) -> None: ...


def main() -> None:
    process = Process()
    asked = process.given
    voice, cache, device = Voice.from_dict(asked["voice"]).verified(), Path(asked["cache_dir"]), asked["device"]
    engine = make_engine(voice, device, asked["language"], SpeechSettings(), cache)
    parts = Parts()
    of_engine(parts, engine)
    of_book(parts)

    def speak(lines: Sequence[str]) -> Mapping[str, Any]:
        parts.taken()
        numbered = [Line(number, text, sha256(text.encode()).hexdigest()) for number, text in enumerate(lines)]
        takes = [take for batch in engine.speak(numbered, lambda: False) for take in batch]
        silent = [take.index for take in takes if NOT_SPOKEN.intersection(take.flags)]
        if silent or len(takes) != len(lines):
            raise RuntimeError(f"lines {silent} were not spoken, {len(takes)} of {len(lines)} came")
        audio_s = sum(len(take.samples) for take in takes) / engine.rate_hz
        return {"audio_s": audio_s, "parts": parts.taken(), "device_mb": _device_mb(device), **asdict(engine.transfers())}

    def convert(bundle: str, folder: str) -> Mapping[str, Any]:
        """A clip store and a file of its own below `folder`, which must be empty."""
        parts.taken()
        request = Convert(1, Path(bundle), Path(folder, "book.m4b"), Path(folder, "clips"), device, voice)
        result = Conversion(request, _Opened(engine), Tracker(lambda _: None), lambda _: None, lambda: False).run()
        return {"audio_s": result.summary["duration_s"], "parts": parts.taken()}

    process.serve({"speak": speak, "convert": convert})


def _device_mb(device: str) -> float | None:
    """The most that torch held of a card's memory; None where that is not known."""
    if not device.startswith("cuda"):
        return None
    import torch

    return float(torch.cuda.max_memory_allocated(device) / 1e6)


if __name__ == "__main__":
    main()
