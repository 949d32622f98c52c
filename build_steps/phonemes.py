"""`build.py phonemes`: our phoneme ids beside those of coqui's and Piper's own front ends, by tests/phonemes/compare.py. See docs/phonemes.md."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from build_steps import engine, packaging
from build_steps.console import Console
from build_steps.places import ROOT
from build_steps.testing import dev_tools
from plugin import environ


def phonemes(arguments: Sequence[str]) -> int:
    """arguments: that script's. 1 where a difference has no explanation."""
    console = Console()
    engine.check_space(("core", "neural"))
    packaging.build()
    layers = engine.layers(("core", "neural"), console)
    tools = dev_tools(layers["core"], console)
    console.title("Sentence by sentence")
    tests = ROOT / "tests"
    search = os.pathsep.join(map(str, (tools, ROOT / "sidecar" / "src", tests, tests / "sidecar")))
    command = [str(layers["neural"].python), "-X", "utf8", "-m", "phonemes.compare", *arguments]
    return subprocess.run(command, env={**environ.for_children(), "PYTHONPATH": search}, stdin=subprocess.DEVNULL, check=False).returncode
