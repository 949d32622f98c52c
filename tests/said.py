"""What the status bar says in usual cases, in the words of the plugin: for the tests of whether it fits, by columns and in a real Calibre."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

from plugin import queue_words, wording
from plugin.converting.begun import Begun
from plugin.converting.events import OUTCOMES
from plugin.room import NAME, TITLE

PLUGIN = Path(queue_words.__file__).parent
TITLES = ("One", "The Personal History, Adventures, Experience and Observation of David Copperfield the Younger")
VOICES = ("Heart", "Alba", "Anna (clone) over Joe")
USUAL = {"title": "T" * TITLE, "voice": "V" * NAME, "voices": "V" * NAME}
"""What stands in a sentence's places, where it is found in the source alone."""


def sentences() -> list[str]:
    """Of queueing, of stopping, and each that is said in `action`, `queueing` and `first_install`."""
    return [*_queued(), *_stopped(), *_left(), *(queue_words.ready(title, outcome) for title in TITLES for outcome in OUTCOMES[:3]), *_in_the_source()]


def longer(text: str) -> str:
    """As a translation may be: by 40 %."""
    words = re.sub("{.*?}", "", text)
    return text + words[: round(0.4 * len(words))]


def _queued() -> list[str]:
    found = []
    for voice in VOICES:
        for before in (None, Begun("v", 1.0, 0.4), Begun("gone", 1.0, 0.4, here=False, name="Anna (clone) over Alba")):
            one = queue_words.speakers([(voice, "v", 1.0, before)])
            for places in ([], [""], ["Audiobooks"]) if before is None else ([],):
                beside = queue_words.beside(places, 1)
                found += [queue_words.queued(1, 1, waits, one, places=beside, title=title) for waits in (False, True) for title in ("", *TITLES)]
            if before is None or before.goes_on:
                found.append(queue_words.queued(1, 1, False, one, [voice]))
    many = queue_words.speakers([(voice, "v", 1.0, before) for voice, before in zip(VOICES, (None, Begun("v"), None), strict=True)])
    some = [queue_words.beside(places, 120) for places in ((), ("",), ("Audiobooks",), ("F" * NAME,), ("Audiobooks", "", "Bought ones"))]
    shelf = [queue_words.queued(120, 120, waits, many, places=places, impossible=without) for places in some for waits in (False, True) for without in (0, 20)]
    return [*found, *shelf]


def _stopped() -> list[str]:
    lefts = (None, Begun("v", waits=True), Begun("v", 1.0, 0.44), Begun("v"))
    alone = [queue_words.stopped([(title, left)]) for title in TITLES for left in lefts]
    two = [queue_words.stopped([(title, first), (other, second)]) for title in TITLES for other in TITLES for first in lefts for second in lefts]
    return alone + two + [queue_words.stopped([(title, first), *[("Another", second)] * 599]) for title in TITLES for first in lefts for second in lefts]


def _left() -> list[str]:
    return [queue_words.left_behind(count) for count in (1, 120)]


def _in_the_source() -> list[str]:
    """Every text that a function there gives to `_say`, at once or by a name, and why an entry of the menu is grey."""
    found = []
    for module in ("action", "queueing", "first_install"):
        tree = ast.parse((PLUGIN / f"{module}.py").read_text("utf-8"))
        for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
            said = [call for call in ast.walk(function) if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "_say"]
            names = {name.id for call in said for name in ast.walk(call) if isinstance(name, ast.Name)}
            given = [to.value for to in ast.walk(function) if isinstance(to, ast.Assign) and any(isinstance(t, ast.Name) and t.id in names for t in to.targets)]
            found += [text for part in (*said, *given) for text in _texts(part, "_")]
        found += [text for text in _texts(tree, "N_") if module == "action"]
    return [_filled(text) for text in dict.fromkeys(found)]


def _texts(tree: ast.AST, function: str) -> list[str]:
    calls = [call for call in ast.walk(tree) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == function]
    return [str(call.args[0].value) for call in calls if isinstance(call.args[0], ast.Constant)]


def _filled(text: str) -> str:
    names = [name for _text, name, _spec, _as in string.Formatter().parse(text) if name]
    return wording.translate(text).format(**{name: USUAL[name] for name in names})
