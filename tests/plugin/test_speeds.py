"""What was measured is remembered for the same voice on the same computer, and a broken file is an empty one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plugin import paths
from plugin.converting.events import Device
from plugin.engine.gpus import Gpu
from plugin.speaking import speeds

CPU = Device("cpu", "a processor", True, "", 20.5)
CARD = Device("cuda:0", "a card", True, "", 400.0)
TOO_OLD = Device("cuda:0", "a card", False, "its driver is too old")
NO_CARD = Device("cuda:0", "", False, "no graphics card was found")
HOUR_S = 3600.0


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    return paths.cache_home()


def test_what_was_measured_is_recalled_as_it_was(cache: Path) -> None:
    assert speeds.recall("voice") is None
    speeds.remember("voice", (CPU, CARD))
    speeds.remember("other", (CPU,))
    assert speeds.recall("voice") == (CPU, CARD) and speeds.recall("other") == (CPU,)
    speeds.forget("voice")
    assert speeds.recall("voice") is None and speeds.recall("other") == (CPU,)
    assert [path.name for path in cache.iterdir()] == ["speeds.json"]


@pytest.mark.parametrize(
    ("device", "after_h", "known"),
    [(CARD, 10_000, True), (TOO_OLD, 23, True), (TOO_OLD, 25, False), (TOO_OLD, -5, False), (NO_CARD, 10_000, True)],
)
def test_a_device_that_failed_is_tried_again_after_a_day(device: Device, after_h: int, known: bool) -> None:
    speeds.remember("voice", (CPU, device), lambda: 1000 * HOUR_S)
    assert (speeds.recall("voice", lambda: (1000 + after_h) * HOUR_S) is not None) == known


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"schema": 2, "known": {}}', '{"schema": 1, "known": [1]}', '{"schema": 1, "known": {"voice": 1}}', "[" * 100_000),
        '{"schema": 1, "known": {"voice": {"at": 1, "devices": [{"device": "cpu"}]}}}',
        '{"schema": 1, "known": {"voice": {"at": 1, "devices": [{"device": "cpu", "name": "", "usable": true, "reason": "", "speed": NaN}]}}}',
        '{"schema": 1, "known": {"voice": {"at": 1e999999, "devices": 5}}}',
    ],
)
def test_a_broken_file_is_an_empty_one(cache: Path, text: str) -> None:
    cache.mkdir(parents=True)
    (cache / "speeds.json").write_text(text)
    assert speeds.recall("voice") is None
    speeds.remember("voice", (CPU,))
    assert speeds.recall("voice") == (CPU,)


@pytest.mark.parametrize("speed", [0, 0.0, -1.0, 1e-320, 1e300, float("inf"), float("nan"), 10**400], ids=lambda speed: repr(speed)[:9])
def test_of_a_speed_that_nobody_can_have_measured_nothing_is_reckoned(speed: float, cache: Path) -> None:
    speeds.learn("voice", "cpu", 20.0)
    told = json.loads((cache / "speeds.json").read_text())
    for entry in told["known"].values():
        entry["devices"][0]["speed"] = speed
    (cache / "speeds.json").write_text(json.dumps(told))
    assert speeds.learned("voice") == {}
    speeds.learn("voice", "cpu", 10.0, 0.5)
    assert speeds.learned("voice") == {"cpu": 10.0}


def test_a_folder_that_cannot_be_written_is_no_error(cache: Path) -> None:
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text("a file stands there")
    speeds.remember("voice", (CPU,))
    assert speeds.recall("voice") is None


def test_the_file_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speeds, "MOST", 3)
    for number in range(5):
        speeds.remember(str(number), (CPU,))
    speeds.remember("2", (CARD,))
    speeds.remember("5", (CPU,))
    assert [number for number in range(6) if speeds.recall(str(number))] == [2, 4, 5] and speeds.recall("2") == (CARD,)


def test_what_a_conversion_showed_is_no_measurement_of_all_devices() -> None:
    speeds.learn("voice", "cpu", 20.0)
    speeds.learn("voice", "cpu-torch", 12.0)
    speeds.learn("voice", "cpu", 22.0)
    assert speeds.learned("voice") == {"cpu": 22.0, "cpu-torch": 12.0} and speeds.recall("voice") is None
    assert speeds.learned("another") == {}


def test_how_fast_a_book_is_spoken_is_known_while_it_is() -> None:
    clock, told = [0.0], list[tuple[str, float]]()
    pace = speeds.Pace(lambda device, speed, weight: told.append((device, speed)), lambda: clock[0])
    for at_s, device, audio_s in ((0, "", 0), (5, "cpu", 0), (10, "cpu", 30), (69, "cpu", 500), (70, "cpu", 630), (100, "cpu", 900), (120, "cuda:0", 1000)):
        clock[0] = at_s
        pace.hear(device, audio_s)
    assert told == [("cpu", 10.0)]  # the time until the voice had begun is no speaking
    clock[0] = 180
    pace.hear("cuda:0", 25_000)
    assert told[1:] == [("cuda:0", 400.0)]


@pytest.mark.parametrize(
    ("heard", "told"),
    [
        ([(6, 25), (6.3, 51)], []),  # a page
        ([(2.5, 20), (3.1, 75), (3.4, 100)], []),  # sound enough, but within a moment
        ([(5, 25), (20, 60)], []),  # a minute with what came with the start, and not without
        ([(10, 30), (14, 400), (18, 790), (40, 790)], [(95.0, 1.0)]),  # stopped: from the first that was heard to the last
        ([(10, 30), (20, 330)], [(30.0, 0.5)]),
        ([(10, 30), (70, 930)], [(15.0, 1.0)]),  # what was told already is not told twice
        ([(10, 500), (20, 1), (30, 601)], [(60.0, 1.0)]),  # counted anew
    ],
)
def test_of_a_run_that_ends_the_speaking_alone_counts_and_only_of_enough(heard: list[tuple[float, float]], told: list[tuple[float, float]]) -> None:
    clock, said = [0.0], list[tuple[float, float]]()
    pace = speeds.Pace(lambda device, speed, weight: said.append((speed, weight)), lambda: clock[0])
    for clock[0], audio_s in heard:
        pace.hear("cpu", audio_s)
    clock[0] += 5
    pace.end()
    assert said == told


def test_what_is_known_by_little_moves_what_is_known_by_much_only_for_its_share() -> None:
    speeds.learn("voice", "cpu", 80.0, 0.1)
    assert speeds.learned("voice") == {"cpu": 80.0}, "little is better than nothing"
    speeds.learn("voice", "cpu", 20.0, 0.1)
    assert speeds.learned("voice")["cpu"] == pytest.approx(61.5, abs=0.1)
    speeds.learn("voice", "cpu", 40.0)
    assert speeds.learned("voice") == {"cpu": 40.0}


def test_another_voice_layer_or_card_is_another_measurement(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"one")
    own = {"files": {"model": str(model)}, "sha256": {}}
    card, new_driver = Gpu("a card", "NVIDIA", "cuda", "570.1"), Gpu("a card", "NVIDIA", "cuda", "580.2")
    keys = [
        speeds.key_of({"sha256": {"model": "ab"}}, "neural-1", ()),
        speeds.key_of({"sha256": {"model": "cd"}}, "neural-1", ()),
        speeds.key_of({"sha256": {"model": "ab"}}, "neural-2", ()),
        speeds.key_of({"sha256": {"model": "ab"}}, "neural-1", (card,)),
        speeds.key_of({"sha256": {"model": "ab"}}, "neural-1", (new_driver,)),
        speeds.key_of(own, "neural-1", ()),
    ]
    assert keys[0] == speeds.key_of({"sha256": {"model": "ab"}, "id": "moved", "files": {"model": "/elsewhere"}}, "neural-1", ())
    model.write_bytes(b"other")
    assert len({*keys, speeds.key_of(own, "neural-1", ())}) == len(keys) + 1
