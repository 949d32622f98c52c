"""The converters: networks that turn a base voice's speech into that of a recording. Which there are, which are here, fetching and removing one.

`sources.json` has their files in parts, since two converters lean on one large file; each part is fetched and kept as a
voice is (`voice_fetch`), in `voices/converter-<part>/`. A sha256 stands there only where public projects that have
nothing to do with each other's files record it; what has none is believed when it comes first, and held to from then on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from ..commands import Progress, Stop
from ..errors import PluginError
from ..fetch import Expected
from ..resources import Resources
from ..wording import N_, translate
from . import voice_fetch
from .catalogue import CONVERTER, CatalogueVoice, Member, VoiceFile
from .voice_fetch import Kept
from .voice_files import Wire

FREEVC24: Final = "freevc24"
KNNVC: Final = "knnvc"
OPENVOICE_V2: Final = "openvoice_v2"
D_VECTOR: Final = "d_vector"
IDS: Final = (FREEVC24, KNNVC, OPENVOICE_V2, D_VECTOR)
"""As the wire has them; the first is the usual one."""
NAMES: Final[Mapping[str, str]] = {
    FREEVC24: N_("FreeVC"),
    KNNVC: N_("kNN-VC"),
    OPENVOICE_V2: N_("OpenVoice v2"),
    D_VECTOR: N_("No converter (for Coqui voices alone)"),
}
GOOD_FOR: Final[Mapping[str, str]] = {
    FREEVC24: N_("The usual one: for any language and for short recordings, too."),
    KNNVC: N_(
        "By its makers' word the nearest to the recording, which should be 30 seconds or longer. It sounds duller, like a good telephone line."
    ),
    OPENVOICE_V2: N_("It takes over how the person sounds, but not the manner of speaking: that stays the one of the base voice, which reads the text."),
    D_VECTOR: N_("Only where a book is read by a Coqui voice that can take on any voice. It then speaks in the recording's by itself."),
}
_HALF: Final = N_("On two processor cores {name} takes half of a book's playing time.")
TIMES: Final[Mapping[str, str]] = {
    FREEVC24: N_("On two processor cores {name} takes nearly all of a book's playing time."),
    KNNVC: _HALF,
    OPENVOICE_V2: _HALF,
    D_VECTOR: "",
}
"""As docs/cloning.md has measured; empty for what costs no time of its own."""
LICENCES: Final[Mapping[str, tuple[str, str]]] = {
    "mit": ("free", N_("{name} is free for listening, giving away and selling (MIT).")),
    "wavlm": (
        "alike",
        N_(
            "{name}, which is a part of it, is free for listening, giving away and selling by either of the licences that its makers' pages name "
            "(MIT; CC BY-SA 3.0). To be safe, name its makers and share on the same terms."
        ),
    ),
}
"""Code of a licence -> (of `catalogue.MAY`, in words)."""
BASE: Final = N_(
    "Its base voice, which speaks the text, has terms of its own. They hold for what the clone speaks; so does what the person who was recorded has agreed to."
)
OVER: Final[Mapping[str, str]] = {
    "free": N_("What it speaks over its base voice {base}: you may give it away and sell it."),
    "named": N_("What it speaks over its base voice {base}: you may give it away or sell it if you name the makers of all its parts."),
    "alike": N_(
        "What it speaks over its base voice {base}: "
        "you may give it away or sell it if you name the makers of all its parts and share it on the same terms."
    ),
    "named-unsold": N_(
        "What it speaks over its base voice {base}: "
        "do not sell it. You may give it away if you name the makers of all its parts."
    ),
    "alike-unsold": N_(
        "What it speaks over its base voice {base}: do not sell it. "
        "You may give it away if you name the makers of all its parts and share it on the same terms."
    ),
    "unsettled": N_(
        "What it speaks over its base voice {base}: "
        "do not sell it. You may listen to it at home; whether you may give it away nobody has settled."
    ),
    "nothing": N_(
        "What it speaks over its base voice {base}: "
        "keep it to yourself. You may listen to it at home; nobody has allowed giving it away or selling it."
    ),
    "unread": N_("What it speaks over its base voice {base}: you may listen to it at home. Read the licence of {base} before you give it away or sell it."),
}
"""What may be done with what a clone speaks over a base voice: `catalogue.strictest` of its parts."""
AND_WHO: Final = N_("Whoever was recorded has a say, too.")
RATE: Final = N_("Sampling rate of its sound: {khz} kHz.")
FIRST_USE: Final = N_("Nobody has recorded a checksum of {files}: what comes first is trusted, and held to from then on. No program code in it is ever run.")


@dataclass(frozen=True)
class Converter:
    """rate_hz: of its sound, 0 where it is the base voice's own. parts: what is fetched for it."""

    id: str
    rate_hz: int
    parts: tuple[CatalogueVoice, ...]

    @property
    def name(self) -> str:
        return translate(NAMES[self.id])

    @property
    def good_for(self) -> str:
        return " ".join(filter(None, (translate(GOOD_FOR[self.id]), self.time)))

    @property
    def time(self) -> str:
        """How long a book takes, in a sentence; may be empty."""
        return translate(TIMES[self.id]).format(name=self.name) if TIMES[self.id] else ""

    @property
    def licence(self) -> str:
        """In words, of all its parts."""
        return " ".join(part.licence for part in self.parts)

    @property
    def details(self) -> str:
        """For who knows about such things: its sound, and what of its files is trusted on first use."""
        unknown = [file.name for part in self.parts for file in part.files if not file.expected.sha256]
        told = [translate(RATE).format(khz=f"{self.rate_hz / 1000:g}")] if self.rate_hz else []
        return " ".join([*told, translate(FIRST_USE).format(files=", ".join(unknown))] if unknown else told)

    @property
    def size_bytes(self) -> int:
        """Of all that is fetched; about, where nobody states it exactly."""
        return sum(part.size_bytes for part in self.parts)


def catalogue(resources: Resources) -> dict[str, Converter]:
    """All, the usual one first."""
    return dict(_parsed(resources("plugin/sources.json")))


def missing(id: str, resources: Resources) -> tuple[CatalogueVoice, ...]:
    """The parts of a converter that are not here."""
    return tuple(part for part in catalogue(resources)[id].parts if voice_fetch.kept(part) is None)


def kept(id: str, resources: Resources) -> Kept | None:
    """The files by role; None where one is not here."""
    found = [voice_fetch.kept(part) for part in catalogue(resources)[id].parts]
    if None in found:
        return None
    files = {role: path for part in found if part is not None for role, path in part.files.items()}
    return Kept(files, {role: sha256 for part in found if part is not None for role, sha256 in part.sha256.items()})


def get(id: str, resources: Resources, progress: Progress, stopped: Stop) -> None:
    """Fetch what is missing. PluginError `converter_fetch_failed` (converter, reason); Stopped."""
    for part in missing(id, resources):
        voice_fetch.get(part, progress, stopped)


def speaker_encoder(resources: Resources) -> Converter:
    """Coqui's, with which `d_vector` clones, and which hears how like its recording any clone is."""
    return catalogue(resources)[D_VECTOR]


def get_encoder(resources: Resources, progress: Progress, stopped: Stop) -> None:
    """Fetch it where it is not here. PluginError `encoder_fetch_failed` (converter, reason); Stopped."""
    try:
        get(D_VECTOR, resources, progress, stopped)
    except PluginError as error:
        raise PluginError("encoder_fetch_failed", error.detail, **error.params) from None


def with_encoder(wire: Wire, resources: Resources) -> Wire:
    """A cloned voice's object of the wire, with the speaker encoder where the clone brings none. PluginError `voice_missing` where it is not here."""
    clone = wire["clone"]
    if "encoder" in clone["files"]:
        return wire
    found = kept(D_VECTOR, resources)
    if found is None:
        raise PluginError("voice_missing", voice=speaker_encoder(resources).parts[0].name)
    files = {role: str(path) for role, path in found.files.items()}
    return wire | {"clone": clone | {"files": clone["files"] | files, "sha256": clone["sha256"] | found.sha256}}


def remove(id: str, resources: Resources) -> None:
    """Take its parts away, but for those that another converter which is here leans on. PluginError `voice_not_removed`."""
    for part in _own(id, resources):
        voice_fetch.remove(part)


def bytes_on_disk(id: str, resources: Resources) -> int:
    """What `remove` takes away, half fetched or whole."""
    return sum(voice_fetch.bytes_on_disk(part.id) for part in _own(id, resources))


def _own(id: str, resources: Resources) -> list[CatalogueVoice]:
    """The parts on which no other converter that is here leans."""
    converters = catalogue(resources)
    used = {part.id for other in converters.values() if other.id != id and kept(other.id, resources) is not None for part in other.parts}
    return [part for part in converters[id].parts if part.id not in used]


@lru_cache(maxsize=4)
def _parsed(raw: bytes) -> Mapping[str, Converter]:
    table = json.loads(raw).get("converters") or {"parts": (), "converters": ()}
    parts = {entry["id"]: _part(entry) for entry in table["parts"]}
    return {entry["id"]: Converter(entry["id"], entry["rate_hz"], tuple(parts[part] for part in entry["parts"])) for entry in table["converters"]}


def _part(entry: Mapping[str, Any]) -> CatalogueVoice:
    may, licence = LICENCES[entry["licence"]]
    words = translate(licence).format(name=entry["name"])
    return CatalogueVoice(f"converter-{entry['id']}", entry["name"], "", words, CONVERTER, tuple(map(_file, entry["files"])), may=may)


def _file(entry: Mapping[str, Any]) -> VoiceFile:
    members = tuple(Member(member["role"], tuple(member["names"]), member["bytes"]) for member in entry.get("members", ()))
    expected = Expected(entry["bytes"], entry.get("sha256", ""))
    return VoiceFile(entry.get("role", ""), entry["name"], expected, entry["address"], entry.get("about", False), members)
