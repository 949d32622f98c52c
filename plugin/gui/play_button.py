"""The buttons that let something be heard: one that makes a sound and plays it, one that opens an audiobook.

Their signs are drawn here: the style's own are black, also where buttons are, and Qt looks for each anew among the icons of the desktop, some
milliseconds long.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from qt.core import (  # type: ignore[import-not-found]
    QEvent,
    QIcon,
    QPainter,
    QPalette,
    QPixmap,
    QPointF,
    QPolygonF,
    QPushButton,
    Qt,
    pyqtSignal,
)

from ..converting.progress import Show
from ..errors import PluginError
from ..wording import translate as _
from .background import Background
from .player import Player

Stop = Callable[[], bool]
Produce = Callable[[Show, Stop], Path]
"""Makes the WAV file, in a thread; raises PluginError and Stopped."""
Shape = tuple[tuple[float, float], ...]
PLAY: Final[Shape] = ((0.22, 0.12), (0.85, 0.5), (0.22, 0.88))
STOP: Final[Shape] = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
"""Corners, of a square whose side is 1."""


def sign(button: QPushButton, shape: Shape) -> QIcon:
    """In the colour of what is written on the button."""
    made, groups = QIcon(), QPalette.ColorGroup
    size, ratio = button.iconSize(), button.devicePixelRatioF()
    for mode, group in ((QIcon.Mode.Normal, groups.Active), (QIcon.Mode.Disabled, groups.Disabled)):
        pixmap = QPixmap(size * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(button.palette().color(group, QPalette.ColorRole.ButtonText))
        painter.drawPolygon(QPolygonF([QPointF(x * size.width(), y * size.height()) for x, y in shape]))
        painter.end()
        made.addPixmap(pixmap, mode)
    return made


class OpenButton(QPushButton):  # type: ignore[misc]
    """With the sign of Play: opens an audiobook."""

    def __init__(self, text: str, parent: Any) -> None:
        super().__init__(text, parent)
        self.setIcon(sign(self, PLAY))

    def changeEvent(self, event: Any) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self.setIcon(sign(self, PLAY))


class PlayButton(QPushButton):  # type: ignore[misc]
    """Play, then Preparing while `produce` makes the sound and until it runs (Stop for who presses), then Stop; Play again where nothing can be heard.
    What went wrong is sent as `failed(PluginError)`, and shown in the `box` (an ErrorBox beside it), else in a dialog; so is, without being sent, that
    nothing can be heard, unless there is `say` for that.
    `stepped(Step)`: how far making it has come; `made`: that has ended, however."""

    failed = pyqtSignal(object)
    stepped = pyqtSignal(object)
    made = pyqtSignal()

    def __init__(
        self,
        parent: Any,
        player: Player,
        produce: Produce,
        box: Any = None,
        say: Callable[[str], None] | None = None,
        first: Callable[[], bool] = lambda: False,
    ) -> None:
        """first: asked when it is pressed; True where something else has begun that has to come before, and presses it again then."""
        super().__init__(parent)
        self._first = first
        self._player = player
        self._produce = produce
        self._box, self._say = box, say
        self._playing = False
        self._runs, self._mute = False, False
        """Of what plays: has it begun, and is there nothing to hear it by? It plays on then, for who hears it after all."""
        self._latest = False
        """Was it this one that played last?"""
        self._background = Background(self)
        self._background.done.connect(self._produced)
        self._background.failed.connect(self._show_error)
        self._background.ended.connect(self._show_state)
        self._background.step.connect(self.stepped)
        self._background.ended.connect(self.made)
        player.claimed.connect(self._others_turn)
        player.started.connect(self._started)
        player.ended.connect(self._silent)
        player.failed.connect(self._refused)
        player.unheard.connect(self._unheard)
        self.setAutoDefault(False)
        self.clicked.connect(self._pressed)
        self._widest()
        self._show_state()

    @property
    def busy(self) -> bool:
        """Is it preparing or playing?"""
        return (self._playing and not self._mute) or self._background.running

    def stop(self) -> None:
        """As if Stop had been pressed; nothing where nothing plays."""
        self._background.stop()
        if self._playing:
            self._player.stop()

    def _pressed(self) -> None:
        if self.busy:
            self.stop()
            return
        if self._first():
            return
        if self._box is not None:
            self._box.clear()
        if self._say is not None:
            self._say("")
        self._player.claimed.emit(self)
        self._player.stop()
        self._background.start(self._produce)
        self._player.prepare()
        self._show_state()

    def _produced(self, path: Path) -> None:
        self._player.stop()
        self._playing, self._runs, self._mute = True, False, False
        self._player.play(path)

    def _started(self) -> None:
        self._runs = True
        self._show_state()

    def _others_turn(self, who: object) -> None:
        self._latest = who is self
        if who is not self:
            self.stop()

    def _silent(self) -> None:
        self._playing = False
        self._show_state()

    def _refused(self, why: str) -> None:
        if self._playing:
            self._silent()
            self._show_error(PluginError("sound_failed", reason=why))

    def _unheard(self) -> None:
        if not self._latest:
            return
        self._mute = True
        self._show_state()
        error = PluginError("sound_unheard")
        if self._say is not None:
            self._say(f"{error.what()} {error.next_step()}")
        else:
            self._show(error)

    def _show_error(self, error: PluginError) -> None:
        self.failed.emit(error)
        self._show(error)

    def _show(self, error: PluginError) -> None:
        if self._box is not None:
            self._box.set_error(error, {})
        else:
            from .error_dialog import show_error

            show_error(self.window(), error, _("It cannot be played"), {})

    def _show_state(self) -> None:
        text, shape = self._states()[0 if not self.busy else 2 if self._playing and self._runs else 1]
        self.setText(text)
        self.setIcon(sign(self, shape))

    def changeEvent(self, event: Any) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange) and not self.icon().isNull():
            self._show_state()

    def _widest(self) -> None:
        """The button keeps its width, whatever it says."""
        widths = []
        self.setIcon(sign(self, PLAY))
        for text, _shape in self._states():
            self.setText(text)
            widths.append(self.sizeHint().width())
        self.setMinimumWidth(max(widths))

    def _states(self) -> list[tuple[str, Shape]]:
        return [(_("Play"), PLAY), (_("Preparing…"), STOP), (_("Stop"), STOP)]
