"""`python -m e2a_sidecar session`: serve the wire. `python -m e2a_sidecar check`: speak a word, say so in JSON.

The wire claims stdin and stdout before anything else is imported.
"""

from __future__ import annotations

import sys

from e2a_sidecar.protocol import claim_stdio


def main(argv: list[str]) -> int:
    """Exit code: 0 done, 1 the check failed, 2 usage."""
    command = argv[0] if argv else ""
    if command not in ("session", "check"):
        sys.stderr.write("usage: python -m e2a_sidecar session | check --layer core|neural | check --heart\n")
        return 2
    reader, writer = claim_stdio()
    if command == "session":
        from e2a_sidecar.session import serve

        return serve(reader, writer)
    from e2a_sidecar.selfcheck import run

    return run(argv[1:], writer)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
