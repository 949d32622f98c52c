"""What a clone needs before it speaks books in a language: the voices that it can speak over, downloads, the extra part. Reads files, shows nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from ...engine import gpus, install_plan, runtime
from ...errors import PluginError
from ...resources import Resources
from ...speaking import clones, voices
from ...speaking.catalogue import CatalogueVoice
from ...speaking.clones import Clone
from ...wording import N_
from ...wording import translate as _

ABOUT_BASES: Final = N_(
    "It speaks the text; the clone turns that into the recording's voice. "
    "Heart, Fenrir, Kore, Emma, Fable, Kokoro's own voices and eSpeak are not in the list: a clone cannot speak over them."
)


@dataclass(frozen=True)
class Base:
    """A voice that a clone can speak over. voice: its id; id: the same, but empty for the one that is usual for the language. parts: what is to be
    fetched before it does."""

    id: str
    voice: str
    name: str
    parts: tuple[CatalogueVoice, ...] = ()

    @property
    def size_bytes(self) -> int:
        return sum(part.size_bytes for part in self.parts)


@dataclass(frozen=True)
class Ability:
    """bases: the usual first; empty where no voice is one, and `reason` says why, in words. not_over: as the function."""

    bases: tuple[Base, ...]
    reason: str = ""
    not_over: str = ""


def ability(id: str, language: str, resources: Resources, chosen: Mapping[str, str], here: Collection[str], also: str = "") -> Ability:
    """Of a clone (its id without a base voice) for books in a language (BCP 47). chosen: the user's voices by language. here: ids of the voices that
    are; also: a base voice that somebody chose for it."""
    reason, usual = "", ""
    try:
        usual = split(voices.with_base(id, language, resources, chosen))[1]
    except PluginError as error:
        reason = _why(error)
    fitting = [voice.id for voice in voices.offers(language, resources) if voice.id in here]
    own = [voice for voice in (*chosen.values(), *sorted(here)) if "/" in voice or "\\" in voice]
    bases: list[Base] = []
    for base in dict.fromkeys(filter(None, (usual, also, *fitting, *own))):
        whole = clones.over(id, base)
        try:
            voices.wire_voice(whole, language, resources)
        except PluginError as error:
            reason = reason or _why(error)
            continue
        bases.append(Base("" if base == usual != also else base, base, voices.name_of(base, resources), voices.missing(whole, resources)))
    return Ability(tuple(bases), "" if bases else reason, not_over(language, resources))


def not_over(language: str, resources: Resources) -> str:
    """In a sentence, that no clone can speak over the best voice of a language (BCP 47); empty where one can."""
    best = next(iter(voices.offers(language, resources)), None)
    return _("{voice} cannot be cloned over.").format(voice=best.name) if best is not None and best.kind in voices.ON_PROCESSOR else ""


def split(id: str) -> tuple[str, str]:
    """(voice, speaker) of a voice's id; (clone, base voice) of a clone's. The second may be empty."""
    return voices.split(id) if clones.parse(id) is None else clones.parted(id)


def get(id: str) -> Clone | None:
    """The clone of an id, with the converter that the id says; None for what is none."""
    named = clones.parse(id)
    return None if named is None else clones.get(named)


def layer_sizes(resources: Resources) -> tuple[int, int]:
    """MB of the extra part of the engine, to be downloaded for this computer and on its disk then; (0, 0) where it is here. Looks for graphics cards,
    so from a thread."""
    if not lacks_layer(resources):
        return 0, 0
    best = install_plan.best_offer(resources, gpus.found())
    plan = install_plan.plan(resources, ("neural",), (), best.build if best is not None and best.build else "cpu")
    return plan.fetch_mb, plan.disk_mb


def layer_mb(resources: Resources) -> int:
    """The first of `layer_sizes`."""
    return layer_sizes(resources)[0]


def lacks_layer(resources: Resources) -> bool:
    """Is the part of the engine that alone speaks clones not installed?"""
    return runtime.find_layer("neural", resources) is None and not runtime.is_outdated("neural", resources)


def _why(error: PluginError) -> str:
    return str(error.params.get("reason") or error.what())
