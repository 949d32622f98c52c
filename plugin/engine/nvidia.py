"""Which of torch's builds an NVIDIA card can use: by its generation ("compute capability") and its driver's version.

Sources: PyTorch's support matrix for 2.12 to 2.14 (its builds for CUDA 13.0 have code for 7.5 to 12, those for CUDA 12.6 for
5.0 to 9.0) and NVIDIA's "Minor version compatibility" (CUDA 13 wants a driver from 580 on, CUDA 12 one from 525 on).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

CUDA: Final = "cuda"
CUDA_12: Final = "cuda126"
"""For cards and drivers that are too old for the other one."""


@dataclass(frozen=True)
class Build:
    """name: as `torch_source` has it. least, most: the generations that it has code for. driver: the least version."""

    name: str
    least: float
    most: float
    driver: int


BUILDS: Final = (Build(CUDA, 7.5, 12.9, 580), Build(CUDA_12, 5.0, 9.0, 525))
"""The better first."""
_BY_NAME: Final = (
    (12.0, re.compile(r"\bRTX (PRO )?50\d0\b|\bBlackwell\b")),
    (6.1, re.compile(r"\bGTX? ?10\d0\b|\bMX ?[123]\d0\b|\bTITAN Xp?\b|\bQuadro (P|GP)\d|\bTesla P\d|\bP\d{2,4}\b")),
    (7.0, re.compile(r"\bTITAN V\b|\bQuadro GV100|\bTesla V100|\bV100\b")),
    (5.2, re.compile(r"\bGT[XS]? ?9\d0|\b9[1-4]0MX?\b|\bGTX 7[45]0|\bTITAN X\b|\bQuadro M\d|\bTesla M\d")),
    (3.5, re.compile(r"\bGT[XS]? ?[4-8]\d\d|\bQuadro K\d|\bTesla K\d|\bTITAN (Black|Z)\b|\bNVS\b")),
)
"""Generations of cards by their names, where nobody can be asked: those that not every build has code for."""


@dataclass(frozen=True)
class Fit:
    """builds: that can use the card as it is, the better first. Where there is none: driver_needed, the version from which on one could;
    0 where no driver helps."""

    builds: tuple[str, ...]
    driver_needed: int = 0


def fit(name: str, driver: str, capability: float = 0.0) -> Fit:
    """driver: its version, as `570.86.15`; empty where nobody knows it. capability: as nvidia-smi says it; 0: by the name, as far as that tells."""
    generation = capability or by_name(name)
    version = int(driver.partition(".")[0]) if re.match(r"\d+\.", driver) else 0
    fitting = [build for build in BUILDS if not generation or build.least <= generation <= build.most]
    usable = tuple(build.name for build in fitting if not version or version >= build.driver)
    return Fit(usable) if usable else Fit((), min((build.driver for build in fitting), default=0))


def by_name(name: str) -> float:
    """A card's generation; 0 for those that every build has code for, and for what is not known."""
    return next((generation for generation, pattern in _BY_NAME if pattern.search(name)), 0.0)


def of_windows(version: str) -> str:
    """NVIDIA's own number in that of a driver of Windows: `32.0.15.6094` is 560.94. Empty for what is none."""
    digits = "".join(version.split(".")[-2:])
    return f"{digits[-5:-2]}.{digits[-2:]}" if re.fullmatch(r"\d+\.\d+\.\d+\.\d{4}", version) and len(digits) >= 5 else ""


def model(information: str) -> str:
    """The name in /proc/driver/nvidia/gpus/*/information; empty where there is none."""
    found = re.search(r"^Model:\s*(\S.*)$", information, re.MULTILINE)
    return found[1].strip() if found else ""


def driver(version: str) -> str:
    """`570.86.15` of /proc/driver/nvidia/version; empty where there is none."""
    number = re.search(r"^NVRM version:.*?\b(\d{3}\.\d+(?:\.\d+)?)\b", version, re.MULTILINE)
    return number[1] if number else ""


def of_smi(csv: str) -> list[tuple[str, str, float]]:
    """(name, driver's version, capability) of `nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader`, or of the same without the
    last, which old ones do not know: then 0. What it says where it fails is no card."""
    rows = [re.fullmatch(r"(.+?),\s*(\d+\.[\d.]+)\s*(?:,\s*(\d+\.\d+|\[N/A\])\s*)?", line.strip()) for line in csv.splitlines()]
    return [(row[1].strip(), row[2], float(row[3]) if row[3] and row[3][0].isdigit() else 0.0) for row in rows if row]
