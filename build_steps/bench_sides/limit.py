"""The machine's limit, beside which a voice's own count of operations is put: one core's rate, by CPU seconds, so that other load matters little.

    matmul_gflops    float32 matrix product by NumPy's OpenBLAS, 2 n^3 operations
    bandwidth_gb_s   a copy of an array that fits into no cache, read and written
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy is loaded

import time
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from build_steps.bench_sides.serving import Process

_SIZE: Final = 1536
_COPIED: Final = 1 << 24  # numbers
_MEASURED_S: Final = 0.4


def main() -> None:
    process = Process()
    left, right, product = (np.full((_SIZE, _SIZE), 0.5, dtype=np.float32) for _ in range(3))
    source, target = (np.ones(_COPIED, dtype=np.float32) for _ in range(2))

    def measure() -> Mapping[str, float]:
        """The best of what was tried for a while: whatever disturbs only makes it slower."""
        matmul = _rate(lambda: np.matmul(left, right, out=product), 2.0 * _SIZE**3)
        bandwidth = _rate(lambda: np.copyto(target, source), 2.0 * source.nbytes)
        return {"matmul_gflops": matmul / 1e9, "bandwidth_gb_s": bandwidth / 1e9}

    process.serve({"measure": measure})


def _rate(work: Callable[[], object], amount: float) -> float:
    """Amount a CPU second."""
    best, until = 0.0, time.perf_counter() + _MEASURED_S
    while time.perf_counter() < until:
        begun = time.thread_time()
        work()
        best = max(best, amount / (time.thread_time() - begun))
    return best


if __name__ == "__main__":
    main()
