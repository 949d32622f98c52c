"""The voices that can be had, as `sources.json` has them: the whole Piper collection at one revision, with sizes, hashes, licences, and whether
a man or a woman is heard where somebody states it; and the students of Kokoro, of whom Heart comes in a package of the engine (`engine/students`).

`build.py voices` renews the collection's part from its own index. A voice's files lie at the collection's address
below its path; their names are its id. Reads the table and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from ..fetch import Expected
from ..languages import base_language
from ..resources import Resources
from ..wording import N_, translate

ESPEAK: Final = "espeak"
TONE: Final = "tone"
CONVERTER: Final = "converter"
"""The kind of what is no voice, but fetched and kept as one (`converters`)."""
STUDENT: Final = "kokoro_student"
"""The kind of the small English voices that learned from Kokoro's: always spoken by the processor, never cloned over."""
KOKORO: Final = "kokoro"
"""The kind of Kokoro's own voices, where Calibre has them (`calibre_kokoro`): always spoken by the processor, too, and slowly."""
ON_PROCESSOR: Final = (ESPEAK, STUDENT, KOKORO)
"""Kinds that no other device ever speaks, and nobody is cloned over."""
HEART: Final = "heart"
"""Who reads English where the processor speaks."""
DEFAULT_ENGLISH: Final = "en_US-joe-medium"
"""Who reads it where a graphics card does, or where Heart cannot be had; the voice that all devices are tried with."""
QUALITIES: Final = ("medium", "high", "low", "x_low")
"""Best for a book first: `high` sounds little better than `medium`, and takes a CPU ten times as long."""

MAY: Final[Mapping[str, str]] = {
    "free": N_("You may give away and sell what the voice speaks."),
    "named": N_("You may give away or sell what the voice speaks if you name its makers."),
    "alike": N_("You may give away or sell what the voice speaks if you name its makers and share it on the same terms."),
    "named-unsold": N_("You may give away what the voice speaks if you name its makers. You may not sell it."),
    "alike-unsold": N_("You may give away what the voice speaks if you name its makers and share it on the same terms. You may not sell it."),
    "unsettled": N_("You may listen at home. Do not sell what the voice speaks; whether you may give it away nobody has settled."),
    "nothing": N_("You may listen at home. Keep what the voice speaks to yourself: nobody has allowed giving it away or selling it."),
    "unread": N_("You may listen at home. Read the voice's licence before you give away or sell what it speaks."),
}
"""What a listener may do, as far as it is known: give away, sell; that everybody may listen at home is said where nothing else is allowed for certain."""
STRICTER: Final = ("free", "named", "alike", "named-unsold", "alike-unsold", "unread", "unsettled", "nothing")
"""Of MAY, the most that is allowed first."""
LICENCES: Final[Mapping[str, tuple[str, str]]] = {
    "pd": ("free", N_("Its recordings are in the public domain (CC0).")),
    "by": ("named", N_("Its recordings are under a free licence (CC BY).")),
    "by-sa": ("alike", N_("Its recordings are under a free licence (CC BY-SA).")),
    "by-nc": ("named-unsold", N_("Its recordings are under a licence without earning (CC BY-NC).")),
    "by-nc-sa": ("alike-unsold", N_("Its recordings are under a licence without earning (CC BY-NC-SA).")),
    "apache": ("free", N_("Its recordings are under a free licence (Apache 2.0).")),
    "student": ("free", N_("It is free software (Apache 2.0). It learned to speak from a voice of Kokoro, a larger speech program, also free.")),
    "kokoro": ("free", N_("It is Kokoro's own, free software (Apache 2.0). Calibre has downloaded it for Read Aloud.")),
    "agpl": ("free", N_("It is free software (AGPL 3.0).")),
    "espeak": ("free", N_("It is free software (GPL 3).")),
    "research": ("unsettled", N_("Its recordings are for research and not for earning (Blizzard Challenge 2013).")),
    "none": ("nothing", N_("The collection states no usable licence for it ({card}).")),
    "card": ("unread", N_("It stands on the voice's own page ({card}).")),
}
"""Code of a licence -> (of MAY, why)."""
FREE: Final = frozenset(code for code, (may, _why) in LICENCES.items() if may in ("free", "named", "alike"))
UNKNOWN: Final = ("card", "none")
"""Nobody of us has read it; somebody has, and found none."""
PERSONS: Final[Mapping[str, str]] = {"man": N_("man"), "woman": N_("woman")}
_LESSAC: Final = N_("But it was made from the voice lessac, whose recordings are for research and not for earning (Blizzard Challenge 2013).")
_ASK_CARD: Final = N_("Whether it was made from another voice, whose terms would hold too, its own page says ({card}).")
_SAID_ALL: Final = (*UNKNOWN, "research", "student", "kokoro", "espeak")
_CAPITALS: Final = frozenset({"aru", "dfki", "hfc", "mls", "nst", "rdh", "upc", "upmc", "vctk"})


def titled(name: str, where: str, person: str, speakers: int = 1) -> str:
    """`Heart (US, woman)`, `Aru (GB, 12 speakers)`: as much of it as is known. person: of PERSONS, or empty."""
    who = translate(N_("{count} speakers")).format(count=speakers) if speakers > 1 else translate(PERSONS[person]) if person in PERSONS else ""
    about = ", ".join(filter(None, (where, who)))
    return f"{name} ({about})" if about else name


def speaks_by_package(kind: str, language: str) -> bool:
    """Does such a voice speak by the package that Heart comes in? Kokoro's English does, for its pronunciation."""
    return kind == STUDENT or (kind == KOKORO and base_language(language) == "en")


@dataclass(frozen=True)
class Member:
    """One file of an archive. role: as of a VoiceFile. names: it may have in there, whatever the folder. size_bytes: about; more than twice that is refused."""

    role: str
    names: tuple[str, ...]
    size_bytes: int


@dataclass(frozen=True)
class VoiceFile:
    """One file of a voice. role: `model` or `config`; a converter has others. expected: what has to come.

    address: its own, where it does not lie at the voice's. about: of the expected size only so much is known, so the server's word is taken.
    members: of an archive (a zip), which has no role itself: these are taken out of it, and nothing else.
    """

    role: str
    name: str
    expected: Expected
    address: str = ""
    about: bool = False
    members: tuple[Member, ...] = ()

    @property
    def size_bytes(self) -> int:
        return self.expected.size_bytes


@dataclass(frozen=True)
class CatalogueVoice:
    """A voice by name. licence: in words. language: a BCP 47 tag, empty for espeak, which speaks many. speakers: how many it has.

    address: of the folder that holds the files; card: of the page that says what the voice was made of.
    wheel: (name, version, sha256) of a package that holds the files too. doubt: how little may be done with it by what is known of its
    licence, 0 where everybody may use it. person: who is heard, a key of PERSONS, or empty where nobody states it.
    package_bytes: of the engine's package that holds it in place of files, 0 for all others. may: of MAY, what its licence allows.
    """

    id: str
    name: str
    language: str
    licence: str
    kind: str = "piper"
    files: tuple[VoiceFile, ...] = ()
    address: str = ""
    wheel: tuple[str, str, str] | None = None
    quality: str = ""
    speakers: int = 1
    card: str = ""
    doubt: int = 0
    person: str = ""
    package_bytes: int = 0
    may: str = "unread"

    @property
    def by_package(self) -> bool:
        """As `speaks_by_package`."""
        return speaks_by_package(self.kind, self.language)

    @property
    def packaged(self) -> bool:
        """Does it come with a part of the engine, and go with it?"""
        return self.package_bytes > 0

    @property
    def size_bytes(self) -> int:
        """Of all that is fetched."""
        return self.package_bytes + sum(file.size_bytes for file in self.files)

    @property
    def unpacked_bytes(self) -> int:
        """Of what is taken out of archives, about."""
        return sum(member.size_bytes for file in self.files for member in file.members)

    @property
    def roles(self) -> tuple[str, ...]:
        """Of the files that are kept."""
        return tuple(one.role for file in self.files for one in file.members or (file,))

    @property
    def pinned(self) -> bool:
        """Is its sha256 known beforehand? Else what comes first is believed, if size and md5 are the index's, and held to from then on."""
        return all(file.expected.sha256 for file in self.files)


def catalogue(resources: Resources) -> dict[str, CatalogueVoice]:
    """All voices by id, espeak first, then the students, then by language."""
    return dict(_parsed(resources("plugin/sources.json")))


@lru_cache(maxsize=4)
def _parsed(raw: bytes) -> Mapping[str, CatalogueVoice]:
    sources = json.loads(raw)
    espeak = CatalogueVoice(ESPEAK, "eSpeak NG", "", licence("espeak", ""), "espeak")
    students = sources.get("students", {"known": []})
    found = (espeak, *(_student(entry, students) for entry in students["known"]), *(_voice(entry, sources["collection"]) for entry in sources["voices"]))
    return {voice.id: voice for voice in found}


def _student(entry: Mapping[str, Any], students: Mapping[str, Any]) -> CatalogueVoice:
    """Without a file of its own it lies in the package."""
    own = "file" in entry
    return CatalogueVoice(
        id=entry["id"],
        name=entry["id"].capitalize(),
        language=entry["language"],
        licence=licence("student", students["card"]),
        kind=STUDENT,
        files=(VoiceFile("model", entry["file"], Expected(entry["bytes"], entry["sha256"])),) if own else (),
        address=students["address"],
        quality=entry["quality"],
        card=students["card"],
        person=entry["person"],
        package_bytes=0 if own else students["package_bytes"],
        may=may_of("student"),
    )


def _voice(entry: Mapping[str, Any], collection: Mapping[str, str]) -> CatalogueVoice:
    id = entry["id"]
    language, name, quality = id.split("-")
    path = quote(entry["path"]) + "/"
    card = collection["cards"] + path + "MODEL_CARD"
    sha256, wheel = entry.get("sha256", ("", "")), entry.get("wheel")
    files = zip(("model", "config"), (f"{id}.onnx", f"{id}.onnx.json"), entry["bytes"], sha256, entry["md5"], strict=True)
    return CatalogueVoice(
        id=id,
        name=" ".join(word.upper() if word in _CAPITALS else word[:1].upper() + word[1:] for word in name.split("_")),
        language=language.replace("_", "-"),
        licence=licence(entry["licence"], card),
        files=tuple(VoiceFile(role, file, Expected(size, its_sha256, md5)) for role, file, size, its_sha256, md5 in files),
        address=collection["address"] + path,
        wheel=None if wheel is None else (wheel["name"], wheel["version"], wheel["sha256"]),
        quality=quality,
        speakers=entry["speakers"],
        card=card,
        doubt=_doubt(entry["licence"].partition("+")[0]),
        person=entry.get("person", ""),
        may=may_of(entry["licence"]),
    )


def samples_page(resources: Resources) -> str:
    """The address of the page on which all voices of the collection can be heard: for the user's own browser."""
    return str(json.loads(resources("plugin/sources.json"))["collection"]["samples"])


def _doubt(code: str) -> int:
    return 0 if code in FREE else 2 + UNKNOWN.index(code) if code in UNKNOWN else 1


def may_of(code: str) -> str:
    """Of MAY, what a voice's licence (as for `licence`) allows."""
    own, _, made_from = code.partition("+")
    return "unsettled" if made_from else LICENCES[own][0]


def strictest(all_of: Collection[str]) -> str:
    """What may be done with what several together speak. all_of: of MAY, what each allows."""
    found = max(all_of, key=STRICTER.index)
    return "alike-unsold" if found == "named-unsold" and "alike" in all_of else found


def licence(code: str, card: str) -> str:
    """In words: what a listener may do, and why. code: of LICENCES, with `+lessac` where the voice was made from that one. card: the address of the
    voice's card."""
    own, _, made_from = code.partition("+")
    sentences = [MAY[may_of(code)], LICENCES[own][1]]
    if made_from:
        sentences.append(_LESSAC)
    elif own not in _SAID_ALL:
        sentences.append(_ASK_CARD)
    return " ".join(translate(sentence).format(card=card) for sentence in sentences)
