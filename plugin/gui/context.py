"""What the windows are given of the rest of the plugin, so that each can be shown and tried without a Calibre around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..converting.installations import Underway
from ..converting.questions import Questions
from ..engine.install_plan import Wanted
from ..resources import Resources

PAGES = ("voice", "device", "sound", "engine")


@dataclass(frozen=True)
class Context:
    """gui: Calibre's main window, None in tests. install(wanted, then): starts a job of Calibre's, or joins one that brings all of it; `then(error)` is called
    in the GUI's thread when it ended, with None where all is there, never after it was stopped, and gives False where nobody saw that, so that the user
    is told in another way. preferences(page): opens ours at one of PAGES.
    busy(): are books being converted? queued(id): is this book, or does it wait? waits_with(id): by whom it is spoken then, and how fast,
    in words. convert(ids): as chosen in the menu. another(ids): the same, but a voice is proposed that is here. open_file(path): opens a
    finished audiobook in the system's player, and gives what came of it in words.
    release(): ends the sidecars that only keep a voice, so that no file of the engine is in use; takes seconds, so from a thread.
    installing(): does a job of `install` wait or run? underway(): those that do, with how far they are."""

    gui: Any
    resources: Resources
    questions: Questions
    install: Callable[[Wanted, Callable[[Exception | None], bool | None] | None], None]
    preferences: Callable[[str], None]
    busy: Callable[[], bool]
    convert: Callable[[list[int]], None]
    open_file: Callable[[str], str]
    release: Callable[[], None]
    installing: Callable[[], bool] = lambda: False
    underway: Callable[[], tuple[Underway, ...]] = tuple
    queued: Callable[[int], bool] = lambda book_id: False
    waits_with: Callable[[int], str] = lambda book_id: ""
    another: Callable[[list[int]], None] | None = None
