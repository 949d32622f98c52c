"""How far it is and how long it still takes: by rules, and held to real conversions that were recorded (record_timings.py)."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from e2a_sidecar.progress import NOTHING, ON_CORES, Encoded, Progress, Tracker
from record_timings import replay

TIMINGS = sorted((Path(__file__).parent / "timings").glob("*.json"))
RIGHT = 0.2
RIGHT_S = 2.0
SLOW_S = 4.0


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Run:
    """A tracker of a book of 10,000 characters in 100 sentences, and what it told. kept: sentences of an earlier run."""

    def __init__(self, device: str, cores: int = 4, kept: int = 0) -> None:
        self.sent: list[Progress] = []
        self.clock = Clock()
        self.tracker = Tracker(self.sent.append, self.clock, cores)
        self.tracker.book(10_000, 100, 3, fast=device not in ON_CORES)
        self.tracker.kept(100 * kept, kept, 0)
        self.device = device

    def speaking(self) -> None:
        self.tracker.speaking(self.device)

    def speak(self, seconds: float, characters: int, encoded: Encoded = NOTHING, chapter: int = 1, device: str = "") -> Progress:
        self.clock.now_s += seconds
        self.tracker.spoken(characters, characters // 100, audio_s=0.0, chapter=chapter, device=device or self.device, encoded=encoded)
        return self.sent[-1]


def test_the_time_left_is_by_the_speed_of_who_speaks_now() -> None:
    run = Run("cuda:0")
    run.speaking()
    for _ in range(5):
        last = run.speak(10, 1000)
    assert (last.left_s, last.device) == (50.0, "cuda:0")
    last = run.speak(60, 10, device="cpu")  # the device died; its successor was loaded meanwhile
    assert (last.left_s, last.device) == (None, "cpu"), "nothing is known of it yet"
    last = run.speak(99, 990, device="cpu")
    assert (last.left_s, last.sentences) == (400.0, 59)
    assert [p.done for p in run.sent] == sorted(p.done for p in run.sent)


def test_beside_a_fast_voice_no_time_left_is_told_before_the_encoder_has_shown_its_speed() -> None:
    run = Run("cuda:0")
    run.speaking()
    assert [run.speak(3, 500).left_s for _ in range(3)] == [None, None, None]
    assert run.speak(3, 500, Encoded(0.02, 2.0)).left_s == pytest.approx(98 + 1, abs=0.1), "the encoder's, which is the longer"


def test_a_machine_that_became_slower_is_believed() -> None:
    run = Run("cuda:0")
    run.speaking()
    for _ in range(20):
        run.speak(1, 100)
    for _ in range(20):
        last = run.speak(4, 100)
    assert last.left_s == pytest.approx(240.0, rel=0.05)


def test_an_encoder_that_is_slower_than_the_device_decides() -> None:
    run = Run("cuda:0")
    run.speaking()
    for n in range(1, 5):
        last = run.speak(2, 1000, Encoded(0.01 * n, 2.0 * n))
    assert last.left_s == pytest.approx(200 * 0.96 + 2, abs=0.1)
    run.tracker.stage("write")
    run.clock.now_s += 10
    run.tracker.written(Encoded(0.1, 20.0))
    assert run.sent[-1].left_s == pytest.approx(180 + 2, abs=0.1)


def test_on_the_cpu_the_encoder_takes_its_share_of_the_cores() -> None:
    """A stopped conversion goes on: at first the encoder has much to do, later nearly nothing."""
    run = Run("cpu", cores=1, kept=50)
    run.speaking()
    last = run.speak(10, 500, Encoded(0.5, 10.0))  # it took half of the only core, so 500 characters take five seconds
    assert last.left_s == pytest.approx(45 + 5 + 0.2, abs=0.1)


def test_what_an_earlier_run_has_spoken_is_done_from_the_beginning() -> None:
    run = Run("cpu", kept=40)
    began = run.sent[-1]
    assert (began.stage, began.sentences, began.of) == ("read", 40, 100) and 0.35 < began.done < 0.4
    run.speaking()
    told = [run.speak(10, 1000, Encoded(min(1.0, 0.3 + 0.1 * n), 1.0 + n)) for n in range(6)]
    assert (told[-1].sentences, told[-1].of) == (100, 100)
    steps = [after.done - before.done for before, after in pairwise([began, *told])]
    assert min(steps) > 0.05 and 0.9 < told[-1].done < 0.98, "it moves all the while, and what is to be encoded is left"


def test_where_the_encoder_is_as_slow_as_who_speaks_what_is_kept_is_half_done() -> None:
    run = Run("cuda:0", kept=100)
    assert run.sent[-1].done == pytest.approx(0.49)


def test_a_clip_that_was_lost_is_spoken_again_and_the_percentage_does_not_go_back() -> None:
    run = Run("cpu", kept=100)
    run.tracker.stage("write")
    run.clock.now_s += 2
    run.tracker.written(Encoded(0.5, 2.0))
    at = run.sent[-1].done
    run.tracker.kept(9000, 90, 0)
    run.speaking()
    assert (run.sent[-1].sentences, run.sent[-1].done) == (90, at)
    for _ in range(9):
        last = run.speak(1, 100)
    assert last.left_s == pytest.approx(1.0, abs=0.1)


def test_an_encoder_that_works_and_has_nothing_done_yet_is_no_fault() -> None:
    """At its beginning, and where it begins anew since the book came out too loud."""
    run = Run("cpu")
    run.speaking()
    run.speak(5, 2000)
    for encoded in (Encoded(0.0, 0.5), Encoded(0.2, 1.0)):
        run.speak(5, 2000, encoded)
    run.tracker.stage("write")
    for encoded in (Encoded(0.6, 3.0), Encoded(0.0, 0.0), Encoded(0.0, 0.1), Encoded(1.0, 5.0)):
        run.clock.now_s += 1
        run.tracker.written(encoded)
    assert [p.done for p in run.sent] == sorted(p.done for p in run.sent)


def test_a_book_of_which_all_is_spoken_is_only_written() -> None:
    run = Run("cpu", kept=100)
    run.tracker.stage("write")
    began = run.sent[-1]
    assert began.left_s is None and (began.sentences, began.of) == (100, 100) and began.done < 0.9
    run.clock.now_s += 2
    run.tracker.written(Encoded(0.25, 2.0))
    assert run.sent[-1].left_s == pytest.approx(6.1, abs=0.1) and run.sent[-1].done == pytest.approx(began.done + (0.98 - began.done) / 4, abs=0.001)
    run.clock.now_s += 6
    run.tracker.written(Encoded(1.0, 8.0))
    run.tracker.stage("verify")
    assert run.sent[-1].left_s is not None and run.sent[-1].left_s < 0.2 and run.sent[-1].done == 0.99


def test_the_chapter_is_the_furthest_that_was_spoken() -> None:
    run = Run("cpu")
    run.speaking()
    assert (run.sent[-1].chapter, run.sent[-1].chapters) == (0, 3)
    assert [run.speak(1, 100, chapter=chapter).chapter for chapter in (1, 2, 1, 3)] == [1, 2, 2, 3]


def test_what_is_spoken_is_told_by_characters_as_a_look_counts_them() -> None:
    sent: list[Progress] = []
    clock = Clock()
    tracker = Tracker(sent.append, clock, 2)
    tracker.book(9000, 100, 3, fast=False)
    tracker.kept(3000, 40, 1, (4000, 10_000))  # a refrain stands there twice
    tracker.stage("voice")
    assert (sent[-1].kept, sent[-1].spoken, sent[-1].characters) == (4000, 4000, 10_000)
    tracker.speaking("cpu")
    tracker.spoken(3000, 30, audio_s=60.0, chapter=2, device="cpu", encoded=NOTHING)
    tracker.stage("speak")
    assert (sent[-1].kept, sent[-1].spoken) == (4000, 7000)
    tracker.spoken(3000, 30, audio_s=120.0, chapter=3, device="cpu", encoded=NOTHING)
    tracker.stage("write")
    assert sent[-1].spoken == sent[-1].characters


def test_messages_come_a_few_a_second_and_a_new_stage_at_once() -> None:
    run = Run("cpu")
    run.tracker.stage("voice")
    run.speaking()
    for _ in range(100):
        run.speak(0.01, 10)
    assert len(run.sent) == 1 + 2 + 4


@pytest.mark.parametrize("path", TIMINGS, ids=lambda path: path.stem)
def test_the_time_left_is_right_after_the_first_tenth_of_real_conversions(path: Path) -> None:
    """The first tenth of what this run does: nothing of an earlier one's is in its time.

    And some seconds after a device began to speak, for it is slow at first. Where one died, after a tenth of what then was left.
    """
    recorded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    clock, told = Clock(), list[tuple[float, Progress]]()

    def set_clock(at_s: float) -> None:
        clock.now_s = at_s

    replay(recorded["events"], Tracker(lambda progress: told.append((clock.now_s, progress)), clock, recorded["cores"]), set_clock)
    end_s = recorded["duration_s"]
    begins_s = [at_s for at_s, name, *arguments in recorded["events"] if name == "speaking"]
    devices = [(at_s, arguments[4]) for at_s, name, *arguments in recorded["events"] if name == "spoken"]
    lost_s = next((at_s for (_, before), (at_s, device) in pairwise(devices) if device != before), 0.0)
    from_s = max(lost_s + (end_s - lost_s) / 10, max([lost_s, *begins_s]) + SLOW_S if devices else 0.0)
    checked = [(at_s, progress.left_s) for at_s, progress in told if at_s >= from_s]
    assert len(checked) > 10 and checked[0][0] < 0.35 * end_s and checked[-1][0] > 0.95 * end_s
    wrong = [(at_s, left_s, end_s - at_s) for at_s, left_s in checked if left_s is None or abs(left_s - (end_s - at_s)) > max(RIGHT_S, RIGHT * (end_s - at_s))]
    assert not wrong
    done = [progress.done for _, progress in told]
    assert done == sorted(done) and len(set(done)) > 10
    known = {name: arguments for _, name, *arguments in recorded["events"] if name in ("book", "kept")}
    share, began = known["kept"][0] / known["book"][0], next(progress for _, progress in told if progress.of)
    assert (0.45 if known["book"][3] else 0.85) * share <= began.done <= share and began.sentences == known["kept"][1], "what is kept is done at once"


@pytest.mark.parametrize("path", TIMINGS, ids=lambda path: path.stem)
def test_the_time_left_does_not_jump_up_from_its_first_word_to_the_end(path: Path) -> None:
    recorded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    clock, told = Clock(), list[Progress]()

    def set_clock(at_s: float) -> None:
        clock.now_s = at_s

    replay(recorded["events"], Tracker(told.append, clock, recorded["cores"]), set_clock)
    steps = [(before.left_s, after.left_s) for before, after in pairwise(told) if before.left_s is not None and after.left_s is not None]
    assert len(steps) > 10 and all(after <= 1.08 * before + 0.5 for before, after in steps)


def test_a_machine_that_is_busy_for_a_moment_does_not_raise_the_time_left() -> None:
    run = Run("cuda:0")
    run.speaking()
    for _ in range(20):
        before = run.speak(1, 100)
    busy = [run.speak(2, 20) for _ in range(2)]
    assert before.left_s and [told.left_s for told in busy] == [before.left_s - 2, before.left_s - 4], "it is counted down"


def test_conversions_of_every_kind_were_recorded() -> None:
    kinds = [json.loads(path.read_text("utf-8")) for path in TIMINGS]
    assert {kind["what"]["device"] for kind in kinds} >= {"cpu", "cpu-torch"}
    for voice in ("en_US-joe-medium", "heart"):
        assert {kind["what"]["known"] for kind in kinds if kind["what"]["voice"] == voice} >= {0.0, 0.5}, voice
    assert max(kind["audio_s"] for kind in kinds if kind["what"]["voice"] == "espeak") > 2 * 3600, "a whole book"
    assert any(kind["what"]["fall_after"] for kind in kinds)
    assert min(kind["audio_s"] for kind in kinds) < 1200 and max(kind["audio_s"] for kind in kinds) > 2 * 3600
