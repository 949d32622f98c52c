"""`build.py bench`: how fast a voice is spoken by us and by others, in one run, and how far that is from what the machine allows.

Each side is a process of `bench_sides`; all speak the same lines of the sample book in rounds (`bench_rounds`), and a whole
conversion says where the time goes. What the figures mean: docs/performance.md. `--book` is another comparison
(`bench_book`), `--hours` another measurement (`bench_long`), and so is `--clone` (`bench_clone`, `bench_quality`); a student of
Kokoro is compared with its own package (`bench_student`).
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from build_steps import bench_book, bench_clone, bench_long, bench_peers, bench_quality, bench_student, engine, machine, packaging
from build_steps.bench_figures import COQUI, LIMIT, Figures, figures, report
from build_steps.bench_rounds import Answer, Side, Turn, best_threads, interleaved, speaking
from build_steps.console import Console, result
from build_steps.places import BUILD, DEFAULT_VOICE, ROOT
from build_steps.sample import sample_bundle
from plugin.commands import never
from plugin.errors import PluginError
from plugin.resources import from_folder
from plugin.speaking import converters, voices

STOCK: Final = "stock"
FOLDER: Final = BUILD / "bench"
LANGUAGE: Final = "en"
_SENTENCES: Final = 16
_STOCK_SENTENCES: Final = 4
"""In a round: some ten seconds of work for the slowest side."""
_SHORT_BOOK: Final = 2
"""Documents of the sample book that a voice of stock shape is given for a whole conversion; others get all."""
_ONNX: Final = re.compile(r"cpu|coreml|dml:\d+")
_CARD: Final = re.compile(r"(cuda|xpu):\d+|mps")


@dataclass(frozen=True)
class Plan:
    """What is compared. pythons: of the layers `core` and `neural`. sentences: in a round; 0: the voice's usual number."""

    pythons: Mapping[str, Path]
    device: str = "cpu"
    sentences: int = 0
    rounds: int = 5
    peers: bool = False
    folder: Path = FOLDER

    @property
    def shared(self) -> dict[str, str]:
        """What every side is told."""
        return {"cache_dir": str(self.folder / "graphs"), "language": LANGUAGE}


def bench(arguments: Sequence[str]) -> int:
    """0; SystemExit with a sentence where something cannot be had."""
    parser = argparse.ArgumentParser(prog="build.py bench", description="How fast we and others speak, in one run; see docs/performance.md.")
    parser.add_argument(
        "--voice", action="append", metavar="V", help=f"{STOCK}, a name of the collection, a .onnx file or a coqui folder; more than once: each"
    )
    parser.add_argument("--device", help="cpu (default), cpu-torch, cuda:0 ...; with --book all that can be used")
    parser.add_argument("--json", action="store_true", help="the figures as JSON on stdout, nothing else there")
    parser.add_argument("--peers", action="store_true", help=f"{bench_peers.PACKAGE} too, in an environment of its own (for Piper voices)")
    parser.add_argument("--sentences", type=int, default=0, metavar="N", help=f"in a round; default: {_SENTENCES}, {_STOCK_SENTENCES} for {STOCK}")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--book", type=Path, help="make an audiobook of this book by us and by plain scripts instead")
    parser.add_argument("--hours", type=float, metavar="H", help="see instead whether memory grows with a book of so many hours (Linux)")
    parser.add_argument("--clone", action="store_true", help="cloned voices instead, over --voice: by us and by coqui's own way")
    parser.add_argument("--converter", action="append", choices=bench_clone.CONVERTERS, help="with --clone; more than once: each; default: all")
    parser.add_argument("--quality", action="store_true", help="with --clone: how like a recording (--sample) clones are, words misheard, sound, speed")
    parser.add_argument("--sample", type=Path, metavar="FILE", help="with --quality: a clean recording of a voice, FLAC or WAV")
    parser.add_argument("--same", type=Path, action="append", metavar="FILE", help="with --quality: another recording of the same person, to compare with")
    asked = parser.parse_args(arguments)
    if asked.quality and not (asked.clone and asked.sample):
        parser.error("--quality wants --clone and --sample")
    if asked.rounds < 1 or asked.sentences < 0:
        parser.error("--rounds and --sentences want a number above 0")
    if asked.book and STOCK in (asked.voice or ()):
        parser.error(f"{STOCK} has random weights: no book is read by it")
    console = Console()
    engine.check_space(("core", "neural"))
    plugin_zip = packaging.build()
    layers = engine.layers(("core", "neural"), console)
    if asked.book:
        voice = (asked.voice or [DEFAULT_VOICE])[0]
        rows = bench_book.bench_book(asked.book, voice, _published(voice, console), asked.device, layers, plugin_zip, console)
        result(json.dumps(rows, indent=1) if asked.json else bench_book.report(rows))
        return 0
    if asked.hours:
        device = asked.device or "cpu"
        session = layers["core" if _ONNX.fullmatch(device) else "neural"].command()
        long = bench_long.long_book(asked.hours, device, session, layers["neural"].python, FOLDER / "long", console)
        result(json.dumps(asdict(long), indent=1) if asked.json else bench_long.report(long))
        return 0
    if asked.clone:
        found = _cloned(asked, layers["neural"].python, console)
        result(json.dumps(found, indent=1) if asked.json else (bench_quality if asked.quality else bench_clone).report(found))
        return 0
    plan = Plan({name: layer.python for name, layer in layers.items()}, asked.device or "cpu", asked.sentences, asked.rounds, asked.peers)
    wanted = [name if name == STOCK else _published(name, console) for name in asked.voice or (DEFAULT_VOICE, STOCK)]
    students = [voice for voice in wanted if not isinstance(voice, str) and voice["kind"] == bench_student.KIND]
    found = [measured(plan, voice, console) for voice in wanted if voice not in students]
    core, folder = layers["core"].python, FOLDER / "student"
    theirs = [bench_student.measured(core, voice, folder, asked.sentences, asked.rounds, console) for voice in students]
    tables = [*([report(found)] if found else []), *([bench_student.report(theirs)] if theirs else [])]
    result(json.dumps([*found, *theirs], indent=1) if asked.json else "\n\n".join(tables))
    return 0


def _cloned(asked: argparse.Namespace, neural: Path, console: Console) -> list[Figures]:
    """Of each converter that is asked for: see `bench_clone`, `bench_quality`."""
    base, device = _published((asked.voice or [DEFAULT_VOICE])[0], console), asked.device or "cpu-torch"
    wanted = asked.converter or bench_clone.CONVERTERS
    if asked.quality:
        listeners, trained = bench_quality.listeners(neural, console), {name: _trained(name) for name in wanted}
        for name, files in trained.items():
            console.title(f"{name}: {'the files that were fetched' if files else 'random weights, since its files are not here'}")
        return bench_quality.compared(listeners, base, trained, (asked.sample, asked.same or ()), FOLDER / "quality", device, asked.sentences)
    plan = bench_clone.ClonePlan(neural, FOLDER / "clone", device, asked.sentences or _STOCK_SENTENCES, asked.rounds)
    return [bench_clone.measured(plan, base, name, console) for name in wanted]


def _trained(converter: str) -> dict[str, str] | None:
    """Its files by role; None where they are not here."""
    kept = converters.kept(converter, from_folder(ROOT))
    return {role: str(path) for role, path in kept.files.items()} if kept else None


def _published(name: str, console: Console) -> dict[str, Any]:
    """A voice as the sidecar is given it, fetched where it is missing; SystemExit with the user's sentence where it cannot be had."""
    try:
        if Path(name).exists():
            return dict(voices.voice_from_path(Path(name)))
        return dict(voices.ensure_voice(name, from_folder(ROOT), console.progress, never))
    except PluginError as error:
        raise SystemExit(error.sentence()) from None
    finally:
        console.end()


def measured(plan: Plan, voice: dict[str, Any] | str, console: Console) -> Figures:
    """One voice's figures: see `bench_figures`. voice: as the sidecar is given it, or `stock`."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    name = voice if isinstance(voice, str) else str(voice["id"])
    console.title(f"{name}: the voice, its graphs, its operations")
    ready = _prepared(plan, voice)
    lines = ready["lines"]
    with ExitStack() as stack:
        turns = _turns(plan, ready, stack, console)
        console.title(f"{name}: {len(lines)} sentences, {plan.rounds} rounds of {', '.join(turn.name for turn in turns)}")
        interleaved([replace(turn, command={**turn.command, **({"lines": lines[:1]} if turn.name != LIMIT else {})}) for turn in turns], 1)
        rounds = interleaved(turns, plan.rounds, lambda number: console.say(f"round {number} of {plan.rounds}"))
        console.title(f"{name}: a whole conversion")
        with tempfile.TemporaryDirectory(dir=plan.folder) as scratch:
            book = sample_bundle(plan.folder / "book-converted", _SHORT_BOOK if name == STOCK else None)
            conversion = turns[0].side.ask(do="convert", bundle=str(book), folder=scratch)
    about = {"voice": name, "device": plan.device, "cores": machine.cores(), "sentences": len(lines)}
    about |= {"processor": ready["processor"], "versions": ready["versions"]}
    return figures(about, rounds, ready, conversion)


def _prepared(plan: Plan, voice: dict[str, Any] | str) -> Answer:
    """See `bench_sides.prepare`."""
    count = plan.sentences or (_STOCK_SENTENCES if voice == STOCK else _SENTENCES)
    book = sample_bundle(plan.folder / "book")
    given = {**plan.shared, "voice": voice, "folder": str(plan.folder / STOCK), "bundle": str(book), "sentences": count}
    with Side(plan.pythons["neural"], "prepare", given, plan.folder / "prepare.log") as prepare:
        return prepare.ready


def _turns(plan: Plan, ready: Answer, stack: ExitStack, console: Console) -> list[Turn]:
    """Who takes part in each round, ours first; their processes are ended by the stack."""

    def start(module: str, python: Path, **more: Any) -> Side:
        console.say(f"loading: {module}")
        return stack.enter_context(Side(python, module, {**plan.shared, "voice": ready["voice"], **more}, plan.folder / f"{module}.log"))

    lines, core, neural = ready["lines"], plan.pythons["core"], plan.pythons["neural"]
    coqui = start("coqui", neural, torch_device=plan.device if _CARD.fullmatch(plan.device) else "cpu")
    turns = [
        Turn("ours", start("ours", core if _ONNX.fullmatch(plan.device) else neural, device=plan.device), speaking(lines)),
        Turn(COQUI, coqui, speaking(lines, threads=1)),
        *(Turn(f"{COQUI}-{more}", coqui, speaking(lines, threads=more)) for more in best_threads(coqui, lines)),
    ]
    if ready["voice"]["kind"] == "piper":
        turns.append(Turn("piper", start("piper", core), speaking(lines)))
        if plan.peers:
            python, files = bench_peers.environment(console), bench_peers.given(ready["voice"], plan.folder, core)
            turns.append(Turn("sherpa", start("sherpa", python, **files, threads=machine.cores()), speaking(lines)))
    return [*turns, Turn(LIMIT, start("limit", core), {"do": "measure"})]
