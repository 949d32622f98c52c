"""What a recording is heard to be, by a process of its own, whose time and memory are looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from session_driver import SOURCES

CHILD = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.request import Sample
from e2a_sidecar.sample import Sampling
try:
    found = Sampling().answer(Sample(1, Path(sys.argv[2])), lambda: False)
except SidecarError as error:
    found = {"error": error.code, **error.params}
used, status = resource.getrusage(resource.RUSAGE_SELF), Path("/proc/self/status")
most_kb = used.ru_maxrss  # on Linux that of its parent, where that had more when it began
if status.exists():
    most_kb = int(status.read_text().split("VmHWM:")[1].split()[0])
json.dump({**found, "cpu_s": used.ru_utime + used.ru_stime, "mb": most_kb / 1024}, sys.stdout)
"""


def in_a_child(path: Path, most_mb: int = 500) -> dict[str, Any]:
    """The answer, from a process of its own; it takes little of the computer, whatever the file."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(SOURCES), str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["cpu_s"] < 20 and found["mb"] < most_mb, found
    return found
