"""The command for a real graphics card, as far as it goes without one: a bare machine's, the fake accelerator's, and what it would find.

A voice speaks in most of these; the traces are written here as CUDA's profiler writes them.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from e2a_sidecar.speaking import device
from e2a_sidecar.speaking.device import Present
from e2a_sidecar.voices.voice import Voice
from fake_accelerator import FakeAccelerator
from fake_accelerator.device import DEVICE
from gpu import checks, failing, on_the_device, speeds
from gpu.lines import encoded_lines, made_up_lines, read_lines, write_lines
from gpu.outcome import Outcome
from gpu.speaking import Setup, loader
from gpu.traced import MARK, busy_share, crossings

from .conftest import TEXTS, loaded

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def arguments(voices: Callable[[str], Voice], tmp_path: Path) -> list[str]:
    """A voice, lines of its own phonemes, and where to write."""
    voice = voices("piper")
    texts = ["...", TEXTS[0], *(f"Number {n}." for n in range(8))]
    write_lines(tmp_path / "lines.json", encoded_lines(texts, loaded(voice).front_end))
    return ["--voice", str(voice.file("model")), "--lines", str(tmp_path / "lines.json"), "--out", str(tmp_path / "out")]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeAccelerator:
    """The fake as this computer's one card."""
    monkeypatch.setattr(device, "accelerators", lambda: [Present("cuda:0", "a fake")])
    return FakeAccelerator()


def figures(arguments: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(arguments[-1]) / "figures.json").read_text(encoding="utf-8"))["checks"]
    return found


def test_on_a_bare_machine_without_piper_and_without_a_card_all_else_is_tried(arguments: list[str]) -> None:
    without_piper = "import sys; sys.modules['piper'] = None; from gpu import on_the_device; sys.exit(on_the_device.main(sys.argv[1:]))"
    steps = "machine,tests,chapter,trace,memory"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "sidecar" / "src"), str(ROOT / "tests")))}
    command = [sys.executable, "-c", without_piper, "--device", "cpu-torch", "--steps", steps, *arguments]
    finished = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = figures(arguments)
    assert {name: check["ok"] for name, check in found.items()} == {"machine": True, "tests": None, "chapter": True, "trace": None, "memory": None}
    assert found["chapter"]["lines"] == 9 and found["chapter"]["audio_s"] > 5 and found["chapter"]["against_the_cpu"]["lines"] == 9
    out = Path(arguments[-1])
    with gzip.open(out / "trace.json.gz") as file:
        assert any(event.get("name") == MARK for event in json.load(file)["traceEvents"])
    assert (out / "heard.flac").stat().st_size > 10_000


def test_on_a_device_each_batch_crosses_four_times_and_says_what_the_cpu_says(arguments: list[str], fake: FakeAccelerator) -> None:
    with fake:
        assert on_the_device.main(["--steps", "boundary,chapter,nan", *arguments]) == 0
    chapter = figures(arguments)["chapter"]
    assert chapter["batches"] > 0 and chapter["reads"] == chapter["uploads"] == 2 * chapter["batches"]


def test_a_device_that_says_something_else_fails(arguments: list[str], fake: FakeAccelerator, capsys: pytest.CaptureFixture[str]) -> None:
    with fake:
        fake.faults.spoil(lambda x: x * 0.9, operation="tanh")
        assert on_the_device.main(["--steps", "machine,chapter", *arguments]) == 1
    assert not figures(arguments)["chapter"]["ok"] and figures(arguments)["machine"]["ok"]
    assert "FAILED" in capsys.readouterr().out


def test_a_device_that_cannot_be_used_is_told_with_its_reason(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert on_the_device.main(["--device", "xpu:7", *arguments]) == 1
    assert "xpu:7 cannot be used" in capsys.readouterr().out


def test_kinds_of_voices_are_made_and_compared(fake: FakeAccelerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "VOICES", {"coqui, 2 speakers": checks.VOICES["coqui, 2 speakers"]})
    with fake:
        outcome = checks.matrix(Setup("cuda:0", "", lambda: pytest.fail("no voice is needed"), made_up_lines(1), tmp_path))
    assert outcome.ok and "1 of 1" in outcome.words


def test_a_card_without_memory_speaks_in_smaller_batches(
    voices: Callable[[str], Voice], fake: FakeAccelerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def full(target: torch.device, leave: int) -> Iterator[int]:
        fake.faults.out_of_memory_above(250_000)
        yield leave
        fake.faults.out_of_memory_above(None)

    monkeypatch.setattr(failing, "nearly_full", full)
    monkeypatch.setattr(Setup, "real_cuda", property(lambda self: True))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda target: 0)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda target: 900 << 20)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda target: None)
    lines = made_up_lines(6, most_words=4)
    with fake:
        outcome = failing.memory(Setup("cuda:0", "", loader(voices("piper"), lines), lines, tmp_path))
    assert outcome.ok and outcome.figures["flags"]["halved"] and outcome.figures["left_mb"] == 300, outcome


def test_memory_is_taken_until_little_is_left_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    free = 3 * failing._CHUNK + 12345

    def allocated(size: int, **how: Any) -> torch.Tensor:
        if size == failing._CHUNK and len(taken) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        taken.append(size)
        return torch.zeros(1)

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda target: (free - sum(taken), free))
    monkeypatch.setattr(torch, "empty", allocated)
    with failing.nearly_full(DEVICE, 0) as left:
        assert taken == [failing._CHUNK] * 2 and left == failing._CHUNK + 12345
    taken.clear()
    with failing.nearly_full(DEVICE, failing._CHUNK + (100 << 20)) as left:
        assert left <= failing._CHUNK + (104 << 20) and len(taken) == 2


def test_a_card_and_its_libraries_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = SimpleNamespace(name="NVIDIA T4", major=7, minor=5, total_memory=16 * 10**9, multi_processor_count=40)
    monkeypatch.setattr(Setup, "real_cuda", property(lambda self: True))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda target: card)
    outcome: Outcome = checks.machine(Setup("cuda:0", "", lambda: pytest.fail("no voice is needed"), made_up_lines(1), tmp_path))
    assert outcome.ok and "NVIDIA T4" in outcome.words and outcome.figures["capability"] == "7.5" and outcome.figures["driver"]


def test_every_way_of_speaking_is_measured_on_a_card(
    voices: Callable[[str], Voice], fake: FakeAccelerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its memory is taken for measured; what is fast is not asked for, but that all of it runs and every figure is there."""
    shares: list[float] = [1.0]
    for name, instead in {
        "reset_peak_memory_stats": lambda target: None,
        "max_memory_allocated": lambda target: 3 << 20,
        "memory_allocated": lambda target: 0,
        "memory_reserved": lambda target: 0,
        "mem_get_info": lambda target: (80 * 10**9, 80 * 10**9),
        "get_per_process_memory_fraction": lambda target: shares[-1],
        "set_per_process_memory_fraction": lambda share, target: shares.append(share),
        "get_device_properties": lambda target: SimpleNamespace(total_memory=80 * 10**9),
    }.items():
        monkeypatch.setattr(torch.cuda, name, instead)
    monkeypatch.setattr(Setup, "real_cuda", property(lambda self: True))
    monkeypatch.setattr(speeds, "MEASURED_S", 0.001)
    monkeypatch.setattr(speeds, "matmul", lambda setup: {"float32": 1e-4, "half": 2e-4})
    lines = made_up_lines(2, most_words=3)
    with fake:
        outcome = speeds.speed(Setup("cuda:0", "tiny", loader(voices("piper"), lines), lines, tmp_path))
    given = outcome.figures["voices"]["given"]
    assert outcome.ok, outcome
    assert [(way["way"], way["precision"]) for way in given["ways"]] == [(way.name, way.precision) for way in speeds.ways(card=True)]
    assert not [way for way in given["ways"] if way["times_real_time"] <= 0 or way["share_of_limit"] <= 0 or way["warnings"]]
    assert [share for share in shares if share != 1.0] == [8 / 80, 3 / 80] * 2 and shares[-1] == 1.0
    assert given["half_db"] > 45 and given["half_let_through"] and given["coqui"]["lines"] > 0 and not given["targets"]["half"]["met"]
    assert (tmp_path / "heard_given_half.flac").stat().st_size > 1000


def trace(*events: tuple[str, str, float]) -> dict[str, Any]:
    """A trace with a mark from 100 to 200 and these (category, name, time)."""
    made = [{"ph": "X", "cat": category, "name": name, "ts": at, "dur": 1.0} for category, name, at in events]
    mark = {"ph": "X", "cat": "user_annotation", "name": MARK, "ts": 100.0, "dur": 100.0}
    return {"traceEvents": [mark, {"ph": "i", "name": "an instant"}, *made]}


READ = (("gpu_memcpy", "Memcpy DtoH (Device -> Pinned)", 150.0), ("cuda_runtime", "cudaEventSynchronize", 151.0))
UPLOAD = ("gpu_memcpy", "Memcpy HtoD (Pinned -> Device)", 140.0)
BATCH = (*READ, *READ, UPLOAD, UPLOAD)
OF_THE_PROFILER = ("cuda_runtime", "cudaDeviceSynchronize", 220.0)


@pytest.mark.parametrize(
    ("events", "batches", "fits"),
    [
        ((*BATCH, OF_THE_PROFILER, ("gpu_memcpy", "Memcpy DtoD (Device -> Device)", 150.0), ("kernel", "conv", 150.0)), 1, True),
        (BATCH * 3, 3, True),
        ((), 0, False),
        (BATCH, 2, False),
        ((*BATCH, READ[0]), 1, False),
        ((*BATCH, UPLOAD), 1, False),
        ((*BATCH, ("cuda_runtime", "cudaStreamSynchronize", 120.0)), 1, False),
        ((*BATCH, ("cuda_runtime", "cudaDeviceSynchronize", 120.0)), 1, False),
        ((*BATCH, READ[1]), 1, False),
        ((*READ, *READ, UPLOAD, ("gpu_memcpy", "Memcpy HtoD (Pageable -> Device)", 140.0)), 1, False),
    ],
)
def test_a_trace_shows_what_crossed_and_what_waited(events: tuple[tuple[str, str, float], ...], batches: int, fits: bool) -> None:
    assert crossings(trace(*events)).fit(batches) == fits


def test_a_trace_shows_how_busy_the_card_was() -> None:
    events = [("kernel", "conv", 0.0), ("kernel", "conv", 0.5), ("gpu_memcpy", "Memcpy DtoH", 3.0), ("cuda_runtime", "cudaLaunchKernel", 9.0)]
    assert busy_share(trace(*events)) == pytest.approx(2.5 / 4)
    assert busy_share(trace()) is None


def test_lines_come_back_from_their_file(voices: Callable[[str], Voice], tmp_path: Path) -> None:
    lines = encoded_lines(TEXTS, loaded(voices("piper")).front_end)
    write_lines(tmp_path / "lines.json", lines)
    assert read_lines(tmp_path / "lines.json").lines == lines.lines
    assert dict(read_lines(tmp_path / "lines.json").ids) == dict(lines.ids)
