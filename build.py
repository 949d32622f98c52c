#!/usr/bin/env python3
"""The builders' front door. It only reads the command line; what it does is in `build_steps/`.

python3 build.py demo [--quick]         make an audiobook of a sample book, with all the set-up that needs
python3 build.py test [PYTEST ...]      every check and test; --calibre all: in the newest Calibre, too
python3 build.py build                  dist/convert-to-audiobook.zip
python3 build.py install                put it into your Calibre
python3 build.py convert BOOK -o OUT    the plugin's own command line, with set-up
python3 build.py bench [--json]         how fast we and others speak, and the machine's limit (docs/performance.md)
python3 build.py gpu [--device D]       all that a real graphics card can show (docs/gpu.md)
python3 build.py phonemes [--books DIR] how equal our phonemes are to coqui's and Piper's own (docs/phonemes.md)
python3 build.py shots -o DIR           a picture of every window in every state, and what is wrong with it
python3 build.py lock                   pin the packages anew
python3 build.py voices [INDEX.json]    renew the list of voices from the collection's own index
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit("build.py needs Python 3.11 or newer.")

COMMANDS = ("demo", "test", "build", "install", "convert", "bench", "gpu", "phonemes", "shots", "lock", "voices")


def main(arguments: list[str]) -> int:
    """Exit code: 0 all is well, 1 something failed, 2 usage; of `convert` the plugin's own."""
    parser = argparse.ArgumentParser(prog="build.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=COMMANDS)
    asked, rest = parser.parse_args(arguments[:1]), arguments[1:]
    if asked.command == "demo":
        from build_steps.demo import demo

        more = argparse.ArgumentParser(prog="build.py demo")
        more.add_argument("--quick", action="store_true", help="the core layer only, by onnxruntime, without torch")
        return demo(more.parse_args(rest).quick)
    if asked.command == "test":
        from build_steps.testing import test

        return test(rest)
    if asked.command == "convert":
        from build_steps.convert import convert

        return convert(rest)
    if asked.command == "bench":
        from build_steps.bench import bench

        return bench(rest)
    if asked.command == "gpu":
        from build_steps.gpu import gpu

        return gpu(rest)
    if asked.command == "phonemes":
        from build_steps.phonemes import phonemes

        return phonemes(rest)
    if asked.command == "shots":
        from build_steps.shots import shots

        more = argparse.ArgumentParser(prog="build.py shots")
        more.add_argument("-o", dest="folder", metavar="DIR", type=Path, required=True, help="where the pictures go")
        more.add_argument("--only", metavar="NAME", nargs="+", default=[], help="the states whose names begin so")
        chosen = more.parse_args(rest)
        return shots(chosen.folder, chosen.only)
    if asked.command == "voices":
        from build_steps.voices import voices

        more = argparse.ArgumentParser(prog="build.py voices")
        more.add_argument("index", nargs="?", type=Path, metavar="INDEX.json", help="the collection's voices.json; without it, it is fetched")
        return voices(more.parse_args(rest).index)
    if rest:
        parser.error(f"{asked.command} takes no arguments")
    if asked.command == "build":
        from build_steps.packaging import build

        print(build())
        return 0
    if asked.command == "install":
        from build_steps.convert import install

        return install()
    from build_steps.locking import lock

    return lock()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
