"""The look over a recording: what is proposed lies where it is said to lie, whatever sizes its sound comes in; memory stays small."""

from __future__ import annotations

import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from e2a_sidecar.sampling.scan import _best, _Steps
from e2a_sidecar.sampling.source import Block
from recordings import RATE_HZ, speech

PEAK_OF = """
import sys, resource
from pathlib import Path
from e2a_sidecar.sample import Sampling
from e2a_sidecar.request import Sample
import e2a_sidecar.errors as errors
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    Sampling().answer(Sample(1, Path(sys.argv[1])), lambda: False)
except errors.SidecarError as error:
    assert error.params["reason"] in ("noise", "music", "no_speech", "too_short"), error.params
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.parametrize("size", [1000, 1152, 44_100])
def test_a_stretch_is_proposed_where_it_lies(size: int) -> None:
    said = speech(30.0)[: 30 * RATE_HZ]
    at_s = 300.0
    sound = np.zeros((1, 600 * RATE_HZ), np.float32)
    sound[0, round(at_s * RATE_HZ) : round(at_s * RATE_HZ) + said.size] = said
    steps = _Steps(RATE_HZ)
    for start in range(0, sound.shape[1], size):
        steps.add(Block(start / RATE_HZ, sound[:, start : start + size]))
    places, energies, _ = steps.joined()
    (start_s, end_s), *_ = _best(places, energies, sound.shape[1] / RATE_HZ)
    assert abs(start_s - at_s) <= 0.6 and end_s == pytest.approx(start_s + 30.0)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted by Linux's own unit")
@pytest.mark.parametrize(("channels", "rate_hz", "seconds"), [(1, 768_000, 40), (32, 48_000, 20)])
def test_many_channels_and_high_rates_take_little_memory(channels: int, rate_hz: int, seconds: int, tmp_path: Path) -> None:
    path = tmp_path / "large.wav"
    second = np.random.default_rng(1).integers(0, 255, rate_hz * channels, np.uint8).tobytes()
    with wave.open(str(path), "wb") as f:
        f.setnchannels(channels)
        f.setsampwidth(1)
        f.setframerate(rate_hz)
        for _ in range(seconds):
            f.writeframes(second)
    ran = subprocess.run([sys.executable, "-c", PEAK_OF, str(path)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < 200
