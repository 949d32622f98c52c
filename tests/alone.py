"""Run a program in a network of its own, where only this machine is: `unshare -n python3 alone.py PROGRAM ...`.

So it meets no other Calibre (they find one another by a socket's name), and reaches nothing.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import sys

SIOCSIFFLAGS = 0x8914
IFF_UP = 1

with socket.socket() as s:
    fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
os.execvp(sys.argv[1], sys.argv[1:])
