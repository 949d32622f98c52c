"""What went wrong, as the plugin hands it on: a code, parameters for its sentence, a technical detail for the log.

    PluginError     a code of `sentences.ERRORS`
    Stopped         the user asked to stop; not an error

`detail` is for a log only as `log.detail_of` gives it, since others' words may quote a book; neither it nor a sentence holds the password of an address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .sentences import ERRORS, SAMPLE_REASONS, WARNINGS
from .wording import N_, device_name, filled, translate, without_passwords

OK: Final = 0
STOPPED: Final = 130

_LAYERS: Final[Mapping[str, str]] = {"core": N_("its basic part"), "neural": N_("its extra part, for graphics cards, cloned and Coqui voices")}
_DEVICES: Final = ("device", "next")
"""Parameters that are devices of the wire's."""


class PluginError(Exception):
    """A failure with a code of ERRORS; `params` fill the sentence, `detail` is for the log."""

    def __init__(self, code: str, detail: str = "", /, **params: str | int | float) -> None:
        if code not in ERRORS:
            code, detail = "internal", f"unknown error code {code!r}: {detail}"
        detail = without_passwords(detail)
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.params = params

    @property
    def exit(self) -> int:
        """Exit code of the command line."""
        return ERRORS[self.code].exit

    def sentence(self) -> str:
        """What the user reads on the command line, where devices and layers are named as they are typed."""
        entry = ERRORS[self.code]
        return f"{filled(entry.sentence, _reason_in_words(self.params))} {filled(entry.command, self.params)}"

    def what(self) -> str:
        """What happened, and what it means for this book, in a window."""
        return filled(ERRORS[self.code].sentence, _devices_named(_layer_named(_reason_in_words(self.params))), shown=True)

    def next_step(self) -> str:
        """What to do next, in Calibre."""
        return filled(ERRORS[self.code].window, self.params, shown=True)


class Stopped(Exception):
    """The user asked to stop; nothing was changed, and starting again goes on from there."""


def warning_sentence(code: str, params: Mapping[str, object]) -> str:
    """What the user reads for a warning; a code from a newer engine is shown as it is."""
    if code in WARNINGS:
        return filled(WARNINGS[code], _devices_named(params))
    return ", ".join([code, *(f"{name} {value}" for name, value in params.items())])


def _devices_named(params: Mapping[str, object]) -> dict[str, object]:
    return {name: device_name(value) if name in _DEVICES and isinstance(value, str) else value for name, value in params.items()}


def _layer_named(params: Mapping[str, object]) -> dict[str, object]:
    return {name: translate(_LAYERS[value]) if name == "layer" and isinstance(value, str) and value in _LAYERS else value for name, value in params.items()}


def _reason_in_words(params: Mapping[str, object]) -> Mapping[str, object]:
    """A reason that is a code of `sample_unusable` becomes its words."""
    words = SAMPLE_REASONS.get(str(params.get("reason")))
    return params if words is None else {**params, "reason": filled(words, params)}
