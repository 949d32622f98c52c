"""`build.py bench`: how fast each usable device speaks the sample book, from an empty clip store, and with how much memory."""

from __future__ import annotations

import shutil
import subprocess

from build_steps import engine, machine, packaging
from build_steps.console import Console, result, table
from build_steps.figures import Figures, devices, times
from build_steps.places import DEFAULT_VOICE
from build_steps.profile import Profile
from build_steps.sample import make_sample
from plugin import paths


def bench(wanted: list[str]) -> int:
    """wanted: devices by name; empty: all usable ones."""
    console = Console()
    machine.need(machine.CALIBRE, console)
    engine.check_space(("core", "neural"))
    plugin_zip = packaging.build()
    layers = engine.layers(("core", "neural"), console)
    engine.voice_folder(console)
    folder = paths.engine_dir() / "bench"
    profile = Profile(folder, folder / "clips")
    profile.rebuild(plugin_zip)
    book, out, report = folder / "sample.epub", folder / "sample.m4b", folder / "report.json"
    make_sample(book)
    usable = wanted or ["cpu", *(d.device for d in devices(layers["neural"]) if d.usable and d.device != "cpu")]
    rows = [["device", "engine", "speaking", "in all", "first sentence after", "peak memory", "copies a batch"]]
    for device in usable:
        console.title(f"Speaking on {device}")
        shutil.rmtree(folder / "clips", ignore_errors=True)
        for path in (out, report):
            path.unlink(missing_ok=True)
        command = profile.plugin_command(str(book), "-o", str(out), "--voice", DEFAULT_VOICE, "--device", device, "--report", str(report))
        code = subprocess.run(command, env=profile.env(), stdout=subprocess.DEVNULL, check=False).returncode
        if code:
            return code
        f = Figures.read(report)
        rows.append(
            [
                f.device,
                f.engine,
                times(f.xrt_speech),
                times(f.xrt),
                "–" if f.first_s is None else f"{f.first_s:.1f} s",
                "–" if f.peak_rss_mb is None else f"{f.peak_rss_mb:.0f} MB",
                "–" if f.copies is None else str(f.copies),
            ]
        )
    result(table(rows))
    return 0
