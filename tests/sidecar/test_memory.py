"""What a conversion keeps of each sentence while it goes on: a few hundred bytes, and no sound. (Hours are measured by `build.py bench --hours`.)"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from e2a_sidecar.convert import Conversion
from e2a_sidecar.progress import Progress, Tracker
from e2a_sidecar.protocol import parse
from e2a_sidecar.request import Convert
from e2a_sidecar.serve import KeptVoice
from session_driver import SOURCES, conversion, write_bundle

BYTES_A_SENTENCE = 3000
"""It is some 300: its key in some sets, its place, a point of the progress; the rest is for what happens to be at work. Its samples are 10,000."""

LOOKS = 8
"""The least of so many counts at the end: another thread measures or encodes meanwhile, and some megabytes of sound come and go."""


def grown(folder: Path, sentences: int) -> int:
    """Bytes that Python holds at the end of speaking, or of encoding, and did not hold when it began to speak."""
    paragraphs = [f"It is {n}." for n in range(sentences)]
    write_bundle(folder / "bundle", {"One": paragraphs})
    request = parse(json.dumps(conversion(folder / "bundle", folder / "book.m4b", folder / "cache")).encode())
    assert isinstance(request, Convert)
    held: dict[str, list[int]] = {}

    def send(progress: Progress) -> None:
        gc.collect()
        held.setdefault(progress.stage, []).append(tracemalloc.get_traced_memory()[0])

    voices = KeptVoice()
    gc.freeze()  # else each of many collections goes through all that was there before
    tracemalloc.start()
    try:
        Conversion(request, voices, Tracker(send), lambda _: None, lambda: False).run()
    finally:
        tracemalloc.stop()
        gc.unfreeze()
        voices.close()
    return max(min(held[stage][-LOOKS:]) for stage in ("speak", "write")) - held["speak"][0]


def test_memory_does_not_grow_with_the_book(tmp_path: Path) -> None:
    grown(tmp_path / "first", 20)  # what is loaded and cached by the first book
    few, many = grown(tmp_path / "few", 100), grown(tmp_path / "many", 2000)
    assert (many - few) / 1900 < BYTES_A_SENTENCE


MAPPED = """
import ctypes, sys
sys.path.insert(0, sys.argv[1])
from e2a_sidecar.memory import LARGE_BYTES, map_large_blocks
if sys.argv[2] == "told":
    map_large_blocks()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]
libc.mallinfo2.restype = Info
libc.free(libc.malloc(ctypes.c_size_t(20 << 20)))
before = libc.mallinfo2().hblkhd
block = libc.malloc(ctypes.c_size_t(2 * LARGE_BYTES))
sys.stdout.write(str(libc.mallinfo2().hblkhd - before >= 2 * LARGE_BYTES))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's way")
def test_large_blocks_lie_apart_also_when_larger_ones_were_given_back() -> None:
    def mapped(how: str) -> str:
        return subprocess.run([sys.executable, "-c", MAPPED, str(SOURCES), how], capture_output=True, check=True, text=True).stdout

    assert (mapped("untold"), mapped("told")) == ("False", "True")
