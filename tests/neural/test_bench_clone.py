"""`build.py bench --clone` with small converters: all sides speak, every figure is there; and a clone is heard apart from what is no likeness."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
import tiny_converters
import tiny_converters_more
import torch
from e2a_sidecar.reading.book import read_book
from e2a_sidecar.voices.clone import open_converter
from e2a_sidecar.voices.voice import Voice

from build_steps import bench, bench_clone, bench_quality, bench_rounds
from build_steps.bench_sides.clone_prepare import of_converter
from build_steps.bench_sides.lines import chosen
from build_steps.bench_sides.prepare import as_wire
from build_steps.console import Console
from build_steps.sample import sample_bundle

PYTHON = Path(sys.executable)


def test_all_sides_speak_and_every_figure_is_there(tmp_path: Path, voices: Callable[[str], Voice], cache: Path) -> None:
    cache.mkdir(exist_ok=True)
    (tmp_path / "graphs").symlink_to(cache, target_is_directory=True)
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


@pytest.fixture
def listeners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bench_quality.Listeners:
    """In place of Resemblyzer and whisper, whose weights tests do not fetch: one hears a voice by how its sound is spread over the frequencies, the other
    knows which lines are spoken, and hears neither the first nor the last word of a clone's."""
    (tmp_path / "resemblyzer.py").write_text(
        "import numpy as np\n"
        "class VoiceEncoder:\n"
        "    def __init__(self, device, verbose): pass\n"
        "    def embed_utterance(self, wave):\n"
        "        frames = wave[: len(wave) // 1024 * 1024].reshape(-1, 1024)\n"
        "        bands = np.abs(np.fft.rfft(frames * np.hanning(1024), axis=1)).mean(0)[1:257]\n"
        "        return bands / np.linalg.norm(bands)\n"
    )
    (tmp_path / "lines.json").write_text(json.dumps(spoken_lines(tmp_path / "book")), encoding="utf-8")
    (tmp_path / "faster_whisper.py").write_text(
        "import json\n"
        "from pathlib import Path\n"
        "from types import SimpleNamespace\n"
        "lines = json.loads(Path(__file__).with_name('lines.json').read_text(encoding='utf-8'))\n"
        "class WhisperModel:\n"
        "    def __init__(self, folder, **how): assert (Path(folder) / 'model.bin').exists()\n"
        "    def transcribe(self, path, language, **how):\n"
        "        assert Path(path).stat().st_size > 1000 and language == 'en'\n"
        "        voice, number = Path(path).stem.split('-')\n"
        "        words = lines[int(number)].upper().split()\n"
        "        return [SimpleNamespace(text=' '.join(words if voice == 'base' else words[1:-1]))], None\n"
    )
    weights = tmp_path / "quality" / "whisper-base" / "model.bin"
    weights.parent.mkdir(parents=True)
    weights.touch()
    monkeypatch.setattr(bench_rounds, "_SEARCH", (*bench_rounds._SEARCH, tmp_path))
    return bench_quality.Listeners(PYTHON, tmp_path, PYTHON)


def spoken_lines(folder: Path) -> list[str]:
    return chosen([sentence.spoken for sentence in read_book(sample_bundle(folder)).sentences], 2)


def test_converters_stand_beside_one_another_by_likeness_words_and_speed(
    tmp_path: Path, voices: Callable[[str], Voice], listeners: bench_quality.Listeners
) -> None:
    """A recording of the same voice is liker than a clone with random weights; words that only the clone loses are only the clone's."""
    paths = [tmp_path / "one.flac", tmp_path / "two.flac"]
    for number, path in enumerate(paths):
        soundfile.write(path, tiny_converters.voice_like(8, 24_000, pitch_hz=180, seed=number), 24_000)
    fetched = {role: str(path) for role, path in tiny_converters_more.MAKERS["knnvc"](tmp_path / "fetched").items()}
    converters = {"freevc24": None, "knnvc": fetched}
    made, given = bench_quality.compared(
        listeners, as_wire(voices("piper")), converters, (paths[0], paths[1:]), tmp_path / "quality", sentences=2
    )
    words = sum(len(line.split()) for line in spoken_lines(tmp_path / "book"))
    for f in (made, given):
        likeness: dict[str, float] = f["likeness"]
        assert likeness["same"] > 0.95 > max(likeness[name] for name in ("clone", "base", "espeak"))
        assert 0 < likeness["halves"] <= 1 and {*likeness} == {"halves", "same", "clone", "base", "espeak", "strangers"}
        assert {*f["bandwidth_hz"]} == {"sample", "clone", "base", "espeak", "same"}
        assert (f["misheard_base"], f["misheard"]) == (0.0, round(4 / words, 4))
    assert made["likeness"]["clone"] != given["likeness"]["clone"]
    assert (made["trained"], made["xrt"], given["trained"]) == (False, None, True) and given["xrt"] > 0 and given["xrt_base"] > 0
    heading, *rows = bench_quality.report(json.loads(json.dumps([made, given]))).splitlines()
    assert "freevc24, random weights" in heading and heading.endswith("knnvc")
    told = {row[: row.index("  ")]: row for row in rows[1:]}
    assert f"{4 / words:.1%}" in told["words misheard: the clone"] and "0.0%" in told["words misheard: the base voice"]
    assert "–" in told["speed: the clone"] and f"{given['xrt']:.2f} x real time" in told["speed: the clone"]


def test_quality_wants_a_recording(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.bench(["--clone", "--quality"])
    assert "--sample" in capsys.readouterr().err
