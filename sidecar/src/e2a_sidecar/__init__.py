"""The sidecar of Convert to Audiobook: it reads an exported book, speaks it and writes an audiobook file.

It runs as a process of its own, in an environment of its own, beside Calibre. It is told what to do over the
wire (`protocol`), reads one folder (the bundle) and writes one file. It has no network code at all: whatever must
be fetched (packages, voices) is fetched by the plugin, before.
"""

__version__ = "0.1.0"
