"""A real voice, Joe's, as a recording: good, and cleaned without harm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from e2a_sidecar.model import Line
from e2a_sidecar.request import Sample
from e2a_sidecar.sample import Sampling
from e2a_sidecar.speaking.make import make_engine
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.voices.voice import Voice
from recordings import TEXT, write

HIGH_PASSED_HZ = 100


def test_joe_is_good_and_sounds_as_before(tmp_path: Path, joe: Voice, cache: Path) -> None:
    engine = make_engine(joe, "cpu", "en-US", SpeechSettings(), cache)
    lines = [Line(n, text, f"{n:064x}") for n, text in enumerate(TEXT)]
    spoken = np.concatenate([take.samples for batch in engine.speak(lines, lambda: False) for take in batch]) / 32768
    engine.close()
    path = write(tmp_path / "joe.wav", spoken, engine.rate_hz)
    found = Sampling().answer(Sample(1, path, before=tmp_path / "before.wav", after=tmp_path / "after.wav"), lambda: False)
    assert (found["verdict"], found["remarks"]) == ("good", []) and found["speech_s"] > 15 and found["snr_db"] > 30
    before, after = (spectrum_db(tmp_path / name, engine.rate_hz) for name in ("before.wav", "after.wav"))
    change = after - before
    assert np.abs(change - np.median(change)).max() < 1.0


def spectrum_db(path: Path, rate_hz: int) -> np.ndarray:
    """Of third octaves above the high pass."""
    raw = np.frombuffer(path.read_bytes()[44:], "<i2").astype(np.float64)
    power, frequencies = np.square(np.abs(np.fft.rfft(raw))), np.fft.rfftfreq(raw.size, 1 / rate_hz)
    edges = HIGH_PASSED_HZ * 2 ** (np.arange(20) / 3)
    return 10 * np.log10([power[(frequencies >= low) & (frequencies < low * 2 ** (1 / 3))].sum() for low in edges])
