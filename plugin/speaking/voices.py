"""The voices as the rest of the plugin asks for them, by their ids: what one is called, whether it can speak, which one a book gets, fetching and removing one.

A voice is named by its id in the catalogue (`catalogue`), by `espeak` or `tone`, or by a path to files of the user's
own; `id#speaker` names one speaker, by name or number, of a voice that has several; a cloned voice as `clones` says. What
the sidecar gets, and what stands in a voice's own files: `voice_files`. Which there are, and which are here: `shelf`. Which one
reads a language where nobody has chosen: `proposing`. How a voice is fetched and kept: `voice_fetch`.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .. import paths
from ..commands import Progress, Stop
from ..engine import runtime
from ..errors import PluginError
from ..languages import base_language, is_unknown
from ..resources import Resources
from ..wording import N_, language_words, translate
from . import catalogue as table
from . import clones, converters, shelf, voice_fetch
from .catalogue import DEFAULT_ENGLISH, ESPEAK, HEART, KOKORO, ON_PROCESSOR, STUDENT, TONE, CatalogueVoice
from .proposing import Proposal, offers, proposals, proposed
from .shelf import catalogue, here, lacking
from .voice_files import Wire, encoder_of, speakers_in, voice_from_path, wire_of, with_speaker

__all__ = [
    "DEFAULT_ENGLISH",
    "ESPEAK",
    "HEART",
    "KOKORO",
    "ON_PROCESSOR",
    "STUDENT",
    "TONE",
    "CatalogueVoice",
    "Proposal",
    "Wire",
    "base_language",
    "bytes_on_disk",
    "catalogue",
    "clone_may",
    "clone_terms",
    "ensure_voice",
    "fetch_bytes",
    "for_language",
    "here",
    "is_here",
    "is_unknown",
    "known",
    "lacking",
    "meant",
    "missing",
    "name_of",
    "offers",
    "out_of_reach",
    "proposals",
    "proposed",
    "remove",
    "speakers_of",
    "split",
    "to_fetch",
    "usual_base",
    "voice_from_path",
    "wire_voice",
    "with_base",
]


def split(id: str) -> tuple[str, str]:
    """(voice, speaker): `x#p1` is (x, p1); without a speaker that is empty. A path may have a `#` of its own; a clone's is its base voice's."""
    if clones.parse(id) is not None:
        return id, ""
    voice, mark, speaker = id.rpartition("#")
    if not mark or "/" in speaker or "\\" in speaker or paths.is_there(Path(id)):
        return id, ""
    return voice, speaker


def name_of(id: str, resources: Resources) -> str:
    """As a window names it: of the catalogue, or of the user's own file, with its speaker; a clone with the voice that it speaks over, if the id has one."""
    named = clones.parse(id)
    if named is not None:
        clone = clones.get(named)
        if clone is None:
            return id
        name = translate(N_("{name} (clone)")).format(name=clone.name)
        return translate(N_("{clone} over {base}")).format(clone=name, base=name_of(named.base, resources)) if named.base else name
    voice, speaker = split(id)
    known = catalogue(resources).get(voice)
    place = Path(voice)
    name = known.name if known is not None else place.stem if place.suffix == ".onnx" else place.name
    return f"{name} ({speaker})" if speaker else name


def to_fetch(id: str, resources: Resources) -> bool:
    """Is something to be fetched before it can speak? Not of the user's own files."""
    return bool(missing(id, resources))


def missing(id: str, resources: Resources) -> tuple[CatalogueVoice, ...]:
    """What is to be fetched for a voice: itself, of a clone what its converter needs and its base voice (if the id names one)."""
    named = clones.parse(id)
    if named is not None:
        clone = clones.get(named)
        parts = () if clone is None or _brings_encoder(clone, named) else converters.missing(clone.converter, resources)
        return (*parts, *(missing(named.base, resources) if named.base else ()))
    known = catalogue(resources).get(split(id)[0])
    return () if known is None else shelf.missing(known, resources, known.by_package and runtime.students_layer(resources) is not None)


def fetch_bytes(id: str, resources: Resources) -> int:
    """How much is to be downloaded before it can speak; 0 where all is here."""
    return sum(part.size_bytes for part in missing(id, resources))


def known(id: str, resources: Resources) -> None:
    """PluginError `voice_unknown` where there is no such voice. Which base voice a clone speaks over, only a book's language says."""
    named = clones.parse(id)
    if named is None or named.base:
        wire_voice(id, "", resources)
    else:
        _clone(named, id)


def is_here(id: str, resources: Resources) -> bool:
    """Can it be spoken with now, without fetching anything? Also false for what is no voice. A clone without a base voice is, where its converter is."""
    named = clones.parse(id)
    if named is not None and not named.base:
        return clones.get(named) is not None and not missing(id, resources)
    try:
        return wire_voice(id, "", resources) is not None
    except PluginError:
        return False


def meant(text: str, resources: Resources) -> str:
    """The id of what a user typed: a clone may be called by its name. Everything else, and what is a voice's id, is its own."""
    if text == TONE or text in catalogue(resources):
        return text
    if clones.parse(text) is None:
        for called, base in ((text, ""), clones.parted(text)):
            clone = clones.by_name(called) if called else None
            if clone is not None:
                return clones.over(clone.id, base)
    return text


def with_base(id: str, language: str, resources: Resources, chosen: Mapping[str, str] = {}) -> str:
    """A clone's id with the base voice that it speaks a language over, which may have to be fetched; any other id as it is.

    chosen: as for `for_language`. PluginError `voice_unknown`, `clone_no_base` (voice, reason).
    """
    named = clones.parse(id)
    if named is None or named.base:
        return id
    return clones.over(id, _base_for(_clone(named, id), language, resources, chosen))


def usual_base(language: str, resources: Resources, chosen: Mapping[str, str] = {}) -> str:
    """The id of the voice that a clone speaks a language over where nobody chose another; empty where there is none. chosen: as for `for_language`."""
    alone = {voice.id for voice in catalogue(resources).values() if voice.kind in ON_PROCESSOR}
    others = {base: id for base, id in chosen.items() if clones.parse(id) is None and id not in (TONE, *alone)}
    name, fitting = for_language(language, resources, others, on_card=True)
    return "" if name == ESPEAK and fitting is None else fitting or name


def clone_may(converter: str, base: str, resources: Resources) -> str:
    """In a sentence, what may be done with what a clone speaks over a base voice (its id): what the strictest of its parts allows."""
    voice = catalogue(resources).get(split(base)[0])
    parts = converters.catalogue(resources)[converter].parts
    may = table.strictest(["unread" if voice is None else voice.may, *(part.may for part in parts)])
    return translate(converters.OVER[may]).format(base=name_of(base, resources))


def clone_terms(converter: str, base: str, resources: Resources) -> str:
    """`clone_may`, then the terms of each part."""
    voice, name = catalogue(resources).get(split(base)[0]), name_of(base, resources)
    own = [] if voice is None else [translate(N_("{base}: {licence}")).format(base=name, licence=voice.licence)]
    parts = converters.catalogue(resources)[converter].licence
    return " ".join([clone_may(converter, base, resources), translate(converters.AND_WHO), *own, parts])


def for_language(language: str, resources: Resources, chosen: Mapping[str, str] = {}, on_card: bool = False) -> tuple[str, str | None]:
    """(the voice to use for a book in this language, the voice that would fit but is not here).

    The user's choice for the language (`chosen`: by its code of two letters), if there is such a voice and it is none that `out_of_reach` names;
    else the best that is here; else the default one for English, and for others espeak and what would fit. language: as for
    `offers`; empty, `und` and the like are read as English. on_card: a graphics card will speak (`speakers.on_card`), so
    it is no voice of the processor's alone. The first may have to be fetched, the second never is.
    """
    wanted = chosen.get(base_language(language))
    if wanted is not None and not out_of_reach(wanted, resources):
        with suppress(PluginError):  # a voice that has been removed, or is of another version
            wire_voice(wanted, language, resources)
            return wanted, None
    students = runtime.students_layer(resources) is not None
    return proposed(language, resources, lambda voice: shelf.kept(voice, students) is not None, on_card)


def out_of_reach(id: str, resources: Resources) -> str:
    """Why a voice that speaks by the students' package cannot be had, in words: it was tried to get that, in vain. Empty for all others."""
    voice = catalogue(resources).get(split(id)[0])
    return runtime.students_missed(resources) if voice is not None and voice.by_package else ""


def wire_voice(id: str, language: str, resources: Resources) -> Wire | None:
    """The wire's object for a voice; None where it, or what a clone needs, is not fetched yet.

    language: the book's, which espeak speaks, and which says a clone's base voice where its id does not. Raises PluginError `voice_unknown`,
    also for a speaker whom the voice has not; `clone_no_base`.
    """
    named = clones.parse(with_base(id, language, resources))
    if named is not None:
        return _cloned(named, _clone(named, id), language, resources)
    name, speaker = split(id)
    if name in (ESPEAK, TONE) and not speaker:
        return wire_of(name, name, "eSpeak NG" if name == ESPEAK else "Tone", language)
    voice = _known(name, id, resources)
    if voice is None:
        return with_speaker(voice_from_path(Path(name)), id, speaker)
    kept = shelf.kept(voice, voice.by_package and runtime.students_layer(resources) is not None)
    if kept is None:
        return None
    return with_speaker(wire_of(voice.id, voice.kind, voice.name, voice.language, kept.files, kept.sha256), id, speaker)


def speakers_of(id: str, resources: Resources) -> tuple[str, ...]:
    """The names of a voice's speakers, in its own order (numbers where it names none); empty where it has one, or is not here."""
    try:
        wire = wire_voice(split(id)[0], "", resources)
    except PluginError:
        return ()
    names, count = speakers_in(wire) if wire is not None else ((), 1)
    return () if count <= 1 else names or tuple(map(str, range(count)))


def ensure_voice(id: str, resources: Resources, progress: Progress, stopped: Stop, language: str = "") -> Wire:
    """The wire's object, with all that it needs fetched and verified first where it is not there.

    Raises PluginError `voice_unknown`, `clone_no_base`, `voice_fetch_failed` (voice, reason), `converter_fetch_failed` (converter, reason),
    `voice_missing` (voice); `Stopped`.
    """
    ready = wire_voice(id, language, resources)
    if ready is None:
        for part in missing(with_base(id, language, resources), resources):
            shelf.get(part, resources, progress, stopped)
        ready = wire_voice(id, language, resources)
        if ready is None:  # another program has taken it away at once
            raise PluginError("voice_missing", voice=id)
    return ready


def remove(id: str, resources: Resources) -> None:
    """Take a fetched voice away, or a clone. PluginError `voice_unknown` (a path is the user's own, and stays), `voice_not_removed` (voice, reason)."""
    named = clones.parse(id)
    if named is not None:
        clones.remove(named.clone)
        return
    voice = _known(split(id)[0], id, resources)
    if voice is None:
        raise _unknown(id, catalogue(resources))
    if voice.packaged:
        reason = translate(N_("it is a part of the speech engine, and can be removed only together with it"))
        raise PluginError("voice_not_removed", voice=voice.name, reason=reason)
    if voice.kind == KOKORO:
        raise PluginError("voice_not_removed", voice=voice.name, reason=translate(N_("it is Calibre's own; remove it there")))
    voice_fetch.remove(voice)


def bytes_on_disk(id: str) -> int:
    """What a voice of the catalogue, or a clone, takes here, half fetched or whole."""
    named = clones.parse(id)
    if named is not None:
        clone = clones.get(named)
        return clone.sample.stat().st_size if clone is not None else 0
    return voice_fetch.bytes_on_disk(split(id)[0])


def _clone(named: clones.Named, id: str) -> clones.Clone:
    clone = clones.get(named)
    if clone is None:
        raise clones.unknown(id)
    return clone


def _base_for(clone: clones.Clone, language: str, resources: Resources, chosen: Mapping[str, str]) -> str:
    """The usual voice of a language, if one can be cloned over: none of the processor's alone, and no other clone."""
    found = usual_base(language, resources, chosen)
    if not found:
        reason = translate(N_("there is no voice for {language} that it could speak over, and eSpeak's cannot be cloned over"))
        raise PluginError("clone_no_base", voice=clone.name, reason=reason.format(language=language_words(base_language(language))))
    return found


def _cloned(named: clones.Named, clone: clones.Clone, language: str, resources: Resources) -> Wire | None:
    """The base voice's wire, with the clone."""
    listed = catalogue(resources).get(split(named.base)[0])
    if listed is not None and listed.kind in ON_PROCESSOR:  # said before anything is fetched for it
        raise PluginError("clone_no_base", voice=clone.name, reason=translate(N_("{base} cannot be cloned over")).format(base=listed.name))
    base = wire_voice(named.base, language, resources)
    if base is not None and base["kind"] not in ("piper", "coqui"):
        raise PluginError("clone_no_base", voice=clone.name, reason=translate(N_("{base} cannot be cloned over")).format(base=base["name"]))
    if base is not None and clone.converter == converters.D_VECTOR and base["kind"] != "coqui":
        reason = translate(N_("without a converter it needs a Coqui voice that can speak in any voice (d-vectors), and {base} is none"))
        raise PluginError("clone_no_base", voice=clone.name, reason=reason.format(base=base["name"]))
    own = encoder_of(split(named.base)[0]) if clone.converter == converters.D_VECTOR else {}
    kept = voice_fetch.Kept(own, {}) if own else converters.kept(clone.converter, resources)
    if base is None or kept is None:
        return None
    files = {"sample": str(clone.sample), **{role: str(path) for role, path in kept.files.items()}}
    told = {"id": clone.id, "name": clone.name, "converter": clone.converter, "files": files, "sha256": {"sample": clone.sha256, **kept.sha256}}
    return base | {"clone": told}


def _brings_encoder(clone: clones.Clone, named: clones.Named) -> bool:
    return clone.converter == converters.D_VECTOR and bool(encoder_of(split(named.base)[0]))


def _known(name: str, id: str, resources: Resources) -> CatalogueVoice | None:
    """None for a path; PluginError `voice_unknown` for a name that nobody knows. id: as the user said it."""
    voices = catalogue(resources)
    found = voices.get(unicodedata.normalize("NFC", name))
    if found is not None and found.kind != ESPEAK:
        return found
    if found is None and ("/" in name or "\\" in name or paths.is_there(Path(name))):
        return None
    raise _unknown(id, voices)


def _unknown(id: str, voices: Mapping[str, CatalogueVoice]) -> PluginError:
    like = difflib.get_close_matches(split(id)[0], voices, 5, 0.5)
    return PluginError("voice_unknown", voice=id, known=", ".join(dict.fromkeys([*like, HEART, DEFAULT_ENGLISH, ESPEAK])) + ", …")
