"""What the user sees of a conversion's progress."""

from __future__ import annotations

import io

import pytest

from plugin.converting.events import Progress
from plugin.converting.progress import NEARLY_ALL, SIDECAR_FROM, Step, Terminal, Told, clock, device_name, duration, fetching, of_sidecar, time_left


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (7.4, "0:07"), (61, "1:01"), (3599.6, "1:00:00"), (3723, "1:02:03")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (52.4, "52 s"), (59.6, "1 min 0 s"), (1912, "31 min 52 s"), (3599.6, "1 h 0 min"), (10803, "3 h 0 min"), (9251.8, "2 h 34 min")],
)
def test_a_windows_length_names_its_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(7.4, "7 s left"), (299.0, "4 min 59 s left"), (301.0, "5 min left"), (2117.0, "35 min left"), (3599.0, "1 h 0 min left"), (3880.0, "1 h 5 min left")],
)
def test_a_long_time_left_is_told_to_the_minute(seconds: float, text: str) -> None:
    assert time_left(seconds) == text


def test_a_line_says_stage_percentage_and_time_left_and_a_job_beside_its_bar_what_matters_first() -> None:
    step = of_sidecar(Progress(1, "speak", 0.5, 251.0, 150, 300, device="cpu", chapter=3, chapters=12))
    assert step.line() == "Speaking 50 %, 4 min 11 s left (chapter 3, on CPU)" and step.status() == "4 min 11 s left, chapter 3, on CPU"
    begun = of_sidecar(Progress(1, "speak", 0.5, None, 150, 300, 3.0, device="cpu"))
    assert begun.line() == "Speaking 50 % (on CPU)" and begun.status() == "Speaking, on CPU"
    assert of_sidecar(Progress(1, "write", 0.5, 9.0, 300, 300, device="cpu", chapter=12, chapters=12)).status() == "9 s left to write the file"
    assert of_sidecar(Progress(1, "verify", 0.99, 0.4, 300, 300)).status() == "Checking the audiobook", "and not that 0 s are left"
    assert Step("export", 0.0).status() == "Taking the text out of the book"


def percent(step: Step) -> float:
    """As Calibre's Jobs list shows it."""
    assert step.done is not None
    return 100 * step.done


def test_a_job_that_goes_on_says_so_to_its_end_and_its_bar_begins_at_what_is_kept() -> None:
    told = Told()
    events = [
        Progress(1, "voice", 0.0, None),
        Progress(1, "voice", 0.12, None, 72, 300, kept=7200, characters=30_000, spoken=7200),  # less what encoding it anew takes
        Progress(1, "speak", 0.12, None, 72, 300, device="cpu", chapter=3, chapters=12, kept=7200, characters=30_000, spoken=7200),
        Progress(1, "speak", 0.3, 61.0, 120, 300, 90.0, device="cpu", chapter=4, chapters=12, kept=7200, characters=30_000, spoken=12_000),
        Progress(1, "write", 0.9, 3.0, 300, 300, 400.0, kept=7200, characters=30_000, spoken=30_000),
        Progress(1, "verify", 0.99, 1.0, 300, 300, 400.0, kept=7200, characters=30_000, spoken=30_000),
    ]
    steps = [told.step(event) for event in events]
    assert [round(percent(step)) for step in steps] == [2, 24, 24, 40, 90, 99]
    assert [step.status() for step in steps[2:4]] == [
        "Speaking, chapter 3, on CPU, goes on: 24 % was spoken before",
        "1 min 1 s left, chapter 4, on CPU, goes on: 24 % was spoken before",
    ]
    assert [step.spoken for step in steps] == [0.0, 0.24, 0.24, 0.4, 1.0, 1.0]
    new = of_sidecar(Progress(1, "speak", 0.0, None, 0, 300))
    assert "before" not in new.status() and new.spoken == 0.0 and "before" not in of_sidecar(Progress(1, "speak", 0.0)).status()


def test_of_a_book_that_is_all_spoken_only_the_file_is_still_to_be_made_and_its_bar_says_so() -> None:
    told = Told()
    stages = (("voice", 0.49), ("write", 0.49), ("write", 0.8), ("verify", 0.99))
    steps = [told.step(Progress(1, stage, done, None, 300, 300, kept=9000, characters=9000, spoken=9000)) for stage, done in stages]
    assert round(percent(steps[0])) == round(100 * NEARLY_ALL) and [step.done for step in steps] == sorted(step.done or 0.0 for step in steps)
    assert steps[1].status() == "Writing the audiobook, all of it was spoken before"


def test_the_time_left_is_known_from_the_first_moment_where_the_voice_was_measured() -> None:
    told = Told(lambda characters, sentences, spoken: (characters - spoken) / 50.0)
    steps = [
        told.step(event)
        for event in (
            Progress(1, "read", 0.0),
            Progress(1, "voice", 0.2, None, 75, 300, kept=7500, characters=30_000, spoken=7500),
            Progress(1, "speak", 0.3, 400.0, 100, 300, 60.0, kept=7500, characters=30_000, spoken=10_000),
            Progress(1, "write", 0.95, None, 300, 300, 900.0, kept=7500, characters=30_000, spoken=30_000),
        )
    ]
    assert [step.left_s for step in steps] == [None, 450.0, 400.0, None] and [step.guessed for step in steps] == [False, True, False, False]
    assert steps[1].status().startswith("about 8 min left") and steps[2].status().startswith("7 min left")
    assert steps[1].line().startswith("Loading the voice 25 %, about 8 min left")


def test_what_was_spoken_before_is_told_by_characters_as_in_the_window_also_where_the_verses_that_are_left_are_short() -> None:
    asked: list[tuple[int, int, int]] = []
    told = Told(lambda characters, sentences, spoken: asked.append((characters, sentences, spoken)) or 60.0)  # type: ignore[func-returns-value]
    kept = told.step(Progress(1, "speak", 0.2, None, 300, 1000, device="cpu", kept=4700, characters=10_000, spoken=4700))
    assert kept.status().endswith("goes on: 47 % was spoken before") and kept.spoken == 0.47 and round(percent(kept)) == 47
    half = told.step(Progress(1, "speak", 0.4, None, 650, 1000, 9.0, device="cpu", kept=4700, characters=10_000, spoken=7350))
    assert round(half.spoken, 3) == 0.735 and asked == [(10_000, 1000, 4700), (10_000, 1000, 7350)]


def test_where_speaking_is_far_ahead_of_writing_the_bar_is_what_is_spoken_and_then_what_is_left_of_the_work() -> None:
    told = Told()
    events = [
        Progress(1, "voice", 0.2, None, 300, 1000, kept=4700, characters=10_000, spoken=4700),
        Progress(1, "speak", 0.25, 61.0, 650, 1000, 9.0, device="cpu", chapter=27, chapters=41, kept=4700, characters=10_000, spoken=7120),
        Progress(1, "speak", 0.4, 50.0, 980, 1000, 18.0, device="cpu", chapter=40, chapters=41, kept=4700, characters=10_000, spoken=9700),
        Progress(1, "speak", 0.46, 45.0, 1000, 1000, 19.0, device="cpu", chapter=41, chapters=41, kept=4700, characters=10_000, spoken=10_000),
        Progress(1, "write", 0.7, 25.0, 1000, 1000, 19.0, kept=4700, characters=10_000, spoken=10_000),
        Progress(1, "verify", 0.99, 1.0, 1000, 1000, 19.0, kept=4700, characters=10_000, spoken=10_000),
    ]
    steps = [told.step(event) for event in events]
    assert [int(percent(step)) for step in steps] == [47, 71, 90, 91, 95, 99] and [int(100 * step.spoken) for step in steps] == [47, 71, 97, 100, 100, 100]
    assert steps[1].line() == "Speaking and writing 71 %, 1 min 1 s left (chapter 27, on CPU, goes on: 47 % was spoken before)"
    assert steps[3].line() == "Writing the audiobook 91 %, 45 s left", "nothing is spoken any more, and it says what is done"


def test_the_chapter_is_told_as_long_as_one_is_spoken_however_speaking_and_writing_stand_to_each_other() -> None:
    told, at = Told(), [(0.05, 5), (0.1, 30), (0.4, 42), (0.5, 70), (0.85, 90)]
    steps = [
        told.step(Progress(1, "speak", done, 9.0, share, 100, 9.0, "cpu", 1 + share // 10, 12, characters=10_000, spoken=100 * share)) for done, share in at
    ]
    writing = ["", *[", including writing the file"] * 4]
    assert [step.status() for step in steps] == [f"9 s left{also}, chapter {number}, on CPU" for number, also in zip((1, 4, 5, 8, 10), writing, strict=True)]
    assert [step.name for step in steps] == ["Speaking", *["Speaking and writing"] * 4], "nor does the stage's name come and go"
    assert told.step(Progress(1, "write", 0.95, 3.0, 100, 100, 9.0, "cpu", 12, 12, characters=10_000, spoken=10_000)).status() == "3 s left to write the file"


def test_the_bar_never_goes_back_where_a_device_failed_and_less_is_spoken_than_it_seemed() -> None:
    told = Told()
    shares = [0.2, 0.5, 0.4, 0.6]
    steps = [told.step(Progress(1, "speak", 0.3, None, 10, 100, 9.0, characters=1000, spoken=round(1000 * share))) for share in shares]
    assert [round(percent(step)) for step in steps] == [20, 50, 50, 60] and steps[2].spoken == 0.4
    assert told.step(Progress(1, "read", 0.0)).done == pytest.approx(0.6) and Told().step(Progress(1, "read", 0.0)).done == SIDECAR_FROM


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Progress(1, "voice", 0.0, chapters=12), ""),
        (Progress(1, "voice", 0.4, None, 120, 300, chapter=3, chapters=12), ""),
        (Progress(1, "speak", 0.5, 61.0, 120, 300, device="cpu", chapter=3, chapters=12), "chapter 3, on CPU"),
        (Progress(1, "speak", 0.5, 61.0, 120, 300, device="cuda:0", chapter=1, chapters=1), "on graphics card"),
        (Progress(1, "write", 0.5, None, 300, 300, chapter=12, chapters=12, device="cpu"), ""),
        (Progress(1, "verify", 0.99, chapters=12, device=""), ""),
        (Progress(1, "shown", 0.99, None, 300, 300, chapter=12, chapters=12, device="cpu"), ""),
    ],
)
def test_where_it_is_is_said_as_far_as_it_is_known(event: Progress, text: str) -> None:
    assert of_sidecar(event).text == text


@pytest.mark.parametrize(
    ("device", "name"),
    [
        *[("cpu", "CPU"), ("cpu-torch", "CPU (PyTorch)"), ("coreml", "Apple CoreML"), ("npu:0", "npu:0")],
        *[("cuda:0", "graphics card"), ("cuda:1", "graphics card 2"), ("mps", "graphics card")],
    ],
)
def test_a_device_has_a_short_name_for_people(device: str, name: str) -> None:
    assert device_name(device) == name


def test_in_a_log_there_is_a_line_for_each_stage_and_every_few_percent() -> None:
    out = io.StringIO()
    terminal = Terminal(out)
    terminal.show(Step("export", 0.0))
    for n in range(101):
        terminal.show(Step("speak", n / 100))
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("Taking the text out") and lines[1] == "Speaking 0 %"
    assert 15 <= len(lines) <= 22 and "\r" not in out.getvalue()


def test_on_a_terminal_one_line_is_rewritten_and_what_follows_begins_its_own() -> None:
    out, now = Tty(), [0.0]
    terminal = Terminal(out, now=lambda: now[0])
    for n in range(5):
        now[0] += 1.0
        terminal.show(Step("speak", n / 10))
    terminal.say("Note")
    assert out.getvalue().count("\r") == 5
    assert out.getvalue().endswith("\nNote\n") and out.getvalue().count("\n") == 2


def test_a_bar_over_the_whole_does_not_go_back_after_fetching() -> None:
    told = [Step("export", 0.0), fetching("fetch", 1.0, ""), fetching("install", 1.0, ""), Step("start", 0.02), Step("speak", 0.5), Step("add", None)]
    assert [step.whole for step in told[:-1]] == sorted(step.whole for step in told[:-1]) and told[1].line() == "Downloading 100 %"


def test_a_closed_terminal_stops_nothing() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    terminal = Terminal(Closed())
    terminal.show(Step("speak", 0.5))
    terminal.say("Note")


def test_an_unknown_stage_of_a_newer_engine_is_shown_as_it_is() -> None:
    assert Step("dream", None).line() == "dream"
