"""Windows whose text is never cut, in a small window or a long language: by a page that scrolls up and down, or a height that follows the width."""

from __future__ import annotations

from typing import Any, Final

from qt.core import (  # type: ignore[import-not-found]
    QComboBox,
    QDialog,
    QEvent,
    QFrame,
    QGridLayout,
    QLabel,
    QLayout,
    QObject,
    QScrollArea,
    QSize,
    QSizePolicy,
    QStyle,
    Qt,
    QTimer,
    QWidget,
)

LEAST_SCREEN: Final = QSize(800, 600)
"""What is taken for the screen where it says less: without one, Qt tells of a telephone's."""


class Page(QWidget):  # type: ignore[misc]
    """What a `Scrolled` holds: its least height is no matter, since it scrolls (Qt would take that of its least width)."""

    def minimumSizeHint(self) -> QSize:
        """Its least width."""
        return QSize(super().minimumSizeHint().width(), 0)


class Scrolled(QScrollArea):  # type: ignore[misc]
    """Holds `page`; wants to be as wide as `characters` and as high as the page is then, at most `lines`."""

    def __init__(self, page: QWidget, parent: Any, characters: int = 70, lines: int = 1000) -> None:
        super().__init__(parent)
        self._characters, self._lines = characters, lines
        self._part: QWidget = page
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(page)

    def fit(self, dialog: QDialog) -> None:
        """Make the dialog as large as its text wants, as far as the screen has room; smaller only where the user makes it so."""
        for layout in self.widget().findChildren(QLayout):
            layout.invalidate()  # before the window is shown no layout is told of what changed in it
        self.updateGeometry()
        dialog.layout().activate()
        wanted, own, screen = dialog.layout().totalSizeHint(), self.sizeHint(), self._screen()
        width = max(wanted.width(), dialog.width())
        lacking = self._page_height(own.width() + width - wanted.width()) - own.height()
        wanted.setHeight(min(wanted.height() + max(0, lacking), screen.height() * 9 // 10))
        dialog.resize(dialog.size().expandedTo(wanted))
        over = dialog.frameGeometry().bottom() - dialog.screen().availableGeometry().bottom()
        if dialog.isVisible() and over > 0:
            dialog.move(dialog.x(), max(dialog.screen().availableGeometry().top(), dialog.y() - over))

    def reveal(self, part: QWidget) -> None:
        """A part of the page was unfolded, or is what the user has to look at: the window grows as far as the screen has room, then the page scrolls to
        it, its beginning in sight."""
        self._part = part
        self.fit(self.window())
        QTimer.singleShot(0, self._scroll)

    def _scroll(self) -> None:
        self.widget().layout().activate()
        self.ensureWidgetVisible(self._part)
        top = self._part.mapTo(self.widget(), self._part.rect().topLeft()).y()
        self.verticalScrollBar().setValue(min(self.verticalScrollBar().value(), top))

    def event(self, event: Any) -> bool:
        """The page's parts are others: so may be the room that it needs."""
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return bool(super().event(event))

    def minimumSizeHint(self) -> QSize:
        """The page's own least width: what cannot be wrapped is never cut. No higher than the page wants to be."""
        width = self.widget().minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()
        return QSize(width, min(self.fontMetrics().lineSpacing() * 6, self.sizeHint().height()))

    def sizeHint(self) -> QSize:
        """By its text, within what the screen can show."""
        bar, screen = self.verticalScrollBar().sizeHint().width(), self._screen()
        width = max(self.fontMetrics().averageCharWidth() * self._characters, self.widget().minimumSizeHint().width())
        most = min(screen.height() * 7 // 10, self.fontMetrics().lineSpacing() * self._lines)
        return QSize(min(width + bar, screen.width() * 9 // 10), min(self._page_height(width + bar), most))

    def _page_height(self, width: int) -> int:
        """Of all of the page, where this is that wide, with room for its bar."""
        page = self.widget()
        return int(page.heightForWidth(width - self.verticalScrollBar().sizeHint().width()) if page.hasHeightForWidth() else page.sizeHint().height()) + 4

    def _screen(self) -> QSize:
        return self.screen().availableSize().expandedTo(LEAST_SCREEN)


class Edge(QFrame):  # type: ignore[misc]
    """The line below a page: as long as more of it is to be scrolled to, so that nobody reads on in what stands beneath."""

    def __init__(self, scrolled: Scrolled, parent: Any) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.HLine)
        self.setFrameShadow(QFrame.Shadow.Sunken)
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # else its own room could make the page scroll
        self.setSizePolicy(policy)
        bar = scrolled.verticalScrollBar()
        bar.rangeChanged.connect(self._show)
        self._show(bar.minimum(), bar.maximum())

    def _show(self, least: int, most: int) -> None:
        self.setVisible(most > least)


class Wrapping(QDialog):  # type: ignore[misc]
    """A dialog that is always as high as its wrapped sentences need. characters: how wide it begins."""

    def begin(self, characters: int = 75) -> None:
        """Once everything is in it."""
        character = self.fontMetrics().averageCharWidth()
        width = max(character * characters, self.layout().totalMinimumSize().width())
        self.setMinimumWidth(min(width, character * 40))
        self.setMinimumHeight(self._needed(width))
        self.resize(width, self.minimumHeight())

    def event(self, event: Any) -> bool:
        """Something was shown, hidden or worded anew: as high as needed, unless the user has made it higher."""
        done = bool(super().event(event))
        if event.type() == QEvent.Type.LayoutRequest and self.layout() is not None:
            snug = self.height() <= self.minimumHeight()
            self.setMinimumHeight(self._needed(self.width()))
            if snug:
                self.resize(self.width(), self.minimumHeight())
        return done

    def resizeEvent(self, event: Any) -> None:
        """Narrower is higher."""
        super().resizeEvent(event)
        self.setMinimumHeight(self._needed(event.size().width()))

    def _needed(self, width: int) -> int:
        layout = self.layout()
        return int(layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.totalMinimumSize().height())


class _Calm(QObject):  # type: ignore[misc]
    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Of a wheel: leave it to what scrolls."""
        if event.type() != QEvent.Type.Wheel or (watched.hasFocus() and not isinstance(watched, QComboBox)):
            return False
        event.ignore()
        return True


def calm(*fields: QWidget) -> None:
    """Who scrolls a page with the mouse's wheel changes no field on the way: boxes leave it alone, sliders and numbers too unless they have the focus."""
    for field in fields:
        field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # so the wheel gives no focus either
        field.installEventFilter(_Calm(field))


def sentence(text: str, parent: Any = None) -> QLabel:
    """A label for words, which wrap; never read as markup, since a book may have chosen some of them."""
    return wrapping(QLabel(text, parent))


def wrapping(label: QLabel) -> QLabel:
    """The same label, for words as `sentence` has them."""
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
    label.setWordWrap(True)  # after the policy, which says that height follows width
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def below_radio(label: QLabel, grid: QGridLayout, row: int) -> QLabel:
    """The same label, in a row of a grid in whose first column nothing but radio buttons begins: below the text of the one above, and nearer to it than to
    what follows."""
    style, metrics = label.style(), QStyle.PixelMetric
    grid.setColumnMinimumWidth(0, style.pixelMetric(metrics.PM_ExclusiveIndicatorWidth) + style.pixelMetric(metrics.PM_RadioButtonLabelSpacing))
    label.setContentsMargins(0, 0, 0, label.fontMetrics().lineSpacing() // 3)
    grid.addWidget(label, row, 1, 1, -1)
    return label


def small(label: QLabel) -> QLabel:
    """The same label, its text somewhat smaller."""
    font = label.font()
    if font.pointSizeF() > 0:
        font.setPointSizeF(font.pointSizeF() * 0.9)
    label.setFont(font)
    return label


def bold(label: QLabel) -> QLabel:
    """The same label, its text bold."""
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label
