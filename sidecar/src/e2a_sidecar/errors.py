"""Every error that the sidecar can report, by code. The plugin owns the sentences that the user reads.

    SidecarError            a code from CODES, parameters for the plugin's sentence, a technical detail for the log
    Stopped                 the user asked to stop; not an error, ends a request as `cancelled`

`detail` never holds text of the user's book, nor does the log: of an exception that may quote it only `trace_of` is told.
A test holds CODES equal to the plugin's table.
"""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import Final

MOST_FRAMES: Final = 20

CODES: Final = frozenset(
    {
        "internal",  # a fault of ours; detail says where
        "bad_request",  # the wire carried what this version does not know
        "bundle_broken",  # the exported folder is not what `reading.bundle` expects
        "no_text",  # nothing in the book can be spoken
        "voice_broken",  # voice files missing, unreadable or with another hash than promised; params: voice, reason
        "voice_unsupported",  # this runtime cannot speak that voice; params: voice, reason
        "device_unusable",  # params: device, reason
        "output_unwritable",  # params: path, reason
        "disk_full",  # params: path, need_mb, have_mb
        "exists_foreign",  # the target exists and carries no mark of ours; params: path
        "encoder_failed",  # the encoder refused or the written file did not pass its check; params: reason
        "audio_unreadable",  # of an audiobook nothing can be played there; params: reason
        "speech_failed",  # the engine died and no rung of the ladder was left; params: reason
        "sample_unusable",  # a recording that no voice can be cloned from; params: reason, of SAMPLE_REASONS, and for too_short seconds, need_s
    }
)

SAMPLE_REASONS: Final = frozenset(
    {
        "missing",  # there is no such file
        "not_a_file",  # a folder, a pipe, a device
        "no_access",  # the system does not let us open it
        "not_readable",  # no recording, damaged, or it takes for ever
        "no_audio",  # a container without a sound track
        "protected",  # locked by DRM
        "past_end",  # the stretch that was asked for lies behind the end
        "silence",
        "no_speech",  # noise, a hum, a tone
        "music",
        "too_short",  # of speech, once it is cleaned
    }
)
"""Why a recording is no sample. The plugin has words for each: a test holds the two equal."""


class SidecarError(Exception):
    """A failure with a code of CODES; `params` fill the plugin's sentence."""

    def __init__(self, code: str, detail: str = "", **params: str | int | float) -> None:
        assert code in CODES, code
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.params = params


class Stopped(Exception):
    """The user asked to stop (or stdin reached its end)."""


def trace_of(error: BaseException) -> str:
    """What it is and where it was raised, without its words: a line for its class, then one for each of the last frames."""
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    return "\n".join([type(error).__name__, *(f"  at {PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)])
