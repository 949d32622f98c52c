"""Every reason and every fault that the sidecar writes into a report has words in the plugin."""

from __future__ import annotations

from e2a_sidecar.reading.block import REASONS
from e2a_sidecar.report import _COUNTED

from plugin.converting import report_words


def test_the_reasons_for_leaving_out() -> None:
    assert set(report_words.REASONS) == set(REASONS)


def test_the_faults_of_sentences() -> None:
    assert set(report_words.WHY) == _COUNTED["flagged"] | {"unpronounceable"}
    assert "words_unspoken" in _COUNTED["flagged"], "of a sentence that is spoken but for some words"
    assert "words_unspoken" not in report_words.UNSPOKEN
    assert set(report_words.WHY) >= report_words.UNSPOKEN
