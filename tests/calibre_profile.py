"""A real Calibre with the built plugin in a throwaway profile: own home, settings, caches, libraries, nothing of the user's.

E2A_TEST_ZIP names the plugin's zip. Used by tests/calibre (no engine: an empty folder), tests/whole (a real one) and
tests/gui. E2A_CALIBRE_ROOT names a root folder whose Calibre is taken in place of this system's (`build.py test --calibre`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NAME = "Convert to Audiobook"
INSIDE = Path(__file__).parent / "calibre"


@dataclass(frozen=True)
class Profile:
    """env: what Calibre is run in. root: everything of it lies there."""

    root: Path
    env: dict[str, str]

    def run(self, *command: str, timeout: float = 120, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one of Calibre's programs to its end."""
        env = {**self.env, **more}
        return subprocess.run(
            in_calibres_root(command), env=env, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False
        )

    def convert(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """The plugin's command line in real Calibre."""
        return self.run("calibre-debug", "-r", NAME, "--", *arguments, timeout=120, **more)

    def inside(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """pytest in Calibre's own interpreter; it is told of the core layer's Python, for the tests that start a real sidecar."""
        import pytest

        more = {"E2A_PYTEST": str(Path(pytest.__file__).parents[1]), "E2A_CORE_PYTHON": os.environ.get("E2A_CORE_PYTHON", "")}
        return self.run("calibre-debug", "-e", str(INSIDE / "pytest_inside.py"), "--", *arguments, timeout=600, **more)


def in_calibres_root(command: Sequence[str]) -> list[str]:
    """The command as it is started in the Calibre that is tested; paths below /tmp and the checkout are the same there."""
    root = os.environ.get("E2A_CALIBRE_ROOT", "")
    return ["chroot", root, "/usr/bin/env", "-C", "/", *command] if root else list(command)


def isolated(root: Path) -> dict[str, str]:
    """The environment of a Calibre that sees nothing but `root`."""
    folders = {
        "HOME": "home",
        "CALIBRE_CONFIG_DIRECTORY": "config",
        "CALIBRE_CACHE_DIRECTORY": "cache",
        "CALIBRE_TEMP_DIR": "tmp",
        "XDG_RUNTIME_DIR": "run",
        "E2A_ENGINE_DIR": "engine",
        "E2A_CACHE_DIR": "clips",
    }
    for name in folders.values():
        (root / name).mkdir(mode=0o700)
    kept = {name: os.environ[name] for name in ("PATH", "TERM", "OMP_WAIT_POLICY") if name in os.environ}
    own = {name: str(root / folder) for name, folder in folders.items()}
    own["TMPDIR"] = own["CALIBRE_TEMP_DIR"]
    return {**kept, **own, "CALIBRE_OVERRIDE_LANG": "en", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen"}


def install(root: Path) -> Profile:
    """A profile in `root` with the plugin installed; skips the test with a word where that cannot be."""
    import pytest

    plugin = os.environ.get("E2A_TEST_ZIP", "")
    if not plugin:
        pytest.skip("E2A_TEST_ZIP does not name a plugin to install")
    if shutil.which("calibre-debug") is None:
        pytest.skip("Calibre is not installed")
    made = Profile(root, isolated(root))
    installed = made.run("calibre-customize", "-a", plugin)
    assert "Plugin added" in installed.stdout, installed.stdout + installed.stderr
    return made
