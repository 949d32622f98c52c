"""The sidecar writes samples at the rates that the plugin lets into its list of clones."""

from __future__ import annotations

from e2a_sidecar.sampling.stretch import RATES_HZ

from plugin.speaking import clone_file


def test_what_is_written_is_let_in() -> None:
    assert RATES_HZ == clone_file._RATES_HZ
