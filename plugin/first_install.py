"""From a click without a speech engine to the books that were clicked: the first run, the installation as a job, and on with the books.

Also every later installation that a window asks for: a layer, a voice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from . import prefs
from .book import library
from .engine import runtime, students
from .speaking import clones, speakers, voices
from .wording import translate as _

if TYPE_CHECKING:
    from .converting.conversions import Conversions
    from .engine.install_plan import Wanted
    from .gui.context import Context
    from .resources import Resources


Choose = Callable[[Any, list[int], bool], None]
"""What follows with the books of a library; the last says whether to ask for voice and settings."""


def engine_there(resources: Resources) -> bool:
    """Is there any layer, be it one that an update of the plugin has outdated?"""
    return any(runtime.find_layer(name, resources) is not None or runtime.is_outdated(name, resources) for name in runtime.LAYERS)


def marked_reader() -> str:
    """Who was marked to read English in a first run that came to nothing; empty where nobody was, or somebody has become usual since."""
    chosen = prefs.load()
    return "" if chosen.voices.get("en") else next((id for id in chosen.first if id not in ("ask", "neural")), "")


def read_english(taken: str, resources: Resources) -> None:
    """From now on, by that voice, if any; nothing that was marked waits for an installation any more."""
    prefs.change(first=())
    if taken and not voices.out_of_reach(taken, resources):
        prefs.change(voices={**prefs.load().voices, "en": taken})


class FirstInstall:
    """context, work: made when they are first needed. say: shows a sentence for a moment."""

    def __init__(self, gui: Any, context: Callable[[], Context], work: Callable[[], Conversions], say: Callable[[str], None]) -> None:
        self._gui, self._context, self._work, self._say = gui, context, work, say
        self._api: Any = None
        self._waiting: list[int] | None = None
        """Books of the library `_api` that follow the installation which the first run has begun; None where it has begun none."""

    def begin(self, api: Any, ids: list[int], choose: Choose, ask_first: bool = False) -> None:
        """The first run, unless it is over and the installation goes on: then these books wait for it with the others.

        ask_first: whoever began it wants to choose voice and settings; the first run says so, and can be told otherwise.
        """
        follows = _("What you selected follows when the speech engine is installed; see the Jobs list")
        if self._waiting is not None and self._work().installing():
            self._api = api
            self._waiting += [book_id for book_id in ids if book_id not in self._waiting]
            self._say(follows)
        elif wanted := next((one.wanted for one in self._work().underway() if one.wanted.layers), None):  # begun in Preferences, perhaps
            self._api, self._waiting = api, list(ids)
            self.install(wanted, self._goes_on(wanted, choose, ask_first or "ask" in prefs.load().first, marked_reader()))
            self._say(follows)
        else:
            self._first_run(api, ids, choose, ask_first)

    def library_changed(self) -> None:
        """Another library is shown, in which the numbers of the books that wait are other books'."""
        if self._waiting:
            self._waiting = []
            self._say(_("What waited for the speech engine is in the other library; convert it there"))

    def install(self, wanted: Wanted, then: Callable[[Exception | None], bool | None] | None) -> None:
        """As a job; `then` is told how it ended, and where that tells nobody, the user is."""
        self._work().install(wanted, then, self._stopped, partial(self._installed, wanted))
        self._say(_("The speech engine is being installed; see the Jobs list") if wanted.layers else _("The voice is being downloaded; see the Jobs list"))

    def _first_run(self, api: Any, ids: list[int], choose: Choose, asking: bool) -> None:
        from .engine import install_plan
        from .engine.install_plan import Wanted
        from .gui.first_run import FirstRun

        context = self._context()
        languages = dict.fromkeys(library.language_of(api, book_id) for book_id in ids)
        english = _english(languages, context.resources)
        chosen = prefs.load()
        on_card = speakers.on_card(chosen.device, context.resources)

        def replan(taken: str) -> install_plan.Plan:
            return install_plan.plan(context.resources, ("core",), _first_voices(languages, context.resources, taken, chosen.voices, on_card))

        dialog = FirstRun(self._gui, context, replan, ask=asking, english=english)
        if not dialog.exec():
            return
        wanted, ask_first, taken = dialog.wanted(), dialog.ask_first, dialog.english
        later = tuple(layer for layer in wanted.layers if layer == "neural")
        begun = Wanted(tuple(layer for layer in wanted.layers if layer not in later), wanted.voices)

        self._api, self._waiting = api, list(ids)
        self.install(begun, self._goes_on(begun, choose, ask_first, taken, Wanted(later) if later else None))

    def _goes_on(self, begun: Wanted, choose: Choose, ask_first: bool, taken: str = "", later: Wanted | None = None) -> Callable[[Exception | None], None]:
        """What follows when `begun` is installed. taken: who is to read English from then on. later: what is installed after it."""
        resources = self._context().resources

        def then(error: Exception | None) -> None:
            if error is not None:
                self._failed(error, partial(self.install, begun, then))
                if not self._work().installing():  # it is not tried again
                    self._waiting = None
                return
            read_english(taken, resources)
            if later is not None:
                self.install(later, None)
            waiting, self._waiting = self._waiting, None
            if waiting:
                choose(self._api, waiting, ask_first)
            if missed := runtime.students_missed(resources):
                self._say(students.missed_words(missed))  # last, or what is said of the books would hide it at once

        return then

    def _stopped(self) -> None:
        self._waiting = None
        self._say(_("Stopped. What was downloaded is kept; when you convert a book, it goes on from there."))

    def _installed(self, wanted: Wanted, error: Exception | None) -> None:
        resources = self._context().resources
        if error is not None:
            self._failed(error, partial(self.install, wanted, None))
        elif wanted.layers and (missed := runtime.students_missed(resources)):
            self._say(students.missed_words(missed))
        elif wanted.voices:
            names = (voices.name_of(clones.parted(id)[0] if clones.parse(id) else id, resources) for id in wanted.voices)
            self._say(_("{voices} can speak now").format(voices=", ".join(names)))
        else:
            self._say(_("The extra part of the speech engine is installed") if "neural" in wanted.layers else _("The speech engine is installed"))

    def _failed(self, error: Exception, again: Callable[[], None]) -> None:
        from .gui.error_dialog import show_error

        show_error(self._gui, error, _("Not installed"), {"again": again, "engine": partial(self._context().preferences, "engine")})


def _english(languages: Iterable[str], resources: Resources) -> tuple[voices.Proposal, ...]:
    """Between whom to choose for the English ones of these books; nobody where there are none, or the user has a usual voice."""
    chosen = prefs.load()
    english = next((language for language in languages if voices.base_language(language) == "en"), None)
    if english is None or chosen.voices.get("en"):
        return ()
    return voices.proposals(english, resources, speakers.on_card(chosen.device, resources))


def _first_voices(languages: Iterable[str], resources: Resources, taken: str, chosen: Mapping[str, str], on_card: bool) -> tuple[str, ...]:
    """A voice for each of these languages that has one, at most three; for English who was taken. Heart is none of them: she comes with the engine.
    Nor is a clone: what it needs is asked for when its book is converted."""
    found = list[str]()
    for language in languages:
        voice, fitting = voices.for_language(language, resources, chosen, on_card)
        english = voices.base_language(language) == "en"
        found.append(taken if english and taken else fitting or voice)
    return tuple(voice for voice in dict.fromkeys(found) if voice not in (voices.ESPEAK, voices.HEART) and clones.parse(voice) is None)[:3]
