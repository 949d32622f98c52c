"""Which devices can be chosen on this computer, found without trying one: by its cards, its system and the layers that are installed.

Names are the wire's (docs/devices.md): a card's number counts those that the same build of torch reaches.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ...converting.protocol import Device
from ...engine import install_plan
from ...engine.gpus import Gpu
from ...resources import Resources
from ...speaking import speakers
from ...wording import device_name
from ...wording import translate as _
from .parts import size_words

_KIND: Final[Mapping[str, str]] = {"cuda": "cuda", "rocm": "cuda", "xpu": "xpu", "mps": "mps"}
"""Build of torch -> the wire's name for its cards."""


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
    found = [
        Row(speakers.AUTO, _("Automatic"), _("Each voice is tried once on all devices, and the fastest speaks.")),
        Row(speakers.CPU, device_name(speakers.CPU), _("Works on every computer.")),
    ]
    if platform != "darwin" or any(card.torch_build == "mps" for card in cards):
        found.append(_by_torch(resources, installed, platform))
    numbers: Counter[str] = Counter()
    for card in cards:
        found += _of_card(resources, card, installed, wanted, numbers, platform)
    if chosen not in {row.device for row in found}:
        found.append(Row(chosen, _("{device}, chosen earlier").format(device=chosen), _("This computer does not have it now.")))
    return found


def tried(rows: Iterable[Row], devices: Iterable[Device]) -> list[Row]:
    """The rows with what a test found; a device that only the test found comes with its own row."""
    left = [device for device in devices if device.device]
    known = []
    for row in rows:
        match = next((device for device in left if device.device == row.device), None)
        if match is not None:
            left.remove(match)
        known.append(row if match is None else replace(row, found=match))
    return known + [Row(device.device, device.name, found=device) for device in left if device.usable]


def result(device: Device) -> str:
    """What a test found, in a user's words."""
    if not device.usable:
        return _("Cannot be used: {reason}").format(reason=device.reason)
    if device.speed is None:
        return _("Works.")
    return _("Speaks {speed} times as fast as one listens.").format(speed=f"{device.speed:.1f}")


def _by_torch(resources: Resources, installed: Installed, platform: str) -> Row:
    name = device_name(speakers.CPU_TORCH)
    slower = _("Mostly slower than the CPU alone, and the same sound.")
    if installed.neural:
        return Row(speakers.CPU_TORCH, name, slower)
    needs = _needs(resources, "cpu", platform)
    return Row(speakers.CPU_TORCH, name, _("{about} {needs}").format(about=slower, needs=needs), "neural")


def _of_card(resources: Resources, card: Gpu, installed: Installed, wanted: str, numbers: Counter[str], platform: str) -> list[Row]:
    """A card may be reached by torch, and by onnxruntime on Apple's and Microsoft's systems."""
    found = []
    offer = install_plan.offer(resources, card, platform=platform)
    if offer.build:
        kind = _KIND[offer.build]
        device = kind if kind == "mps" else f"{kind}:{numbers[offer.build]}"
        numbers[offer.build] += 1
        note, install = "", ""
        if not installed.neural:
            note, install = _needs(resources, offer.build, platform), "neural"
        elif offer.build not in ("mps", installed.neural):
            note = _("The neural layer that is installed is for {here}; this card needs the one for {build}.").format(
                here=install_plan.build_name(installed.neural), build=install_plan.build_name(offer.build)
            )
            install = "renew" if wanted == offer.build else ""
        found.append(Row(device, card.name, note, install))
    elif platform != "darwin" and not (platform == "win32" and installed.directml):
        found.append(Row("", card.name, offer.sentence))
    if platform == "darwin":
        found.append(Row("coreml", _("{card}, by CoreML").format(card=card.name)))
    if platform == "win32" and installed.directml:
        found.append(Row(f"dml:{numbers['dml']}", _("{card}, by DirectML").format(card=card.name)))
        numbers["dml"] += 1
    return found


def _needs(resources: Resources, build: str, platform: str) -> str:
    item = install_plan.neural_item(resources, build, {}, platform)
    words = _("Needs the neural layer with PyTorch for {build}: {size} to fetch.")
    return words.format(build=install_plan.build_name(build), size=size_words(item.fetch_mb * 10**6))
