"""Calibre starts and quits: what of the plugin is loaded meanwhile, and which processes run, before it loads more beside a Calibre at rest."""

import os
import sys
import time
from pathlib import Path

OURS = "calibre_plugins.e2a."
AT_REST_S = 2.0


def scenario(gui, t):
    """The first look is the moment at which Calibre has just told its plugins that it is there."""
    began = time.monotonic()
    t.result["at_once"] = seen()
    return shown(gui, t, began)


def shown(gui, t, began):
    yield lambda: gui.isVisible() and gui.library_view.model().rowCount(None) > 0
    if time.monotonic() - began < AT_REST_S:
        t.result["shown"] = seen()


def seen():
    children = [path.read_text() for path in Path(f"/proc/{os.getpid()}/task").glob("*/children")]
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0") for pid in " ".join(children).split()]
    return {"modules": sorted(name.removeprefix(OURS) for name in sys.modules if name.startswith(OURS)), "processes": commands}
