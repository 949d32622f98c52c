"""A throwaway Calibre: its own configuration, cache, temporary files and library, so that the user's own is not touched."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from build_steps.places import PLUGIN_NAME
from plugin import environ, paths
from plugin.commands import Finished, run

_FOLDERS = ("config", "cache", "tmp")


@dataclass(frozen=True)
class Profile:
    """A profile at `folder`. clips: the clip store that conversions in it use, None for the user's own."""

    folder: Path
    clips: Path | None = None

    @property
    def library(self) -> Path:
        return self.folder / "library"

    def env(self) -> dict[str, str]:
        """The environment of a Calibre program in this profile. The engine stays where the user's is."""
        own = {
            "CALIBRE_CONFIG_DIRECTORY": str(self.folder / "config"),
            "CALIBRE_CACHE_DIRECTORY": str(self.folder / "cache"),
            "CALIBRE_TEMP_DIR": str(self.folder / "tmp"),
            "CALIBRE_OVERRIDE_LANG": "en",
            "QT_QPA_PLATFORM": "offscreen",
            "E2A_ENGINE_DIR": str(paths.engine_dir()),
            "E2A_CACHE_DIR": str(self.clips or paths.clips_dir()),
        }
        return {**environ.for_children(), **own}

    def rebuild(self, plugin_zip: Path, book: Path | None = None) -> int | None:
        """Make it anew with the plugin installed and, where given, a library with one book; its number there."""
        shutil.rmtree(self.library, ignore_errors=True)
        for name in _FOLDERS:
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir(parents=True)
        self.must("calibre-customize", "-a", str(plugin_zip))
        if book is None:
            return None
        added = self.must("calibredb", "add", "--with-library", str(self.library), str(book))
        match = re.search(r"Added book ids: (\d+)", added.tail)
        if match is None:
            raise SystemExit(f"Calibre did not take the sample book:\n{added.tail}")
        return int(match.group(1))

    def plugin_command(self, *arguments: str) -> list[str]:
        """The plugin's own command line in real Calibre."""
        return ["calibre-debug", "-r", PLUGIN_NAME, "--", *arguments]

    def must(self, *command: str) -> Finished:
        """Run a Calibre program; leaves with its output where it fails."""
        finished = run(command, self.env())
        if finished.code != 0:
            raise SystemExit(f"{command[0]} failed ({finished.code}):\n{finished.tail}")
        return finished
