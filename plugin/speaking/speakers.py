"""Who speaks, and where: the voice for a book, the layer and the device for a voice. Decided here, checked by the sidecar.

`cpu`, `coreml` and `dml:N` are onnxruntime's, in the core layer (a Coqui voice is made ready for them by the neural
one); `cpu-torch`, `cuda:N`, `mps` and `xpu:N` are coqui's class in the neural layer. A clone is spoken by these alone, and the sidecar takes
`cpu` for `cpu-torch`. `auto` is the device that spoke this voice fastest when they were all tried, which is remembered
(`speeds`). espeak, the test tone and the students of Kokoro always speak on the CPU; these by a layer that holds their
package. Fetches nothing unless it is given a `Fetch` with leave. Knows nothing of Calibre.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..commands import never
from ..converting.events import Device, Devices
from ..converting.requests import Warn
from ..engine import gpus, runtime, students
from ..errors import PluginError
from ..resources import Resources
from ..wording import N_, translate
from . import clones, estimates, guesses, speeds, voices
from .catalogue import speaks_by_package
from .espeak_languages import unread
from .estimates import Rate

CPU: Final = "cpu"
CPU_TORCH: Final = "cpu-torch"
AUTO: Final = "auto"
DEVICE: Final = re.compile(r"auto|cpu|cpu-torch|mps|coreml|(cuda|xpu|dml):\d{1,3}")
ONNX: Final = re.compile(r"cpu|coreml|dml:\d+")
AS_FAST: Final = 0.9
"""The CPU is taken where it is at least nearly as fast as the fastest: it heats less, and nothing can be unplugged."""
MEASURED: Final = ("piper", "coqui", voices.STUDENT, voices.KOKORO)
"""Kinds of voices of which it is remembered how fast they were spoken."""
_FAILED: Final = ("engine_broken", "engine_died", "engine_silent", "engine_stuck", "protocol", "internal", "bad_request")
"""How a probe ends that says something of this computer's drivers, and nothing of the voice: then the CPU speaks."""


@dataclass(frozen=True)
class Fetch:
    """Who is told of what is installed, and may stop it. progress: (stage, 0..1 or None, text). leave: to fetch what is missing."""

    progress: Callable[[str, float | None, str], None]
    stopped: Callable[[], bool]
    leave: bool = True


@dataclass(frozen=True)
class Chosen:
    """wire: the voice as the wire has it. kind: `piper`, `coqui`, `kokoro_student`, `kokoro`, `espeak`, `tone`."""

    id: str
    kind: str
    wire: Mapping[str, Any]
    warnings: tuple[Warn, ...] = ()

    @property
    def is_clone(self) -> bool:
        return "clone" in self.wire

    @property
    def whole(self) -> str:
        """Its id; of a clone with its converter and base voice."""
        clone = self.wire.get("clone")
        return self.id if clone is None else clones.over(f"{clone['id']}.{clone['converter']}", self.wire["id"])

    @property
    def needs_neural(self) -> bool:
        """Does the core layer alone never speak it?"""
        return self.kind == "coqui" or self.is_clone

    @property
    def by_package(self) -> bool:
        """As `catalogue.speaks_by_package`."""
        return speaks_by_package(self.kind, str(self.wire.get("language") or ""))


@dataclass(frozen=True)
class Place:
    """Where a voice will be spoken. device: as the wire names it. name: the device's own, where it was found by trying.
    auto: we chose it and not the user. measured: under which key of `speeds`, if it was. warnings: for the report."""

    layer: runtime.Layer
    device: str
    name: str = ""
    auto: bool = False
    measured: str = ""
    warnings: tuple[Warn, ...] = ()


def check(voice: str | None, device: str, resources: Resources) -> None:
    """Are these a voice and a device at all? PluginError `voice_unknown`, `device_unknown`. Cheap, before any work."""
    if not DEVICE.fullmatch(device):
        raise PluginError("device_unknown", device=device)
    if voice is not None:
        voices.known(voice, resources)


def voice_for(
    asked: str | None,
    language: str,
    resources: Resources,
    fetch: Fetch | None = None,
    chosen: Mapping[str, str] = {},
    on_card: bool = False,
    espeak: bool = True,
) -> Chosen:
    """The voice that was asked for, or the one for the book's language (a BCP 47 tag, may be empty).

    chosen: the user's voices by language (`prefs.Settings.voices`). on_card: as for `voices.for_language`. With leave to fetch, a voice that fits is
    fetched before espeak has to read, and Joe where nobody asked for Heart and she cannot be had. A chosen voice that is out of reach is told of.
    espeak: without leave it may read what a voice that is not here would fit; else that is `voice_missing`. A language that it does not read it reads
    only where somebody chose it for that.
    Raises PluginError `voice_unknown`, `voice_missing` (voice: its id), `language_unread` (language), `engine_missing`, `engine_install_failed`,
    `voice_fetch_failed`, `converter_fetch_failed`, `clone_no_base`; Stopped.
    """
    warnings: list[Warn] = []
    leave = fetch is not None and fetch.leave
    name, own, usual = asked, True, "" if asked is not None else chosen.get(voices.base_language(language), "")
    passed_over, why = voices.out_of_reach(usual, resources), unread(language)
    if name is None:
        name, fitting = voices.for_language(language, resources, chosen, on_card)
        own = usual == name
        if leave and fitting is not None:
            name, fetched = fitting, voices.catalogue(resources)[fitting]
            warnings.append(Warn("voice_fetched", {"voice": fetched.name, "licence": fetched.licence.rstrip(".")}))
        elif fitting is not None and (why or not espeak):
            raise _missing(fitting, resources)
        elif name == voices.ESPEAK and why and not own:
            raise PluginError("language_unread", language=language)
        if voices.is_unknown(language):
            warnings.append(Warn("language_unknown"))
        elif name == voices.ESPEAK and not own:
            warnings.append(Warn("voice_fallback_espeak", {"language": language, "voice": fitting}) if fitting else Warn("voice_none", {"language": language}))
    whole = voices.with_base(name, language, resources, chosen)
    wire = voices.wire_voice(whole, language, resources)
    if wire is None:
        if fetch is None or not leave:
            raise _missing(whole, resources)
        try:
            wire = voices.ensure_voice(whole, resources, fetch.progress, fetch.stopped, language)
        except PluginError as error:
            if error.code != "voice_fetch_failed" or own or whole != voices.HEART:
                raise
            name = voices.DEFAULT_ENGLISH
            wire = voices.ensure_voice(name, resources, fetch.progress, fetch.stopped, language)
            warnings.append(_instead(str(error.params["voice"]), str(error.params["reason"]), wire))
    if passed_over:
        warnings.append(_instead(voices.name_of(usual, resources), passed_over, wire))
    if name == voices.ESPEAK and why:
        warnings.append(Warn(why, {"language": language}))
    spoken = str(wire.get("language") or "")
    if own and spoken and not voices.is_unknown(language) and voices.base_language(spoken) != voices.base_language(language):
        warnings.append(Warn("voice_language", {"voice": str(wire.get("name") or name), "voice_language": spoken, "language": language}))
    return Chosen(name, str(wire["kind"]), wire, tuple(warnings))


def on_card(device: str, resources: Resources) -> bool:
    """Will books be spoken by more than the processor, as far as is known without trying? device: the user's setting.

    A device that was asked for by its name counts, PyTorch's way on the processor too. `auto` does where a card of this computer fits the build of torch
    that is installed, unless its trial showed the processor to be the fastest. Cheap: cards are looked for only where such a build is there.
    """
    if device != AUTO:
        return device != CPU
    neural = next((layer for layer in runtime.standing(resources) if layer.name == "neural"), None)
    build = str(neural.stamp().get("device") or CPU) if neural is not None else ""
    if neural is None or (build == CPU and sys.platform != "darwin"):
        return False
    cards = gpus.found()
    if not any(card.fits(build) for card in cards):
        return False
    wire = voices.wire_voice(voices.DEFAULT_ENGLISH, "", resources)
    known = speeds.recall(key_of(wire, neural, cards)) if wire is not None else None
    best = fastest(known or ())
    return known is None or (best is not None and not best.device.startswith(CPU))


def processor_speed(id: str, resources: Resources) -> float | None:
    """How fast the processor speaks a voice that nothing else ever speaks (times real time): as it did last, else as its trial showed, else by what others
    reached, else at least; None for all other voices."""
    voice = voices.catalogue(resources).get(id)
    if voice is None or voice.kind not in voices.ON_PROCESSOR:
        return None
    if voice.kind == voices.ESPEAK:
        return estimates.ESPEAK_XRT
    key = key_here(voices.wire_voice(id, "", resources), resources)
    least = estimates.student_xrt if voice.kind == voices.STUDENT else estimates.kokoro_xrt
    return speeds.learned(key).get(CPU) or tried(key).get(CPU) or guesses.by_others(voice) or least(os.cpu_count() or 1)


def _instead(voice: str, reason: str, wire: Mapping[str, Any]) -> Warn:
    """Of a voice that could not be had, and the one that speaks in its place."""
    return Warn("voice_instead", {"voice": voice, "reason": reason.rstrip("."), "instead": str(wire["name"])})


def _missing(id: str, resources: Resources) -> PluginError:
    """What is to be installed before that voice can speak."""
    if lacks_neural(id, resources):
        return PluginError("engine_missing", layer="neural")
    if id == voices.HEART and not runtime.standing(resources):  # she comes with it
        return PluginError("engine_missing", layer="core")
    return PluginError("voice_missing", voice=id)


def lacks_neural(id: str, resources: Resources) -> bool:
    """Is it a clone, and the layer that alone speaks one is not installed? Asked before gigabytes are fetched for it."""
    return clones.parse(id) is not None and runtime.find_layer("neural", resources) is None and not runtime.is_outdated("neural", resources)


def lacks_part(id: str, device: str, resources: Resources) -> bool:
    """Can that voice not be spoken before the neural layer is installed? device: as for `on_card`."""
    if runtime.find_layer("neural", resources) is not None or runtime.is_outdated("neural", resources):
        return False
    if clones.parse(id) is not None:
        return True
    listed = voices.catalogue(resources).get(voices.split(id)[0])
    kind = listed.kind if listed is not None else str((voices.wire_voice(id, "", resources) or {}).get("kind"))
    return kind == "coqui" or (kind not in (*voices.ON_PROCESSOR, voices.TONE) and device != AUTO and ONNX.fullmatch(device) is None)


def place_for(voice: Chosen, device: str, resources: Resources, fetch: Fetch | None, probe: Callable[[runtime.Layer], Devices], remember: bool = True) -> Place:
    """The layer and device for a voice.

    probe: asks a sidecar of that layer, with this voice; called only for `auto`, where there is a choice that is not
    remembered. remember: keep what it answers. Raises PluginError `engine_missing`, `engine_install_failed` and what `probe` raises of the voice; Stopped.
    """
    if voice.kind in (*voices.ON_PROCESSOR, voices.TONE):
        unused = () if device in (AUTO, CPU) else (Warn("device_not_used", {"voice": str(voice.wire.get("name") or voice.id), "device": device}),)
        its = _with_students(voice, resources, fetch) if voice.by_package else core(resources, fetch)
        return Place(its, CPU, auto=device == AUTO, warnings=unused)
    if device != AUTO:
        return Place(_layer_for(voice, device, resources, fetch), device)
    asked = _with_most_devices(voice, resources, fetch)
    if asked.name == "core" and not core_has_accelerators():
        return Place(asked, CPU, auto=True)
    key = key_of(voice.wire, asked, gpus.found())
    measured = _measured(key, asked, probe, remember)
    found = fastest(measured) or Device(CPU_TORCH if voice.needs_neural else CPU, "", True, "")
    untried = (Warn("devices_untried"),) if any(not device.device for device in measured) else ()
    return Place(_layer_for(voice, found.device, resources, fetch), found.device, found.name, True, key, untried)


def key_of(voice: Mapping[str, Any], layer: runtime.Layer, cards: Iterable[gpus.Gpu]) -> str:
    """Under which key `speeds` keeps how fast a voice (as the wire has it) is spoken by that layer: its lock, its builds, its sidecar."""
    return speeds.key_of(voice, f"{layer.folder.name} {layer.stamp().get('wheel', '')}", cards)


def learn(voice: Chosen, device: str, speed: float, resources: Resources, weight: float = 1.0) -> None:
    """Remember how fast a device spoke this voice in a conversion (times real time), and what that says of others. weight: as for `speeds.learn`."""
    key = key_here(voice.wire, resources)
    if not key or voice.kind not in MEASURED:
        return
    speeds.learn(key, device, speed, weight)
    guesses.learn(voice.id, voice.wire, device, speed, resources, weight)


def expected(voice: Chosen, place: Place, resources: Resources) -> Rate | None:
    """How fast it will be spoken there, as a window tells it: as its trial showed, as it was spoken last, else by what others reached."""
    if voice.kind == voices.ESPEAK:
        return Rate.about(estimates.ESPEAK_XRT)
    if voice.kind not in MEASURED:
        return None
    key = key_here(voice.wire, resources)
    alone = processor_speed(voice.id, resources) if place.device == CPU else None
    known = alone or tried(key).get(place.device) or speeds.learned(key).get(place.device)
    if known:
        return Rate.about(known)
    return guesses.likely(voice.whole, place.device == CPU_TORCH, resources) if place.device in (CPU, CPU_TORCH) else None


def key_here(voice: Mapping[str, Any] | None, resources: Resources) -> str:
    """As `key_of`, by the layer here that reaches most devices; empty where there is no layer, or no voice."""
    most = runtime.find_layer("neural", resources) or runtime.find_layer("core", resources)
    return key_of(voice, most, gpus.found()) if voice is not None and most is not None else ""


def tried(key: str) -> dict[str, float]:
    """How fast each device spoke a voice in its trial, as it is remembered. key: as of `key_of`, or empty."""
    return {device.device: device.speed for device in speeds.recall(key) or () if device.usable and device.speed}


def fastest(devices: Iterable[Device]) -> Device | None:
    """Of those that spoke the voice; the CPU where it is nearly as fast. None where none did."""
    measured = [(device.speed, device) for device in devices if device.usable and device.speed is not None]
    if not measured:
        return None
    speed, best = max(measured, key=lambda pair: pair[0])
    return next((device for its, device in measured if device.device == CPU and its >= AS_FAST * speed), best)


def measurable(asked: str | None, resources: Resources) -> Mapping[str, Any] | None:
    """The voice to try devices with, as the wire has it: the one asked for, else the standard one; None where it is not here, or is eSpeak."""
    wire = voices.wire_voice(asked or voices.DEFAULT_ENGLISH, "", resources)
    if asked is not None and wire is None:
        raise PluginError("voice_missing", voice=asked)
    return wire if wire is not None and wire["kind"] in MEASURED else None


def out_of_reach(found: Iterable[Device], cards: Iterable[gpus.Gpu], neural: runtime.Layer | None) -> list[Device]:
    """Cards of this computer that no layer here reaches, with what is missing. found: what a sidecar said."""
    reached = {device.device.partition(":")[0] for device in found if device.name and not device.device.startswith("cpu")}
    has = str(neural.stamp().get("device") or "cpu") if neural is not None else ""
    missing: list[Device] = []
    for card in cards:
        if card.kind in reached or (not card.kind and reached & {"coreml", "dml"}):
            continue
        if not card.torch_build:
            reason = translate(N_("no build of PyTorch for this system can use it with the driver that is there"))
        elif neural is None:
            lacking = N_("the extra part of the speech engine (neural), which can use it, is not installed (its build of PyTorch: {build})")
            reason = translate(lacking).format(build=card.torch_build)
        elif card.fits(has):
            reason = translate(N_("PyTorch does not find it"))
        else:
            here, needed = has, card.torch_build
            reason = translate(N_("the installed PyTorch is the build for {here}, and this card needs the one for {needed}")).format(here=here, needed=needed)
        missing.append(Device(card.kind or "gpu", card.name, False, reason))
    return missing


def core_has_accelerators(platform: str = sys.platform) -> bool:
    """May onnxruntime alone use more than the CPU here? Apple's and Windows' own interfaces; on Linux it has none."""
    return platform in ("darwin", "win32")


def _measured(key: str, asked: runtime.Layer, probe: Callable[[runtime.Layer], Devices], remember: bool) -> tuple[Device, ...]:
    """How fast each device speaks a voice, tried now or remembered."""
    known = speeds.recall(key)
    if known is None:
        try:
            known = probe(asked).devices
        except PluginError as error:
            if error.code not in _FAILED:
                raise
            known = (Device("", error.code, False, error.detail[:200]),)  # not tried again for a day
            remember = remember and error.code != "engine_broken"  # which says nothing of devices, and may be repaired at once
        if remember:
            speeds.remember(key, known)
    return known


def _with_most_devices(voice: Chosen, resources: Resources, fetch: Fetch | None) -> runtime.Layer:
    """The neural layer where it is there, since it reaches all devices."""
    if voice.needs_neural:
        return layer("neural", resources, fetch)
    try:
        neural = installed("neural", resources, fetch)
    except PluginError:  # it cannot be renewed; the core layer speaks all the same
        neural = None
    return neural or core(resources, fetch)


def _with_students(voice: Chosen, resources: Resources, fetch: Fetch | None) -> runtime.Layer:
    """The layer that holds the students' package."""
    failed = PluginError("voice_missing", voice=voice.id)
    for name in dict.fromkeys(layer.name for layer in runtime.standing(resources)):
        try:
            found = installed(name, resources, fetch)
        except PluginError as error:  # it cannot be renewed; another layer may hold the package, too
            failed = error
            continue
        if found is not None and students.is_in(found.stamp()):
            return found
    raise failed


def _layer_for(voice: Chosen, device: str, resources: Resources, fetch: Fetch | None) -> runtime.Layer:
    return core(resources, fetch) if not voice.needs_neural and ONNX.fullmatch(device) else layer("neural", resources, fetch)


def layer(name: str, resources: Resources, fetch: Fetch | None) -> runtime.Layer:
    """The installed layer, or the one that may be installed now; PluginError `engine_missing`, `engine_install_failed`."""
    found = installed(name, resources, fetch)
    if found is not None:
        return found
    if fetch is None or not fetch.leave:
        raise PluginError("engine_missing", layer=name)
    return runtime.ensure_layer(name, resources, fetch.progress, fetch.stopped)


def installed(name: str, resources: Resources, fetch: Fetch | None = None) -> runtime.Layer | None:
    """The layer that is there, or None. After an update of the plugin the sidecar in it is renewed unasked and without `leave`: seconds, no network."""
    found = runtime.find_layer(name, resources)
    if found is None and runtime.is_outdated(name, resources):
        teller = fetch or Fetch(lambda stage, done, text: None, never)
        return runtime.renew_layer(name, resources, teller.progress, teller.stopped)
    return found


def core(resources: Resources, fetch: Fetch | None) -> runtime.Layer:
    """Neural holds all of core, so it serves where core alone is missing. As `layer`."""
    found = installed("core", resources, fetch) or installed("neural", resources, fetch)
    return found if found is not None else layer("core", resources, fetch)
