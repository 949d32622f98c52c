"""What the machine has to have, and cannot get by pip: Calibre, for the tests ffprobe, and for those of the windows a screen and a mouse.

Through apt as root or by `sudo -n`; elsewhere it says what to install and stops.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from functools import cache
from typing import Final

from build_steps.console import Console
from plugin.commands import run

CALIBRE: Final = ("calibre-debug", "calibre-customize", "calibredb")
SCREEN: Final = ("Xvfb", "openbox", "xdotool", "import") if sys.platform == "linux" else ()
"""For Calibre's windows on a screen of its own, and pictures of them; elsewhere those tests are left out."""
ESPEAK: Final = ("espeak-ng",) if sys.platform == "linux" else ()
"""What coqui asks for phonemes, for the test that lays ours beside them; elsewhere that test is left out."""
PACKAGE_OF: Final = {
    "espeak-ng": "espeak-ng",
    "calibre-debug": "calibre",
    "calibre-customize": "calibre",
    "calibredb": "calibre",
    "ffprobe": "ffmpeg",
    "Xvfb": "xvfb",
    "openbox": "openbox",
    "xdotool": "xdotool",
    "import": "imagemagick",
    "debootstrap": "debootstrap",
}
NEED_MB: Final = 1500
"""Calibre with all that it needs takes about 1.2 GB."""
HINT: Final = {"calibre": "Calibre 6.13 or newer (calibre-ebook.com; its folder has to be in PATH)"}


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def can_be_alone() -> bool:
    """May this user give a program a network of its own (`unshare -n`; see tests/alone.py)?"""
    return shutil.which("unshare") is not None and run(["unshare", "-n", "true"], os.environ).code == 0


def need(programs: Sequence[str], console: Console) -> None:
    """Have these programs in PATH, or install their Debian packages, or say what to do and leave with 1."""
    missing = sorted({PACKAGE_OF[name] for name in programs if shutil.which(name) is None})
    if not missing:
        return
    before = _root()
    wanted = " and ".join(HINT.get(name, name) for name in missing)
    if shutil.which("apt-get") is None:
        raise SystemExit(f"Please install {wanted}, then start this again.")
    if before is None:
        by_hand = f"sudo apt-get install {' '.join(missing)}"
        raise SystemExit(f"Please install {wanted}, then start this again. On Debian and Ubuntu: {by_hand}")
    free_mb = shutil.disk_usage("/").free // 10**6
    if free_mb < NEED_MB:
        raise SystemExit(f"{NEED_MB} MB of free space are needed for {wanted}, {free_mb} MB are there.")
    console.title(f"Installing {', '.join(missing)} by apt")
    _apt([*before, "apt-get", "update"], console)
    _apt([*before, "apt-get", "install", "-y", "--no-install-recommends", *missing], console)
    still = [name for name in programs if shutil.which(name) is None]
    if still:
        raise SystemExit(f"apt ended well, but there is no {', '.join(still)}. Please install {wanted}, then start this again.")


def _root() -> list[str] | None:
    """What to put before a command to run it as root; None where that is not possible without a question."""
    if sys.platform == "win32":
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and run(["sudo", "-n", "true"], os.environ).code == 0:
        return ["sudo", "-n"]
    return None


def _apt(command: list[str], console: Console) -> None:
    def on_line(line: str) -> None:
        # apt's own progress: "dlstatus:3:12.5:Retrieving file 3 of 120", then "pmstatus:libx:55.2:Unpacking libx"
        parts = line.split(":", 3)
        if len(parts) == 4 and parts[0] in ("dlstatus", "pmstatus"):
            half = 0.0 if parts[0] == "dlstatus" else 0.5
            try:
                console.progress("apt", half + float(parts[2]) / 200, parts[3].strip())
            except ValueError:
                return

    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    finished = run([*command, "-o", "APT::Status-Fd=1"], env, on_line=on_line)
    console.end()
    if finished.code != 0:
        raise SystemExit("\n".join(["apt failed:", *finished.lines[-15:]]))
