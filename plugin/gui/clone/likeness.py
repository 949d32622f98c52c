"""How like its recording a clone sounds, in plain words: what the figure means, and what may bring it nearer. Without a window."""

from __future__ import annotations

from typing import Final

from ...speaking.clones import Measures
from ...wording import N_
from ...wording import translate as _
from .findings import BETTER

NEAR: Final = 0.95
_LIKELY: Final = (
    (NEAR, N_("Likeness {figure} of 1: as like the recording as the recording's own two halves are like each other ({halves}).")),
    (0.8, N_("Likeness {figure} of 1: somewhat like the recording, whose own two halves reach {halves} between them.")),
    (0.0, N_("Likeness {figure} of 1: hardly like the recording, whose own two halves reach {halves} between them.")),
)
"""Least share of the halves' likeness -> words. What a figure is worth by itself nobody has measured for this encoder (docs/cloning.md)."""


def likeness(figure: float, of_halves: float, recording: Measures) -> str:
    """figure: 0..1 between a clone and its recording; of_halves: between the recording's halves."""
    words = next(words for least, words in _LIKELY if figure >= least * of_halves)
    told = [_(words).format(figure=f"{figure:.2f}", halves=f"{of_halves:.2f}")]
    if figure < NEAR * of_halves:
        better = "; ".join(_(BETTER[remark]) for remark in recording.remarks if remark in BETTER)
        told += [_("A better recording may bring it nearer: {better}.").format(better=better)] if better else []
        told.append(_("Another converter may, too.") if better else _("Another converter, or another stretch of the recording, may bring it nearer."))
    return " ".join(told)
