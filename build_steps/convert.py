"""`build.py convert` and `build.py install`: the plugin's own command line with all set-up before it, and the user's own Calibre."""

from __future__ import annotations

import os
import subprocess

from build_steps import machine, packaging
from build_steps.console import Console
from build_steps.profile import Profile
from plugin import paths
from plugin.commands import run


def convert(arguments: list[str]) -> int:
    """`--setup` lets the plugin fetch what is missing; its exit codes are ours (docs/architecture.md)."""
    console = Console()
    machine.need(machine.CALIBRE, console)
    profile = Profile(paths.engine_dir() / "convert")
    profile.rebuild(packaging.build())
    console.end()
    process = subprocess.Popen(profile.plugin_command(*arguments, "--setup"), env=profile.env())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal has told the child too; it stops resumably and says so.
            continue


def install() -> int:
    """Put the plugin into the user's own Calibre."""
    console = Console()
    machine.need(machine.CALIBRE, console)
    finished = run(["calibre-customize", "-a", packaging.build()], os.environ)
    console.say(finished.tail.strip().splitlines()[-1] if finished.tail.strip() else "Installed. Restart Calibre if it is running.")
    return finished.code
