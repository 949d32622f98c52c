"""Sentences laid in rows: nothing is lost, nothing touches, little is empty. And the thread that is a batch ahead."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from e2a_sidecar.errors import Stopped
from e2a_sidecar.speaking.in_a_thread import in_a_thread
from e2a_sidecar.speaking.noise import draw_noise, take_noise
from e2a_sidecar.speaking.rows import BROKEN, MOST_IN_A_ROW, SHORTEST, Material, laid_out, parted

GAP, CONTEXT = 5, 47


@pytest.mark.parametrize("seed", range(6))
def test_every_frame_is_spoken_once_with_all_that_the_network_sees_around_it(seed: int) -> None:
    choose = random.Random(seed)
    frames = [choose.choice((1, 2, 30, 430, 900, 5000)) for _ in range(choose.randint(1, 120))]
    rows = laid_out(frames, choose.choice((64, 512, 2048)), GAP, CONTEXT)
    ends = np.cumsum(frames)
    source, target, gaps = rows.source.reshape(rows.count, -1), rows.target.reshape(rows.count, -1), rows.gaps
    assert source.shape == target.shape == (rows.count, rows.length) and gaps.shape == (rows.count, MOST_IN_A_ROW * GAP)
    assert sorted(target[target < sum(frames)]) == list(range(sum(frames)))
    assert (source[target < sum(frames)] == target[target < sum(frames)]).all()
    for row in range(rows.count):
        zero = set(gaps[row].tolist())
        assert all(source[row, at] == -1 for at in zero) and source[row, -1] == -1
        for at in np.flatnonzero(target[row] < sum(frames)).tolist():
            frame = int(source[row, at])
            sentence = int(np.searchsorted(ends, frame, side="right"))
            first, last = int(ends[sentence]) - frames[sentence], int(ends[sentence]) - 1
            for far in (-CONTEXT, -1, 1, CONTEXT):  # the same frames as in the sentence alone
                if first <= frame + far <= last:
                    assert source[row, at + far] == frame + far
            if frame == last and at + 1 < rows.length:
                assert set(range(at + 1, min(at + 1 + GAP, rows.length))) <= zero
            if frame == first and at:
                assert set(range(max(0, at - GAP), at)) <= zero


def test_rows_of_a_book_are_full_and_of_a_sentence_short() -> None:
    choose = random.Random(1)
    frames = [choose.randint(60, 900) for _ in range(128)]
    rows = laid_out(frames, 2048, GAP, CONTEXT)
    assert rows.length == 2048 and sum(frames) > 0.93 * rows.count * rows.length
    alone = laid_out([200], 2048, GAP, CONTEXT)
    assert (alone.count, alone.length) == (1, SHORTEST)


def test_an_upload_holds_what_was_laid_out_and_the_noise_of_each_sentence() -> None:
    durations = [np.array([2, 0, 3], np.float32), np.zeros(2, np.float32), np.array([400], np.float32)]
    material = Material.of(durations, 3, 4, 2048, GAP, CONTEXT, lambda size: SimpleNamespace(values=np.full(size, 99, np.int32)))  # type: ignore[arg-type, return-value]
    owner, source, target, gaps, noise = np.split(material.staged.values, np.cumsum(material.sizes)[:-1])
    assert owner.tolist() == [0, 0, 2, 2, 2, 4, *[6] * 400], "the second has no durations: one frame, of its last phoneme"
    assert (source == material.rows.source).all() and (target == material.rows.target).all() and (gaps == material.rows.gaps.reshape(-1)).all()
    draw_noise("key", 0, "latent", material.noise[2])
    assert (take_noise("key", 0, "latent", (4, 400)) == material.noise[2].T).all() and [len(part) for part in material.noise] == [5, 1, 400]
    assert (noise.view(np.float32).reshape(-1, 4)[6:] == material.noise[2]).all()


def test_samples_that_are_no_numbers_are_silence_and_told() -> None:
    one, other, none = parted(np.array([1, -2, 3, BROKEN, 5], np.int16), (2, 3, 0))
    assert (one[0].tolist(), one[1]) == ([1, -2], False) and (other[0].tolist(), other[1]) == ([3, 0, 5], True) and not none[1]


def counting(until: int, seen: list[int], error: Exception | None = None) -> Callable[[Callable[[], bool]], Iterator[int]]:
    def make(given_up: Callable[[], bool]) -> Iterator[int]:
        for number in range(until):
            if given_up():
                raise Stopped
            seen.append(number)
            yield number
        if error is not None:
            raise error

    return make


def test_what_a_thread_makes_comes_in_order_and_so_does_what_it_raises() -> None:
    got: list[int] = []
    with pytest.raises(RuntimeError, match="mine"):
        for number in in_a_thread(counting(5, [], RuntimeError("mine")), lambda: False):
            got.append(number)
    assert got == list(range(5))


def test_a_thread_is_few_items_ahead_and_ends_when_nobody_waits() -> None:
    seen: list[int] = []
    items = in_a_thread(counting(1000, seen), lambda: False)
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert len(seen) <= 4 and not any(thread.name == "speak ahead" for thread in threading.enumerate())


def test_stopping_is_raised_while_a_thread_is_waited_for() -> None:
    wanted, slow = threading.Event(), threading.Event()

    def make(given_up: Callable[[], bool]) -> Iterator[int]:
        wanted.set()
        while not given_up():
            slow.wait(0.01)
        raise Stopped
        yield 0

    with pytest.raises(Stopped):
        next(in_a_thread(make, wanted.is_set))
