"""What can speak a voice on this computer, and how fast: by what is remembered and by what is installed; nothing is tried. Looks for graphics cards, so from a
thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from ..converting.events import Device
from ..engine import gpus, install_plan, runtime
from ..errors import PluginError
from ..resources import Resources
from ..speaking import clones, estimates, guesses, speakers, speeds, voices
from ..speaking.estimates import Rate
from ..wording import device_name
from ..wording import translate as _
from .clone import abilities


@dataclass(frozen=True)
class DeviceOffer:
    """A device in the list. speed: times real time for the voice, None where nobody measured; likely: a guess, where that is so. layer_mb, disk_mb: what has to
    be installed first, and takes then; reason: why it cannot be chosen at all; why_alone: why no other can. for_several: the name, where several voices
    speak books."""

    device: str
    name: str
    speed: float | None = None
    layer_mb: int = 0
    disk_mb: int = 0
    reason: str = ""
    why_alone: str = ""
    likely: Rate | None = None
    for_several: str = ""

    @property
    def rate(self) -> Rate | None:
        """Measured, else guessed."""
        return self.likely if self.speed is None else Rate.about(self.speed)

    def label(self, several: bool = False) -> str:
        """As it stands in the list. several: for books that several voices may speak."""
        if several and self.for_several:
            return self.for_several
        if self.reason:
            return _("{device} (cannot be used)").format(device=self.name)
        if self.layer_mb and self.device != speakers.AUTO:
            return _("{device} (needs the extra part, {size})").format(device=self.name, size=install_plan.size_words(self.layer_mb))
        if self.speed is not None and self.device != speakers.AUTO:
            speed = f"{self.speed:.0f}" if self.speed >= 10 else f"{self.speed:.1f}"
            return _("{device}, {speed} times as fast as listening").format(device=self.name, speed=speed)
        return self.name


def places(voice: str, resources: Resources) -> tuple[DeviceOffer, ...]:
    """What can speak a voice on this computer, by what is remembered: nothing is tried. voice: may be empty, or not here; a clone's with its base voice."""
    if clones.parse(voice) is not None:
        return _of_a_clone(voice, resources)
    cards = gpus.found()
    neural = runtime.find_layer("neural", resources)
    layer = neural or runtime.find_layer("core", resources)
    wire = voices.wire_voice(voice, "", resources) if voice else None
    likely = speakers.processor_speed(voice, resources)
    if likely is not None:
        quick = _("Only the processor (CPU) speaks this voice; it does so fast.")
        slow = _("Only the processor (CPU) speaks this voice; that takes its time.")
        why = slow if voices.catalogue(resources)[voice].kind == voices.KOKORO else quick
        known = {**speakers.tried(key := speakers.key_here(wire, resources)), **speeds.learned(key)}
        one, more = _("This voice: always the CPU"), _("Always the CPU")
        return (DeviceOffer(speakers.AUTO, one, known.get(speakers.CPU), why_alone=why, likely=Rate.about(likely), for_several=more),)
    return _guessed(voice, tuple(_listed(*_known(wire, layer, cards), cards, neural, resources)), resources)


def place_of(voice: str, wanted: str, resources: Resources) -> DeviceOffer:
    """Where a voice would be spoken. wanted: the device that the user's settings name; automatic where that cannot be used."""
    found = places(voice, resources)
    return next((place for place in found if place.device == wanted and not place.reason and not place.layer_mb), found[0])


def _known(wire: voices.Wire | None, layer: runtime.Layer | None, cards: tuple[gpus.Gpu, ...]) -> tuple[tuple[Device, ...], Mapping[str, float]]:
    """(devices that were tried with that voice, how fast each spoke whole books)."""
    key = speakers.key_of(wire, layer, cards) if wire is not None and layer is not None else ""
    return speeds.recall(key) or (), speeds.learned(key)


def _of_a_clone(voice: str, resources: Resources) -> tuple[DeviceOffer, ...]:
    """Those of the extra part alone, which has to be installed first where it is not here."""
    cards = gpus.found()
    neural = runtime.find_layer("neural", resources)
    if neural is None:
        why = _("A clone is spoken by the extra part of the speech engine alone, which is not here yet.")
        fetch_mb, disk_mb = abilities.layer_sizes(resources)
        alone = DeviceOffer(speakers.AUTO, _("Automatic (the fastest)"), layer_mb=fetch_mb, disk_mb=disk_mb, why_alone=why)
        return _guessed(voice, (alone,), resources)
    wire: voices.Wire | None = None
    with suppress(PluginError):  # of a language that it cannot speak: said where the voice is chosen
        wire = voices.wire_voice(voice, "", resources)
    found = [place for place in _listed(*_known(wire, neural, cards), cards, neural, resources) if not speakers.ONNX.fullmatch(place.device)]
    guessed = _guessed(voice, tuple(found), resources)
    if wire is None:
        return guessed
    base = _listed(*_known({**wire, "clone": None}, neural, cards), cards, neural, resources)
    spoken = {place.device: place.speed for place in base if place.speed and place.device != speakers.AUTO and not speakers.ONNX.fullmatch(place.device)}
    best = {speakers.AUTO: max(spoken.values())} if spoken else {}
    return tuple(_by_base(place, {**spoken, **best}.get(place.device), wire["clone"]["converter"]) for place in guessed)


def _by_base(place: DeviceOffer, speed: float | None, converter: str) -> DeviceOffer:
    """With what the base voice reached there, unless a clone by that converter was measured."""
    if speed is None or (place.likely is not None and place.likely.low == place.likely.high):
        return place
    return replace(place, likely=estimates.cloned(Rate.about(speed), converter))


def _guessed(voice: str, found: tuple[DeviceOffer, ...], resources: Resources) -> tuple[DeviceOffer, ...]:
    """How fast it will be where nobody measured it: on the processor, and so where that is automatic, as long as no card can speak it."""
    own = (speakers.AUTO, speakers.CPU, speakers.CPU_TORCH)
    cards = any(place.device not in own and not place.reason and not place.layer_mb for place in found)

    def guess(place: DeviceOffer) -> DeviceOffer:
        if place.speed is not None or place.device not in own or (cards and place.device == speakers.AUTO):
            return place
        by_torch = place.device == speakers.CPU_TORCH or clones.parse(voice) is not None
        return replace(place, likely=guesses.likely(voice, by_torch, resources))

    return tuple(map(guess, found)) if voice else found


def _listed(
    known: tuple[Device, ...], spoken: Mapping[str, float], cards: tuple[gpus.Gpu, ...], neural: runtime.Layer | None, resources: Resources
) -> Iterable[DeviceOffer]:
    """known: what was measured; spoken: how fast whole books were spoken."""
    speed_of = {**spoken, **{device.device: device.speed for device in known if device.usable}}
    best = speakers.fastest(known)
    only_cpu = neural is None and not speakers.core_has_accelerators()
    name = device_name(speakers.CPU) if only_cpu else "" if best is None else _device_name(best.device, best.name)
    auto = _("Automatic (the fastest, now: {device})").format(device=name) if name else _("Automatic (the fastest)")
    yield DeviceOffer(speakers.AUTO, auto, best.speed if best is not None else speed_of.get(speakers.CPU))
    yield DeviceOffer(speakers.CPU, device_name(speakers.CPU), speed_of.get(speakers.CPU))
    if neural is not None:
        yield DeviceOffer(speakers.CPU_TORCH, device_name(speakers.CPU_TORCH), speed_of.get(speakers.CPU_TORCH))
    tried = [device for device in known if device.name and not device.device.startswith("cpu")]
    for device in tried:
        yield DeviceOffer(device.device, device.name, device.speed, reason="" if device.usable else device.reason or _("it did not speak"))
    yield from _untried(tried, cards, neural, resources)


def _untried(tried: list[Device], cards: tuple[gpus.Gpu, ...], neural: runtime.Layer | None, resources: Resources) -> Iterable[DeviceOffer]:
    """Cards that no sidecar has spoken of."""
    reasons = {device.name: device.reason for device in speakers.out_of_reach(tried, cards, neural)}
    numbers: dict[str, int] = {}
    for card in cards:
        if card.name not in reasons:
            continue
        offer = install_plan.offer(resources, card)
        kind = card.kind
        number = numbers.get(kind, 0)
        numbers[kind] = number + 1
        device = kind if kind == "mps" else f"{kind}:{number}"
        has = str(neural.stamp().get("device") or "cpu") if neural is not None else ""
        if not offer.build:
            yield DeviceOffer("", card.name, reason=offer.sentence)
        elif neural is not None and card.fits(has):
            yield DeviceOffer(device, card.name)
        else:
            fetch_mb, disk_mb = (1, 1) if offer.item is None else (offer.item.fetch_mb, offer.item.disk_mb)
            yield DeviceOffer(device, card.name, layer_mb=fetch_mb, disk_mb=disk_mb)


def _device_name(device: str, name: str) -> str:
    return device_name(device) if device in (speakers.CPU, speakers.CPU_TORCH) else name or device
