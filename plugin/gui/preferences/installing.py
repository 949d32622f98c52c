"""What installing the neural layer (in windows: the extra part) brings, in words, and the question whether to."""

from __future__ import annotations

from typing import Any

from calibre.gui2 import question_dialog  # type: ignore[import-not-found]

from ...engine import install_plan
from ...engine.install_plan import Offer
from ...engine.torch_source import wanted_device
from ...environ import for_children
from ...resources import Resources
from ...wording import translate as _
from .parts import size_words

_MB = 10**6


def wanted_build() -> str:
    """Of torch, for the best card that is here; may ask a driver's own program, so call it from a thread."""
    return wanted_device(for_children())


def is_wanted(parent: Any, resources: Resources, build: str, why: str = "") -> bool:
    """Ask. why: what to say first."""
    asked = _("Download and install the extra part of the speech engine now?")
    return bool(question_dialog(parent, _("Install the extra part?"), "\n\n".join(filter(None, (why, what_comes(resources, build), asked)))))


def costs(resources: Resources, name: str, build: str) -> str:
    """What a layer that is not here takes. build: of torch."""
    items = install_plan.plan(resources, (name,), (), build).items
    fetch, disk = sum(item.fetch_mb for item in items), sum(item.disk_mb for item in items)
    return _("{fetch} to download, then {disk} on this computer.").format(fetch=size_words(fetch * _MB), disk=size_words(disk * _MB)) if items else ""


def whom_it_serves(offer: Offer | None) -> str:
    """Whether the extra part would let a card of this computer speak. offer: the best of its cards, None where it has none."""
    alone = _("No graphics card was found in this computer: it is of use only for cloned and Coqui voices.")
    return alone if offer is None else offer.sentence


def what_comes(resources: Resources, build: str) -> str:
    """How much of what from where, and how much room there is."""
    plan = install_plan.plan(resources, ("neural",), (), build)
    items = plan.items or (install_plan.neural_item(resources, build, for_children()),)  # there is one, which another build is to replace
    rows = [_("{what}: {size}, from {source}").format(what=item.what, size=size_words(item.fetch_mb * _MB), source=item.source) for item in items]
    room = _("It takes {disk} on this computer then; {free} are free in its folder:\n{folder}")
    disk_mb = sum(item.disk_mb for item in items)
    rows.append(room.format(disk=size_words(disk_mb * _MB), free=size_words(max(plan.free_mb, 0) * _MB), folder=str(plan.folder)))
    rows.append(_("It goes on in the background, also when this window is closed. Books can be converted meanwhile."))
    return "\n\n".join(rows)
