"""The sidecar of Convert to Audiobook: it reads an exported book, speaks it and writes an audiobook file.

It runs as a process of its own, in an environment of its own, beside Calibre. It is told what to do over the
wire (`protocol`), reads one folder (the bundle) and writes one file. It has no network code at all: whatever must
be fetched (packages, voices) is fetched by the plugin, before. onnxruntime's own telemetry (its Privacy.md: on unless this
variable is set before it is imported; with files in the user's home) is switched off here, before anything can import it.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "0.1.0"
