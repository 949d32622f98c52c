"""The entry's places in Calibre's menus: put into the right-click menus once, announced, and never again after the user moved it.

Calibre asks at installing where the entry shall be and preselects the toolbar alone, so most would miss it where they
look for it. Done in `genesis`, after that question was answered and before the menus are built.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

RIGHT_CLICK: Final = ("context-menu", "context-menu-split", "context-menu-cover-browser")
AFTER: Final = "Convert Books"


def place_once(name: str) -> bool:
    """Put it there if that was never done; whether anything changed."""
    from . import prefs

    return not prefs.placed_before() and place(name)


def place(name: str) -> bool:
    """Put it into the right-click menus that lack it; whether anything changed. The menus that are built already stay as they are."""
    from calibre.gui2 import gprefs  # type: ignore[import-not-found]

    changed = False
    for location in RIGHT_CLICK:
        key = f"action-layout-{location}"
        layout = gprefs[key]
        if name not in layout:
            gprefs[key] = inserted(layout, name)
            changed = True
    return changed


def inserted(layout: Sequence[str | None], name: str) -> tuple[str | None, ...]:
    """The layout with the entry after Calibre's own converting, else at its end."""
    names = list(layout)
    at = names.index(AFTER) + 1 if AFTER in names else len(names)
    return (*names[:at], name, *names[at:])


def rebuild(gui: Any) -> None:
    """Show the layout as it is now."""
    gui.build_context_menus()
