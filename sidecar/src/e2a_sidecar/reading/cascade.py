"""What a document's stylesheets and style attributes say of each of its elements, in the order of CSS's cascade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from e2a_sidecar.reading.selectors import Element, WorkDone
from e2a_sidecar.reading.soup import names
from e2a_sidecar.reading.stylesheets import Rule, Sheet, Stylesheets, Value

MAX_SHEETS: Final = 64
"""Of a document."""
_ROOTS: Final = names("html body")
"""Never hidden: a script shows them, or a reader would have an empty page."""

_Key = tuple[bool, bool, tuple[int, int, int], tuple[int, int]]


class Style(NamedTuple):
    """Of one element. gone: by `display`, with all that is in it. visible: by `visibility`, None where that of the element around it holds.

    script: `sup` or `sub` where it stands higher or lower. block: does it begin a line of its own? apart: `float` or `placed` where it is
    taken out of the line. own: is it its style attribute that says whether it is seen?
    """

    gone: bool = False
    visible: bool | None = None
    script: str = ""
    block: bool = False
    apart: str = ""
    own: bool = False


PLAIN: Final = Style()


class Cascade:
    """Told of a document's elements as a `soup.Handler` is. folder: that of the document. hides: does a stylesheet hide anything?"""

    def __init__(self, sheets: Stylesheets, folder: Path | None = None, hides: bool = True) -> None:
        self._stylesheets, self._folder, self._hides = sheets, folder, hides
        self._sheets: list[Sheet] = []
        self._named = 0  # stylesheets so far, be they there or not
        self._element = Element("", {})

    def link(self, attributes: Mapping[str, str]) -> None:
        """A <link> element, or the like of it before the document's first."""
        relation = attributes.get("rel", "").lower().split()
        kind = attributes.get("type", "").partition(";")[0].strip().lower()
        if "stylesheet" in relation and "alternate" not in relation and kind in ("", "text/css") and self._folder and self._is_room():
            self._add(self._stylesheets.of_link(attributes.get("href", ""), self._folder, attributes.get("media", "")))

    def text(self, text: str, attributes: Mapping[str, str]) -> None:
        """A <style> element's."""
        kind = attributes.get("type", "").partition(";")[0].strip().lower()
        if kind in ("", "text/css") and self._is_room():
            self._add(self._stylesheets.of_text(text, self._folder, attributes.get("media", "")))

    def start(self, tag: str, attributes: Mapping[str, str]) -> Style:
        self._element = self._element.child(tag, attributes)
        style = attributes.get("style", "")
        if not self._sheets and not style:
            return PLAIN
        best: dict[str, tuple[_Key, Value]] = {}
        try:
            keys = _keys(self._element) if self._sheets else ()
            for number, sheet in enumerate(self._sheets):
                self._match(keys, number, sheet, best)
            if style:
                for name, value in self._stylesheets.inline(style).items():
                    _weigh(best, name, value, (value.important, True, (0, 0, 0), (0, 0)))
        except WorkDone:
            self._sheets, best = [], {}  # from here on nothing is hidden by them
        return self._style(tag, best) if best else PLAIN

    def end(self) -> None:
        parent = self._element.parent
        assert parent is not None
        self._element.children = None
        self._element = parent

    def _is_room(self) -> bool:
        self._named += 1
        return self._named <= MAX_SHEETS

    def _add(self, sheet: Sheet | None) -> None:
        if sheet and sheet.by_key:
            self._sheets.append(sheet)

    def _match(self, keys: Sequence[str], number: int, sheet: Sheet, best: dict[str, tuple[_Key, Value]]) -> None:
        element, work = self._element, self._stylesheets.work
        work.step(len(keys) >> 1)
        for key in keys:
            for order, rule in sheet.by_key.get(key, ()):
                if rule.selector.matches(element, work):
                    _apply(rule, (number, order), best)

    def _style(self, tag: str, best: Mapping[str, tuple[_Key, Value]]) -> Style:
        said = {name: value.value for name, (_, value) in best.items()}
        gone = said.get("display") == "none" and tag not in _ROOTS
        visible = {"visible": True, "hidden": False}.get(said.get("visibility", ""))
        own = any(name in best and best[name][0][1] for name in ("display", "visibility"))
        if not self._hides and not own:
            gone, visible = False, visible or None
        if tag in _ROOTS:
            visible = visible or None
        script = said.get("vertical-align", "")
        apart = "placed" if said.get("position") == "yes" else "float" if said.get("float") == "yes" else ""
        return Style(gone, visible, script if script != "none" else "", said.get("display") == "block", apart, own)


def _keys(element: Element) -> list[str]:
    """Of the selectors that could match it."""
    keys = [element.tag, ""]
    if element.attributes:
        keys += ["." + name for name in element.classes]
        if "id" in element.attributes:
            keys.append("#" + element.attributes["id"])
    return keys


def _apply(rule: Rule, order: tuple[int, int], best: dict[str, tuple[_Key, Value]]) -> None:
    for name, value in rule.declared.items():
        _weigh(best, name, value, (value.important, False, rule.selector.specificity, order))


def _weigh(best: dict[str, tuple[_Key, Value]], name: str, value: Value, key: _Key) -> None:
    held = best.get(name)
    if held is None or held[0] <= key:
        best[name] = (key, value)
