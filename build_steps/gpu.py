"""`build.py gpu`: all that a real graphics card can show, by tests/gpu/on_the_device.py in the neural layer. See docs/gpu.md.

The lines to speak are the longest chapter of a book, read and turned into phoneme ids in the core layer; they can be
written alone, for a machine that has neither Calibre nor espeak nor a network.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from build_steps import engine, packaging
from build_steps.console import Console, result
from build_steps.figures import devices
from build_steps.places import BUILD, DEFAULT_VOICE, ROOT
from build_steps.sample import make_sample
from build_steps.testing import dev_tools
from plugin import environ
from plugin.converting.events import Device
from plugin.engine.runtime import Layer

CPU: Final = "cpu-torch"
TORCHS: Final = re.compile(r"cuda:\d+|xpu:\d+|mps|cpu-torch")
_GPU: Final = ROOT / "tests" / "gpu"


def gpu(arguments: Sequence[str]) -> int:
    """0 all that could be tried is as it should be; 1 something is not, or there is no such device."""
    parser = argparse.ArgumentParser(prog="build.py gpu", description="Everything that a real graphics card can show; see docs/gpu.md.")
    parser.add_argument("--device", default="", help="cuda:0 ...; cpu-torch tries all but what needs a card; default: the first card that can be used")
    parser.add_argument("--book", type=Path, help="an EPUB, or a folder with a bundle; its longest chapter is spoken; default: the sample book")
    parser.add_argument("--most", type=int, help="of the chapter's lines, the first so many")
    parser.add_argument("--out", type=Path, default=BUILD / "gpu", help="what is found goes there (default: build/gpu)")
    parser.add_argument("--memory-gb", type=float, help="of the card's memory, take no more than that")
    parser.add_argument("--lines-only", type=Path, metavar="FILE", help="only write the chapter's lines and the book's bundle, for another machine")
    asked = parser.parse_args(arguments)
    console = Console()
    names = ("core",) if asked.lines_only else ("core", "neural")
    engine.check_space(names)
    packaging.build()
    layers = engine.layers(names, console)
    folder = engine.voice_folder(console)
    assert folder is not None, "a voice that is required and cannot be had ends the program"
    voice = folder / f"{DEFAULT_VOICE}.onnx"
    tools = dev_tools(layers["core"], console)
    if asked.lines_only:
        return _write_lines(asked.book, voice, asked.lines_only, asked.lines_only.with_suffix(".bundle"), layers["core"], tools, console)
    console.title("Which devices can be used")
    device, why = choose(asked.device, devices(layers["neural"]))
    if device is None:
        result(why)
        return 1
    asked.out.mkdir(parents=True, exist_ok=True)
    lines, bundle = asked.out / "lines.json", asked.out / "book.bundle"
    code = _write_lines(asked.book, voice, lines, bundle, layers["core"], tools, console)
    if code:
        return code
    console.title(f"Everything on {device.device} ({device.name})")
    limits = [part for name, value in (("--most", asked.most), ("--memory-gb", asked.memory_gb)) if value for part in (name, str(value))]
    script = [_GPU / "on_the_device.py", "--device", device.device, "--voice", voice, "--lines", lines, "--bundle", bundle, *limits, "--out", asked.out]
    return _python(layers["neural"], script, tools)


def choose(wanted: str, found: Iterable[Device]) -> tuple[Device | None, str]:
    """The device that was asked for, or the first card that torch can use; else None and why, for the user."""
    torchs = [device for device in found if TORCHS.fullmatch(device.device)]
    cards = [device for device in torchs if device.device != CPU]
    if wanted:
        device = next((device for device in torchs if device.device == wanted), None)
        reason = device.reason if device else next((card.reason for card in cards if card.reason), "there is no such device")
        return (device, "") if device and device.usable else (None, f"{wanted} cannot be used: {reason}.")
    usable = next((card for card in cards if card.usable), None)
    if usable is not None:
        return usable, ""
    reasons = "; ".join(f"{card.device}{f' ({card.name})' if card.name else ''}: {card.reason}" for card in cards)
    return None, f"There is no graphics card here that torch can use. {reasons or 'None was found'}.\n--device {CPU} tries all but what needs one."


def _write_lines(book: Path | None, voice: Path, out: Path, bundle: Path, core: Layer, tools: Path, console: Console) -> int:
    console.title("The lines of the longest chapter")
    with tempfile.TemporaryDirectory() as scratch:
        wanted = book or make_sample(Path(scratch) / "sample.epub")
        return _python(core, [_GPU / "lines_of_book.py", wanted, f"{voice}.json", out, bundle], tools)


def _python(layer: Layer, command: Sequence[str | Path], tools: Path) -> int:
    """A script of ours with the sidecar's sources and the tests' tools, its output on the terminal; its exit code."""
    tests = ROOT / "tests"
    search = os.pathsep.join(map(str, (tools, ROOT / "sidecar" / "src", tests, tests / "sidecar")))
    env = {**environ.for_children(), "PYTHONPATH": search}
    return subprocess.run([str(layer.python), "-X", "utf8", *map(str, command)], env=env, stdin=subprocess.DEVNULL, check=False).returncode
