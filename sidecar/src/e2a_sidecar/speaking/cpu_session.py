"""onnxruntime on the CPU as we want it: one thread a session, one bounded arena for the whole process."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import onnxruntime as ort  # type: ignore[import-untyped]

_LARGEST_ARENA: Final = 4 << 30  # bytes; a published voice takes some 200 MB


def cpu_session(model: str | bytes) -> Any:
    """A session of a path or of what a file holds; raises what onnxruntime raises.

    The arena (onnxruntime's default, up to three times as fast) keeps what its largest run took: runs are bounded.
    """
    _share_arena()
    options = ort.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # shapes differ from line to line, and a plan would be kept for each
    options.log_severity_level = 4  # a run that is stopped is logged as an error
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@lru_cache(maxsize=1)
def _share_arena() -> None:
    """One arena for all sessions of the process, which never run at their largest together: 90 MB less than one for each.

    It is bounded: what a strange graph asks for beyond that fails, and does not take the machine's memory.
    """
    memory = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    defaults = {"max_mem": _LARGEST_ARENA, "arena_extend_strategy": 0, "initial_chunk_size_bytes": -1, "max_dead_bytes_per_chunk": -1}
    ort.create_and_register_allocator(memory, ort.OrtArenaCfg(defaults))
