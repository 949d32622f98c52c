"""The command line: `calibre-debug -r "Convert to Audiobook" -- BOOK -o OUT.m4b`, with its exit codes (docs/architecture.md).

Progress and sentences go to stderr, the summary to stdout. Ctrl-C stops at once and resumably, a second one kills. An
error is one sentence; what is technical about it is kept in a log file.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

from . import log, paths, prefs
from .book import library
from .converting.events import Device, Told, sampled
from .converting.folders import private_folder
from .converting.job import Job, Options, Result
from .converting.progress import Step, Terminal, clock, fetching
from .converting.requests import FLOAT32, PRECISIONS, Probe, Sample
from .converting.sidecars import Sidecars
from .converting.sources import FromFile, FromLibrary
from .engine import engine_care, gpus, students
from .engine.install_plan import size_words
from .errors import OK, STOPPED, PluginError, Stopped
from .resources import Resources
from .speaking import clones, converters, speakers, speeds, voices
from .wording import N_, printable, translate


class _Parser(argparse.ArgumentParser):
    """Says what is wrong by our own error, so that a usage error is told and numbered like all others."""

    def error(self, message: str) -> NoReturn:
        raise PluginError("usage", reason=message)


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    p = _Parser(
        prog='calibre-debug -r "Convert to Audiobook" --',
        description=translate(N_("Turn a book into an audiobook (M4B) with a voice that runs on this computer.")),
        allow_abbrev=False,
    )
    p.add_argument("book", nargs="?", metavar="BOOK", type=Path, help=translate(N_("the book's file, in any format that Calibre reads")))
    p.add_argument("-o", "--output", metavar="OUT", type=Path, help=translate(N_("the audiobook, OUT.m4b")))
    p.add_argument("--library", metavar="DIR", type=Path, help=translate(N_("in place of BOOK and -o: the library that the book is in")))
    p.add_argument("--book", dest="book_id", metavar="ID", type=int, help=translate(N_("the book's number in that library; the audiobook is added to it")))
    p.add_argument(
        "--voice",
        metavar="V",
        help=translate(N_("a voice by its name (as `heart`), `espeak`, `tone`, an .onnx file, a folder of a Coqui voice, a cloned voice")),
    )
    p.add_argument("--clone", metavar="SAMPLE", type=Path, help=translate(N_("clone the voice of a recording (30 s of one person's speech), over --voice")))
    p.add_argument("--converter", choices=converters.IDS, help=translate(N_("by which network a voice is cloned ({usual})")).format(usual=converters.FREEVC24))
    p.add_argument("--clone-name", metavar="NAME", help=translate(N_("keep the cloned voice under this name; --voice NAME speaks in it from then on")))
    p.add_argument("--device", metavar="D", default="auto", help=translate(N_("auto (the fastest, tried once for a voice), or one that --probe names")))
    p.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=FLOAT32,
        help=translate(N_("half: a graphics card may make the sound in half precision; may be faster; what has been spoken otherwise is spoken anew")),
    )
    for option, bounds, told in (
        ("--speed", prefs.SPEED, N_("times the voice's own speed, from {least} to {most}")),
        ("--pauses", prefs.PAUSES, N_("times the usual pauses, from {least} to {most}")),
    ):
        told = translate(told).format(least=bounds[0], most=bounds[1])
        p.add_argument(option, metavar="X", type=partial(_within, bounds), default=1.0, help=told)
    p.add_argument("--report", metavar="R.json", type=Path, help=translate(N_("also write a report: every sentence, its times, what was left out")))
    p.add_argument("--replace", action="store_true", help=translate(N_("replace an audiobook there that was not made by this plugin")))
    p.add_argument("--setup", action="store_true", help=translate(N_("download what is missing first: the speech engine, the voice")))
    p.add_argument("--install", choices=("core", "neural"), help=translate(N_("install a layer of the speech engine, or repair it if it does not speak")))
    p.add_argument("--voices", nargs="?", const="", metavar="LANG", help=translate(N_("list the voices for a language (as `de` or `pt-BR`), or all of them")))
    p.add_argument("--probe", action="store_true", help=translate(N_("say which devices can speak, how fast (--voice, or the standard voice) and why not")))
    return p


def main(arguments: Sequence[str], resources: Resources | None = None, out: TextIO | None = None, err: TextIO | None = None) -> int:
    """Run; gives the exit code. resources, out, err: for tests and build.py; else the installed zip and the process's own streams."""
    out, err = out or sys.stdout, err or sys.stderr
    for stream in (out, err):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a title may hold what this terminal's character set lacks
    terminal = Terminal(err)
    stop = threading.Event()
    sidecars = Sidecars()
    try:
        with _signals(stop, sidecars):
            try:
                return _run(parser().parse_args(list(arguments)), resources or installed_resources(), sidecars, stop, terminal, out)
            finally:
                sidecars.close()
    except SystemExit as leaving:  # --help
        return int(leaving.code or 0)
    except Stopped:
        terminal.say(translate(N_("Stopped. Nothing was changed; start again to go on from there.")))
        return STOPPED
    except PluginError as error:
        terminal.say(error.sentence() + _kept(error))
        return error.exit
    except KeyboardInterrupt:  # before our own handlers were there, or after they were gone
        return STOPPED
    except Exception as error:  # noqa: BLE001  (the process's edge)
        fault = log.as_plugin_error(error)
        terminal.say(fault.sentence() + _kept(fault))
        return fault.exit


def installed_resources() -> Resources:
    """The files of the installed zip, through the function that Calibre's loader puts into this module; each read once, since it opens the zip every time."""
    read = globals()["get_resources"]

    @cache
    def resources(name: str) -> bytes:
        found = read(name, print_tracebacks_for_missing_resources=False)
        if found is None:
            raise FileNotFoundError(name)
        return bytes(found)

    return resources


def _within(bounds: tuple[float, float], text: str) -> float:
    """A number of the command line."""
    with suppress(ValueError):
        if bounds[0] <= float(text) <= bounds[1]:
            return float(text)
    raise argparse.ArgumentTypeError(translate(N_("{text} is no number from {least} to {most}")).format(text=printable(text), least=bounds[0], most=bounds[1]))


def _run(asked: argparse.Namespace, resources: Resources, sidecars: Sidecars, stop: threading.Event, terminal: Terminal, out: TextIO) -> int:
    fetch = speakers.Fetch(lambda stage, done, text: terminal.show(fetching(stage, done, text)), stop.is_set)
    if asked.install:
        layer = engine_care.ensure_speaking(asked.install, resources, fetch.progress, fetch.stopped)
        terminal.end()
        if missed := students.why_missing(layer.stamp(), resources):
            terminal.say(students.missed_words(missed))
        out.write(f"{layer.name}: {layer.folder}\n")
    if asked.probe:
        _probe(asked.voice and voices.meant(asked.voice, resources), resources, sidecars, replace(fetch, leave=False), terminal, out)
    if asked.voices is not None:
        _tell(out, voice_list(asked.voices, resources))
    if asked.book is None and asked.library is None and asked.clone is None and (asked.install or asked.probe or asked.voices is not None):
        return OK
    voice = _voice(asked, resources, sidecars, replace(fetch, leave=asked.setup), terminal)
    if asked.clone_name and asked.book is None and asked.library is None:
        terminal.end()
        _tell(out, f"{voice}\n")
        return OK
    source = _source(asked)
    report = paths.given(asked.report) if asked.report else None
    options = Options(
        voice,
        asked.device,
        asked.replace,
        report,
        asked.setup,
        speed=asked.speed,
        pauses=asked.pauses,
        precision=asked.precision,
        kept_gb=_kept_gb(),
        espeak=False,
    )
    result = Job(options, resources, sidecars, terminal.show, stop.is_set).run(source)
    terminal.end()
    for warning in result.warnings:
        terminal.say(translate(N_("Note: {text}")).format(text=warning))
    _tell(out, summary(result))
    return OK


def _voice(asked: argparse.Namespace, resources: Resources, sidecars: Sidecars, fetch: speakers.Fetch, terminal: Terminal) -> str | None:
    """The id of who is to speak, None where the book's language decides; a recording is heard, cleaned and kept first."""
    own = voices.meant(asked.voice, resources) if asked.voice else None
    if asked.clone is None:
        if asked.clone_name or (asked.converter and (own is None or clones.parse(own) is None)):
            raise PluginError("usage", reason=translate(N_("--clone-name and --converter need --clone")))
        return _by(own, asked.converter) if own and asked.converter else own
    if own is not None and clones.parse(own) is not None:
        raise PluginError("usage", reason=translate(N_("a cloned voice cannot be cloned over: give --clone, or a cloned voice by --voice")))
    speakers.check(own, asked.device, resources)
    with private_folder() as folder:
        sample = folder / clones.SAMPLE
        heard: list[Told] = []
        terminal.show(Step("start", None, None, translate(N_("listening to the recording"))))
        sidecars.request(speakers.core(resources, fetch), Sample(str(paths.given(asked.clone)), out=str(sample)), heard.append, fetch.stopped)
        measures = clones.measured(sampled(heard))
        if asked.clone_name:
            clone = clones.add(sample, asked.clone_name, asked.converter or converters.FREEVC24, measures=measures)
        else:
            clone = clones.lay_by(sample, asked.converter or converters.FREEVC24, measures)
    terminal.end()
    if measures.verdict == "poor":
        terminal.say(translate(N_("Note: {text}")).format(text=translate(N_("the recording is poor, so the voice will be little like it."))))
    wanted = asked.converter or converters.FREEVC24  # the same recording may have been kept with another one
    named = _by(clone.id, wanted if wanted != clone.converter else None)
    return clones.over(named, own)


def _by(id: str, converter: str | None) -> str:
    """A clone's id that asks for a converter."""
    named = clones.parse(id)
    if named is None or converter is None:
        return id
    return f"{named.clone}.{converter}" + (f"@{named.base}" if named.base else "")


def _tell(out: TextIO, text: str) -> None:
    """Where nobody reads it any more, what was to be done is done all the same, and the exit code says so."""
    try:
        out.write(text)
        out.flush()
    except OSError:
        with suppress(OSError):  # else Python tries again when it ends, and fails
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())


def _kept_gb() -> int | None:
    """As Preferences have it, where Calibre is there to ask."""
    with suppress(ImportError):
        return prefs.load().kept_gb
    return None


def _source(asked: argparse.Namespace) -> FromFile | FromLibrary:
    if asked.library is not None or asked.book_id is not None:
        if asked.book is not None or asked.output is not None:
            raise PluginError("usage", reason=translate(N_("give either BOOK and -o, or --library and --book")))
        if asked.library is None or asked.book_id is None:
            raise PluginError("usage", reason=translate(N_("--library and --book belong together")))
        return FromLibrary(partial(library.opened, paths.given(asked.library)), asked.book_id)
    if asked.book is None or asked.output is None:
        raise PluginError("usage", reason=translate(N_("BOOK and -o OUT.m4b are needed")))
    return FromFile(asked.book, asked.output)


def _probe(voice: str | None, resources: Resources, sidecars: Sidecars, teller: speakers.Fetch, terminal: Terminal, out: TextIO) -> None:
    """What can speak, found by speaking: with the voice that is given, else with the standard one if it is here. `auto` remembers it."""
    cards = gpus.found()
    neural = speakers.installed("neural", resources, teller)
    layer = neural or speakers.installed("core", resources, teller)
    if layer is None:
        _list(speakers.out_of_reach((), cards, None), out)
        raise PluginError("engine_missing", layer="core")
    wire = speakers.measurable(voice, resources)
    wanted = Probe() if wire is None else Probe(wire, str(wire["language"]), str(paths.clips_dir()))
    terminal.show(Step("start", None, None, translate(N_("trying each device"))))
    found = sidecars.probe(layer, wanted, teller.stopped).devices
    terminal.end()
    if wire is not None:
        speeds.remember(speakers.key_of(wire, layer, cards), found)
    _list([*found, *speakers.out_of_reach(found, cards, neural)], out)


def voice_list(language: str, resources: Resources) -> str:
    """A line for each voice that fits the language, best first, then the cloned ones; for an empty one, all: id, name, language, quality, size, licence."""
    everything, here = voices.catalogue(resources), voices.here(resources)
    listed = [*voices.offers(language, resources), everything[voices.ESPEAK]] if language else list(everything.values())
    lines: list[str] = []
    for voice in listed:
        size = translate(N_("here")) if voice.id in here else size_words(voices.fetch_bytes(voice.id, resources) / 1e6)
        name = translate(N_("{name} ({count} speakers)")).format(name=voice.name, count=voice.speakers) if voice.speakers > 1 else voice.name
        lines.append("  ".join([voice.id, name, voice.language or "–", voice.quality or "–", size, voice.licence]) + "\n")
    for clone in clones.all_of_them():
        needs = voices.fetch_bytes(clone.id, resources)
        size = translate(N_("here")) if not needs else translate(N_("needs {size}")).format(size=size_words(needs / 1e6))
        lines.append("  ".join([clone.id, printable(voices.name_of(clone.id, resources)), "–", "–", size, converters.NAMES[clone.converter]]) + "\n")
    return "".join(lines)


def _list(devices: Iterable[Device], out: TextIO) -> None:
    lines: list[str] = []
    for device in devices:
        state = translate(N_("usable")) if device.usable else translate(N_("not usable: {reason}")).format(reason=device.reason)
        speed = "" if device.speed is None else translate(N_(", {speed:.1f} times real time")).format(speed=device.speed)
        lines.append(f"{device.device}  {printable(device.name) or '–'}  {state}{speed}\n")
    _tell(out, "".join(lines))


def summary(result: Result) -> str:
    """What stdout gets: where, how long, by whom."""
    place = str(result.path) if result.path else translate(N_("in the library, as M4B of “{title}”")).format(title=result.title)
    told = result.summary
    rows = [
        (translate(N_("Audiobook")), place),
        (translate(N_("Outcome")), translate(OUTCOMES[result.outcome])),
        (translate(N_("Length")), clock(told.duration_s) if told.duration_s else "–"),
        (translate(N_("Chapters")), str(told.chapters)),
        (translate(N_("Voice")), f"{told.voice} ({told.engine})" if told.engine else told.voice),
        (translate(N_("Device")), told.device),
        (translate(N_("Times real time")), "–" if told.xrt is None else f"{told.xrt:.1f}"),
        (translate(N_("Report")), str(result.report)),
    ]
    width = max(len(name) for name, _ in rows) + 1
    return "".join(f"{(name + ':').ljust(width)} {printable(value)}\n" for name, value in rows)


OUTCOMES = {
    "written": N_("written and checked"),
    "unchanged": N_("up to date already, nothing was done"),
    "retagged": N_("only its description was brought up to date"),
}


def _kept(error: PluginError) -> str:
    """Save what is technical, and say where; an empty text where there is nothing, or no place for it."""
    detail = log.shortened(log.detail_of(error))
    if not detail:
        return ""
    path = paths.cache_home() / "logs" / "last-error.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{error.code}\n{detail}\n", "utf-8", "replace")
    except OSError:
        return ""
    return " " + translate(N_("Details: {path}")).format(path=path)


@contextmanager
def _signals(stop: threading.Event, sidecars: Sidecars) -> Iterator[None]:
    """The first SIGINT, SIGTERM or SIGHUP asks to stop; the second kills the sidecar and leaves, with no folder left behind."""

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            sidecars.stop_now()
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # nohup ignores SIGHUP, and means it. A shell's `&` in a script ignores SIGINT only so that a terminal's Ctrl-C spares
    # the job; one that is sent to us is meant for us.
    wanted = [n for n in known if n in (signal.SIGINT, signal.SIGTERM) or signal.getsignal(n) is not signal.SIG_IGN]
    before = [(number, signal.signal(number, handle)) for number in wanted]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
