"""The log holds what happened, and nothing of a book, a home folder or a password; it stays small and is never a reason to fail."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin import log, paths
from plugin.errors import PluginError

ours = logging.getLogger("plugin.converting.job")


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    log.setup()
    log.setup()
    yield paths.cache_home() / "logs"
    parent = logging.getLogger("plugin")
    for handler in list(parent.handlers):
        parent.removeHandler(handler)
        handler.close()


def test_nothing_is_made_before_there_is_something_to_write(kept: Path) -> None:
    assert log.text() == "" and not kept.exists()
    ours.info("the layer %s was installed", "core")
    assert log.path().parent == kept and log.text().count("test_log: the layer core was installed") == 1, "each line once, however often it was set up"


def test_an_exception_leaves_its_kind_and_our_lines_but_not_its_words(tmp_path: Path) -> None:
    try:
        (tmp_path / "Jane Austen" / "Emma.epub").read_bytes()
    except OSError:
        ours.exception("a window's work")
    try:
        raise ValueError("It was a dark and stormy night")
    except ValueError:
        ours.exception("another")
    text = log.text()
    assert "FileNotFoundError (No such file or directory)" in text and "ValueError" in text and "test_log.py:" in text
    assert "Emma" not in text and "stormy" not in text


def test_every_file_begins_with_versions_and_an_error_leaves_what_can_hold_no_book(kept: Path) -> None:
    ours.warning(log.told(PluginError("voice_fetch_failed", "no line", voice="Alan", reason="no line")))
    ours.warning(log.told(PluginError("exists_foreign", "it came meanwhile", path="/books/Emma.m4b")))
    first, fetched, foreign = log.text().splitlines()
    assert "Python 3." in first and fetched.endswith("voice_fetch_failed | voice Alan | reason no line")
    assert foreign.endswith("exists_foreign | it came meanwhile")
    assert log.told(PluginError("book_unreadable", reason="chapter of Emma")) == "book_unreadable"


def test_what_an_error_says_of_a_books_own_file_is_left_out() -> None:
    trace = 'Traceback (most recent call last):\n  File "/opt/calibre/epub.py", line 7, in read\n    raise E(text)\nlxml.etree.XMLSyntaxError: Emma, line 3\n'
    error = PluginError("book_unreadable", f"[Errno 13] Permission denied: '/books/Emma.epub'\n{trace}", reason="x")
    assert log.detail_of(error).splitlines() == ["  at epub.py:7 read", "XMLSyntaxError"]
    assert log.detail_of(PluginError("engine_install_failed", "no space", step="torch", reason="x")) == "no space"


STDERR = """2026-01-02 03:04:05,678 WARNING e2a_sidecar.speaking.phoneme_pieces: line 7 could not be made phonemes: KeyError
2026-01-02 03:04:05,680 INFO TTS.tts.utils: He kissed the stormy Emma
 > Text splitted to sentences.
['It was a dark and stormy night']
Exception in thread speak_0:
Traceback (most recent call last):
  File "/opt/engine/e2a_sidecar/speaking/onnx_lines.py", line 81, in spoken
    raise ValueError("stormy")
ValueError: It was a dark and stormy night;
at ten:30 stormy
Emma, stormy
"""
"""As a sidecar and the packages that it uses may end."""


@pytest.mark.parametrize(
    ("code", "detail", "left"),
    [
        ("internal", "KeyError: 'stormy'", ["KeyError"]),
        ("internal", "  ValueError\n    at calibre_plugins.e2a.plugin.log:7 f", ["ValueError", "  at calibre_plugins.e2a.plugin.log:7 f"]),
        ("internal", "ValueError\n  at words.py:7 split\n  at session.py:165 _work", ["ValueError", "  at words.py:7 split", "  at session.py:165 _work"]),
        ("engine_died", "line 7 could not be spoken: ValueError('He kissed Emma, stormy')", []),
        ("engine_died", f"exit code -11\n{STDERR}", ["exit code -11", STDERR.splitlines()[0], "  at onnx_lines.py:81 spoken", "ValueError"]),
        ("engine_stuck", STDERR, [STDERR.splitlines()[0], "  at onnx_lines.py:81 spoken", "ValueError"]),
        ("engine_silent", "ModuleNotFoundError: No module named 'numpy'", ["ModuleNotFoundError: No module named 'numpy'"]),
        ("engine_broken", "cannot be started: [Errno 2] No such file or directory: '/opt/python'", None),
        ("bundle_broken", "bundle.json: KeyError stormy", []),
        ("book_removed", "No such file or directory: '/books/Emma (3)/stormy.epub'", []),
        ("audio_unreadable", "InvalidDataError(1094995529, 'Invalid data found', '/books/Emma, stormy.m4b')", ["InvalidDataError"]),
        ("encoder_failed", "ValueError('stormy')", ["ValueError"]),
        ("report_unreadable", "ValueError(\"could not convert string to float: 'stormy'\")", ["ValueError"]),
        ("device_unusable", "RuntimeError: CUDA error: out of memory", None),
    ],
)
def test_of_what_others_say_only_what_can_be_no_books_word_is_told(code: str, detail: str, left: list[str] | None) -> None:
    error = PluginError(code, detail, voice="Joe", reason="x", minutes=15)
    assert log.detail_of(error).splitlines() == (detail.splitlines() if left is None else left)
    ours.warning(log.told(error))
    text = log.text()
    assert code in text and "stormy" not in text and "Emma" not in text


def test_any_exception_told_as_a_fault_of_ours_keeps_its_kind_and_lines() -> None:
    told = []
    for fails in (lambda: int("stormy"), Path("/no/such/Emma.epub").read_bytes):
        try:
            fails()
        except (OSError, ValueError) as error:
            told.append(log.detail_of(log.as_plugin_error(error)).splitlines())
    assert [lines[0] for lines in told] == ["ValueError", "FileNotFoundError (No such file or directory)"]
    assert all(lines[1].startswith("  at test_log.py:") for lines in told)


def test_home_and_passwords_are_left_out(tmp_path: Path) -> None:
    ours.warning("fetched from https://me:secret@index.example/simple into %s", tmp_path / "engine")
    assert "secret" not in log.text() and str(tmp_path) not in log.text() and f"~{os.sep}engine" in log.text()


def test_it_stays_small_and_keeps_the_latest(kept: Path) -> None:
    for number in range(3 * log.MOST_BYTES // 1000):
        ours.info("%06d %s", number, "x" * 1000)
    sizes = [path.stat().st_size for path in kept.iterdir()]
    assert len(sizes) == 2 and max(sizes) <= log.MOST_BYTES
    lines = [line for line in log.text().splitlines() if "test_log" in line]
    numbers = [int(line.split("test_log: ")[1][:6]) for line in lines]
    assert numbers == sorted(numbers) and numbers[-1] == 3 * log.MOST_BYTES // 1000 - 1


def test_a_file_that_another_program_holds_is_gone_on_with(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, dest: str) -> None:
        raise PermissionError(13, "held")  # as Windows does

    monkeypatch.setattr(os, "rename", refuse)
    for number in range(2 * log.MOST_BYTES // 1000):
        ours.info("%06d %s", number, "x" * 1000)
    assert f"{2 * log.MOST_BYTES // 1000 - 1:06d}" in log.text()


def test_a_folder_that_cannot_be_written_is_no_error(kept: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_text("a file stands there")
    ours.info("lost")
    assert log.text() == "" and capfd.readouterr().err == ""
