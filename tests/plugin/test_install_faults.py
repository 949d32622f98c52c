"""What uv and pip say when they fail (recorded from uv 0.13 and pip 23, against servers that refuse, cut, stall and lie), in a user's words."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from plugin.engine.install_faults import STEPS, failed, unwritable, why
from plugin.engine.pythons import find_python
from plugin.errors import PluginError

UV = "error: Request failed after 3 retries in 9.8s\n  cause: Failed to fetch: https://me:secret@index.example/simple/mutagen/\n  cause: error sending request for url (https://me:secret@index.example/simple/mutagen/)\n  cause: client error (Connect)\n"  # noqa: E501
PIP_END = "ERROR: Could not find a version that satisfies the requirement mutagen==1.48.1 (from versions: none)\nERROR: No matching distribution found for mutagen==1.48.1"  # noqa: E501
RETRY = "WARNING: Retrying (Retry(total=0, connect=None, read=None)) after connection broken by "

SAID = [
    (UV + "  cause: tunnel error: proxy authorization required", "proxy refused (407)"),
    (
        RETRY + "'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))': /simple/\n" + PIP_END,
        "proxy refused (407)",
    ),
    (UV + "  cause: tunnel error: unsuccessful", "the proxy does not let it through"),
    (UV + "  cause: tunnel error: failed to create underlying connection\n  cause: tcp connect error\n  cause: Connection refused (os error 111)", "the proxy"),
    (RETRY + "'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 403 Forbidden'))': /simple/mutagen/\n" + PIP_END, "the proxy"),
    (UV + "  cause: dns error\n  cause: failed to lookup address information: Name or service not known", "no connection"),
    (
        RETRY + "'NewConnectionError('<HTTPSConnection>: Failed to establish a new connection: [Errno -2] Name or service not known')': /s\n" + PIP_END,
        "no connection",
    ),
    (UV + "  cause: tcp connect error\n  cause: Connection refused (os error 111)", "no connection"),
    (UV + "  cause: operation timed out", "not answer in time"),
    (RETRY + "'ReadTimeoutError(\"HTTPConnectionPool(host='127.0.0.1'): Read timed out. (read timeout=3.0)\")': /f/x.whl", "not answer in time"),
    ("  cause: HTTP status server error (503 Service Unavailable) for url (http://127.0.0.1/simple/mutagen/)", "answered 503"),
    (
        "error: No solution found when resolving dependencies\n  cause: Because mutagen was not found in the package registry and you require mutagen==1.48.1\n"
        "hint: An index (http://127.0.0.1/simple) returned a 403 Forbidden error. Check that the index URL is correct.",
        "refused (403)",
    ),
    (PIP_END, "nothing of mutagen==1.48.1"),
    (
        "error: No solution found when resolving dependencies\n  cause: Because mutagen was not found in the package registry and you require mutagen==1.48.1",
        "mutagen==1",
    ),
    (
        "error: Failed to download `mutagen==1.48.1`\n  cause: error reading a body from connection\n  cause: end of file before message length reached",
        "was cut",
    ),
    ("error: Failed to download `mutagen==1.48.1`\n  cause: Failed to extract archive\n  cause: Invalid zip file structure", "what came is damaged"),
    (
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated\n    mutagen==1.48.1\n  Got        1ec8",
        "its hash differs",
    ),
    ("  cause: Hash mismatch for `mutagen==1.48.1`\n\nExpected:\n  sha256:4f", "its hash differs"),
    (UV + "  cause: invalid peer certificate: UnknownIssuer", "certificate is not trusted"),
    ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
    ("  cause: failed to write to file `/x/av.so`: No space left on device (os error 28)", "disk is full"),
    ("ERROR: Could not install packages due to an OSError: [WinError 5] Access is denied: 'C:\\\\x'", "does not let Calibre write"),
    ("  cause: Permission denied (os error 13)", "does not let Calibre write"),
    ("ERROR: [WinError 225] Operation did not complete successfully because the file contains a virus", "virus scanner"),
    ("error: something new at https://me:secret@b.example/simple", "something new at an address"),
    ("", "ended with code 2"),
]


@pytest.mark.parametrize(("lines", "words"), SAID)
def test_the_reason_is_a_sentence_that_says_what_to_look_at(lines: str, words: str) -> None:
    reason = why(lines.splitlines(), 2)
    assert words in reason and "secret" not in reason and "://" not in reason and reason[0].islower()


def test_of_a_line_without_end_the_beginning_is_looked_at() -> None:
    begin = "ERROR: No matching distribution found (from versions: "
    assert why([begin + "1.0+a." + "a." * 500_000 + "==1.0 no space left"], 1).startswith("the package index offers nothing of what is needed")


def test_the_steps_are_named_in_words_and_the_raw_lines_are_kept() -> None:
    for step in STEPS:
        error = failed(step, "why", "the last output")
        assert (error.code, error.detail) == ("engine_install_failed", "the last output") and "why" in error.what() and "“" in error.what()


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "does not let Calibre write"), (errno.EIO, "error")])
def test_what_the_system_says_of_a_folder(number: int, words: str) -> None:
    error = unwritable(OSError(number, "Input/output error"), Path("/engine/layers"))
    assert words in error.what() and "/engine/layers" in error.what()


@pytest.mark.parametrize(
    ("platform", "words"), [("win32", "python.org (64 bits"), ("darwin", "macOS installer"), ("linux", "package manager"), ("freebsd14", "package")]
)
def test_without_a_python_the_sentence_says_where_one_comes_from(monkeypatch: pytest.MonkeyPatch, platform: str, words: str) -> None:
    monkeypatch.setattr("plugin.engine.pythons.candidates", lambda env: iter(()))
    monkeypatch.setattr("plugin.engine.pythons.sys.platform", platform)
    with pytest.raises(PluginError) as caught:
        find_python({"PATH": ""})
    assert words in caught.value.what() and "3.11 to 3.14" in caught.value.what() and caught.value.next_step().startswith("Try again")
