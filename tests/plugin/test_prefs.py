"""What the user chose survives, and a file that somebody spoiled changes nothing but what is spoiled in it."""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Iterator
from typing import Any

import pytest

from plugin import placement, prefs
from plugin.prefs import Settings


class Kept(dict[str, Any]):
    """As calibre.utils.config.JSONConfig: a mapping that is written at the end of a `with`, or at each setting."""

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *what: object) -> None:
        return None


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    kept = Kept()
    monkeypatch.setattr(prefs, "_config", lambda: kept)
    yield kept


def test_nothing_kept_gives_the_usual(config: Kept) -> None:
    assert prefs.load() == Settings()


def test_what_is_saved_is_loaded(config: Kept) -> None:
    chosen = Settings({"de": "de_DE-thorsten-medium", "en": "en_US-libritts-high#p12"}, "cuda:0", 1.25, 0.8, 96_000, False, True, ("NVIDIA RTX",), True)
    chosen = dataclasses.replace(chosen, files={"/my/voice.onnx": "en"}, before={"en": "heart"})
    prefs.save(chosen)
    assert prefs.load() == chosen


def test_a_change_leaves_the_rest(config: Kept) -> None:
    prefs.save(Settings(speed=1.5, device="cpu"))
    assert prefs.change(device="auto") == Settings(speed=1.5, device="auto") == prefs.load()


def test_who_read_a_language_before_a_file_of_ones_own_is_remembered_until_another_is_chosen() -> None:
    state: tuple[dict[str, str], dict[str, str]] = {"en": "heart"}, {"en": "espeak"}
    for voice, before in (("/my/a.onnx", {"en": "heart"}), ("/my/b.onnx", {"en": "heart"}), ("joe", {}), ("C:\\\\my", {"en": "joe"}), (None, {})):
        state = prefs.choosing("en", voice, *state)
        assert state == ({"en": voice} if voice else {}, before)


class Full(Kept):
    """As on a full or read-only disk."""

    def __exit__(self, *what: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    reasons: list[str] = []
    monkeypatch.setattr(prefs, "_tell", reasons.append)
    monkeypatch.setattr(prefs, "_unsaved", None)
    return reasons


def test_what_cannot_be_saved_is_told_once_and_holds_all_the_same(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefs, "_config", Full)
    for _ in range(2):
        assert prefs.change(ask=False, used=True) == Settings(ask=False, used=True) == prefs.load()
    assert not prefs.asks() and prefs.used() and told == ["No space left on device"]
    prefs.change(speed=1.5)
    assert prefs.load() == Settings(ask=False, used=True, speed=1.5) and len(told) == 2
    kept = Kept()
    monkeypatch.setattr(prefs, "_config", lambda: kept)
    prefs.change(device="cpu")
    assert prefs.parsed(kept) == Settings(ask=False, used=True, speed=1.5, device="cpu") == prefs.load() and len(told) == 2, "as soon as there is room"


def test_what_changes_nothing_is_not_written(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefs, "_config", Full)
    assert prefs.change(used=False) == Settings() and not told


def test_what_the_menus_ask_for_is_what_was_kept(config: Kept) -> None:
    assert prefs.asks() and not prefs.used(), "nothing is there to repeat on a new computer"
    prefs.change(ask=False, used=True)
    assert not prefs.asks() and prefs.used()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("speed", value) for value in (0.49, 2.01, "fast", None, True, float("nan"))],
        *[("pauses", value) for value in (0, 9, [])],
        *[("bitrate", value) for value in (64_001, "64000", 0)],
        *[("precision", value) for value in ("HALF", 16, ["half"])],
        *[("kept_gb", value) for value in (0, 1001, "5", True, float("inf"))],
        *[("device", value) for value in ("gpu", "cuda", "cuda:0;", 3, "cpu\n")],
        *[("voices", value) for value in ("en", {"en": 3}, [["en", "x"]])],
        *[(name, {"a": 1}) for name in ("no_neural", "first")],
        *[(name, value) for name in ("placed", "used") for value in (1, "true")],
    ],
)
def test_a_value_that_makes_no_sense_is_the_usual_one_and_the_others_stay(name: str, value: object) -> None:
    good = {"speed": 1.5, "pauses": 1.5, "bitrate": 96_000, "device": "cpu", "voices": {"de": "v"}, "no_neural": ["c"], "first": ["ask"], "ask": False}
    good |= {"placed": True, "used": True, "kept_gb": 5, "precision": "half"}
    found, whole = prefs.parsed({**good, name: value}), prefs.parsed(good)
    assert getattr(found, name) == getattr(Settings(), name) != getattr(whole, name)
    assert dataclasses.replace(found, **{name: None}) == dataclasses.replace(whole, **{name: None})


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ({"foreign": "record"}, ("record", "")),
        ({"foreign": "folder", "folder": "/audiobooks"}, ("folder", "/audiobooks")),
        ({"foreign": "folder"}, ("", "")),
        ({"foreign": "replace", "folder": "/audiobooks"}, ("", "")),
    ],
)
def test_of_audiobooks_from_elsewhere_nothing_is_repeated_unasked_that_could_lose_one(raw: dict[str, str], kept: tuple[str, str]) -> None:
    found = prefs.parsed(raw)
    assert (found.foreign, found.folder) == kept


LAYOUT = ("Edit Metadata", "Send To Device", None, "Convert Books", None, "View")


def test_the_entry_stands_behind_calibres_own_converting() -> None:
    assert placement.inserted(LAYOUT, "Us") == ("Edit Metadata", "Send To Device", None, "Convert Books", "Us", None, "View")


def test_where_the_user_took_that_away_it_stands_at_the_end() -> None:
    assert placement.inserted(("View", None), "Us") == ("View", None, "Us")


def test_it_is_placed_once_and_never_again(config: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    placed: list[str] = []
    monkeypatch.setattr(placement, "place", lambda name: placed.append(name) is None)
    assert placement.place_once("Us") is True
    assert placement.place_once("Us") is False and placed == ["Us"]
