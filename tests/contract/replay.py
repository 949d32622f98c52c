"""Plays the sidecar's part of a transcript: `replay.py FILE`. Exits with 1 at the first line that is not the plugin's next one."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(transcript: Path) -> int:
    for row in transcript.read_text("utf-8").splitlines():
        turn = json.loads(row)
        if turn["from"] == "sidecar":
            sys.stdout.buffer.write(json.dumps(turn["message"], ensure_ascii=False).encode() + b"\n")
            sys.stdout.buffer.flush()
        else:
            line = sys.stdin.buffer.readline()
            if not line or json.loads(line) != turn["message"]:
                sys.stderr.write(f"expected {row}\ngot {line!r}\n")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
