"""When a window that nobody asked for at this moment may come up."""

from __future__ import annotations

from qt.core import QApplication, Qt  # type: ignore[import-not-found]


def would_disturb() -> bool:
    """Is a window open that takes all clicks (over it another would not answer), a menu (which a window that comes up closes), or a mouse button held?"""
    open_now = QApplication.activeModalWidget() or QApplication.activePopupWidget()
    return open_now is not None or QApplication.mouseButtons() != Qt.MouseButton.NoButton
