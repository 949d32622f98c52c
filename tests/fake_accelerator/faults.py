"""Faults of a device, injected below all code under test: the operation itself fails, or gives what it should not.

By `FakeAccelerator.faults`:

    fail_next(3, torch.OutOfMemoryError("CUDA out of memory."))     the next three operations raise it
    fail_next(1, error, where="vits_network.py:decode", after=1)    ... of those inside this function, the second
    out_of_memory_above(1_000_000)                                  results of more elements do not fit (None: all fit again)
    lose()                                                          from now on every operation raises, as after a driver's reset
    lose(operation="host_copy", after=1)                            ... from the second read on: a device fails later than it is told to
    spoil("nan", operation="cat", by="vits_network.py:decode", times=1)    what it gives is NaN (or "zeros", or what a function makes of it)
    mend()                                                          the device is whole again

An operation is one call of ATen on the device, by its name there (`conv1d`, `cat`, `exp`, ...), an `upload`, a
`host_copy`, or a factory by torch's name (`zeros`, `arange`, ...). `where`: a part of `file.py:function` of any frame of
the calling stack; `by`: of the innermost one that is ours or upstream's. `after`: how many that match are let through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Final, Literal, TypeAlias

import torch

from fake_accelerator.counts import caller, frames

Spoiler: TypeAlias = Literal["nan", "zeros"] | Callable[[torch.Tensor], torch.Tensor]
LOST: Final = (
    "CUDA error: unspecified launch failure\n"
    "CUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.\n"
    "For debugging consider passing CUDA_LAUNCH_BLOCKING=1\n"
)


@dataclass
class _Rule:
    """Which operations a fault meets: `left` of them, once `after` have passed."""

    operation: str
    where: str
    by: str
    after: int
    left: float

    def meets(self, operation: str) -> bool:
        if self.left <= 0 or (self.operation and self.operation != operation):
            return False
        if (self.by and self.by not in _name(caller())) or (self.where and not any(self.where in _name(frame) for frame in frames())):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.left -= 1
        return True


class Faults:
    """See the module. `injected` counts the operations that were made to fail or were spoiled."""

    def __init__(self) -> None:
        self.mend()
        self.injected = 0

    def mend(self) -> None:
        """Take all faults away."""
        self._failing: list[tuple[_Rule, BaseException | type[BaseException]]] = []
        self._spoiling: list[tuple[_Rule, Spoiler]] = []
        self._most: int | None = None
        self._lost: _Rule | None = None

    def fail_next(self, n: int, error: BaseException | type[BaseException], *, operation: str = "", where: str = "", by: str = "", after: int = 0) -> None:
        """The next `n` operations that match raise `error`."""
        self._failing.append((_Rule(operation, where, by, after, n), error))

    def out_of_memory_above(self, elements: int | None) -> None:
        """An operation, an upload or a factory that gives more elements than this raises torch's OutOfMemoryError."""
        self._most = elements

    def lose(self, *, operation: str = "", where: str = "", by: str = "", after: int = 0) -> None:
        """From the first operation that matches on, every operation, upload and read raises torch's AcceleratorError."""
        self._lost = _Rule(operation, where, by, after, 1)

    def spoil(self, with_: Spoiler, *, operation: str = "", where: str = "", by: str = "", times: int | None = None, after: int = 0) -> None:
        """What matching operations give is spoiled (`times` of them, None: all). "nan" leaves whole numbers alone."""
        self._spoiling.append((_Rule(operation, where, by, after, float("inf") if times is None else times), with_))

    def before(self, operation: str) -> None:
        """To be called as an operation begins: raises what was injected for it."""
        if self._lost is not None and (self._lost.left <= 0 or self._lost.meets(operation)):
            self.injected += 1
            raise torch.AcceleratorError(LOST)
        for rule, error in self._failing:
            if rule.meets(operation):
                self.injected += 1
                raise error

    def after(self, operation: str, results: list[torch.Tensor]) -> Spoiler | None:
        """To be called with what an operation gave: what it is to be spoiled with, if it is."""
        if self._most is not None and (wanted := max((r.numel() for r in results), default=0)) > self._most:
            self.injected += 1
            raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {wanted * 4 / 2**20:.2f} MiB. GPU 0 has no such block free.")
        for rule, with_ in self._spoiling:
            if results and rule.meets(operation):
                self.injected += 1
                return with_
        return None


def spoiled(held: torch.Tensor, with_: Spoiler, in_place: bool) -> torch.Tensor:
    """A tensor's spoiled values: its own memory where `in_place`, else another's, so that what it is a view of stays whole."""
    with torch.no_grad():
        if callable(with_):
            values = with_(held.clone())
        elif with_ == "zeros":
            values = torch.zeros_like(held)
        else:
            values = torch.full_like(held, float("nan")) if held.is_floating_point() else held.clone()
        return held.copy_(values) if in_place else values


def _name(frame: FrameType | None) -> str:
    """`file.py:function`; of a list comprehension or a lambda the function that it stands in."""
    if frame is None:
        return ""
    named = [part for part in frame.f_code.co_qualname.split(".") if not part.startswith("<")]
    return f"{frame.f_code.co_filename}:{named[-1] if named else ''}"
