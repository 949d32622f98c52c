"""Sentences with addresses that open in the user's own browser. What is shown may come from a list that somebody else wrote.

Only what is plainly an https address becomes a link, and its host is always shown, so that one sees where it leads (of a long one the rest in a tooltip);
all other text is text.
Nothing is loaded here.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any, Final

from calibre.gui2 import open_url  # type: ignore[import-not-found]
from qt.core import QLabel, QSizePolicy, Qt  # type: ignore[import-not-found]

from .convert_books import breakable

_ADDRESS: Final = re.compile(r"https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:\d+)?(/[A-Za-z0-9._~:/?#\[\]!$&()*+,;=%@-]*)?")
"""No user's name before the host, and nothing that only looks like a Latin letter."""
_ENDS: Final = ".,;:!?)"
_LONGEST: Final = 60
_LAST: Final = 24
"""Characters that are shown: of a whole address, and of the last part of a longer one."""


def verbatim(text: str) -> str:
    """For a tooltip or a question of Calibre's, which guess whether words are markup: these are shown as they are, whoever wrote them."""
    return f"<qt>{'<br>'.join(map(escape, text.splitlines()))}</qt>" if text else ""


def with_links(text: str) -> str:
    """A text as markup: its addresses are links, without brackets around them and what ends a sentence."""
    return "".join(map(_marked_up, re.split(r"(\s+)", text)))


def _marked_up(word: str) -> str:
    address = word.lstrip("(").rstrip(_ENDS)
    if not _ADDRESS.fullmatch(address):
        return escape(breakable(word))
    before, _itself, after = word.partition(address)
    shown = f"\u200e{escape(breakable(_shortened(address)))}\u200e"  # from left to right also in a text that runs from right to left
    return f'{before}<a href="{escape(address)}">{shown}</a>{escape(after)}'


def _shortened(address: str) -> str:
    """Its host and what it ends with, where the whole would push a window's lines about."""
    if len(address) <= _LONGEST:
        return address
    host, last = address.split("/")[2], address.rstrip("/").rpartition("/")[2]
    return f"{host}/…/{last}" if len(last) <= _LAST else f"{host}/…"


class Linked(QLabel):  # type: ignore[misc]
    """A label for words, which wrap; its links are reached by Tab and opened by Enter, as by the mouse."""

    def __init__(self, text: str = "", parent: Any = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.setWordWrap(True)  # after the policy, which says that height follows width
        self.linkActivated.connect(_open)
        self.linkHovered.connect(lambda address: self.setToolTip(verbatim(address)))
        self.say(text)

    def say(self, text: str) -> None:
        """Show this text."""
        markup = with_links(text)
        flags = Qt.TextInteractionFlag
        links = flags.LinksAccessibleByMouse | flags.LinksAccessibleByKeyboard
        self.setTextInteractionFlags(flags.TextSelectableByMouse | links if "<a " in markup else flags.TextSelectableByMouse)
        self.setText(markup)


def _open(address: str) -> None:
    """By Calibre, which keeps its own libraries out of the browser."""
    if _ADDRESS.fullmatch(address):
        open_url(address)
