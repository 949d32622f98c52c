"""The ladder, with engines that fail as they are told: who speaks what, what is told, and that nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from e2a_sidecar.errors import SidecarError, Stopped
from e2a_sidecar.model import Line, Take, Warn, Word
from e2a_sidecar.speaking.check import check_take
from e2a_sidecar.speaking.engine import Engine, Transfers
from e2a_sidecar.speaking.ladder import IN_A_ROW, NOT_SPOKEN, Ladder

RATE_HZ = 16000
TEXT = "A sentence that takes a second or two."
GOOD = (np.sin(np.arange(2 * RATE_HZ) / 5) * 8000).astype(np.int16)
Fault = Callable[[Line], Take | None]


def silent(line: Line) -> Take:
    return Take(line.index, np.zeros(2 * RATE_HZ, np.int16), (), line.take)


def failed(line: Line) -> Take:
    return Take(line.index, GOOD[:0], (), line.take, ("failed",))


def dead(_line: Line) -> Take:
    raise SidecarError("device_unusable", "", device="cuda:0", reason="it fell off the bus")


@dataclass
class Scripted:
    """An engine with a fault for some lines; a batch is `size` lines, read ahead as a real one does."""

    device: str
    fault: Fault = lambda line: None
    size: int = 3
    name: str = "scripted"
    rate_hz: int = RATE_HZ
    identity: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    heard: list[tuple[int, int]] = field(default_factory=list)
    closed: bool = False

    def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
        source = iter(lines)
        while ahead := [line for line in (next(source, None) for _ in range(self.size)) if line is not None]:
            if stopped():
                raise Stopped
            takes = []
            for line in ahead:
                self.heard.append((line.index, line.take))
                takes.append(self.fault(line) or Take(line.index, GOOD, (), line.take))
            yield takes

    def transfers(self) -> Transfers:
        return Transfers(2, 2, 0) if self.device.startswith("cuda") else Transfers()

    def close(self) -> None:
        self.closed = True


class Opened:
    """Rungs by name; an error in place of an engine is raised."""

    def __init__(self, *rungs: Scripted | tuple[str, SidecarError]) -> None:
        self.rungs = {(r.device if isinstance(r, Scripted) else r[0]): r for r in rungs}
        self.asked: list[str] = []
        self.dropped: list[str] = []
        self.kept = ""

    def open(self, device: str) -> Engine:
        self.asked.append(device)
        rung = self.rungs[device]
        if isinstance(rung, Scripted):
            return rung
        raise rung[1]

    def drop(self, device: str) -> None:
        self.dropped.append(device)

    def rest(self, device: str) -> None:
        self.kept = device


@dataclass
class Outcome:
    takes: dict[int, Take]
    by: dict[int, str]
    warned: list[Warn]
    opened: Opened

    def flags(self, index: int) -> tuple[str, ...]:
        return self.takes[index].flags


def run(
    *rungs: Scripted | tuple[str, SidecarError],
    count: int = 10,
    chosen: bool = True,
    stopped: Callable[[], bool] = lambda: False,
    tried_before: frozenset[int] = frozenset(),
) -> Outcome:
    warned: list[Warn] = []
    opened = Opened(*rungs)
    ladder = Ladder(list(opened.rungs), opened, warned.append, chosen)
    takes: dict[int, Take] = {}
    by: dict[int, str] = {}
    lines = [Line(i, TEXT, f"{i:064x}") for i in range(count)]
    for batch in ladder.speak(lines, lambda line, take: check_take(take, line.text, RATE_HZ), stopped, tried_before):
        for take in batch.takes:
            assert take.index not in takes, "a line came out twice"
            takes[take.index], by[take.index] = take, batch.engine.device
    assert sorted(takes) == list(range(count))
    return Outcome(takes, by, warned, opened)


def when(indexes: Sequence[int], fault: Fault, takes: Sequence[int] = (0, 1, 2)) -> Fault:
    return lambda line: fault(line) if line.index in indexes and line.take in takes else None


def test_a_good_book_is_spoken_by_the_first_rung_without_a_word() -> None:
    got = run(Scripted("cuda:0"), Scripted("cpu"))
    assert set(got.by.values()) == {"cuda:0"} and not got.warned and not any(t.flags for t in got.takes.values())


@pytest.mark.parametrize("fault", [silent, failed], ids=["silent", "failed"])
def test_a_faulty_take_is_spoken_again_by_the_same_device(fault: Fault) -> None:
    got = run(Scripted("cuda:0", when([4], fault, takes=[0])), Scripted("cpu"))
    assert got.by[4] == "cuda:0" and got.flags(4) == ("again",) and got.takes[4].take == 1
    assert not got.warned


@pytest.mark.parametrize("fault", [silent, failed], ids=["silent", "failed"])
def test_what_the_device_cannot_speak_is_spoken_by_the_cpu_and_the_rest_by_the_device(fault: Fault) -> None:
    cpu = Scripted("cpu")
    got = run(Scripted("cuda:0", when([2, 7], fault)), cpu)
    assert {i for i, device in got.by.items() if device == "cpu"} == {2, 7}
    assert got.flags(2) == got.flags(7) == ("again", "cpu") and cpu.heard == [(2, 2), (7, 2)]


def test_what_nobody_can_speak_is_kept_with_its_flags_and_the_book_goes_on() -> None:
    got = run(Scripted("cuda:0", when([3], silent)), Scripted("cpu", when([3], silent)))
    assert got.flags(3) == ("silent",) and len(got.takes[3].samples) == 2 * RATE_HZ


def test_the_better_of_two_faulty_takes_is_kept() -> None:
    def worse(line: Line) -> Take:
        return silent(line) if line.take == 1 else failed(line)

    got = run(Scripted("cpu", when([3], worse)))
    assert got.flags(3) == ("silent",) and got.takes[3].take == 1


def test_on_a_cpu_alone_takes_are_tried_and_then_reported() -> None:
    cpu = Scripted("cpu", when([0], silent))
    got = run(cpu)
    assert [take for index, take in cpu.heard if index == 0] == [0, 1, 2] and got.flags(0) == ("silent",)


def test_a_device_that_dies_leaves_the_rest_to_the_next_and_keeps_what_is_done() -> None:
    gpu, other, cpu = Scripted("cuda:0", when([5], dead)), Scripted("cuda:1"), Scripted("cpu")
    got = run(gpu, other, cpu)
    assert [got.by[i] for i in range(10)] == ["cuda:0"] * 3 + ["cuda:1"] * 7
    assert got.opened.dropped == ["cuda:0"]
    assert [(w.code, w.params) for w in got.warned] == [("device_lost", {"device": "cuda:0", "reason": "it fell off the bus", "next": "cuda:1"})]
    assert other.heard[:2] == [(3, 0), (4, 0)], "in order, the first take still"


def test_every_device_may_die_but_the_last() -> None:
    got = run(Scripted("cuda:0", when([1], dead)), Scripted("cuda:1", when([4], dead)), Scripted("cpu"))
    assert got.by[9] == "cpu" and [w.params["next"] for w in got.warned] == ["cuda:1", "cpu"]
    with pytest.raises(SidecarError, match="device_unusable"):
        run(Scripted("cuda:0", when([1], dead)), Scripted("cpu", when([4], dead)))


def test_a_device_whose_sound_only_the_cpu_can_mend_is_left() -> None:
    gpu = Scripted("cuda:0", when(range(100), silent))
    got = run(gpu, Scripted("cpu"), count=60)
    assert set(got.by.values()) == {"cpu"} and [w.code for w in got.warned] == ["device_lost"]
    assert len({index for index, _ in gpu.heard}) < 60


def test_a_runtime_that_fails_again_and_again_is_left_to_the_other_one() -> None:
    got = run(Scripted("cpu", when(range(5, 100), failed)), Scripted("cpu-torch"), count=40)
    assert {got.by[i] for i in range(5, 40)} == {"cpu-torch"} and not any("failed" in t.flags for t in got.takes.values())
    assert [w.code for w in got.warned] == ["device_lost"] and len([i for i in range(40) if got.flags(i) == ("again", "cpu")]) < IN_A_ROW + 3
    with pytest.raises(SidecarError, match="speech_failed"):
        run(Scripted("cpu", when(range(5, 100), failed)), count=40)


def test_a_voice_that_never_gives_a_sound_ends_the_work_and_a_silent_stretch_does_not() -> None:
    with pytest.raises(SidecarError) as caught:
        run(Scripted("cpu", silent), count=40)
    assert caught.value.code == "speech_failed" and caught.value.params["reason"] == "it gives no sound"
    got = run(Scripted("cpu", when(range(5, 35), silent)), count=40)
    assert sum("silent" in t.flags for t in got.takes.values()) == 30


UNSUPPORTED = SidecarError("voice_unsupported", "", voice="v", reason="it is built otherwise")
TAKEN = SidecarError("device_unusable", "", device="cuda:0", reason="its memory is taken by other programs")


def test_a_runtime_that_cannot_speak_the_voice_is_passed_and_told() -> None:
    got = run(("cuda:0", UNSUPPORTED), Scripted("cpu"))
    assert set(got.by.values()) == {"cpu"}
    assert [(w.code, w.params["device"], w.params["next"]) for w in got.warned] == [("voice_other_runtime", "cuda:0", "cpu")]


def test_what_an_engine_says_of_itself_is_told_once() -> None:
    gpu = Scripted("cuda:0", when([3], silent))
    vars(gpu)["warnings"] = (Warn("half_not_exact", {"device": "cuda:0", "db": 39.0}),)
    assert [w.code for w in run(gpu, Scripted("cpu")).warned] == ["half_not_exact"]


def test_where_no_runtime_can_the_first_ones_reason_is_told() -> None:
    other = SidecarError("voice_unsupported", "", voice="v", reason="not here either")
    with pytest.raises(SidecarError) as caught:
        run(("cuda:0", UNSUPPORTED), ("cpu", other))
    assert caught.value is UNSUPPORTED


def test_a_device_that_was_asked_for_by_name_and_cannot_be_used_is_an_error_one_that_was_not_is_passed() -> None:
    with pytest.raises(SidecarError, match="device_unusable"):
        run(("cuda:0", TAKEN), Scripted("cpu"))
    got = run(("cuda:0", TAKEN), Scripted("cpu"), chosen=False)
    assert [w.code for w in got.warned] == ["device_left"] and set(got.by.values()) == {"cpu"}


def test_where_the_cpu_cannot_help_out_the_device_tries_once_more() -> None:
    gpu = Scripted("cuda:0", when([2], silent))
    got = run(gpu, ("cpu", UNSUPPORTED))
    assert got.flags(2) == ("silent",) and [take for index, take in gpu.heard if index == 2] == [0, 1, 2]


def test_a_line_without_anything_to_pronounce_is_not_asked_for_again() -> None:
    cpu = Scripted("cpu", when([1], lambda line: Take(line.index, GOOD[:0], (), line.take, ("unpronounceable",))))
    got = run(cpu)
    assert got.flags(1) == ("unpronounceable",) and cpu.heard.count((1, 0)) == 1 and (1, 1) not in cpu.heard


def test_a_line_that_an_engine_never_speaks_is_an_error_and_no_endless_wait() -> None:
    class Forgetful(Scripted):
        def speak(self, lines: Iterable[Line], stopped: Callable[[], bool]) -> Iterator[list[Take]]:
            for batch in super().speak(lines, stopped):
                yield [take for take in batch if take.index != 1]

    with pytest.raises(SidecarError, match="1 lines"):
        run(Forgetful("cpu"))


def test_stopping_goes_through_while_the_cpu_helps_out_too() -> None:
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 4

    with pytest.raises(Stopped):
        run(Scripted("cuda:0", when(range(10), silent)), Scripted("cpu", size=1), stopped=stopped)


def test_the_engine_that_is_kept_is_the_one_that_speaks_and_its_transfers_are_told() -> None:
    opened = Opened(Scripted("cuda:0", when([5], dead)), Scripted("cpu"))
    ladder = Ladder(["cuda:0", "cpu"], opened, lambda warning: None, chosen=True)
    lines = [Line(i, TEXT, str(i)) for i in range(9)]
    assert sum(len(batch.takes) for batch in ladder.speak(lines, lambda line, take: (), lambda: False)) == 9
    ladder.rest()
    assert opened.kept == "cpu" and ladder.transfers() == Transfers(2, 2, 0)


def test_a_device_that_dies_at_its_first_sentence_leaves_the_book_to_whoever_can_be_used() -> None:
    got = run(Scripted("cuda:0", dead), ("cuda:1", SidecarError("device_unusable", "", device="cuda:1", reason="it is gone too")), Scripted("cpu"))
    assert set(got.by.values()) == {"cpu"} and [w.code for w in got.warned] == ["device_lost", "device_left"]


def without_length(line: Line) -> Take:
    """As of a voice whose predicted durations are absurd: nothing is decoded."""
    return Take(line.index, GOOD[:0], (), line.take, ("too_long",))


def nothing_to_say(line: Line) -> Take:
    return Take(line.index, GOOD[:0], (), line.take, ("unpronounceable",))


def test_a_voice_whose_sentences_all_come_out_without_samples_is_no_voice() -> None:
    with pytest.raises(SidecarError, match="speech_failed"):
        run(Scripted("cpu", without_length), count=40)
    got = run(Scripted("cpu", when([3], without_length)))
    assert got.flags(3) == ("too_long", "empty") and not NOT_SPOKEN.isdisjoint(got.flags(3))


def without_end(line: Line) -> Take:
    return Take(line.index, np.tile(GOOD, 60), (Word(0.0, 120.0, 0, 1),), line.take)


def test_of_a_take_without_end_nothing_is_kept_and_a_voice_of_such_is_none() -> None:
    got = run(Scripted("cpu", when([3], without_end)))
    assert got.flags(3) == ("too_long", "empty") and len(got.takes[3].samples) == 0 and got.takes[3].words == ()
    with pytest.raises(SidecarError, match="speech_failed"):
        run(Scripted("cpu", without_end), count=40)


def test_a_line_without_anything_to_pronounce_says_nothing_of_the_voice() -> None:
    with pytest.raises(SidecarError, match="speech_failed"):
        run(Scripted("cpu", lambda line: nothing_to_say(line) if line.index % 5 == 0 else silent(line)), count=40)


def test_lines_that_failed_in_an_earlier_run_may_fail_again_and_end_nothing() -> None:
    fault = when(range(20), failed)
    with pytest.raises(SidecarError, match="speech_failed"):
        run(Scripted("cpu", fault), count=30)
    got = run(Scripted("cpu", fault), count=30, tried_before=frozenset(range(20)))
    assert [i for i in range(30) if got.flags(i) == ("failed",)] == list(range(20))


@pytest.mark.parametrize("code", ["voice_unsupported", "voice_broken", "disk_full"])
def test_a_cpu_that_cannot_help_out_is_not_loaded_for_each_sentence_and_ends_no_book(code: str) -> None:
    helper = SidecarError(code, "", voice="v", reason="no", path="", need_mb=1, have_mb=0)
    got = run(Scripted("cuda:0", when(range(0, 60, 6), silent)), ("cpu", helper), count=60)
    assert set(got.by.values()) == {"cuda:0"} and got.opened.asked.count("cpu") == 1
    assert [i for i in range(60) if got.flags(i) == ("silent",)] == list(range(0, 60, 6))


def test_a_rung_whose_engine_has_a_name_of_its_own_is_no_help_of_the_cpu() -> None:
    opened = Opened(Scripted("cpu"))
    opened.rungs["cuda:0"] = opened.rungs["cpu"]  # as espeak, which speaks on the CPU whatever was asked for
    ladder = Ladder(["cuda:0"], opened, lambda warning: None, chosen=True)
    batches = list(ladder.speak([Line(i, TEXT, str(i)) for i in range(30)], lambda line, take: (), lambda: False))
    assert not any(take.flags for batch in batches for take in batch.takes) and ladder.device == "cpu"


def test_of_two_faulty_takes_the_one_with_a_sound_is_kept_and_its_speaker_told() -> None:
    def clipped(line: Line) -> Take:
        return Take(line.index, (np.sign(GOOD[: len(GOOD) // 2]) * 32767).astype(np.int16), (), line.take)

    got = run(Scripted("cuda:0", when([3], lambda line: clipped(line) if line.take == 0 else silent(line))), Scripted("cpu", silent))
    assert got.flags(3) == ("clipped",) and got.by[3] == "cuda:0"
    assert {index for index, device in got.by.items() if device == "cpu"} == set()


def test_a_book_that_is_begun_again_knows_nothing_of_what_waited_for_the_cpu() -> None:
    gpu = Scripted("cuda:0", when([0, 1, 2], silent))
    opened = Opened(gpu, Scripted("cpu", size=1))
    ladder = Ladder(list(opened.rungs), opened, lambda warning: None, chosen=True)

    def check(line: Line, take: Take) -> tuple[str, ...]:
        return check_take(take, line.text, RATE_HZ)

    first = ladder.speak([Line(i, TEXT, str(i)) for i in range(9)], check, lambda: False)
    assert [take.index for take in next(first).takes] == [0], "1 and 2 wait for the CPU"
    first.close()
    second = ladder.speak([Line(i, TEXT, str(i)) for i in range(3, 12)], check, lambda: False)
    assert sorted(take.index for batch in second for take in batch.takes) == list(range(3, 12))


@pytest.mark.parametrize("flag", ["too_long", "nan"])
def test_a_line_of_which_a_part_is_missing_is_spoken_again(flag: str) -> None:
    """One in pieces, of which the voice's durations were absurd for one: the others are long enough to pass for all of it."""
    got = run(Scripted("cpu", when([3], lambda line: Take(line.index, GOOD, (), line.take, (flag,)), takes=[0])))
    assert got.flags(3) == ("again",) and got.takes[3].take == 1
