"""Lines of a label and what it names. Qt's QFormLayout gives lines whose height follows their width too little of it, or too much."""

from __future__ import annotations

from typing import Any

from qt.core import QEvent, QGridLayout, QLabel, QSize, QStyle, Qt, QWidget  # type: ignore[import-not-found]


class Rows(QWidget):  # type: ignore[misc]
    """Side by side; in a narrow window, the label above."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self._narrow = False
        self._labels: dict[QWidget, QLabel] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)

    def add(self, text: str, field: QWidget, focus: QWidget) -> None:
        """text: with a shortcut to `focus`, which stands in the field's first line."""
        label = QLabel(text, self)
        label.setBuddy(focus)
        label.setMinimumHeight(focus.sizeHint().height())  # as high as that line, in whose middle the words stand
        self._labels[field] = label
        self._place()

    def lead(self, field: QWidget, focus: QWidget) -> None:
        """Another widget stands in the field's first line now."""
        self._labels[field].setBuddy(focus)

    def set_visible(self, field: QWidget, shown: bool) -> None:
        """The line."""
        field.setVisible(shown)
        self._labels[field].setVisible(shown)

    def minimumSizeHint(self) -> QSize:
        """With the labels above."""
        return QSize(max(self._widest(self._labels), self._widest(self._labels.values())), super().minimumSizeHint().height())

    def keep_shape(self) -> None:
        """A field has become wider: where the labels stand at the side, they stay there, and the window grows, as far as the screen has room."""
        lacking, window = self._side_by_side() - self.width(), self.window()
        if not self._narrow and lacking > 0 and self.isVisible():
            lacking += self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)  # which may come, until the window is higher too
            window.resize(min(window.width() + lacking, window.screen().availableSize().width() * 9 // 10), window.height())

    def resizeEvent(self, event: Any) -> None:
        """Is there room side by side?"""
        super().resizeEvent(event)
        self._fit()

    def event(self, event: Any) -> bool:
        """A part wants another size."""
        done = bool(super().event(event))
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return done

    def _fit(self) -> None:
        narrow = self.width() < self._side_by_side()
        if narrow != self._narrow:
            self._narrow = narrow
            self._place()

    def _side_by_side(self) -> int:
        return self._widest(self._labels) + self._widest(self._labels.values()) + self._grid.horizontalSpacing()

    def _widest(self, parts: Any) -> int:
        return max((part.minimumSizeHint().width() for part in parts if not part.isHidden()), default=0)

    def _place(self) -> None:
        for number, (field, label) in enumerate(self._labels.items()):
            for part in (label, field):
                self._grid.removeWidget(part)
            across = 2 if self._narrow else 1
            self._grid.addWidget(label, 2 * number, 0, 1, across, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(field, 2 * number + self._narrow, 1 - self._narrow, 1, across)
