"""`build.py bench --clone` with small converters: all sides speak, every figure is there; and a clone is heard apart from what is no likeness."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
import tiny_converters
import torch
from e2a_sidecar.voices.clone import open_converter
from e2a_sidecar.voices.voice import Voice

from build_steps import bench, bench_clone, bench_likeness
from build_steps.bench_sides.clone_prepare import of_converter
from build_steps.bench_sides.prepare import as_wire
from build_steps.console import Console

PYTHON = Path(sys.executable)


def test_all_sides_speak_and_every_figure_is_there(tmp_path: Path, voices: Callable[[str], Voice]) -> None:
    plan = bench_clone.ClonePlan(PYTHON, tmp_path, sentences=1, rounds=1, full=False)
    f = bench_clone.measured(plan, as_wire(voices("piper")), "freevc24", Console())
    assert {key for key, value in f.items() if value is None} == {"device_mb"}
    assert all(f["time"][part] > 0 for part in ("base", "resampling", "listening", "turning", "vocoder"))
    assert sum(f["time"].values()) == pytest.approx(1.0, abs=0.01) and 0 <= f["time"]["other"] < 0.5
    assert {*f["each_round"]} >= {"ours", "base", "coqui", "coqui-kept"} and all(len(rounds) == 1 for rounds in f["each_round"].values())
    assert (f["host_copies_per_batch"], f["uploads_per_batch"], f["hidden_syncs"]) == (2, 3, 0)
    audio = [answers[0][0] for side, answers in f["each_round"].items() if side not in ("ours", "base")]
    assert max(audio) < 1.3 * min(audio)  # the same lines, whichever way
    assert "freevc24" in bench_clone.report([json.loads(json.dumps(f))])


def test_the_operations_are_those_that_the_shapes_have(tmp_path: Path) -> None:
    """A HiFi-GAN's, by hand: of each convolution 2 x kernel x channels in x channels out, so often a second."""
    clone = tiny_converters.clone_of(tiny_converters.sample(tmp_path / "sample.flac"), "freevc24", tiny_converters.freevc(tmp_path / "freevc24"))
    converter = open_converter(clone, torch.device("cpu"))
    counted = of_converter(converter)
    rate, channels, operations = 50, 32, 2 * 7 * 16 * 32 * 50.0
    for step, kernel in ((10, 16), (6, 16), (4, 4), (2, 4)):
        operations += 2 * kernel * channels * (channels // 2) * rate
        rate, channels = rate * step, channels // 2
        operations += sum(6 * 2 * size * channels * channels * rate for size in (3, 7))
    operations += 2 * 7 * channels * rate
    assert counted["vocoder"] * 1e9 == pytest.approx(operations, rel=0.01)
    assert counted["listening"] > 0 and counted["turning"] > 0


def listener(folder: Path) -> Path:
    """In place of Resemblyzer, whose weights tests do not fetch: hears a voice by how its sound is spread over the frequencies."""
    (folder / "resemblyzer.py").write_text(
        "import numpy as np\n"
        "class VoiceEncoder:\n"
        "    def __init__(self, device, verbose): pass\n"
        "    def embed_utterance(self, wave):\n"
        "        frames = wave[: len(wave) // 1024 * 1024].reshape(-1, 1024)\n"
        "        bands = np.abs(np.fft.rfft(frames * np.hanning(1024), axis=1)).mean(0)[1:257]\n"
        "        return bands / np.linalg.norm(bands)\n"
    )
    return folder


def test_a_recording_of_the_same_voice_is_liker_than_a_clone_with_random_weights(tmp_path: Path, voices: Callable[[str], Voice]) -> None:
    paths = [tmp_path / "one.flac", tmp_path / "two.flac"]
    for number, path in enumerate(paths):
        soundfile.write(path, tiny_converters.voice_like(8, 24_000, pitch_hz=180, seed=number), 24_000)
    f = bench_likeness.compared(
        PYTHON, listener(tmp_path), as_wire(voices("piper")), "freevc24", (paths[0], paths[1:]), None, tmp_path / "quality", sentences=2
    )
    likeness: dict[str, float] = f["likeness"]
    assert likeness["same"] > 0.95 > max(likeness[name] for name in ("clone", "base", "espeak"))
    assert 0 < likeness["halves"] <= 1 and "strangers" in likeness and {*f["bandwidth_hz"]} == {"sample", "clone", "base", "espeak", "same"}
    assert f["trained"] is False and "random weights" in bench_likeness.report([f])


def test_quality_wants_a_recording(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.bench(["--clone", "--quality"])
    assert "--sample" in capsys.readouterr().err
