"""Who will read the books that were clicked together: looked up once for each language and way, since every look goes to the disk. Knows nothing of Calibre."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from ..errors import PluginError
from ..resources import Resources
from . import clones, speakers, voices

T = TypeVar("T")


class Readers:
    """For one click: what is on the disk is taken to stay as it is."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._known: dict[Hashable, Any] = {}

    def on_card(self, device: str) -> bool:
        """As `speakers.on_card`."""
        return self._once(("on_card", device), lambda: speakers.on_card(device, self._resources))

    def usual(self, language: str, chosen: Mapping[str, str], device: str) -> tuple[str, str | None]:
        """As `voices.for_language`; device: that the user's settings name."""
        key = ("usual", language, tuple(sorted(chosen.items())), device)
        return self._once(key, lambda: voices.for_language(language, self._resources, chosen, self.on_card(device)))

    def voice(self, language: str, asked: str | None, chosen: Mapping[str, str], device: str, fetch: bool) -> str:
        """The id of the voice that will be heard; asked: for this book. fetch: one that fits is got where none is here. A clone's has its base."""
        voice, fitting = (asked, None) if asked else self.usual(language, chosen, device)
        return self.with_base(fitting if fitting and fetch else voice, language, chosen)

    def with_base(self, voice: str, language: str, chosen: Mapping[str, str]) -> str:
        """As `voices.with_base`; a clone that no voice here can carry as it is: its job says so."""

        def find() -> str:
            with suppress(PluginError):
                return voices.with_base(voice, language, self._resources, chosen)
            return voice

        return self._once(("with_base", voice, language, tuple(sorted(chosen.items()))), find)

    def as_reported(self, voice: str) -> str:
        """The id by which a report names that voice, which of one of the user's own files is none of the paths to it."""

        def find() -> str:
            with suppress(PluginError):
                wire = voices.wire_voice(voice, "", self._resources)
                if wire is not None:
                    return clones.over(wire["clone"]["id"], wire["id"]) if "clone" in wire else str(wire["id"])
            return voice

        return self._once(("as_reported", voice), find)

    def is_here(self, voice: str) -> bool:
        """As `voices.is_here`."""
        return self._once(("is_here", voice), lambda: voices.is_here(voice, self._resources))

    def can_come(self, voice: str) -> bool:
        """Is it a voice that only has to be downloaded, as a whole or in part? Not one of which that was tried in vain."""

        def find() -> bool:
            with suppress(PluginError):
                return voices.wire_voice(voice, "", self._resources) is None and not voices.out_of_reach(voice, self._resources)
            return False

        return self._once(("can_come", voice), find)

    def is_to_come(self, voice: str) -> bool:
        """Is something to be downloaded before it can speak, and would it speak then?"""
        return self._once(("to_come", voice), lambda: voices.to_fetch(voice, self._resources) and not speakers.lacks_neural(voice, self._resources))

    def lacks_part(self, voice: str, device: str) -> bool:
        """As `speakers.lacks_part`; a voice that is unknown, or gone: its job says so."""

        def find() -> bool:
            with suppress(PluginError):
                return speakers.lacks_part(voice, device, self._resources)
            return False

        return self._once(("lacks_part", voice, device), find)

    def _once(self, key: Hashable, look: Callable[[], T]) -> T:
        if key not in self._known:
            self._known[key] = look()
        found: T = self._known[key]
        return found
