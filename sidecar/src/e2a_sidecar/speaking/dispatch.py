"""torch's dispatch mode for programs that compile nothing."""

from __future__ import annotations

from torch.utils._python_dispatch import TorchDispatchMode


class DispatchMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Before a mode's first operation torch loads its compiler, Dynamo, only to keep it off the mode: a second or two, and 70 MB.

    This is torch's own switch for that. Should a later torch not know it, all works as before, only slower to begin.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False
