"""How fast is spoken: a slider and a number that agree. Nothing but what is allowed can be typed."""

from __future__ import annotations

from typing import Any, Final

from qt.core import QDoubleSpinBox, QHBoxLayout, QSlider, Qt, QWidget, pyqtSignal  # type: ignore[import-not-found]

from ..prefs import SPEED
from ..wording import translate as _
from .scrolled import calm

STEP: Final = 0.05


class SpeedChoice(QWidget):  # type: ignore[misc]
    """`changed` when it is."""

    changed = pyqtSignal()

    def __init__(self, parent: Any, speed: float) -> None:
        super().__init__(parent)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(round(SPEED[0] / STEP), round(SPEED[1] / STEP))
        self.slider.setPageStep(5)
        self.slider.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.slider.setTickInterval(5)
        self.slider.setAccessibleName(_("Speed of speech"))
        self.spin = QDoubleSpinBox(self)
        self.spin.setRange(*SPEED)
        self.spin.setSingleStep(STEP)
        self.spin.setDecimals(2)
        self.spin.setSuffix(" ×")
        self.spin.setAccessibleName(_("Speed of speech"))
        self.spin.setToolTip(_("1 is the voice's own speed."))
        calm(self.slider, self.spin)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.spin)
        self.spin.setValue(speed)
        self.slider.setValue(round(speed / STEP))
        self.spin.valueChanged.connect(self._spun)
        self.slider.valueChanged.connect(self._slid)

    def speed(self) -> float:
        """Times the voice's own."""
        return round(float(self.spin.value()), 2)

    def _spun(self, value: float) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(round(value / STEP))
        self.slider.blockSignals(False)
        self.changed.emit()

    def _slid(self, steps: int) -> None:
        self.spin.setValue(steps * STEP)
