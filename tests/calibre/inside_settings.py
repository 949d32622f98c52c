"""In Calibre's interpreter: what may stand in the plugin's settings, or keep them from being saved, and nobody's work ends for it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from calibre.gui2 import Application  # type: ignore[import-not-found]
from calibre.utils import config as calibre_config  # type: ignore[import-not-found]
from calibre_plugins.e2a.plugin import prefs, queueing  # type: ignore[import-not-found]
from qt.core import QApplication  # type: ignore[import-not-found]


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = Path(calibre_config.config_dir, "plugins", "convert_to_audiobook.json")
    path.parent.mkdir(exist_ok=True)
    monkeypatch.setattr(prefs, "_unsaved", None)
    monkeypatch.setattr(prefs, "_tell", lambda reason: None)  # whatever queue another file's tests have left
    yield path
    for left in (path, path.with_suffix(".damaged")):
        left.unlink(missing_ok=True)


@pytest.mark.parametrize("raw", ["null", "5", '"x"', "[1, 2]", "true", '{"speed": 1.', "\ufeff{}", "\0" * 20, "[" * 100_000])
def test_a_file_that_holds_no_settings_is_put_aside_and_the_plugin_is_there_all_the_same(file: Path, raw: str) -> None:
    file.write_text(raw)
    assert prefs.placed_before() is False and prefs.placed_before() is True, "which Calibre's start asks"
    assert file.with_suffix(".damaged").read_text() == raw
    file.write_text(raw)
    assert prefs.load() == prefs.Settings() and prefs.asks() and not prefs.used()
    assert prefs.change(speed=1.5) == prefs.load() == prefs.Settings(speed=1.5) and "1.5" in file.read_text()


@pytest.mark.parametrize("raw", ["", " \n", "{}", '{"speed": 1.5}', '{"of a newer plugin": 1}'])
def test_a_file_without_fault_stays_where_it_is(file: Path, raw: str) -> None:
    file.write_text(raw)
    assert prefs.load().speed == (1.5 if "speed" in raw else 1.0)
    assert file.read_text() == raw and not file.with_suffix(".damaged").exists()


def test_a_file_that_cannot_even_be_opened_is_as_if_nothing_were_kept(file: Path) -> None:
    file.mkdir()
    try:
        assert prefs.load() == prefs.Settings() and prefs.asks() and prefs.placed_before() is True, "or the entry would come back at each start"
        assert prefs.change(speed=1.5) == prefs.load() == prefs.Settings(speed=1.5)
    finally:
        file.rmdir()


def test_what_cannot_be_saved_is_said_once_when_the_click_is_over(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = QApplication.instance() or Application([])
    said: list[tuple[Any, ...]] = []
    monkeypatch.setattr(queueing, "warning_dialog", lambda *words, show: said.append(words))
    queueing.Queueing("the main window", lambda: None, lambda text: None, lambda: None)

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(calibre_config, "commit_data", full)
    prefs.change(ask=False)
    prefs.change(used=True)
    assert not said
    app.processEvents()
    ((gui, title, text),) = said
    assert gui == "the main window" and "not saved" in title and "No space left on device" in text and "until Calibre is closed" in text
