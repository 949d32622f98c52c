"""What is being installed by Calibre's jobs: each thing once, however often and wherever it was asked for, and how far it is.

Knows nothing of Calibre: how a job is run and stopped, `conversions` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from .. import environ
from ..engine import install_plan
from ..engine.install_plan import Wanted
from ..engine.install_progress import Amount
from ..engine.torch_source import wanted_device
from ..errors import PluginError
from ..resources import Resources
from ..speaking import clones, speakers, voices
from ..wording import N_, translate
from .progress import fetching

Then = Callable[[PluginError | None], bool | None]
"""then(error): it has ended by itself. False: nobody was told by that, so the user still is to be."""
Work = Callable[[Callable[[float, str], None], Callable[[], bool]], None]
"""work(show, stopped) in the job's thread. show(0..1, what is being done). Raises PluginError; Stopped."""
_TITLES: Final = {
    ("core",): N_("Install the basic part of the speech engine"),
    ("neural",): N_("Install the extra part of the speech engine"),
    ("core", "neural"): N_("Install the speech engine, both parts"),
}


@dataclass(frozen=True)
class Underway:
    """An installation that waits or runs. title: what is installed; text: what is being done now; both in words. done: 0..1. runs: has it begun?
    stop(): as in the Jobs list."""

    wanted: Wanted
    title: str
    text: str
    done: float
    runs: bool
    stop: Callable[[], None]

    def brings(self, layer: str = "", voice: str = "") -> bool:
        """Is that among what it installs? voice: an id; of a clone with or without its base voice."""
        voices = {id for whole in self.wanted.voices for id in (whole, clones.parted(whole)[0])}
        return layer in self.wanted.layers or voice in voices


@dataclass
class _Installation:
    wanted: Wanted
    title: str
    job: Any
    then: list[Then] = field(default_factory=list)
    stopped: dict[Callable[[], None], None] = field(default_factory=dict)


class Installations:
    """run(description, work, ended): starts a job and gives it; `ended(job, error)` when it has, or when it was stopped before it ran. stop(job): as in
    the Jobs list."""

    def __init__(self, run: Callable[[str, Work, Callable[[Any, PluginError | None], None]], Any], stop: Callable[[Any], None], resources: Resources) -> None:
        self._run, self._stop, self._resources = run, stop, resources
        self._known: list[_Installation] = []

    def begin(self, wanted: Wanted, then: Then | None, stopped: Callable[[], None], untold: Callable[[PluginError | None], None]) -> Any:
        """Gives the job: one that brings all of it already, or a new one. then: as it says. stopped: the user has stopped it.
        untold: called where no `then` has told anybody."""
        one = next((known for known in self._unfinished() if _covers(known.wanted, wanted)), None)
        if one is None:
            title = described(wanted, self._resources)
            one = _Installation(wanted, title, None)
            named = translate(N_("{what} (Convert to Audiobook)")).format(what=title) if wanted.layers else title
            one.job = self._run(named, partial(install, wanted, self._resources), partial(self._ended, one, untold))
            self._known.append(one)
        one.then += [then] if then is not None else []
        one.stopped[stopped] = None
        return one.job

    def underway(self) -> tuple[Underway, ...]:
        """That which runs first."""
        found = [_underway(one, partial(self._halt, one)) for one in self._unfinished()]
        return tuple(sorted(found, key=lambda one: not one.runs))

    def _unfinished(self) -> list[_Installation]:
        self._known = [one for one in self._known if is_unfinished(one.job)]
        return self._known

    def _halt(self, one: _Installation) -> None:
        if is_unfinished(one.job):
            self._stop(one.job)

    def _ended(self, one: _Installation, untold: Callable[[PluginError | None], None], job: Any, error: PluginError | None) -> None:
        if job.killed:
            for stopped in one.stopped:
                stopped()
        elif error is not None or job.result is True:
            heard = [then(error) is not False for then in one.then]
            if not any(heard):
                untold(error)


def described(wanted: Wanted, resources: Resources) -> str:
    """What is installed, for a list of jobs."""
    names = ", ".join(voices.name_of(voice, resources) for voice in wanted.voices)
    if wanted.layers:
        title = translate(_TITLES[wanted.layers])
        return translate(N_("{what}, with {voices}")).format(what=title, voices=names) if names else title
    if any(clones.parse(voice) is not None for voice in wanted.voices):
        return translate(N_("Download what the voice {voice} needs")).format(voice=names)
    return translate(N_("Download the voice {voice}")).format(voice=names)


def install(wanted: Wanted, resources: Resources, show: Callable[[float, str], None], stopped: Callable[[], bool]) -> None:
    """Do it, in a thread: megabytes and percentage are those of all of it, and never go back. Raises PluginError; Stopped."""
    sizes_mb = amounts(wanted, resources)
    names = iter((*wanted.layers, *(voices.name_of(voice, resources) for voice in wanted.voices)))
    all_mb, before_mb, furthest = sum(sizes_mb), 0.0, 0.0
    size_mb, name = 0.0, ""

    def tell(stage: str, done: float | None, text: str) -> None:
        nonlocal furthest
        furthest = max(furthest, min(1.0, (before_mb + (done or 0.0) * size_mb) / all_mb))
        if isinstance(text, Amount):
            text = Amount(text.what or translate(N_("downloading {what}")).format(what=name), before_mb + text.have_mb, all_mb + text.all_mb - size_mb)
        show(furthest, text[:1].upper() + text[1:] if text else fetching(stage, done, text).status())

    def next_part() -> None:
        nonlocal before_mb, size_mb, name
        before_mb, size_mb, name = before_mb + size_mb, sizes_mb.pop(0), next(names)

    for layer in wanted.layers:
        next_part()
        speakers.layer(layer, resources, speakers.Fetch(tell, stopped))
    for voice in wanted.voices:
        next_part()
        # What came with the layers was tried just now: the engine is there all the same, and books say who reads instead.
        if not (wanted.layers and voices.out_of_reach(voice, resources)):
            voices.ensure_voice(voice, resources, tell, stopped)


def amounts(wanted: Wanted, resources: Resources) -> list[float]:
    """About how many megabytes each layer and each voice brings besides those before it, at least one."""
    build = wanted_device(environ.for_children()) if "neural" in wanted.layers else "cpu"
    parts = [(wanted.layers[: number + 1], wanted.voices[:0]) for number in range(len(wanted.layers))]
    parts += [(wanted.layers, wanted.voices[: number + 1]) for number in range(len(wanted.voices))]
    sums = [install_plan.plan(resources, layers, ids, build).fetch_mb for layers, ids in parts]
    return [max(1.0, float(after - before)) for before, after in zip([0, *sums], sums, strict=False)]


def is_unfinished(job: Any) -> bool:
    """Does a job of Calibre's run or wait?"""
    return job.duration is None and not job.killed


def _covers(one: Wanted, other: Wanted) -> bool:
    return {*other.layers} <= {*one.layers} and {*other.voices} <= {*one.voices}


def _underway(one: _Installation, stop: Callable[[], None]) -> Underway:
    runs = one.job.start_time is not None
    text = str(one.job.status_text) if runs else translate(N_("waits for its turn"))
    return Underway(one.wanted, one.title, text, one.job.percent / 100, runs, stop)
