"""A recording as one sees it, with the stretch that is taken of it: dragged by the mouse, moved by keys, or typed as times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from qt.core import (  # type: ignore[import-not-found]
    QAbstractSpinBox,
    QColor,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPainter,
    QPalette,
    QPointF,
    QRectF,
    QSize,
    QSizePolicy,
    QStyle,
    QStyleOptionFocusRect,
    Qt,
    QTimer,
    QValidator,
    QVBoxLayout,
    QWidget,
    pyqtSignal,
)

from ...wording import translate as _
from ..scrolled import calm
from ..work_bar import Flow
from .findings import clock, seconds_of

LONGEST_S: Final = 90.0
"""The sidecar listens to no more of a stretch."""
_SHORTEST_S: Final = 1.0
"""Less is a click, which moves the stretch there."""
_LINES: Final = 5
_EDGE_PX: Final = 6
_PEAK: Final = 100
_STEP_S: Final = 1.0
_PATIENCE_MS: Final = 600
"""Nothing is begun while somebody still presses keys."""


class Waveform(QWidget):  # type: ignore[misc]
    """`moved`: the user chose another stretch. Time runs from left to right in every language."""

    moved = pyqtSignal()

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self._peaks: Sequence[int] = ()
        self.length_s = 0.0
        self.start_s = 0.0
        self.end_s = 0.0
        self._held_s: float | None = None
        """While the mouse is down: the end of the stretch that stays."""
        self._pressed_x = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(_("The recording and the stretch that is used"))
        keys = _("Drag over the stretch that is to be used. By keys: Left and Right move it, with Shift its end.")
        self.setToolTip(keys)

    def show_recording(self, peaks: Sequence[int], length_s: float) -> None:
        """peaks: 0..100, in equal steps over all of it."""
        self._peaks, self.length_s = peaks, length_s
        self.update()

    def show_stretch(self, start_s: float, end_s: float) -> None:
        self.start_s, self.end_s = start_s, end_s
        words = _("From {start} to {end} of {length}")
        self.setAccessibleDescription(words.format(start=clock(start_s), end=clock(end_s), length=clock(self.length_s)))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().averageCharWidth() * 40, self.fontMetrics().lineSpacing() * _LINES)

    def minimumSizeHint(self) -> QSize:
        return QSize(self.fontMetrics().averageCharWidth() * 20, self.sizeHint().height())

    def paintEvent(self, event: Any) -> None:
        painter, palette = QPainter(self), self.palette()
        painter.fillRect(self.rect(), palette.base())
        first, last = self._x(self.start_s), self._x(self.end_s)
        stretch = QRectF(first, 0, max(2.0, last - first), self.height())
        shade = QColor(palette.highlight().color())
        shade.setAlphaF(0.25)
        painter.fillRect(stretch, shade)
        self._paint_peaks(painter, palette.color(QPalette.ColorRole.PlaceholderText), palette.text().color())
        painter.setPen(palette.highlight().color())
        for x in (stretch.left(), stretch.right()):
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.setPen(palette.mid().color())
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        if self.hasFocus():
            option = QStyleOptionFocusRect()
            option.initFrom(self)
            self.style().drawPrimitive(QStyle.PrimitiveElement.PE_FrameFocusRect, option, painter, self)
        painter.end()

    def _paint_peaks(self, painter: QPainter, outside: QColor, inside: QColor) -> None:
        """A line for each column of pixels, as high as the highest peak that falls on it."""
        if not self._peaks or self.width() < 2:
            return
        middle, half, count = self.height() / 2, self.height() / 2 - 2, len(self._peaks)
        for x in range(self.width()):
            at = x * count // self.width()
            peak = max(self._peaks[at : max(at + 1, (x + 1) * count // self.width())]) / _PEAK * half
            painter.setPen(inside if self.start_s <= self._time(x) <= self.end_s else outside)
            painter.drawLine(QPointF(x, middle - peak), QPointF(x, middle + peak))

    def _x(self, time_s: float) -> float:
        return time_s / self.length_s * float(self.width()) if self.length_s else 0.0

    def _time(self, x: float) -> float:
        return min(self.length_s, max(0.0, x / max(1.0, float(self.width())) * self.length_s))

    # ---- mouse and keys ---------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: Any) -> None:
        """At an edge: that edge is moved; else a new stretch begins."""
        if event.button() != Qt.MouseButton.LeftButton or not self.length_s:
            return
        x = self._pressed_x = event.position().x()
        edges = ((abs(x - self._x(self.start_s)), self.end_s), (abs(x - self._x(self.end_s)), self.start_s))
        near, other_end = min(edges)
        self._held_s = other_end if near <= _EDGE_PX else self._time(x)

    def mouseMoveEvent(self, event: Any) -> None:
        if self._held_s is not None:
            self._drag_to(event.position().x())

    def mouseReleaseEvent(self, event: Any) -> None:
        """So little that it was a click: the stretch as it is, around that place."""
        if self._held_s is None or event.button() != Qt.MouseButton.LeftButton:
            return
        x, before = event.position().x(), (self.start_s, self.end_s)
        self._drag_to(x)
        if self.end_s - self.start_s < _SHORTEST_S or abs(x - self._pressed_x) <= 2:
            length_s = before[1] - before[0] if before[1] - before[0] >= _SHORTEST_S else min(30.0, self.length_s)
            self.show_stretch(*self._within(self._time(x) - length_s / 2, length_s))
        self._held_s = None
        self.moved.emit()

    def _drag_to(self, x: float) -> None:
        assert self._held_s is not None
        held, time_s = self._held_s, self._time(x)
        time_s = min(held + LONGEST_S, max(held - LONGEST_S, time_s))
        self.show_stretch(min(held, time_s), max(held, time_s))

    def _within(self, start_s: float, length_s: float) -> tuple[float, float]:
        start_s = max(0.0, min(start_s, self.length_s - length_s))
        return start_s, min(self.length_s, start_s + length_s)

    def keyPressEvent(self, event: Any) -> None:
        """Left and Right move the stretch, with Shift its end; Home and End bring it to an end, Page Up and Page Down on by its length."""
        keys, length_s = Qt.Key, self.end_s - self.start_s
        steps = {keys.Key_Left: -_STEP_S, keys.Key_Right: _STEP_S, keys.Key_PageUp: -length_s, keys.Key_PageDown: length_s}
        steps |= {keys.Key_Home: -self.length_s, keys.Key_End: self.length_s}
        if event.key() not in steps or not self.length_s:
            super().keyPressEvent(event)
            return
        step_s = steps[event.key()]
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            end_s = min(self.length_s, self.start_s + LONGEST_S, max(self.start_s + _SHORTEST_S, self.end_s + step_s))
            self.show_stretch(self.start_s, end_s)
        else:
            self.show_stretch(*self._within(self.start_s + step_s, length_s))
        self.moved.emit()


class TimeBox(QDoubleSpinBox):  # type: ignore[misc]
    """A place in a recording: minutes, seconds and tenths."""

    def __init__(self, parent: Any, name: str) -> None:
        super().__init__(parent)
        self.setDecimals(1)
        self.setSingleStep(_STEP_S)
        self.setKeyboardTracking(False)
        self.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
        self.setAccessibleName(name)
        self.setToolTip(_("Minutes:seconds"))
        calm(self)

    def textFromValue(self, value: float) -> str:
        return clock(value)

    def valueFromText(self, text: str) -> float:
        found = seconds_of(text)
        return float(self.value()) if found is None else found

    def validate(self, text: str, at: int) -> tuple[Any, str, int]:
        """Whatever may become a time can be typed."""
        states = QValidator.State
        if seconds_of(text) is not None:
            return states.Acceptable, text, at
        return (states.Intermediate if set(text) <= set("0123456789:., ") else states.Invalid), text, at


class StretchChoice(QWidget):  # type: ignore[misc]
    """`changed`: another stretch is shown; `chosen`: it is to be looked at, since the user has come to rest."""

    changed = pyqtSignal()
    chosen = pyqtSignal()

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self.waveform = Waveform(self)
        self.start, self.end = TimeBox(self, _("Where the stretch begins")), TimeBox(self, _("Where the stretch ends"))
        self.length = QLabel(self)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PATIENCE_MS)
        self._soon.timeout.connect(self.chosen)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.waveform)
        layout.addLayout(Flow(self._labelled(_("&From:"), self.start), self._labelled(_("&to:"), self.end), self.length))
        self.waveform.moved.connect(self._dragged)
        self.start.valueChanged.connect(self._typed)
        self.end.valueChanged.connect(self._typed)

    @property
    def waits(self) -> bool:
        """Was another stretch chosen that nobody was told of yet?"""
        return bool(self._soon.isActive())

    def show_recording(self, peaks: Sequence[int], length_s: float) -> None:
        """Of another recording, or the same."""
        self.waveform.show_recording(peaks, length_s)
        for box in (self.start, self.end):
            box.blockSignals(True)
            box.setMaximum(max(_SHORTEST_S, length_s))
            box.blockSignals(False)
        self.length.setText(_("of {length}").format(length=clock(length_s)))

    def show_stretch(self, start_s: float, end_s: float) -> None:
        """What is used of it."""
        self._soon.stop()
        self.waveform.show_stretch(start_s, end_s)
        self._show_times()

    def stretch(self) -> tuple[float, float]:
        """(start, end) in seconds."""
        return self.waveform.start_s, self.waveform.end_s

    def _labelled(self, text: str, box: TimeBox) -> QWidget:
        """Label and field stay together where the row goes on below."""
        pair = QWidget(self)
        label = QLabel(text, pair)
        label.setBuddy(box)
        row = QHBoxLayout(pair)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label)
        row.addWidget(box)
        return pair

    def _dragged(self) -> None:
        self._show_times()
        self._soon.start()
        self.changed.emit()

    def _show_times(self) -> None:
        for box, time_s in ((self.start, self.waveform.start_s), (self.end, self.waveform.end_s)):
            box.blockSignals(True)
            box.setValue(time_s)
            box.blockSignals(False)

    def _typed(self) -> None:
        """The other end follows where the stretch would be too short or too long."""
        start_s, end_s = self.start.value(), self.end.value()
        if self.sender() is self.start:
            start_s = min(start_s, max(0.0, self.waveform.length_s - _SHORTEST_S))
            end_s = min(self.waveform.length_s, max(start_s + _SHORTEST_S, min(end_s, start_s + LONGEST_S)))
        else:
            end_s = max(end_s, min(_SHORTEST_S, self.waveform.length_s))
            start_s = max(0.0, min(end_s - _SHORTEST_S, max(start_s, end_s - LONGEST_S)))
        self.waveform.show_stretch(start_s, end_s)
        self._dragged()
