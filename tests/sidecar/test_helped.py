"""Idle threads help with a piece of work; busy ones are not waited for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from e2a_sidecar.speaking.helped import helped


def test_an_idle_thread_takes_its_part_and_all_parts_are_given_in_their_order() -> None:
    both = threading.Barrier(2, timeout=30)  # passes only where two work at once

    def part(number: int) -> tuple[int, str]:
        if number < 2:
            both.wait()
        return number, threading.current_thread().name

    with ThreadPoolExecutor(2) as pool:
        found = helped(pool, 1, [lambda n=n: part(n) for n in range(6)])
    assert [number for number, _ in found] == list(range(6))
    assert len({name for _, name in found}) == 2


def test_a_busy_pool_is_not_waited_for() -> None:
    release = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(release.wait, 60)
        try:
            assert helped(pool, 3, [lambda n=n: n for n in range(5)]) == list(range(5))
            assert not busy.done()
        finally:
            release.set()


def test_a_pool_that_is_closed_gives_no_help() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    assert helped(pool, 1, [lambda: 1, lambda: 2]) == [1, 2]


@pytest.mark.parametrize("bad", [0, 3])
def test_what_a_part_raises_is_raised_when_nobody_works_any_more(bad: int) -> None:
    working: list[int] = []

    def part(number: int) -> int:
        working.append(number)
        try:
            if number == bad:
                raise ValueError(number)
            return number
        finally:
            working.remove(number)

    with ThreadPoolExecutor(3) as pool:
        with pytest.raises(ValueError, match=str(bad)):
            helped(pool, 3, [lambda n=n: part(n) for n in range(4)])
        assert working == []
