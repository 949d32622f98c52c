"""Translations that nobody speaks, to see what a window does with them: `long` is 40 % longer, `rtl` is written from right to left.

Each is marked by ⟦ and ⟧, so that a text without them is one that went past the translation.
"""

from __future__ import annotations

import re

MARKED = "⟦[^⟦⟧]*⟧"
LONGER = 0.4
FILL = "ëñŵö "
HEBREW = dict(zip("abcdefghijklmnopqrstuvwxyz", "אבצדעפגהיקכלמנטפקרסתוובחיז", strict=True))
KEPT = re.compile(r"(\{[^{}]*\}|<[^<>]*>|%\w|%\(\w+\)s)")


def long(text):
    """Longer, in words that wrap."""
    if not text.strip():
        return text
    more = max(2, round(len(KEPT.sub("", text)) * LONGER) - 2)
    return f"⟦{text} {(FILL * more)[:more].strip()}⟧"


def rtl(text):
    """In Hebrew letters."""
    if not text.strip():
        return text
    parts = KEPT.split(text.replace("&", ""))
    return "⟦" + "".join(part if KEPT.fullmatch(part) else "".join(HEBREW.get(c.lower(), c) for c in part) for part in parts) + "⟧"


LANGUAGES = {"long": long, "rtl": rtl}
