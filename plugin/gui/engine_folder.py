"""Where the speech engine is to be: asked by Calibre's own dialog, and refused where it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from calibre.gui2 import choose_dir  # type: ignore[import-not-found]

from .. import paths
from ..engine import engine_move
from ..errors import PluginError
from ..wording import translate as _


def ask_for_folder(parent: Any) -> Path | None:
    """The folder to move it to, below the one that the user chose; None where they chose none. PluginError `engine_unmoved`."""
    chosen = choose_dir(parent, "convert to audiobook engine", _("Choose where the folder “{name}” is to be made").format(name=paths.APP))
    if not chosen:
        return None
    target = engine_move.target_in(Path(chosen))
    refusal = engine_move.why_not_there(target)
    if refusal:
        raise PluginError("engine_unmoved", path=str(target), reason=refusal)
    return target
