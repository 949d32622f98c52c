"""What torch's errors about a device mean: whose fault, in a user's words. Looks at names and texts only, imports no torch.

torch raises RuntimeError for nearly everything, `OutOfMemoryError` (a RuntimeError) where its own allocator gives up;
cuBLAS, cuDNN, Metal and the CPU's allocator say the same in texts of their own.
"""

from __future__ import annotations

from typing import Final

_NO_MEMORY: Final = (
    *("out of memory", "out_of_device_memory", "out_of_host_memory", "alloc_failed", "can't allocate memory", "cannot allocate memory"),
    *("failed to allocate", "bad allocation", "bad_alloc", "insufficient memory", "not enough memory", "smaller than requested"),
)
_DEAD: Final = ("device lost", "device is lost", "gpu is lost", "unspecified launch failure", "no cuda-capable device", "device removed")


def is_out_of_memory(error: BaseException) -> bool:
    """Did an operation fail for want of memory (the device's or the host's)? Fewer sentences at once may succeed."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return any(sign in text for sign in _NO_MEMORY)


def in_plain_words(error: str) -> str:
    """A user's clause for torch's message about a device."""
    text = error.lower()
    if any(sign in text for sign in _NO_MEMORY):
        return "its memory is taken by other programs"
    if "no kernel image" in text or "not compatible with the current pytorch" in text:
        return "this build of torch has no code for a graphics card of its kind"
    if "driver" in text and ("old" in text or "insufficient" in text):
        return "its driver is too old for this build of torch"
    if "invalid device ordinal" in text:
        return "there is no such graphics card in this machine"
    if "not compiled with cuda" in text or "not linked with support for" in text:
        return "the installed torch is the build for the CPU alone"
    if any(sign in text for sign in _DEAD):
        return "it does not answer any more (its driver was reset, or it was unplugged)"
    first = error.strip().splitlines()[0][:200] if error.strip() else ""
    return f"torch could not use it: {first}" if first else "torch could not use it"
