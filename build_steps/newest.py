"""The newest Calibre that Debian has, in a folder of its own: for `build.py test --calibre all`.

A root folder made by debootstrap, with Calibre installed in it; while it is used, the system's /proc, /sys, /dev and
/tmp, the checkout, the engine folder and the tests' books are mounted into it, so that a path is the same inside and
outside. They are unmounted when it is left; never remove the folder while they are there. Needs Debian or a system made
of it, and root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from build_steps import machine
from build_steps.console import Console
from build_steps.places import ROOT
from plugin import paths

SUITES: Final = ("forky", "trixie")
"""The newest first."""
INSIDE: Final = ("calibre", "qt6-svg-plugins", "fonts-dejavu-core", "xdotool", "imagemagick", "ffmpeg")
NEED_MB: Final = 4000
_SCRIPTS: Final = Path("/usr/share/debootstrap/scripts")
_SYSTEM: Final = ("/proc", "/sys", "/dev", "/tmp")


@contextmanager
def newest_calibre(console: Console) -> Iterator[Path | None]:
    """The root folder; None, with a word, where it cannot be had."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("apt-get") is None:
        console.say("A newer Calibre is tried as root on Debian alone; it is left out here.")
        yield None
        return
    machine.need(("debootstrap",), console)
    root = paths.engine_dir() / "newest-calibre"
    try:
        _make(root, console)
        with _mounted(root):
            yield root if _installed(root, console) else None
    except (OSError, subprocess.CalledProcessError) as error:
        console.say(f"A newer Calibre cannot be had here: {error}")
        yield None


def _make(root: Path, console: Console) -> None:
    if (root / "made").exists():
        return
    if shutil.disk_usage(root.parent).free // 10**6 < NEED_MB:
        raise OSError(f"{NEED_MB} MB of free space are needed at {root.parent}")
    for suite in SUITES:
        console.title(f"A root folder with Debian {suite}")
        _remove(root)
        script = [] if (_SCRIPTS / suite).exists() else [str(_SCRIPTS / "sid")]
        command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", suite, str(root), _mirror(), *script]
        if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False).returncode == 0:
            (root / "made").write_text(suite, "utf-8")
            return
    raise OSError("debootstrap made none of " + ", ".join(SUITES))


def _remove(root: Path) -> None:
    mounts = Path("/proc/mounts").read_text("utf-8")
    if f" {root}/" in mounts:
        raise OSError(f"something is mounted below {root}; unmount it first")
    shutil.rmtree(root, ignore_errors=True)


def _mirror() -> str:
    """This system's own of Debian; others, of single programs, may stand beside it."""
    for path in (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))):
        words = path.read_text("utf-8").split() if path.is_file() else []
        found = next((word for word in words if word.startswith("http") and word.rstrip("/").endswith("/debian")), "")
        if found:
            return found
    raise OSError("apt knows no mirror of Debian")


def _installed(root: Path, console: Console) -> bool:
    done = root / "installed"
    if not done.exists() or done.read_text("utf-8") != " ".join(INSIDE):
        console.title("Calibre in it, by apt")
        shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
        refuse = root / "usr/sbin/policy-rc.d"  # no service is to be started in there
        refuse.write_text("#!/bin/sh\nexit 101\n", "utf-8")
        refuse.chmod(0o755)
        inside = ["chroot", str(root), "/usr/bin/env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]
        # a mirror that is frozen for a while serves a list that is out of date; its signature is checked all the same
        subprocess.run([*inside, "apt-get", "-o", "Acquire::Check-Valid-Until=false", "update", "-q"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*inside, "apt-get", "install", "-yq", "--no-install-recommends", *INSIDE], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*inside, "apt-get", "clean"], check=True)
        done.write_text(" ".join(INSIDE), "utf-8")
    told = subprocess.run(["chroot", str(root), "/usr/bin/env", "LC_ALL=C.UTF-8", "calibre", "--version"], capture_output=True, text=True, check=False)
    console.say(told.stdout.strip() or told.stderr.strip())
    return told.returncode == 0


def _books() -> list[str]:
    """The collection of books, where there is one (tests/collection.py)."""
    books = Path(os.environ.get("E2A_TEST_BOOKS") or ROOT.parent / "shared" / "books").resolve()
    return [str(books)] if books.is_dir() else []


@contextmanager
def _mounted(root: Path) -> Iterator[None]:
    done: list[Path] = []
    try:
        for source in dict.fromkeys((*_SYSTEM, str(ROOT), str(paths.engine_dir()), *_books())):
            target = root / source.lstrip("/")
            if any(source.startswith(f"{place}/") for place in _SYSTEM) or os.path.ismount(target):
                continue
            target.mkdir(parents=True, exist_ok=True)
            command = ["mount", "-t", "proc", "proc", str(target)] if source == "/proc" else ["mount", "--bind", source, str(target)]
            subprocess.run(command, check=True)
            done.append(target)
        yield
    finally:
        for target in reversed(done):
            subprocess.run(["umount", str(target)], check=False)
