"""How much of a voice is here, while it is downloaded."""

from __future__ import annotations

from typing import Any

from qt.core import QProgressBar  # type: ignore[import-not-found]

from ..converting.progress import Step
from ..wording import translate as _


class VoiceBar(QProgressBar):  # type: ignore[misc]
    """Shown by who downloads, or by the first step of it."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self.setAccessibleName(_("How much of the voice is here"))
        self.hide()

    def show_step(self, step: Step) -> None:
        """Only downloading takes so long that somebody wants to know how far it is."""
        self.setVisible(step.stage in ("fetch", "install"))
        self.setRange(0, 0 if step.done is None else 1000)
        self.setValue(int(1000 * (step.done or 0.0)))
        self.setFormat(step.text or "%p%")
