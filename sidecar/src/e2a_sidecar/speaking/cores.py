"""How many cores this process may really use: affinity and the control group's quota, not the machine's number."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_CGROUP: Final = Path("/sys/fs/cgroup")


def usable_cores(membership: Path = Path("/proc/self/cgroup"), cgroup: Path = _CGROUP) -> int:
    """At least 1. A quota of 1.5 cores counts as 2: the second thread still gains."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *(math.ceil(quota) for quota in _quotas(membership, cgroup))]))


def _quotas(membership: Path, cgroup: Path) -> Iterator[float]:
    """Cores allowed by each control group that we are in, versions 2 and 1, from ours up to the root."""
    try:
        lines = membership.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = cgroup / "cpu" if controllers else cgroup
        here = root / group.lstrip("/")
        for folder in [here, *here.parents]:
            if folder != root and root not in folder.parents:
                break
            quota = _quota_v1(folder) if controllers else _quota_v2(folder)
            if quota:
                yield quota


def _quota_v2(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        return quota / int((folder / "cpu.cfs_period_us").read_text(encoding="ascii")) if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
