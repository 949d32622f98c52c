"""A GPU for tests on machines that have none: see `device` for what it shows and what it does not, `faults` for injecting."""

from fake_accelerator.counts import Counts
from fake_accelerator.device import FakeAccelerator, OnDevice
from fake_accelerator.faults import LOST, Faults

__all__ = ["LOST", "Counts", "FakeAccelerator", "Faults", "OnDevice"]
