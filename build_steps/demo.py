"""`build.py demo`: from a bare machine to an audiobook, by the plugin installed in real Calibre, and what each device did.

The whole demo speaks by the mission's own path: a VITS voice, by torch and by onnxruntime. The quick one speaks as a machine without
a graphics card does. The profile and its library are made anew each time; the engine, the voice and the clips are kept, so the second demo
speaks nothing and shows the speed of the run that spoke, and says so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from build_steps import engine, machine, packaging
from build_steps.console import Console, result, table
from build_steps.figures import Figures, devices, times
from build_steps.places import DEFAULT_VOICE, ROOT
from build_steps.profile import Profile
from build_steps.sample import make_sample
from plugin import environ, paths
from plugin.commands import run
from plugin.converting.events import Device
from plugin.converting.progress import clock
from plugin.engine.runtime import Layer
from plugin.speaking import voices

SHOW: Final = ROOT / "tests" / "fake_accelerator" / "show.py"


def demo(quick: bool) -> int:
    """Exit code: 0, else the failed conversion's own."""
    console = Console()
    names = ("core",) if quick else ("core", "neural")
    engine.check_space(names)
    machine.need(machine.CALIBRE, console)
    console.title("Building the plugin")
    plugin_zip = packaging.build()
    layers = engine.layers(names, console)
    voice = voices.HEART if quick and engine.has_heart() else DEFAULT_VOICE
    if voice == DEFAULT_VOICE:
        engine.voice_folder(console)
    folder = paths.engine_dir() / "demo"
    console.title("A throwaway Calibre with the plugin, and a library with a sample book")
    book = folder / "sample.epub"
    folder.mkdir(parents=True, exist_ok=True)
    make_sample(book)
    found = _devices(layers)
    main = _main_device(found, quick)
    profile = Profile(folder, folder / f"clips-{_file_name(main)}")
    number = profile.rebuild(plugin_zip, book)
    console.title(f"Converting the sample book on {main}")
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    command = profile.plugin_command(
        "--library", str(profile.library), "--book", str(number), "--voice", voice, "--device", main, "--report", str(report)
    )
    code = subprocess.run(command, env=profile.env(), stdout=subprocess.DEVNULL, check=False).returncode
    if code:
        return code
    figures = Figures.read(report)
    spoke = _remembered(report, main if voice == DEFAULT_VOICE else f"{main}-{voice}")
    stands_at = _in_library(profile.library)
    rows = [["device", "usable", "speaking"]]
    for device in found:
        rows.append([device.device, "yes" if device.usable else f"no: {device.reason}", _speed(device, main, spoke, profile, book, console)])
    result(_summary(figures, spoke, stands_at))
    result(table(rows))
    if not quick:
        result(_fake_accelerator(layers["neural"]))
        if engine.has_heart():
            result("Heart is here too, who reads English where no graphics card does: `python3 build.py demo --quick` speaks with her, as does --voice heart.")
    console.title("Done")
    return 0


def _devices(layers: Mapping[str, Layer]) -> list[Device]:
    """Of the largest layer there is; `cpu` is onnxruntime, which needs no probing."""
    found = [] if "neural" not in layers else [d for d in devices(layers["neural"]) if d.device != "cpu"]
    return [Device("cpu", "onnxruntime", True, ""), *found]


def _main_device(found: list[Device], quick: bool) -> str:
    """A usable GPU through torch, else torch on the CPU; in the quick demo onnxruntime."""
    usable = [device.device for device in found if device.usable]
    if quick:
        return "cpu"
    return next((name for name in usable if name.startswith("cuda")), "cpu-torch")


def _speed(device: Device, main: str, spoke: tuple[Figures, bool], profile: Profile, book: Path, console: Console) -> str:
    """Times real time, for the main device from its conversion, for another usable one from one of its own."""
    if not device.usable:
        return "–"
    if device.device == main:
        figures, earlier = spoke
    else:
        console.title(f"The same book on {device.device}, for comparison")
        figures, earlier = _converted(device.device, profile, book)
    return times(figures.xrt_speech) + (" (of the run that spoke)" if earlier else "")


def _converted(device: str, profile: Profile, book: Path) -> tuple[Figures, bool]:
    """Convert to a file beside the library, with that device's own clips; from memory where it was done before."""
    folder = profile.folder
    other = Profile(folder, folder / f"clips-{_file_name(device)}")
    report = folder / f"report-{_file_name(device)}.json"
    report.unlink(missing_ok=True)
    out = folder / f"sample-{_file_name(device)}.m4b"
    out.unlink(missing_ok=True)
    command = other.plugin_command(str(book), "-o", str(out), "--voice", DEFAULT_VOICE, "--device", device, "--report", str(report))
    if subprocess.run(command, env=other.env(), stdout=subprocess.DEVNULL, check=False).returncode:
        raise SystemExit(f"The comparison on {device} failed; the audiobook itself stands in the library.")
    return _remembered(report, device)


def _remembered(report: Path, device: str) -> tuple[Figures, bool]:
    """(the figures of the run that spoke the whole book, whether that was an earlier one). Such a run is remembered."""
    figures = Figures.read(report)
    kept = report.with_name(f"spoke-{_file_name(device)}.json")
    if figures.spoken_now >= figures.sentences or not kept.exists():
        shutil.copyfile(report, kept)
        return figures, False
    return Figures.read(kept), True


def _in_library(library: Path) -> str:
    found = sorted(library.rglob("*.m4b"))
    if not found:
        raise SystemExit("The conversion ended well, but the library holds no M4B.")
    return str(found[0])


def _summary(now: Figures, spoke: tuple[Figures, bool], stands_at: str) -> str:
    then, earlier = spoke
    mark = " (of the run that spoke; this one found every sentence spoken already)" if earlier else ""
    rows = [
        ("Audiobook", stands_at),
        ("Length", f"{clock(now.duration_s)}, {now.chapters} chapters, {now.sentences} sentences"),
        ("Voice", f"{now.voice}, spoken by {now.engine}: {', '.join(f'{name} {version}' for name, version in now.versions)}"),
        ("Device", now.device),
        ("Speed", f"{times(then.xrt_speech)} speaking alone, {times(then.xrt)} for the whole book with its pauses, from start to file{mark}"),
        ("Copies", _copies(then)),
    ]
    return "\n" + "".join(f"{name + ':':<11}{value}\n" for name, value in rows)


def _copies(figures: Figures) -> str:
    if figures.copies is None:
        return "none to count: onnxruntime speaks in the computer's own memory"
    return f"{figures.copies} from device to host a batch, {figures.uploads} uploads, {figures.hidden_syncs} hidden syncs (counted)"


def _fake_accelerator(neural: Layer) -> str:
    """The mission's own fault, and that it is gone, on the project's fake accelerator."""
    env = {**environ.for_children(), "PYTHONPATH": f"{ROOT / 'sidecar' / 'src'}:{ROOT / 'tests'}"}
    finished = run([neural.python, "-X", "utf8", SHOW], env, cwd=ROOT)
    for line in reversed(finished.lines):
        try:
            raw = json.loads(line)
            fault = "The fault that this project began with, on a fake accelerator (no GPU is needed to show it):"
            return f"{fault}\nfake accelerator   naive: {raw['naive']}; ours: {raw['ours']}"
        except (ValueError, KeyError, TypeError):
            continue
    return f"fake accelerator: failed ({finished.code}):\n{finished.tail[-1000:]}"


def _file_name(device: str) -> str:
    return device.replace(":", "")
