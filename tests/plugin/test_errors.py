"""Every code has a sentence that says enough, and an exit code of the documented list."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from plugin import wording
from plugin.errors import PluginError, warning_sentence
from plugin.sentences import ERRORS, SAMPLE_REASONS, WARNINGS

DOCUMENTED = set(range(1, 14))


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_sentence(code: str) -> None:
    entry = ERRORS[code]
    assert entry.exit in DOCUMENTED
    params = {name: "VALUE" for _, name, _, _ in string.Formatter().parse(entry.sentence) if name}
    sentence = PluginError(code, "/secret/detail", **params).sentence()
    assert sentence.count("VALUE") >= len(params) and "{" not in sentence and "secret" not in sentence
    assert len(sentence.split(". ")) >= 2, "what happened, what it means, what to do"


@pytest.mark.parametrize("code", sorted(WARNINGS))
def test_warning(code: str) -> None:
    assert warning_sentence(code, {}).endswith(".")


def test_a_parameter_that_is_missing_does_not_hide_the_error() -> None:
    assert "?" in PluginError("disk_full").sentence()


@pytest.mark.parametrize(("reason", "end"), [("is it online?", "online?"), ("it stopped.", "stopped."), ("wait…", "wait…"), ("so it is", "it is.")])
def test_a_reason_that_is_a_sentence_gets_no_second_full_stop(reason: str, end: str) -> None:
    assert PluginError("voice_fetch_failed", voice="Alan", reason=reason).what().endswith(end)


def test_who_only_wanted_to_listen_is_not_told_of_conversions() -> None:
    for code in ("engine_missing", "voice_missing", "engine_silent", "engine_install_failed"):
        assert "convert" not in PluginError(code, layer="core", voice="x", seconds=60, step="x", reason="x").what()


def test_a_code_of_a_newer_engine_is_an_internal_error_that_names_it() -> None:
    error = PluginError("flux_capacitor", "why")
    assert (error.code, error.exit) == ("internal", 1) and "flux_capacitor" in error.detail


def test_the_readme_quotes_the_sentences_as_they_are() -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
    rows = readme.split("| you see | do |")[1].split("\n\n")[0].splitlines()
    quoted = [quote for row in rows for quote in re.findall(r'"([^"]+)"', row.rpartition("|")[0].rpartition("|")[0])]
    assert len(quoted) >= 4
    for quote in quoted:
        pattern = ".+".join(re.escape(part) for part in quote.split("…"))
        assert any(re.search(pattern, entry.sentence) for entry in ERRORS.values()), quote


def test_a_warning_of_a_newer_engine_is_shown_as_it_is() -> None:
    assert warning_sentence("too_hot", {"degrees": 90}) == "too_hot, degrees 90"


@pytest.mark.parametrize("login", ["me:secret", "me:se@secret", "secret", "me@work:p:secret@"])
def test_no_password_of_an_address_is_told_or_logged(login: str) -> None:
    address = f"https://{login}@index.example/simple/@scope"
    error = PluginError("engine_install_failed", f"Looking in {address}", step="packages", reason=f"no answer of {address}")
    assert "secret" not in error.detail + error.sentence() and "index.example" in error.detail and "index.example" in error.sentence()


def test_what_a_book_says_cannot_steer_the_terminal() -> None:
    said = warning_sentence("spine_file_missing", {"count": 1, "name": "a\x1b[31m\nb\udcff.xhtml"})
    assert said.isprintable() and "\n" not in said and "[31m b?.xhtml" in said


def test_a_books_text_with_braces_in_a_parameter_stays_text() -> None:
    assert "{voice}" in PluginError("voice_unknown", voice="{voice}", known="a").sentence()


def test_a_window_names_devices_and_parts_in_a_readers_words_and_the_command_line_as_they_are_typed() -> None:
    error = PluginError("device_unusable", device="cuda:1", reason="it is gone")
    assert "“graphics card 2”" in error.what() and "“cuda:1”" in error.sentence()
    assert "“graphics card” could" in warning_sentence("device_left", {"device": "cuda:0", "reason": "x", "next": "cpu"})
    for layer in ("core", "neural"):
        assert f" {layer}." not in PluginError("engine_missing", layer=layer).what() and "?" not in PluginError("engine_missing", layer=layer).sentence()


def test_why_a_recording_is_no_sample_is_told_in_words() -> None:
    for reason, words in SAMPLE_REASONS.items():
        error = PluginError("sample_unusable", reason=reason, seconds=4.2, need_s=6)
        for said in (error.what(), error.sentence()):
            assert words.split("{")[0] in said and "{" not in said
    assert "4.2 seconds of speech, and at least 6" in error.what()
    assert "of tomorrow" in PluginError("sample_unusable", reason="of tomorrow").what()


HEBREW = {
    "graphics card": "כרטיס",
    "The audiobook cannot be written to {path}: {reason}. Nothing was changed there.": "אי אפשר לכתוב אל {path}: {reason}. דבר לא השתנה.",
}
PATH, WINDOWS = "/home/reader/ספרים/a.m4b", "C:\\Users\\reader\\a.m4b"


@pytest.fixture
def from_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's language is written from right to left."""
    monkeypatch.setattr(wording, "_", lambda text: HEBREW.get(text, text), raising=False)


@pytest.mark.usefixtures("from_right")
@pytest.mark.parametrize("path", [PATH, WINDOWS])
def test_in_a_language_from_right_to_left_a_path_is_read_from_left_to_right(path: str) -> None:
    error = PluginError("output_unwritable", path=path, reason="No space.")
    assert f"\u200f\u2066{path}\u2069" in error.what() and "\u200f\u2068No space.\u2069" in error.what()
    assert "\u2069. " not in error.what(), "the reason has ended the sentence already"
    assert not set("\u200f\u2066\u2068\u2069") & set(error.sentence()), "a terminal gets nothing that it may not know"
    assert wording.plain(error.what()) == f"אי אפשר לכתוב אל {path}: No space. דבר לא השתנה."


@pytest.mark.usefixtures("from_right")
def test_names_in_a_list_stand_apart_there_too_and_a_reason_with_a_path_keeps_its_own_direction() -> None:
    assert wording.listed(["Joe", "Anna"]) == "\u200f\u2068Joe\u2069, \u200f\u2068Anna\u2069", "nor does a name that comes first decide which way its line runs"
    inner = PluginError("output_unwritable", path=PATH, reason="x").what()
    assert inner.startswith("אי") and wording.isolated(inner).startswith("\u200f\u2068") and wording.isolated("") == ""


def test_in_a_language_from_left_to_right_nothing_unseen_is_put_in() -> None:
    error = PluginError("output_unwritable", path=PATH, reason="x")
    assert PATH in error.what() and error.what() == wording.plain(error.what()) and wording.isolated(PATH) == PATH


def test_what_is_left_of_a_list_is_said_in_the_same_words_everywhere() -> None:
    names = ["A long name", "Another one", "A third"]
    assert wording.listed(names, 12) == "A long name and 2 more" and wording.and_more(2) == "and 2 more"
