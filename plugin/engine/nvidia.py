"""Which of torch's builds an NVIDIA card can use: by its generation ("compute capability") and its driver's version.

Sources: PyTorch's support matrix for 2.12 to 2.14 (its builds for CUDA 13.0 have code for 7.5 to 12, those for CUDA 12.6 for
5.0 to 9.0), NVIDIA's "Minor version compatibility" (CUDA 13 wants a driver from 580 on, CUDA 12 one from 525 on), and for the
names its lists of compute capabilities and pci.ids (docs/devices.md).
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
_CHIPS: Final = (
    (10.0, re.compile(r"\bGB[12]\d")),
    (0.0, re.compile(r"\b(TU|GA|AD|GH)1\d\d")),
    (7.0, re.compile(r"\bGV1\d")),
    (6.0, re.compile(r"\bGP1\d")),
    (5.0, re.compile(r"\bGM[12]\d")),
    (2.0, re.compile(r"\bG[FK][12]\d")),
)
"""By the chip, which pci.ids names before the card: one name may stand on several. The least generation of each family."""
_BY_NAME: Final = (
    (10.0, re.compile(r"\bRTX 50[5-9]0|\bBlackwell\b|\bG?B[123]00\b|\bGB10\b|\bThor\b")),
    (7.0, re.compile(r"\bTITAN V\b|\bG?V100S?\b")),
    (5.0, re.compile(r"\bGTX? ?9\d\d|\b(9[34]0(M|MX|A)|920MX|945[MA])\b|\bGTX 7(45|50)\b|\bGTX 8[56]0M\b|\b8(30|40|45)[MA]\b|\bMX1[13]0\b")),
    (5.0, re.compile(r"\bGTX TITAN X\b|\bQuadro (M\d|K(620|1200|2200)M?\b)|\b(Tesla|GRID) M(4|6|10|30|40|60)\b|\bNVS 810\b")),
    (6.0, re.compile(r"\bGTX? ?10\d0|\bMX ?[123]\d0\b|\bTITAN Xp?\b|\b(Quadro|Tesla) G?P\d|\bP\d{2,4}\b|\bCMP 100\b")),
    (2.0, re.compile(r"\bGT[XS]? ?[1-8]\d\d(?!\d)|\bGeForce (G ?)?[1-9]\d\d[MA]?\b|\bGeForce [6-9]\d{3}|\bGTX TITAN\b|\bTITAN (Black|Z)\b")),
    (2.0, re.compile(r"\bQuadro (FX |NVS )?\d|\b(Quadro|Tesla|GRID) K\d|\bTesla [CMSX]\d{3}|\bNVS\b")),
)
"""By a card's name, where nobody can be asked: those that not every build has code for. The first row that fits counts, since the same number may stand
for a card of another generation: a GTX 750 is younger than a GTX 760, a GeForce 840M than an 820M, and RTX 5000 has been three cards, none of RTX 50."""


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
    """A card's generation, or the least of its family; 0 for those that every build has code for, and for what is not known."""
    return next((generation for generation, pattern in (*_CHIPS, *_BY_NAME) if pattern.search(name)), 0.0)


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
