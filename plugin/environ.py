"""The environment that a process of ours gets: the inherited one without what belongs to Calibre, Qt or another Python.

Pure: takes a mapping, gives a new one, never touches `os.environ` (Calibre's own `sanitize_env_vars` changes it for
the whole process while it works). What the frozen builds of Calibre set is listed in their launchers and in
`calibre.constants.sanitize_env_vars`; what a worker inherits besides (CALIBRE_WORKER..., ORIGWD) was seen by running one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final

FOREIGN_PREFIXES: Final = ("CALIBRE_", "QT_", "QTWEBENGINE", "QML", "PYTHON", "_PYTHON")
FOREIGN_NAMES: Final = frozenset(
    {
        "ORIGWD",
        "VIRTUAL_ENV",
        "VIRTUAL_ENV_PROMPT",
        "CONDA_PREFIX",
        "CONDA_DEFAULT_ENV",
        "CONDA_PYTHON_EXE",
        "__PYVENV_LAUNCHER__",
        "OPENSSL_MODULES",
        "OPENSSL_ENGINES",
    }
)
SAFE_PATH: Final = "PYTHONSAFEPATH"
"""A user's guard: no Python takes code from the folder in which it is started."""
CERTIFICATES: Final = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR"})
"""Calibre sets these on Windows and macOS; on Linux they are the user's own."""
MAC_FONTS: Final = frozenset({"FONTCONFIG_FILE", "FONTCONFIG_PATH"})
LIBRARY_PATH: Final = "LD_LIBRARY_PATH"


def clean(env: Mapping[str, str], platform: str = sys.platform, calibre_folder: str | None = None) -> dict[str, str]:
    """A copy of `env` for a process of ours.

    platform: as `sys.platform`. calibre_folder: where a frozen Calibre is installed; its folders are taken out of
    LD_LIBRARY_PATH, the user's own (a GPU driver's, say) stay. Everything else stays: proxies, PIP_*, UV_*, HOME, E2A_*.
    """
    foreign = set(FOREIGN_NAMES)
    if platform == "darwin":
        foreign |= MAC_FONTS
    if platform in ("darwin", "win32") and env.get("CALIBRE_USE_SYSTEM_CERTIFICATES") != "1":
        foreign |= CERTIFICATES
    kept = {name: value for name, value in env.items() if name.upper() not in foreign and not name.upper().startswith(FOREIGN_PREFIXES)}
    kept |= {name: value for name, value in env.items() if name.upper() == SAFE_PATH}
    if LIBRARY_PATH in kept:
        own = [folder for folder in kept[LIBRARY_PATH].split(":") if folder and not _inside(folder, calibre_folder)]
        if own:
            kept[LIBRARY_PATH] = ":".join(own)
        else:
            del kept[LIBRARY_PATH]
    return kept


def for_children() -> dict[str, str]:
    """The clean environment of this very process."""
    frozen = getattr(sys, "frozen_path", None) if getattr(sys, "frozen", False) else None
    return clean(os.environ, sys.platform, str(frozen) if frozen else None)


def _inside(folder: str, parent: str | None) -> bool:
    if not parent:
        return False
    parent = parent.rstrip("/")
    return folder == parent or folder.startswith(parent + "/")
