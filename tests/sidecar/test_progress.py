"""How long it still takes: by the speed of who speaks now."""

from __future__ import annotations

from e2a_sidecar.progress import Progress, Tracker


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_the_time_left_is_by_the_speed_of_who_speaks_now() -> None:
    sent: list[Progress] = []
    clock = Clock()
    tracker = Tracker(sent.append, clock)
    tracker.speaks("cuda:0")
    tracker.speaking(10_000, 100)
    for _ in range(5):  # a thousand characters in ten seconds
        clock.now_s += 10
        tracker.speaks("cuda:0")
        tracker.spoken(1000, 10, 0.0, 0.0)
    assert (sent[-1].left_s, sent[-1].device) == (50.0, "cuda:0")
    tracker.speaks("cpu")  # the device died; ten times as slow
    clock.now_s += 1
    tracker.spoken(10, 1, 0.0, 0.0)
    assert (sent[-1].left_s, sent[-1].device) == (None, "cpu"), "nothing is known of it yet"
    clock.now_s += 99
    tracker.speaks("cpu")
    tracker.spoken(990, 9, 0.0, 0.0)
    assert sent[-1].left_s == 400.0
    assert [p.done for p in sent] == sorted(p.done for p in sent)
