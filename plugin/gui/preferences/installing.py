"""What installing a layer (core and neural, in windows the basic and the extra part) brings, in words, and the question whether to; how taking one away
tells of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from calibre.gui2 import question_dialog  # type: ignore[import-not-found]

from ...converting.progress import Show, Step
from ...engine import engine_care, install_plan, runtime
from ...engine.install_plan import Offer
from ...engine.torch_source import wanted_device
from ...environ import for_children
from ...resources import Resources
from ...wording import N_, isolated
from ...wording import translate as _
from ..links import verbatim
from .parts import size_words

_MB: Final = 10**6
_ASKED: Final[Mapping[str, tuple[str, str]]] = {
    "core": (N_("Install the basic part?"), N_("Download and install the basic part of the speech engine now?")),
    "neural": (N_("Install the extra part?"), N_("Download and install the extra part of the speech engine now?")),
}
"""Title and question."""


def wanted_build() -> str:
    """Of torch, for the best card that is here; may ask a driver's own program, so call it from a thread."""
    return wanted_device(for_children())


def is_wanted(parent: Any, resources: Resources, build: str, why: str = "", name: str = "neural") -> bool:
    """Ask. why: what to say first. name: of the layer."""
    title, asked = (_(text) for text in _ASKED[name])
    return bool(question_dialog(parent, title, verbatim("\n\n".join(filter(None, (why, what_comes(resources, name, build), asked))))))


def costs(resources: Resources, name: str, build: str) -> str:
    """What a layer that is not here takes. build: of torch."""
    items = install_plan.plan(resources, (name,), (), build).items
    fetch, disk = sum(item.fetch_mb for item in items), sum(item.disk_mb for item in items)
    return _("To download: {fetch}. On the disk then: {disk}.").format(fetch=size_words(fetch * _MB), disk=size_words(disk * _MB)) if items else ""


def whom_it_serves(offer: Offer | None) -> str:
    """Whether the extra part would let a card of this computer speak. offer: the best of its cards, None where it has none."""
    alone = _("No graphics card was found in this computer: it is of use only for cloned voices and Coqui voices.")
    return alone if offer is None else offer.sentence


def what_comes(resources: Resources, name: str, build: str) -> str:
    """How much of what from where, how long that takes, and how much room there is. name: of the layer."""
    plan = install_plan.plan(resources, (name,), (), build)
    if not plan.items and name == "neural":  # there is one, which another build is to replace
        plan = replace(plan, items=(install_plan.neural_item(resources, build, for_children()),))
    items = plan.items
    rows = [_("{what}.\n{size} to download, from {source}.").format(what=item.what, size=size_words(item.fetch_mb * _MB), source=item.source) for item in items]
    room = _("It takes {disk} on this computer then; {free} are free in its folder:\n{folder}")
    disk_mb = sum(item.disk_mb for item in items)
    rows.append(room.format(disk=size_words(disk_mb * _MB), free=size_words(max(plan.free_mb, 0) * _MB), folder=isolated(str(plan.folder))))
    rows.append(plan.time_words)
    meanwhile = _("It goes on in the background, also when this window is closed. Books can be converted meanwhile.")
    without = _("It goes on in the background, also when this window is closed. A book that you convert meanwhile follows when it is there.")
    rows.append(meanwhile if runtime.standing(resources) else without)
    return "\n\n".join(rows)


def told_by(show: Show) -> Callable[[str, float | None, str], None]:
    """For what takes a layer away: tells that another installation is waited for, and from when on nothing stops it."""
    return lambda stage, done, text: show(Step(stage, done, None, text, final=stage == engine_care.REMOVE))
