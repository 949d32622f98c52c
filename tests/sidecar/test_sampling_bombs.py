"""Small files that claim tables of gigabytes: told for what they are, and the computer keeps its memory."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from e2a_sidecar.memory import Ceiling
from recordings import encode, speech
from sampling_child import in_a_child

MOST_MB = 1400
"""What ffmpeg may take, and a sidecar that hears. Unbounded these files take 2 to 4 GB."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such bound")


def atoms(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, where it begins, where it ends) of each atom of an MP4 file between two places."""
    while start < end:
        size, name = struct.unpack(">I4s", data[start : start + 8])
        yield name, start, start + size
        start += size


def atom(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def with_edits(path: Path) -> Path:
    """Its whole sound over again, a hundred thousand times."""
    encode(path, [speech(60)] * 8, "aac")
    data = bytearray(path.read_bytes())
    start, end, parents = 0, len(data), list[int]()
    for wanted in (b"moov", b"trak", b"edts", b"elst"):
        start, end = next((start, end) for name, start, end in atoms(data, start, end) if name == wanted)
        parents.append(start)
        start += 8
    (duration,) = struct.unpack(">I", data[start + 8 : start + 12])
    edits = atom(b"elst", struct.pack(">II", 0, 100_000) + struct.pack(">IiI", duration, 0, 1 << 16) * 100_000)
    longer = len(edits) - (end - parents[-1])
    data[parents[-1] : end] = edits
    for parent in parents[:-1]:
        data[parent : parent + 4] = struct.pack(">I", struct.unpack(">I", data[parent : parent + 4])[0] + longer)
    path.write_bytes(data)
    return path


def with_a_run(path: Path) -> Path:
    """A fragment that claims eighty million packets and says nothing of any."""
    fragments = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    encode(path.with_name("whole.m4a"), [speech(20)], "aac")
    with av.open(str(path.with_name("whole.m4a"))) as whole, av.open(str(path), "w", format="mp4", options=fragments) as out:
        stream = out.add_stream_from_template(whole.streams.audio[0])
        for packet in whole.demux(whole.streams.audio[0]):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    data = path.read_bytes()
    start, end = next((start, end) for name, start, end in atoms(data, 0, len(data)) if name == b"moof")
    number = next(data[start:end] for name, start, end in atoms(data, start + 8, end) if name == b"mfhd")
    defaults = atom(b"tfhd", struct.pack(">IIIII", 0x020038, 1, 1024, 1, 0))
    run = atom(b"trun", struct.pack(">II", 0, 80_000_000))
    path.write_bytes(data[:start] + atom(b"moof", number + atom(b"traf", defaults + run)) + data[end:])
    return path


@pytest.mark.parametrize("bomb", [with_edits, with_a_run], ids=lambda make: make.__name__)
def test_a_file_that_claims_more_than_it_holds_takes_no_more_than_others(bomb: Callable[[Path], Path], tmp_path: Path) -> None:
    found = in_a_child(bomb(tmp_path / "a.m4a"), MOST_MB)
    assert found.get("error", "sample_unusable") == "sample_unusable"


def test_a_ceiling_is_for_what_is_done_under_it_alone() -> None:
    ceiling = Ceiling(64 << 20)
    with pytest.raises(MemoryError), ceiling:
        bytearray(256 << 20)
    assert len(bytearray(256 << 20)) == 256 << 20
    with ceiling:
        assert bytearray(16 << 20)
