"""`build.py bench` with small voices: all sides speak, every figure is there, operations are those that the shapes have."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_voices
from e2a_sidecar.speaking.settings import SpeechSettings
from e2a_sidecar.speaking.vits_torch import load_voice
from e2a_sidecar.voices.voice import Voice

from build_steps import bench
from build_steps.bench_figures import report
from build_steps.bench_rounds import Side
from build_steps.bench_sides.lines import chosen
from build_steps.bench_sides.prepare import as_wire, operations
from build_steps.console import Console
from build_steps.sample import sample_bundle

PYTHONS = {"core": Path(sys.executable), "neural": Path(sys.executable)}
SHORT_BOOK = 2
"""Documents of the sample book."""
SHORT = "A short line is enough."


@pytest.mark.parametrize(("device", "name"), [("cpu", "piper, high, 3 speakers"), ("cpu-torch", "coqui, letters, no sdp")])
def test_all_sides_speak_and_every_figure_is_there(
    tmp_path: Path, voices: Callable[[str], Voice], cache: Path, device: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "sample_bundle", lambda folder, documents=None: sample_bundle(folder, SHORT_BOOK))
    cache.mkdir(exist_ok=True)
    (tmp_path / "graphs").symlink_to(cache, target_is_directory=True)
    plan = bench.Plan(PYTHONS, device, sentences=2, rounds=1, folder=tmp_path)
    f = bench.measured(plan, as_wire(voices(name)), Console())
    optional = {"sherpa_xrt", "ratio_sherpa"}
    if device == "cpu":
        optional |= {"host_copies_per_batch", "uploads_per_batch", "hidden_syncs"}
    if not name.startswith("piper"):
        optional |= {"piper_xrt", "ratio_piper", "ratio_piper_best", "piper_peak_rss_mb"}
    assert {key for key, value in f.items() if value is None} == optional
    assert all(f["time"][part] > 0 for part in ("encoder", "flow", "decoder", "mastering", "encoding", "writing"))
    assert 0 <= f["time"]["other"] < 1
    assert f["limit_share"] > 0 and f["limit_share_decoder"] > 0
    assert {side: len(rounds) for side, rounds in f["each_round"].items()}.items() >= {"ours": 1, "coqui": 1}.items()
    assert f["voice"] in report([json.loads(json.dumps(f))])


def test_the_operations_of_the_real_voice(joe: Voice) -> None:
    counted = operations(load_voice(joe, "en", SpeechSettings()), SHORT)
    assert counted["gflop"]["decoder"] == pytest.approx(3.91, abs=0.02)
    assert counted["gflop"]["flow"] == pytest.approx(1.22, abs=0.01)
    assert 0.3 < counted["gflop"]["encoder"] < 1.5  # by phonemes, of which a second holds more or fewer
    assert 0.05 < counted["gigabytes"] < 0.2


def test_the_operations_of_a_stock_voice(tmp_path: Path) -> None:
    counted = operations(load_voice(tiny_voices.coqui_voice(tmp_path, tiny_voices.STOCK, phonemes=False), "en", SpeechSettings()), SHORT)
    assert counted["gflop"]["decoder"] == pytest.approx(53, abs=0.1)
    assert counted["gflop"]["flow"] == pytest.approx(1.22, abs=0.01)


def test_lines_of_usual_length_stand_for_the_book() -> None:
    lines = ["a", "b" * 60, "c" * 50, "d" * 90, "e" * 300]
    assert chosen(lines, 2) == [lines[1], lines[3]]
    assert chosen(lines, 0) == lines


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg here")
@pytest.mark.parametrize("by", ["piper", "coqui"])
def test_a_plain_script_makes_an_audiobook(tmp_path: Path, voices: Callable[[str], Voice], by: str) -> None:
    text, out = tmp_path / "book.txt", tmp_path / "book.m4b"
    text.write_text("A Title\n\n***\n\nThe first sentence. And the\nsecond one.\n", encoding="utf-8")
    with Side(sys.executable, "script", {"by": by, "voice": as_wire(voices("piper"))}, tmp_path / "script.log") as side:
        made = side.ask(do="make", text=str(text), out=str(out))
    assert made["audio_s"] > 1 and made["wall_s"] > 0
    assert out.read_bytes()[4:8] == b"ftyp" and out.stat().st_size > 1000
