"""When it is heard: a converter gives each sound at the time at which its source has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_converters
import tiny_passing
import torch
from e2a_sidecar.speaking.clone.conversion import open_conversion
from e2a_sidecar.speaking.host import HostBoundary

BASE_HZ = 22_050


def spans(samples: np.ndarray[Any, Any], rate_hz: int) -> list[tuple[float, float]]:
    """From when to when something is heard, by the energy of 5 ms."""
    width = rate_hz // 200
    energy = np.sqrt((samples[: len(samples) // width * width].reshape(-1, width) ** 2).mean(1))
    loud = energy > 0.05 * energy.max()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]]))) * width / rate_hz
    return list(zip(edges[::2], edges[1::2], strict=True))


@pytest.mark.parametrize("converter", tiny_passing.MAKERS)
def test_what_is_heard_is_heard_when_it_was_said(converter: str, tmp_path: Path) -> None:
    """Bursts and pauses, through a network whose weights pass on how loud its source is; two sentences, one of them in windows."""
    files = tiny_passing.MAKERS[converter](tmp_path / "files")
    clone = tiny_converters.clone_of(tiny_converters.sample(tmp_path / "sample.flac"), converter, files)
    passing = open_conversion(clone, BASE_HZ, HostBoundary(torch.device("cpu")), None)
    tone = sum(np.sin(2 * np.pi * 130 * n * np.arange(BASE_HZ * 26) / BASE_HZ) / n for n in range(1, 20)) * 0.15
    quiet = np.random.default_rng(3).standard_normal(BASE_HZ * 26) * 1e-4
    sentences, said = [], []
    for number, seconds in enumerate((6, 26)):
        wave = quiet[: BASE_HZ * seconds].copy()
        starts = np.arange(0.4 + 0.013 * number, seconds - 1, 1.37)
        bursts = [(start, start + 0.1 + 0.2 * (n % 5)) for n, start in enumerate(starts)]
        for start, end in bursts:
            wave[round(start * BASE_HZ) : round(end * BASE_HZ)] = tone[round(start * BASE_HZ) : round(end * BASE_HZ)]
        sentences.append(wave)
        said.append(bursts)
    batch = passing.prepared([len(wave) for wave in sentences])
    for part in batch.noise:
        part[:] = 0
    made = passing(torch.from_numpy(np.concatenate(sentences).astype(np.float32)), batch, 1, lambda: None).numpy()
    parts = np.split(made, [passing.samples(len(sentences[0]))])
    for part, bursts, wave in zip(parts, said, sentences, strict=True):
        assert abs(len(part) / passing.rate_hz - len(wave) / BASE_HZ) < 1e-4
        heard = spans(part, passing.rate_hz)
        assert len(heard) == len(bursts)
        late_s = np.array(heard) - np.array(bursts)
        assert np.abs(late_s).max() < 0.03 and abs(late_s.mean()) < 0.01, late_s  # frames are 12 or 20 ms
