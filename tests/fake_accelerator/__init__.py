"""A GPU for tests on machines that have none: see `device` for what it shows and what it does not."""

from fake_accelerator.device import Counts, FakeAccelerator, OnDevice

__all__ = ["Counts", "FakeAccelerator", "OnDevice"]
