"""What is wrong with a window, by the places and sizes of its parts: text cut, parts over one another or outside, sideways
scrolling, words that went past the translation, controls without a name or out of the keyboard's reach, buttons that are grey without a reason.

`flaws(window)` gives sentences. Runs in Calibre's interpreter; the window must be shown and laid out.
"""

from __future__ import annotations

import re
from functools import lru_cache

from qt.core import (  # type: ignore[import-not-found]
    QAbstractButton,
    QAbstractItemView,
    QAbstractListModel,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QDialogButtonBox,
    QGroupBox,
    QHeaderView,
    QLabel,
    QLayout,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QRadioButton,
    QRect,
    QScrollBar,
    QSizeGrip,
    QStyle,
    QStyleOptionComboBox,
    QStyleOptionSpinBox,
    Qt,
    QTabBar,
    QTableView,
    QTextEdit,
    QToolButton,
    QTreeView,
    QWidget,
)

CONTROLS = (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QAbstractSlider, QAbstractItemView, QTextEdit, QPlainTextEdit, QProgressBar)
OF_QT = (QScrollBar, QSizeGrip)
MADE_OF_PARTS = (QComboBox, QAbstractSpinBox, QAbstractItemView, QScrollBar, QTabBar, QMenu)
ROWS = 60
SURE = 40
"""So much of a long word of the data is enough to know it where it was shortened."""


def flaws(window, marked=None, data=()):
    """marked: a pattern of text that was translated, where that is to be checked. data: words that are nobody's to translate."""
    found = []
    for w in [window, *window.findChildren(QWidget)]:
        if not w.isVisible() or _of_another(w) or isinstance(w, OF_QT):
            continue
        found += _cut(w) + _outside(w) + _over(w) + _sideways(w)
        if isinstance(w, CONTROLS) and not isinstance(w, QHeaderView):
            found += _unnamed(w) + _grey(w)
        if marked:
            found += _untranslated(w, marked, data)
    return list(dict.fromkeys(found))


def shown_text(text):
    """Without the marks of shortcuts, tags and what stands behind a tab."""
    return re.sub(r"<[^>]*>", "", text.split("\t")[0].replace("&&", "\0").replace("&", "").replace("\0", "&"))


def _of_another(w):
    """A part of one of Qt's own controls, which looks after it."""
    parent = w.parentWidget()
    while parent is not None and not w.isWindow():
        if isinstance(parent, MADE_OF_PARTS) and not (isinstance(parent, QAbstractItemView) and isinstance(w, QHeaderView)):
            return not _in_a_cell(w, parent)
        if isinstance(parent, QLineEdit):
            return True
        w, parent = parent, parent.parentWidget()
    return False


def _in_a_cell(w, view):
    """A control that a view of ours holds in one of its cells."""
    return isinstance(view, QAbstractItemView) and w.parentWidget() is view.viewport() and not isinstance(w, QLineEdit)


def told(w):
    """How a flaw names a part."""
    text = w.text() if callable(getattr(w, "text", None)) else w.title() if isinstance(w, QGroupBox) else ""
    return f"{type(w).__name__} {(w.objectName() or shown_text(text) or w.accessibleName())[:50]!r}"


def _cut(w):
    if isinstance(w, QLabel):
        return _label(w)
    if isinstance(w, QAbstractButton):
        return _narrow(w, shown_text(w.text()), w.sizeHint().width()) if w.text() and not _icon_only(w) else []
    if isinstance(w, QComboBox):
        option = QStyleOptionComboBox()
        w.initStyleOption(option)
        room = w.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, w).width()
        icon = w.iconSize().width() + 4 if not w.itemIcon(w.currentIndex()).isNull() else 0
        return _room(w, w.currentText(), room - icon)
    if isinstance(w, QAbstractSpinBox):
        option = QStyleOptionSpinBox()
        w.initStyleOption(option)
        return _room(w, w.text(), w.style().subControlRect(QStyle.ComplexControl.CC_SpinBox, option, QStyle.SubControl.SC_SpinBoxEditField, w).width())
    if isinstance(w, QLineEdit):
        return _room(w, w.placeholderText(), w.width() - 8)
    if isinstance(w, QProgressBar):
        return _room(w, w.text(), w.width()) if w.isTextVisible() else []
    if isinstance(w, QGroupBox):
        return _room(w, shown_text(w.title()), w.width() - 8)
    if isinstance(w, QTabBar):
        wide = sum(w.tabRect(i).width() for i in range(w.count()) if w.isTabVisible(i))
        return [f"tabs do not fit: {wide} of {w.width()}"] if wide > w.width() + 1 and not w.property("scrolls") else []
    if isinstance(w, QHeaderView):
        return _header(w)
    if isinstance(w, QAbstractItemView):
        return _cells(w)
    return []


def _label(w):
    if not w.text() or not w.pixmap().isNull():
        return []
    if w.wordWrap() or w.textFormat() == Qt.TextFormat.RichText:
        need = w.heightForWidth(w.width()) if w.hasHeightForWidth() else w.sizeHint().height()
        cut = [f"{told(w)} is cut: {w.height()} high, {need} needed at {w.width()} wide"] if w.height() + 1 < need else []
        longest = max((w.fontMetrics().horizontalAdvance(word) for word in shown_text(w.text()).split()), default=0)
        return cut + ([f"{told(w)} is cut: a word of {longest} in {w.width()}"] if longest > w.width() + 1 and not _sure_data(w) else [])
    need = w.sizeHint()
    return _narrow(w, w.text(), need.width()) + ([f"{told(w)} is cut: {w.height()} high of {need.height()}"] if w.height() + 1 < need.height() else [])


def _sure_data(w):
    """A path or the like, of which no length is known."""
    return bool(re.search(r"[/\\]\w", w.text()))


def _icon_only(w):
    return isinstance(w, QToolButton) and w.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly and not w.icon().isNull()


def _narrow(w, text, need):
    return [f"{told(w)} is cut: {w.width()} of {need} wide"] if shown_text(text).strip() and w.width() + 1 < need else []


def _room(w, text, room):
    need = w.fontMetrics().horizontalAdvance(text)
    return [f"{told(w)} is cut: {text[:40]!r} needs {need}, has {room}"] if text and room + 1 < need else []


def _header(w):
    if w.model() is None or w.orientation() != Qt.Orientation.Horizontal:
        return []
    found = []
    for i in range(w.count()):
        text = w.model().headerData(i, w.orientation(), Qt.ItemDataRole.DisplayRole)
        if text and not w.isSectionHidden(i):
            need = w.fontMetrics().horizontalAdvance(str(text)) + 2 * w.style().pixelMetric(QStyle.PixelMetric.PM_HeaderMargin)
            if w.sectionSize(i) + 1 < need:
                found.append(f"column {str(text)[:40]!r} is cut: {w.sectionSize(i)} of {need} wide")
    return found


def _cells(w):
    """A cell may be elided only where its whole text shows when one points at it."""
    found = []
    for index in _indexes(w):
        text, rect = index.data(Qt.ItemDataRole.DisplayRole), w.visualRect(index)
        if not text or rect.isEmpty() or w.indexWidget(index) is not None:
            continue
        need = w.sizeHintForIndex(index)
        wraps = bool(w.wordWrap()) if isinstance(w, QTableView) or callable(getattr(w, "wordWrap", None)) else False
        narrow = need.width() > rect.width() + 1 and not (wraps and need.height() <= rect.height() + 1 and " " in str(text))
        if narrow and not index.data(Qt.ItemDataRole.ToolTipRole):
            found.append(f"cell {str(text)[:40]!r} of {type(w).__name__} is cut ({rect.width()} of {need.width()} wide) and has no tooltip")
    return found


def _indexes(view):
    model = view.model()
    if model is None:
        return
    below = [view.rootIndex()]
    seen = 0
    while below and seen < ROWS:
        parent = below.pop()
        for row in range(min(model.rowCount(parent), ROWS)):
            seen += 1
            for column in range(_columns(model, parent)):
                index = model.index(row, column, parent)
                yield index
                if column == 0 and isinstance(view, QTreeView) and model.hasChildren(index):
                    below.append(index)


def _columns(model, parent):
    return 1 if isinstance(model, QAbstractListModel) else model.columnCount(parent)  # private in a list


def _outside(w):
    parent = w.parentWidget()
    if parent is None or w.isWindow() or _scrolled(w):
        return []
    room, place = parent.rect(), w.geometry()
    inside = room.adjusted(-1, -1, 1, 1).contains(place) or place.isEmpty()
    return [] if inside else [f"{told(w)} is outside: {_rect(place)} in {told(parent)} {_rect(room)}"]


def _scrolled(w):
    """Does it lie in what a scroll area scrolls (or a view's cell)?"""
    parent = w.parentWidget()
    area = parent.parentWidget() if parent is not None else None
    return isinstance(area, QAbstractScrollArea) and parent is area.viewport()


def _over(w):
    layout = w.layout()
    if layout is None:
        return []
    places = [(part, part.geometry()) for part in _in_layout(layout) if part.isVisible() and part.parentWidget() is w and not part.geometry().isEmpty()]
    found = []
    for n, (one, there) in enumerate(places):
        for other, place in places[n + 1 :]:
            both = there.intersected(place)
            if both.width() > 1 and both.height() > 1:
                found.append(f"{told(one)} and {told(other)} overlap by {both.width()} × {both.height()}")
    return found


def _in_layout(layout):
    for i in range(layout.count()):
        item = layout.itemAt(i)
        if item.widget() is not None:
            yield item.widget()
        elif isinstance(item.layout(), QLayout):
            yield from _in_layout(item.layout())


def _sideways(w):
    if not isinstance(w, QAbstractScrollArea) or isinstance(w, QHeaderView):
        return []
    wider = w.horizontalScrollBar().maximum() - w.horizontalScrollBar().minimum()
    return [f"{told(w)} is scrolled sideways by {wider}"] if wider > 0 else []


def _unnamed(w):
    found = []
    if not _name(w).strip():
        found.append(f"{told(w)} has no name for a screen reader")
    passive = isinstance(w, QProgressBar) or isinstance(w.parentWidget(), QTabBar) or not w.isEnabled()
    if not passive and not any(one.focusPolicy() & Qt.FocusPolicy.TabFocus for one in (w, *_by_arrows(w))):
        found.append(f"{told(w)} cannot be reached by the keyboard")
    return found


def _by_arrows(w):
    """From these the arrow keys lead to it: Tab reaches one of several that are chosen among, once one has had the focus."""
    return w.group().buttons() if isinstance(w, QRadioButton) and w.group() is not None else []


def _grey(w):
    """A button that cannot be pressed says why not (a screen reader takes the tooltip where there is no description)."""
    wordless = isinstance(w, QAbstractButton) and not w.isEnabled() and w.text() and not (w.toolTip() or w.accessibleDescription())
    return [f"{told(w)} is grey and does not say why"] if wordless and not isinstance(w.parentWidget(), QTabBar) else []


def _name(w):
    """As Qt gives it to a screen reader: its own, its text, or its label's."""
    own = w.accessibleName() or (w.text() if isinstance(w, QAbstractButton) else "")
    return own or next((label.text() for label in w.window().findChildren(QLabel) if label.buddy() is w), "")


def _untranslated(w, marked, data):
    texts = [w.toolTip(), w.windowTitle() if w.isWindow() else ""]
    if isinstance(w, QAbstractButton):
        box = w.parentWidget()
        ours = not isinstance(box, QDialogButtonBox) or box.standardButton(w) == QDialogButtonBox.StandardButton.NoButton
        texts += [w.text()] if ours and not isinstance(box, QTabBar) else []
    elif isinstance(w, QLabel):
        texts.append(w.text())
    elif isinstance(w, QGroupBox):
        texts.append(w.title())
    elif isinstance(w, QLineEdit):
        texts.append(w.placeholderText())
    elif isinstance(w, QComboBox):
        texts += [w.itemText(i) for i in range(min(w.count(), ROWS))]
    elif isinstance(w, QAbstractSpinBox):
        texts += [w.text()]
    elif isinstance(w, QTabBar):
        texts += [w.tabText(i) for i in range(w.count())]
    elif isinstance(w, QProgressBar):
        texts.append(w.text() if w.isTextVisible() else "")
    elif isinstance(w, QHeaderView):
        if w.model() is not None and w.orientation() == Qt.Orientation.Horizontal:
            texts += [str(w.model().headerData(i, w.orientation(), Qt.ItemDataRole.DisplayRole) or "") for i in range(w.count())]
    elif isinstance(w, QAbstractItemView):
        texts += [str(index.data(Qt.ItemDataRole.DisplayRole) or "") for index in _indexes(w)]
    elif isinstance(w, QMenu):
        texts += [a.text() for a in w.actions()]
    texts.append(w.accessibleName())
    found = ((text, left(text, marked, data)) for text in texts)
    return [f"{told(w)}: {word[0]!r} of {text[:60]!r} is not translated" for text, word in found if word]


def left(text, marked, data):
    """What of a text is neither translated nor data."""
    rest = shown_text(text).replace("\u200b", "")
    before = None
    while rest != before:  # one translated text may stand in another
        before, rest = rest, re.sub(marked, " ", rest)
    return re.search(r"[^\W\d_]{2,}", _any_of(data).sub(" ", rest))


@lru_cache(maxsize=8)
def _any_of(words):
    longest_first = sorted(words, key=len, reverse=True)
    shortened = [re.escape(word[:SURE]) + r"[^\n]*…" for word in longest_first if len(word) > SURE]
    whole = "|".join(map(re.escape, longest_first))
    return re.compile("|".join([*shortened, rf"(?<!\w)(?:{whole})(?!\w)"]))


def _rect(rect: QRect):
    return f"({rect.x()}, {rect.y()}, {rect.width()} × {rect.height()})"
