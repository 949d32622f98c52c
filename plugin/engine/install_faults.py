"""Why an installation failed, in a user's words: what uv and pip say is for those who write programs.

The raw lines stay in the error's detail. Addresses are never shown, since they may hold a password.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from ..errors import PluginError
from ..wording import N_, translate

STEPS: Final[Mapping[str, str]] = {
    "Python": N_("looking for Python"),
    "installer": N_("getting the program that installs the rest"),
    "free space": N_("free space"),
    "environment": N_("making a place for it"),
    "packages": N_("downloading its packages"),
    "torch": N_("downloading PyTorch"),
    "torchaudio": N_("downloading what PyTorch needs for sound"),
    "torchcodec": N_("downloading what PyTorch needs to read sound"),
    "students": N_("downloading the voice Heart"),
    "engine": N_("putting in the plugin's own part"),
    "check": N_("speaking a word"),
    "writing": N_("writing to the disk"),
}
"""The steps' names -> as they are shown."""

DISK_FULL: Final = N_("the disk is full: free some space")
NO_RIGHT: Final = N_("this computer does not let Calibre write there: look at the folder's rights, or at what a virus scanner holds back")
NO_DRIVE: Final = N_(
    "the folder {folder} is not there now: if it is on a drive of its own, connect it; "
    "else choose another one in Preferences of Convert to audiobook, “Engine”"
)
_KNOWN: Final = (
    (r"no space left|not enough space|disk (is )?full|quota exceeded|os error (28|112)\b|\[(errno 28|winerror 112)\]", DISK_FULL),
    (r"winerror 225|operation did not complete .*virus", N_("a virus scanner has removed a file: allow it there, then try again")),
    (r"permission denied|access is denied|read-only file system|operation not permitted|os error (5|13|30)\b|\[(errno (13|30)|winerror 5)\]", NO_RIGHT),
    (r"\b407\b|proxy auth", N_("the proxy refused (407): it wants a name and a password; set them in pip's settings, or ask who looks after your network")),
    (
        r"proxyerror|cannot connect to proxy|tunnel connection failed|tunnel error",
        N_("the proxy does not let it through: look at the proxy in your system's or pip's settings"),
    ),
    (
        r"certificate|unknownissuer|tls handshake|sslerror|ssl:",
        N_("a server's certificate is not trusted here; in a company's network, pip's setting “cert” may have to name the company's own"),
    ),
    (
        r"hash mismatch|do not match the hashes|mismatched hash|hashes? .*(differ|mismatch)",
        N_("a file that came is not the one that was expected (its hash differs), so it was not used"),
    ),
    (
        r"bad ?zip|invalid (wheel|zip|archive)|unexpected eof|end of file|incompleteread|incomplete message|connection (was )?(reset|aborted|closed)",
        N_("the connection was cut, or what came is damaged"),
    ),
    (r"timed? ?out|timeout", N_("{server} does not answer in time: look at the network connection")),
    (
        r"dns error|name resolution|name or service not known|getaddrinfo|nodename nor servname|failed to (lookup|resolve)|no route to host"
        r"|network is unreachable|connection refused|newconnectionerror|tcp connect error|error sending request|os error (101|111|113)\b",
        N_("there is no connection to {server}: look at the network connection"),
    ),
)
"""(what an installer says, why in a user's words); the first that is found in any line, and the order is that of what caused what."""
_NOTHING_FITS: Final = re.compile(
    r"no solution|no matching distribution|no wheels? with a matching|has no wheels|not found in the (package registry|provided)", re.IGNORECASE
)
_STATUS: Final = re.compile(r"(?:status code|http|client error|server error|returned an?)\b\D{0,20}\b([45]\d\d)\b", re.IGNORECASE)
_PACKAGE: Final = re.compile(r"\b([a-z0-9][a-z0-9._-]*==[0-9][\w.]*)", re.IGNORECASE)
MOST: Final = 200
_LOOKED_AT: Final = 1000
"""Characters of a line: an index may put what it likes into one, a megabyte too, and to look for words in that takes hours."""


def failed(step: str, reason: str, detail: str = "") -> PluginError:
    """The error of an installation. step: of STEPS. reason: translated. detail: the last output."""
    return PluginError("engine_install_failed", detail, step=translate(STEPS[step]), reason=reason)


def no_space(step: str, need_mb: int, free_mb: int, folder: Path) -> PluginError:
    """Said before it is tried."""
    reason = translate(N_("{need} MB of free space are needed, {free} MB are free at {folder}"))
    return failed(step, reason.format(need=need_mb, free=free_mb, folder=folder))


def unwritable(error: OSError, folder: Path) -> PluginError:
    """Of what the system says about a folder of ours."""
    reason = {errno.ENOSPC: DISK_FULL, errno.EDQUOT: DISK_FULL, errno.EACCES: NO_RIGHT, errno.EPERM: NO_RIGHT, errno.EROFS: NO_RIGHT}.get(error.errno or 0)
    text = translate(reason) if reason else str(error.strerror or error)
    return failed("writing", translate(N_("{reason} ({folder})")).format(reason=text, folder=folder), repr(error))


def why(lines: Iterable[str], code: int, server: str = "") -> str:
    """What an installer's output means, by the line that says most. server: from which it fetches, translated; default the package index."""
    said = [line[:_LOOKED_AT] for line in lines]
    with_packages = translate(N_("the server with the engine's packages (the package index)"))
    index = server or translate(N_("the package index"))
    for pattern, reason in _KNOWN:
        if any(re.search(pattern, line, re.IGNORECASE) for line in said):
            return translate(reason).format(server=server or with_packages)
    for line in said:
        status = _STATUS.search(line)
        if status is not None:
            refused = N_("{index} refused ({code}): it may want a name and a password, or be blocked in this network")
            busy = N_("{index} answered {code}: try again later")
            return translate(refused if status[1] in ("401", "403") else busy).format(index=index, code=status[1])
    if any(_NOTHING_FITS.search(line) for line in said):
        package = next((found[1] for line in said if (found := _PACKAGE.search(line))), "") or translate(N_("what is needed"))
        return translate(
            N_("the package index offers nothing of {package} for this computer: it may be blocked in this network, or lack it for this Python")
        ).format(package=package)
    for line in reversed(said):
        if re.search(r"^\W*error", line, re.IGNORECASE):
            return re.sub(r"\w+://\S+", translate(N_("an address")), line.strip().removeprefix("ERROR: ").removeprefix("error: "))[:MOST]
    return translate(N_("the installer ended with code {code}")).format(code=code)
