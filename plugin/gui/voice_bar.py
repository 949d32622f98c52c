"""How much of a voice is here, while it is downloaded."""

from __future__ import annotations

from typing import Any

from qt.core import QProgressBar  # type: ignore[import-not-found]

from ..converting.progress import Step
from ..engine.install_progress import Amount
from ..wording import isolated
from ..wording import translate as _


def named(name: str, text: str) -> str:
    """`Downloading Joe: 12 of 63 MB`, where `text` is how much of it is here; else as it is."""
    return str(_("Downloading {voice}: {amount}").format(voice=isolated(name), amount=text)) if isinstance(text, Amount) and not text.what else text


class VoiceBar(QProgressBar):  # type: ignore[misc]
    """Shown by who downloads, or by the first step of it."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self.setAccessibleName(_("How much of the voice is here"))
        self.hide()

    def show_step(self, step: Step, name: str = "") -> None:
        """Only downloading takes so long that somebody wants to know how far it is. name: of the voice, where the window does not say which it is."""
        self.setVisible(step.stage in ("fetch", "install"))
        self.setRange(0, 0 if step.done is None else 1000)
        self.setValue(int(1000 * (step.done or 0.0)))
        self.setFormat((named(name, step.text) if name else step.text) or "%p%")
