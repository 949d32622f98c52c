"""`build.py bench`: every figure is what its name says, of rounds that favour nobody."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from build_steps import bench_student
from build_steps.bench_figures import figures, report
from build_steps.bench_rounds import Side, Turn, interleaved
from build_steps.bench_words import misheard, words

ABOUT = {"voice": "joe", "device": "cpu", "cores": 2, "sentences": 4}
OPERATIONS = {"gflop": {"encoder": 0.9, "flow": 1.2, "decoder": 3.9}, "gigabytes": 0.1}
LIMIT = {"matmul_gflops": 100.0, "bandwidth_gb_s": 20.0, "wall_s": 1.0, "cpu_s": 1.0, "peak_rss_mb": 1.0}
NAMED_BY_THE_ISSUE = {
    *("voice", "device", "ours_xrt", "coqui_xrt", "piper_xrt", "ratio_wall_1", "ratio_wall_best", "ratio_cpu", "ratio_piper", "ratio_piper_best"),
    *("limit_share", "limit_share_decoder", "peak_rss_mb", "host_copies_per_batch", "matmul_gflops", "bandwidth_gb_s", "cores", "time"),
}


def answers(*wall_s: float, cpu: float = 1.0, **more: Any) -> list[dict[str, Any]]:
    """Ten seconds of speech a round; cpu: CPU seconds a wall second."""
    return [{"audio_s": 10.0, "wall_s": wall, "cpu_s": wall * cpu, "peak_rss_mb": 300.0, **more} for wall in wall_s]


def found(**changes: Any) -> dict[str, Any]:
    """Ours on two cores: 20 x real time, 10 a CPU second; coqui 5 and with two threads 8 x; piper 12.5 x, once 20."""
    ours = answers(0.5, 0.5, 1.0, cpu=2.0, parts={"decoder": 0.6}, host_copies_per_batch=None, uploads_per_batch=None, hidden_syncs=None)
    rounds = {"ours": ours, "coqui": answers(2.0, 2.0, 9.0), "coqui-2": answers(1.25, 1.25, 1.25), "piper": answers(0.8, 0.8, 0.5), "limit": [LIMIT] * 3}
    conversion = {
        **answers(1.0, cpu=2.0)[0],
        "parts": {"phonemes": 0.02, "encoder": 0.28, "flow": 0.3, "decoder": 1.1, "gain": 0.1, "mastering": 0.06, "encoding": 0.08, "writing": 0.02},
    }
    return figures(ABOUT, {**rounds, **changes}, OPERATIONS, conversion)


def test_ratios_are_of_medians_and_the_best_of_each_ones_best_round() -> None:
    f = found()
    assert set(f) >= NAMED_BY_THE_ISSUE
    assert (f["ours_xrt"], f["coqui_xrt"], f["piper_xrt"]) == (20.0, 5.0, 12.5)
    assert (f["ratio_wall_1"], f["ratio_wall_best"], f["coqui_best_threads"]) == (4.0, 2.5, 2)
    assert f["ratio_cpu"] == 2.0  # 10 seconds of speech in one CPU second, against two
    assert (f["ratio_piper"], f["ratio_piper_best"]) == (1.6, 1.0)
    json.dumps(f)


def test_the_share_of_the_limit_is_the_voices_own_operations_a_cpu_second() -> None:
    f = found()
    assert f["limit_share"] == pytest.approx(10 * 6.0 / 100)
    assert f["limit_share_decoder"] == pytest.approx(10 / 0.6 * 3.9 / 100, abs=1e-3)
    assert f["limit_xrt_core"] == pytest.approx(16.667)
    assert f["memory_xrt"] == 200.0


def test_where_the_time_went_adds_up_and_the_gain_measured_once_is_no_share_of_a_book() -> None:
    f = found()
    assert sum(f["time"].values()) == pytest.approx(1.0)
    assert f["time"]["other"] == pytest.approx(0.02)
    assert f["not_speech_share"] == pytest.approx(0.2 / 1.9, abs=1e-3)


def test_what_was_not_there_is_null_and_no_row_of_the_table() -> None:
    f = found()
    assert f["sherpa_xrt"] is f["ratio_sherpa"] is f["host_copies_per_batch"] is None
    words = report([f])
    assert "ours : piper-tts" in words and "sherpa" not in words and "copies from the device" not in words
    assert "arithmetic is the limit" in words


def test_with_one_thread_best_coqui_is_not_said_to_be_slower() -> None:
    f = found(**{"coqui-2": answers(4.0, 4.0, 4.0)})
    assert (f["coqui_best_threads"], f["ratio_wall_best"]) == (1, f["ratio_wall_1"])


def test_on_a_graphics_card_nothing_is_said_of_the_processors_limit() -> None:
    ours = answers(0.5, parts={"phonemes": 0.1}, host_copies_per_batch=2, uploads_per_batch=2, hidden_syncs=0)
    f = found(ours=ours)
    assert f["limit_share"] is f["limit_share_decoder"] is f["time"] is f["not_speech_share"] is None
    assert f["host_copies_per_batch"] == 2
    assert "copies from the device a batch" in report([f])


class _Noted:
    """A side that notes when it was asked."""

    def __init__(self, order: list[str]) -> None:
        self.order = order

    def ask(self, do: str) -> dict[str, Any]:
        self.order.append(do)
        return {"said": do}


def test_a_student_is_compared_with_its_own_package() -> None:
    rounds = {"ours": answers(0.1, 0.1, 0.4, cpu=2.0), "package": answers(0.2, 0.2, 0.1)}
    conversion = {**answers(0.25, cpu=2.0)[0], "parts": {"network": 0.2, "spectra": 0.1, "phonemes": 0.01, "encoding": 0.1}}
    f = bench_student.figures({"voice": "heart"}, rounds, conversion)
    assert (f["ours_xrt"], f["package_xrt"], f["ratio"], f["conversion_xrt"], f["ours_cpu_xrt"]) == (100.0, 50.0, 2.0, 40.0, 50.0)
    assert f["time"]["network"] == 0.4 and sum(f["time"].values()) == pytest.approx(1.0)
    assert "hibari-tts as it comes" in bench_student.report([f]) and "100.0 x real time" in bench_student.report([f])


def test_every_second_round_goes_backwards() -> None:
    order: list[str] = []
    side: Any = _Noted(order)
    told: list[int] = []
    got = interleaved([Turn(name, side, {"do": name}) for name in "abc"], 3, told.append)
    assert "".join(order) == "abccbaabc"
    assert got["b"] == [{"said": "b"}] * 3 and told == [1, 2, 3]


def test_a_side_that_cannot_start_says_why(tmp_path: Path) -> None:
    absent = {"id": "x", "kind": "piper", "files": {"model": str(tmp_path / "x.onnx"), "config": str(tmp_path / "x.json")}}
    with pytest.raises(SystemExit, match=r"(?s)piper ended:.*No such file"):
        Side(sys.executable, "piper", {"voice": absent}, tmp_path / "piper.log")


@pytest.mark.parametrize(
    ("said", "heard", "wrong"),
    [
        ("Mr. Bennet’s wife, of 23.", "Mister Bennet's wife of twenty-three", 0),
        ("The lamp went out.", "the lamb went out", 1),
        ("The lamp went out.", "The lamp out.", 1),
        ("The lamp went out.", "The old lamp went right out.", 2),
        ("The lamp went out.", "", 4),
        ("Out went the lamp.", "The lamp went out.", 4),
    ],
)
def test_a_word_is_misheard_where_another_none_or_one_too_many_was_heard(said: str, heard: str, wrong: int) -> None:
    assert misheard([said], [heard]) == pytest.approx(wrong / len(words(said)))


def test_words_are_counted_over_all_sentences() -> None:
    assert misheard(["one two three", "four"], ["one two", "five six"]) == pytest.approx(3 / 4)
