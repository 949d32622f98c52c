"""The machine; whatever holds speech, out of the device; and every kind of voice on the device against the CPU."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import tiny_voices
import torch
from e2a_sidecar.speaking.host import to_host
from e2a_sidecar.speaking.processor import processor_name
from e2a_sidecar.voices.voice import Voice

from gpu import stand_in
from gpu.lines import made_up_lines
from gpu.outcome import Outcome, Skipped
from gpu.speaking import Setup, Speaker, compared, loader

TESTS: Final = Path(__file__).resolve().parents[1]
VOICES: Final[dict[str, Callable[[Path], Voice]]] = {
    "coqui, 2 speakers": lambda path: tiny_voices.coqui_voice(path, replace(tiny_voices.TINY, speakers=2), phonemes=False),
    "coqui, d-vectors, 2 languages": lambda path: tiny_voices.coqui_voice(
        path, replace(tiny_voices.TINY_HIGH, speakers=2), d_vectors=True, languages=("en-us", "fr-fr"), phonemes=False
    ),
    "coqui, no sdp": lambda path: tiny_voices.coqui_voice(path, sdp=False, phonemes=False),
    "piper": tiny_voices.piper_voice,
    "piper, high, 3 speakers": lambda path: tiny_voices.piper_voice(path, replace(tiny_voices.TINY_HIGH, speakers=3)),
}
DTYPES: Final = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int16)
SHAPES: Final[dict[str, Callable[[torch.Tensor], torch.Tensor]]] = {
    "1-D": lambda x: x,
    "2-D": lambda x: x.reshape(2, 3),
    "empty": lambda x: x[:0],
    "every second": lambda x: x.repeat_interleave(2)[::2],
    "transposed": lambda x: x.reshape(2, 3).T,
}
HOLDERS: Final[dict[str, Callable[[torch.Tensor, torch.device], Any]]] = {
    "list of numbers": lambda x, device: x.tolist(),
    "ndarray": lambda x, device: x.float().numpy(),
    "tensor on the device": lambda x, device: x.to(device),
    "list of the device's tensors": lambda x, device: list(x.to(device)),
    "list of the device's scalars": lambda x, device: list(x.to(device).reshape(-1)),
}
_PACKAGES: Final = ("torch", "coqui-tts", "numpy", "piper-tts", "onnx", "soundfile")


def machine(setup: Setup) -> Outcome:
    """What this ran on."""
    figures: dict[str, Any] = {
        "device": setup.device,
        "processor": processor_name(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "cuda": torch.version.cuda,
        "hip": torch.version.hip,
    }
    if not setup.real_cuda:
        return Outcome(True, f"{processor_name()}, torch {torch.__version__}", figures)
    properties = torch.cuda.get_device_properties(setup.target)
    figures |= {
        "card": properties.name,
        "capability": f"{properties.major}.{properties.minor}",
        "memory_mb": properties.total_memory // 10**6,
        "multiprocessors": properties.multi_processor_count,
        "driver": _driver(),
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        "code_for": torch.cuda.get_arch_list(),
    }
    return Outcome(True, f"{properties.name}, driver {figures['driver']}, torch {torch.__version__}", figures)


def boundary(setup: Setup) -> Outcome:
    """`to_host` of whatever holds speech: flat NumPy with the same values."""
    tried, wrong = 0, []
    for dtype in DTYPES:
        for shape, reshaped in SHAPES.items():
            values = reshaped((torch.arange(6) - 2).to(dtype))
            for holder, held in HOLDERS.items():
                if setup.target.type == "mps" and dtype == torch.float64:  # Metal knows none
                    continue
                out = to_host(held(values, setup.target))
                tried += 1
                if not isinstance(out, np.ndarray) or out.ndim != 1 or out.dtype not in (np.float32, np.int16) or out.tolist() != values.flatten().tolist():
                    wrong.append(f"{holder}, {dtype}, {shape}")
    return Outcome(not wrong, f"{tried} kinds of what holds speech, {len(wrong)} wrong", {"tried": tried, "wrong": wrong})


def matrix(setup: Setup) -> Outcome:
    """Every kind of voice, by random weights: on the device as on the CPU, with two reads and two uploads a batch."""
    lines = made_up_lines(6, most_words=12)
    figures: dict[str, Any] = {}
    for name, make in VOICES.items():
        if name.startswith("piper") and stand_in.stands_in():
            figures[name] = "not made: piper-tts, which makes it, is not installed"
            continue
        with tempfile.TemporaryDirectory() as folder:
            voice = make(Path(folder))
            load = loader(replace(voice, speaker="p1") if "speakers" in name or "d-vectors" in name else voice, lines)
            right = Speaker.alone(load()).speak(lines.lines)
            spoken = Speaker.batched(load(), setup.device).speak(lines.lines)
        result = compared(spoken.takes, right.takes)
        figures[name] = {"ok": result.ok and spoken.crossings_fit, **asdict(result), "transfers": asdict(spoken.transfers)}
    spoke = [found for found in figures.values() if isinstance(found, dict)]
    worst = max((found["largest"] for found in spoke), default=0.0)
    good = sum(found["ok"] for found in spoke)
    return Outcome(bool(spoke) and good == len(spoke), f"{good} of {len(spoke)} voices as on the CPU, {worst:.1e} apart at most", figures)


def tests(setup: Setup) -> Outcome:
    """The project's own tests that ask for a CUDA device, where pytest is; their output goes to tests.txt."""
    if not setup.real_cuda:
        raise Skipped("there is no CUDA or ROCm device")
    missing = [name for name in ("pytest", "piper") if find_spec(name) is None or (name == "piper" and stand_in.stands_in())]
    if missing:
        raise Skipped(f"{' and '.join(missing)} is not installed")
    command = [sys.executable, "-X", "utf8", "-m", "pytest", "-q", "-rs", "-W", "default", "-k", "cuda", "tests/neural/test_matrix.py"]
    finished = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, check=False)
    (setup.out / "tests.txt").write_text(finished.stdout + finished.stderr, encoding="utf-8")
    last = (finished.stdout.strip().splitlines() or [""])[-1]
    return Outcome(finished.returncode == 0 and " passed" in last and "skipped" not in last, last, {"code": finished.returncode})


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except PackageNotFoundError:
        return None


def _driver() -> str:
    """Of the card's driver, as far as somebody says it."""
    try:
        asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout.split()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        path = Path("/sys/module/amdgpu/version" if torch.version.hip else "/proc/driver/nvidia/version")
        return path.read_text(encoding="utf-8").splitlines()[0] if path.is_file() else "unknown"
