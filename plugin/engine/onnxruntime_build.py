"""Which onnxruntime goes into a layer: the locked one, or where it is asked for, the one of `sources.json` in its place.

Windows' build with DirectML has a name and a version of its own and provides the same module, so the two cannot stand
side by side: it takes the locked one's place in the lock, which is installed without dependencies, so nothing misses
the other name. It is some versions behind and speaks on the CPU too, and any computer that runs today's Windows has a
card for it: so nobody gets it who does not ask (`E2A_ONNXRUNTIME=directml`).
"""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from ..resources import Resources

_LOCKED: Final = re.compile(r"^onnxruntime==.*\n(?:[ \t]+--hash=.*\n)*", re.MULTILINE)


def wanted_onnxruntime(env: Mapping[str, str], resources: Resources, system: str = sys.platform, machine: str | None = None) -> str:
    """The build that `E2A_ONNXRUNTIME` names, where there is one for this computer; empty for the locked one."""
    given = env.get("E2A_ONNXRUNTIME", "")
    row = _builds(resources).get(given, {})
    return given if row and (system, (machine or platform.machine()).lower()) == (row["platform"], row["machine"]) else ""


def layer_lock(name: str, resources: Resources, build: str) -> bytes:
    """The lock of a layer with that build of onnxruntime."""
    lock = resources(f"plugin/locks/{name}.txt")
    row = _builds(resources).get(build) if build else None
    if row is None:
        return lock
    lines = [str(row["package"]), *(f"    --hash=sha256:{value}" for value in row["sha256"])]
    return _LOCKED.sub(" \\\n".join(lines) + "\n", lock.decode().replace("\r\n", "\n"), count=1).encode()


def _builds(resources: Resources) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(resources("plugin/sources.json")).get("onnxruntime", {})
    return found
