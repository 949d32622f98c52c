"""The processor's name: a device is told by it, and a remembered speed belongs to it."""

from __future__ import annotations

import platform
import re
from pathlib import Path


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """As its maker names it, where the system says so; else its architecture."""
    try:
        model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    except OSError:
        model = None
    return model[1].strip() if model else platform.processor() or platform.machine() or "CPU"
