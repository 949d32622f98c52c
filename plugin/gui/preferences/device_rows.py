"""Which devices can be chosen on this computer, found without trying one: by its cards, its system and the layers that are installed.

Names are the wire's (docs/devices.md): a card's number counts those that the same build of torch reaches.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ...converting.events import Device
from ...engine import install_plan
from ...engine.gpus import Gpu
from ...engine.torch_source import build_name
from ...resources import Resources
from ...speaking import speakers, voices
from ...wording import device_name, isolated
from ...wording import translate as _
from .parts import size_words


@dataclass(frozen=True)
class Row:
    """device: as the wire has it; empty for a card that cannot be used. note: what to know of it, or why it cannot be used.

    install: what must be done first: `neural` (that layer is not here), `renew` (it is here with another build of torch). found: as
    it was tried last.
    """

    device: str
    name: str
    note: str = ""
    install: str = ""
    found: Device | None = None


@dataclass(frozen=True)
class Installed:
    """neural: its build of torch, empty where that layer is not here. directml: is onnxruntime's build with DirectML in the core layer?"""

    neural: str = ""
    directml: bool = False


def rows(resources: Resources, cards: Iterable[Gpu], installed: Installed, wanted: str, chosen: str, platform: str = sys.platform) -> list[Row]:
    """Automatic and the processor first, then the cards; at the end the one that was chosen, if it is not among them.

    wanted: the build of torch that would be installed.
    """
    cards = tuple(cards)
    auto = _("Each voice is tried once on all devices, and the fastest speaks.")
    if not cards and not installed.neural:
        auto = _("The fastest device speaks: without a graphics card that is the CPU.")
    found = [
        Row(speakers.AUTO, _("Automatic"), auto),
        Row(speakers.CPU, device_name(speakers.CPU), _("This computer's own processor. It works everywhere.")),
    ]
    if installed.neural:
        found.append(Row(speakers.CPU_TORCH, device_name(speakers.CPU_TORCH), _("The same processor by PyTorch: mostly slower, and the same sound.")))
    numbers: Counter[str] = Counter()
    for card in cards:
        found += _of_card(resources, card, installed, wanted, numbers, platform)
    if chosen not in {row.device for row in found}:
        found.append(Row(chosen, _("{device}, chosen earlier").format(device=device_name(chosen)), _("This computer does not have it now.")))
    return found


def tried(rows: Iterable[Row], devices: Iterable[Device]) -> list[Row]:
    """The rows with what a test found; a device that only the test found comes with its own row.

    A card that nothing reaches has no number there, so it is known by its name.
    """
    left = [device for device in devices if device.device]
    known = []
    for row in rows:
        match = next((device for device in left if device.device == row.device or (row.device and device.name == row.name and not device.usable)), None)
        if match is not None:
            left.remove(match)
        known.append(row if match is None else replace(row, found=match))
    return known + [Row(device.device, device.name, found=device) for device in left if device.usable]


def result(device: Device, voice: str, resources: Resources, disturbed: bool = False) -> str:
    """What a test found, in a user's words. voice: which it spoke with. disturbed: a book was being converted meanwhile."""
    if not device.usable:
        return _("Cannot be used: {reason}").format(reason=device.reason)
    return _("Works.") if device.speed is None else _speed(voice, device.speed, resources, disturbed)


def always_on_cpu(resources: Resources) -> str:
    """In a sentence, for which voices the choice of a device is none."""
    names = isolated(", ".join(voice.name for voice in voices.catalogue(resources).values() if voice.kind == voices.STUDENT))
    words = _("{voices}, Kokoro's own voices and eSpeak are always spoken by the CPU, whatever is chosen here. The choice is for all other voices.")
    return words.format(voices=names)


def own_speed(voice: str, device: Device, resources: Resources, disturbed: bool = False) -> str:
    """How fast the CPU speaks a voice that nothing else ever speaks, in a sentence. disturbed: as for `result`."""
    if device.speed is None:
        return _("{voice} could not be spoken: {reason}").format(voice=isolated(voices.name_of(voice, resources)), reason=device.reason)
    return _speed(voice, device.speed, resources, disturbed)


def _speed(voice: str, speed: float, resources: Resources, disturbed: bool) -> str:
    """Never without whose it is: another voice has another."""
    name, times = isolated(voices.name_of(voice, resources)), f"{speed:.0f}" if speed >= 10 else f"{speed:.1f}"
    words = _("{voice} speaks {speed} times as fast as one listens.").format(voice=name, speed=times)
    return _("{speed} That was measured while a book was being converted.").format(speed=words) if disturbed else words


def about_test(own: Sequence[str], tester: str, get: str, resources: Resources, alone: bool = False) -> list[str]:
    """What each button does that measures, a sentence for each. own: the reader's voices that the CPU alone speaks; tester: the voice that all devices are
    tested with, empty where none that each can speak is here; get: what the button says that gets one, empty where there is no such button.
    alone: is the processor the only device?"""
    name = isolated(voices.name_of(tester or voices.DEFAULT_ENGLISH, resources))
    names = isolated(", ".join(voices.name_of(id, resources) for id in own))
    if alone and (own or tester):
        known = [voices.name_of(id, resources) for id in (tester, *own) if id]
        names = isolated(", ".join(known))
        one, more = _("“Test all” tells how fast the CPU speaks with the voice {voices}."), _("“Test all” tells how fast the CPU speaks with: {voices}.")
        test = one if len(known) == 1 else more
    elif own and tester:
        test = _("“Test all” tells how fast each device speaks with the voice {voice}, and how fast the CPU speaks with {voices}.")
    elif own:
        test = _("“Test all” tells how fast the CPU speaks with the voice {voices}, and which other devices work.")
    else:
        test = _("“Test all” tells how fast each device speaks with the voice {voice}.") if tester else _("“Test all” tells which devices work.")
    said = [test.format(voice=name, voices=names)]
    if get:
        each = _("“{button}” downloads {voice}, which every device can speak, and tells how fast each does.")
        words = _("“{button}” downloads {voice}, and tells how fast the CPU speaks with it.") if alone else each
        said.append(words.format(button=get, voice=name))
    return said


def get_and_test(resources: Resources) -> str:
    """What a button says that gets the voice by which all devices are measured."""
    id = voices.DEFAULT_ENGLISH
    name, size_bytes = voices.name_of(id, resources), voices.fetch_bytes(id, resources)
    return _("Get {voice} ({size}) and test").format(voice=name, size=size_words(size_bytes))


def _of_card(resources: Resources, card: Gpu, installed: Installed, wanted: str, numbers: Counter[str], platform: str) -> list[Row]:
    """A card may be reached by torch, and by onnxruntime on Apple's and Microsoft's systems."""
    found = []
    offer = install_plan.offer(resources, card, platform=platform)
    if offer.build:
        kind = card.kind
        device = kind if kind == "mps" else f"{kind}:{numbers[kind]}"
        numbers[kind] += 1
        note, install = "", ""
        if not installed.neural:
            note, install = _needs(resources, offer.build, platform), "neural"
        elif not card.fits(installed.neural):
            note = _("The extra part that is installed is for {here}; this card needs the one for {build}.").format(
                here=build_name(installed.neural), build=build_name(offer.build)
            )
            install = "renew" if wanted == offer.build else ""
        found.append(Row(device, card.name, note, install))
    elif platform != "darwin" and not (platform == "win32" and installed.directml):
        found.append(Row("", card.name, offer.sentence))
    system = _("By the system's own way to graphics cards; nothing has to be installed for it.")
    if platform == "darwin":
        found.append(Row("coreml", _("{card}, by CoreML").format(card=card.name), system))
    if platform == "win32" and installed.directml:
        found.append(Row(f"dml:{numbers['dml']}", _("{card}, by DirectML").format(card=card.name), system))
        numbers["dml"] += 1
    return found


def _needs(resources: Resources, build: str, platform: str) -> str:
    item = install_plan.neural_item(resources, build, {}, platform)
    words = _("Needs the extra part of the speech engine, for {build}: {size} to download.")
    return words.format(build=build_name(build), size=size_words(item.fetch_mb * 10**6))
