"""A chapter on the device: how fast, with how much memory and how many crossings, and how far from what the CPU says."""

from __future__ import annotations

import wave
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from e2a_sidecar.model import Samples, Take

from gpu.outcome import Outcome
from gpu.speaking import Setup, compared, sounding

COMPARED: Final = 20
"""Lines that the CPU speaks too: it is slow."""
HEARD_S: Final = 300
"""Of the chapter, kept to be listened to."""


def chapter(setup: Setup) -> Outcome:
    """All lines; the first of them once before, so that libraries are loaded."""
    lines = setup.lines.lines
    speaker = setup.on_device()
    cold = speaker.speak(lines[:1])
    if setup.real_cuda:
        torch.cuda.reset_peak_memory_stats(setup.target)
    spoken = speaker.speak(lines)
    figures: dict[str, Any] = {
        "voice": setup.voice,
        "lines": len(lines),
        "audio_s": round(spoken.audio_s, 2),
        "wall_s": round(spoken.wall_s, 3),
        "times_real_time": round(spoken.audio_s / spoken.wall_s, 1),
        "first_line_cold_s": round(cold.wall_s, 3),
        "batches": spoken.batches,
        "reads": spoken.reads,
        "uploads": spoken.uploads,
        "transfers_of_first_batch": asdict(spoken.transfers),
        "flags": spoken.flags(),
        "peak_device_mb": torch.cuda.max_memory_allocated(setup.target) // 10**6 if setup.real_cuda else None,
    }
    rate_hz = speaker.engine.rate_hz
    figures["heard"] = kept(setup.out, [spoken.takes[line.index] for line in lines if line.index in spoken.takes], rate_hz)
    speaker.engine.close()
    on_cpu = setup.on_cpu().speak(lines[:COMPARED])
    result = compared(spoken.takes, on_cpu.takes)
    figures["against_the_cpu"] = {"ok": result.ok, **asdict(result)}
    figures["cpu_times_real_time"] = round(on_cpu.audio_s / on_cpu.wall_s, 1)
    whole = sorted(spoken.takes) == [line.index for line in lines] and sounding(list(spoken.takes.values()))
    words = (
        f"{spoken.audio_s:.0f} s of speech in {spoken.wall_s:.1f} s: {figures['times_real_time']} x real time; {spoken.batches} batches, "
        f"{spoken.reads} reads, {spoken.uploads} uploads; {result.largest:.1e} from the CPU, {len(result.wrong)} of {result.lines} lines wrong"
    )
    return Outcome(whole and result.ok and spoken.crossings_fit, words, figures)


def kept(out: Path, takes: list[Take], rate_hz: int, name: str = "heard") -> str:
    """The beginning of what was spoken as a file; its name, with what kind it is."""
    pause = np.zeros(rate_hz // 3, dtype=np.int16)
    samples: Samples = np.concatenate([part for take in takes for part in (take.samples, pause)])[: HEARD_S * rate_hz]
    if find_spec("soundfile") is not None:
        import soundfile  # type: ignore[import-untyped]

        soundfile.write(out / f"{name}.flac", samples, rate_hz)
        return f"{name}.flac"
    with wave.open(str(out / f"{name}.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())
    return f"{name}.wav"
