"""Get, which downloads the voice that is chosen, and Stop while it does; beside it how much of the voice is here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qt.core import QHBoxLayout, QIcon, QPushButton, pyqtSignal  # type: ignore[import-not-found]

from ..converting.progress import Show, fetching
from ..resources import Resources
from ..speaking import voices
from ..wording import translate as _
from .background import Background
from .voice_bar import VoiceBar


class VoiceGet(QHBoxLayout):  # type: ignore[misc]
    """A line of a window. `wanted` when Get was pressed: whoever knows the voice calls `start`. Then `got(id)` when it is here, `failed(id, PluginError)`
    when not."""

    wanted = pyqtSignal()
    got = pyqtSignal(str)
    failed = pyqtSignal(str, object)

    def __init__(self, parent: Any) -> None:
        super().__init__()
        self._may = False
        self._voice = ""
        self._work = Background(parent)
        self._work.done.connect(lambda wire: self.got.emit(self._voice))
        self._work.failed.connect(lambda error: self.failed.emit(self._voice, error))
        self._work.ended.connect(self._show)
        self.button = QPushButton(QIcon.ic("download-metadata.png"), _("Get"), parent)
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self._pressed)
        self.bar = VoiceBar(parent)
        self._work.step.connect(self.bar.show_step)
        self.addWidget(self.button)
        self.addWidget(self.bar, 1)
        self.addStretch()
        self._show()

    def start(self, voice: str, language: str, resources: Resources, chosen: Mapping[str, str]) -> None:
        """Download it. chosen: the user's voices by language, of which a clone may need one."""

        def work(show: Show, stopped: Callable[[], bool]) -> Any:
            whole = voices.with_base(voice, language or "en", resources, chosen)
            return voices.ensure_voice(whole, resources, lambda stage, done, text: show(fetching(stage, done, text)), stopped)

        self._voice = voice
        self.bar.setRange(0, 0)
        self._work.start(work)
        self._show()

    def stop(self) -> None:
        """Leave off; what was fetched is kept for the next time."""
        self._work.stop()

    def allow(self, on: bool) -> None:
        """Is there something to get?"""
        self._may = on
        self._show()

    @property
    def running(self) -> bool:
        """Is a voice being fetched?"""
        return bool(self._work.running)

    def _pressed(self) -> None:
        if self.running:
            self.stop()
        else:
            self.wanted.emit()

    def _show(self) -> None:
        self.button.setVisible(self.running or self._may)
        self.button.setText(_("Stop") if self.running else _("Get"))
        self.bar.setVisible(self.running)
