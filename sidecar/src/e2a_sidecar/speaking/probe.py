"""Which devices this process can speak on: the CPU by onnxruntime always, torch's where torch is installed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """A device as the wire tells it; `reason` says why it cannot be used and is empty where it can."""

    device: str
    name: str
    usable: bool
    reason: str = ""


def probe_devices() -> list[DeviceReport]:
    """All devices, each tried by a real operation."""
    found = [DeviceReport("cpu", "onnxruntime", True)]
    if find_spec("torch") is not None:
        from e2a_sidecar.speaking.device import probe

        found += probe()
    return found
