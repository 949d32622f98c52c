"""The voices of the catalogue, one by one: which there are, which lie on this computer, what is still to be fetched for one, and fetching it.

Knows no clones and no files of the user's own; what a voice is asked by its id, `voices` answers.
"""

from __future__ import annotations

from ..commands import Progress, Stop
from ..engine import runtime
from ..engine.install_faults import STEPS
from ..errors import PluginError
from ..resources import Resources
from ..wording import translate
from . import calibre_kokoro, voice_fetch
from . import catalogue as table
from .catalogue import HEART, KOKORO, CatalogueVoice


def catalogue(resources: Resources) -> dict[str, CatalogueVoice]:
    """All voices by id: the table's, then those of Calibre's own that are here."""
    return table.catalogue(resources) | calibre_kokoro.voices_here()


def lacking(resources: Resources) -> dict[str, tuple[CatalogueVoice, ...]]:
    """Of all voices by id, what is to be fetched before they speak; one look for a whole list."""
    students = runtime.students_layer(resources) is not None
    return {id: missing(voice, resources, students) for id, voice in catalogue(resources).items()}


def here(resources: Resources) -> frozenset[str]:
    """The ids of those that can speak now."""
    return frozenset(id for id, parts in lacking(resources).items() if not parts)


def missing(voice: CatalogueVoice, resources: Resources, students: bool) -> tuple[CatalogueVoice, ...]:
    """What is to be fetched for one of them: itself, and Heart, in whose package some speak. students: is that package there?"""
    package = (table.catalogue(resources)[HEART],) if voice.by_package and not students else ()
    return tuple(dict.fromkeys((*package, *((voice,) if voice.files and voice_fetch.kept(voice) is None else ()))))


def kept(voice: CatalogueVoice, students: bool) -> voice_fetch.Kept | None:
    """Where it lies; None where it is not here. students: as for `missing`."""
    if voice.by_package and not students:
        return None
    if voice.kind == KOKORO:
        return calibre_kokoro.kept(voice.id)
    return voice_fetch.Kept({}, {}) if voice.packaged else voice_fetch.kept(voice)


def get(part: CatalogueVoice, resources: Resources, progress: Progress, stopped: Stop) -> None:
    """Fetch what is missing of a voice."""
    if not part.packaged:
        voice_fetch.get(part, progress, stopped)
        return
    try:
        runtime.ensure_students(resources, progress, stopped)
    except PluginError as error:
        if error.params.get("step") != translate(STEPS["students"]):  # the engine itself could not be had, so another voice would help nobody
            raise
        raise PluginError("voice_fetch_failed", error.detail, voice=part.name, reason=str(error.params["reason"])) from None
