"""onnxruntime's memory: one arena for the whole process, bounded."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import onnxruntime as ort  # type: ignore[import-untyped]

_LARGEST_ARENA: Final = 4 << 30  # bytes; a published voice takes some 200 MB


@lru_cache(maxsize=1)
def share_arena() -> None:
    """One arena for all sessions of the process, which never run at their largest together: 90 MB less than one for each.

    It is bounded: what a strange graph asks for beyond that fails, and does not take the machine's memory.
    """
    memory = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    defaults = {"max_mem": _LARGEST_ARENA, "arena_extend_strategy": 0, "initial_chunk_size_bytes": -1, "max_dead_bytes_per_chunk": -1}
    ort.create_and_register_allocator(memory, ort.OrtArenaCfg(defaults))
