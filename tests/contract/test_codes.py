"""One closed list of errors and one of warnings, on both sides; the plugin has a sentence for each."""

from __future__ import annotations

import re
from pathlib import Path

from e2a_sidecar.convert import _TOLD
from e2a_sidecar.errors import CODES, SAMPLE_REASONS
from e2a_sidecar.sampling.examine import REMARKS
from e2a_sidecar.speaking.ladder import FALLS

from plugin import sentences
from plugin.converting.report_words import TO_CHECK
from plugin.gui.clone.findings import BETTER

ROOT = Path(__file__).resolve().parents[2]
OWN = {
    *("usage", "book_unreadable", "drm", "voice_unknown", "voice_missing", "voice_fetch_failed", "device_unknown", "engine_missing"),
    *("engine_install_failed", "engine_died", "engine_silent", "protocol", "no_such_library", "no_such_book", "no_usable_format", "library_in_use"),
    *("book_removed", "language_unread"),
    *("engine_broken", "engine_stuck", "library_unreadable", "report_unreadable", "copy_there"),
    *("voice_not_removed", "engine_in_use", "engine_in_use_elsewhere", "engine_unmoved", "not_removed"),
    *("sound_failed", "sound_unheard", "copy_there", "clips_in_use", "stretch_unusable"),
    *("converter_fetch_failed", "encoder_fetch_failed", "clone_no_base", "clone_name", "clone_not_kept", "clone_not_imported"),
}
RAISED = re.compile(r'(?:PluginError|SidecarError)\(\s*"(\w+)"')
UNUSABLE = re.compile(r'\bunusable\("(\w+)"')
WARNED = re.compile(r'(?:Warn|odd\.note)\(\s*"(\w+)"')


def found(pattern: re.Pattern[str], folder: Path) -> set[str]:
    return {code for path in folder.rglob("*.py") for code in pattern.findall(path.read_text("utf-8"))}


def test_the_plugins_table_holds_the_sidecars_codes_and_its_own_and_no_others() -> None:
    assert set(sentences.ERRORS) == CODES | OWN and not CODES & OWN


def test_no_code_stands_in_two_parts_of_the_table() -> None:
    assert sum(map(len, sentences.PARTS)) == len(sentences.ERRORS)


def test_every_code_that_is_raised_stands_in_the_table() -> None:
    assert found(RAISED, ROOT / "plugin") <= set(sentences.ERRORS)
    assert found(RAISED, ROOT / "sidecar" / "src") <= CODES


def test_every_code_of_the_plugins_own_is_raised_somewhere() -> None:
    assert found(RAISED, ROOT / "plugin") >= OWN


def test_every_reason_why_a_recording_is_no_sample_has_words_and_is_given_somewhere() -> None:
    assert set(sentences.SAMPLE_REASONS) == SAMPLE_REASONS
    assert found(UNUSABLE, ROOT / "sidecar" / "src") == SAMPLE_REASONS


def test_for_every_remark_on_a_recording_it_is_said_what_would_be_better() -> None:
    assert set(BETTER) == set(REMARKS)


def test_every_warning_of_either_side_has_a_sentence() -> None:
    codes = found(WARNED, ROOT / "plugin") | found(WARNED, ROOT / "sidecar" / "src") | set(FALLS) | set(_TOLD)
    assert len(codes) > 5 and codes <= set(sentences.WARNINGS)
    assert set(TO_CHECK) <= set(sentences.WARNINGS)
