"""What an open element says of the text and the elements inside it, while a document is read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Frame:
    """An open element's say in what is inside it."""

    tag: str
    reason: str = ""
    silent: bool = False
    language: str = ""
    heading: int = 0
    pre: bool = False
    cell: bool = False
    raised: bool = False
    script: str = ""
    linked: bool = False
    row: tuple[int, int] = (0, 0)
    listed: bool = False
    unseen: bool = False  # for its `visibility`, which may be another inside it
    by_sheet: bool = False  # is it a stylesheet that hides it?
    line: bool = False  # an inline element with a line of its own
    labelled: bool = False  # by aria-label: what is hidden in it is hidden from who is read the label, and shown to the others
    dropped: bool = False
    mark: tuple[int, int] | None = None  # of a link, perhaps to a note: (block number, pieces before it)
    away: bool = False  # ... to another document as a whole
    href: str = ""  # of a link
    anchor: str = ""  # its first name, if it is a block
    page: tuple[int, int] | None = None  # of a number of a page, by its class: the same
    base: tuple[int, int] | None = None  # of what has an exponent, in MathML: the same
    children: int = 0  # so far; counted in MathML alone
