"""What of the inherited environment a process of ours sees, by table."""

from __future__ import annotations

import pytest

from plugin.environ import clean

DROPPED = [
    ("linux", "CALIBRE_WORKER"),
    ("linux", "CALIBRE_CONFIG_DIRECTORY"),
    ("linux", "ORIGWD"),
    ("linux", "QT_QPA_PLATFORM"),
    ("linux", "QTWEBENGINE_DISABLE_SANDBOX"),
    ("linux", "PYTHONPATH"),
    ("linux", "PYTHONHOME"),
    ("linux", "VIRTUAL_ENV"),
    ("linux", "CONDA_PREFIX"),
    ("darwin", "__PYVENV_LAUNCHER__"),
    ("darwin", "FONTCONFIG_PATH"),
    ("darwin", "SSL_CERT_FILE"),
    ("win32", "SSL_CERT_DIR"),
    ("win32", "PythonPath"),
    ("linux", "OPENSSL_MODULES"),
    ("linux", "OPENSSL_ENGINES"),
]
KEPT = [
    ("linux", "PATH"),
    ("linux", "HOME"),
    ("linux", "LANG"),
    ("linux", "SSL_CERT_FILE"),
    ("linux", "FONTCONFIG_PATH"),
    ("linux", "HTTPS_PROXY"),
    ("linux", "no_proxy"),
    ("linux", "PIP_FIND_LINKS"),
    ("linux", "PIP_CONFIG_FILE"),
    ("linux", "UV_INDEX_URL"),
    ("linux", "PYTHONSAFEPATH"),
    ("linux", "CUDA_VISIBLE_DEVICES"),
    ("linux", "E2A_ENGINE_DIR"),
    ("linux", "E2A_CACHE_DIR"),
    ("linux", "XDG_CACHE_HOME"),
    ("win32", "SystemRoot"),
    ("win32", "LOCALAPPDATA"),
]
LIBRARY_PATHS = [
    ("/opt/calibre/lib", "/opt/calibre", None),
    ("/opt/calibre/lib:/usr/lib/nvidia", "/opt/calibre", "/usr/lib/nvidia"),
    ("/opt/calibre-mine/lib", "/opt/calibre", "/opt/calibre-mine/lib"),
    ("/usr/lib/nvidia", None, "/usr/lib/nvidia"),
    ("", None, None),
]


@pytest.mark.parametrize(("platform", "name"), DROPPED)
def test_dropped(platform: str, name: str) -> None:
    assert clean({name: "x", "A": "b"}, platform) == {"A": "b"}


@pytest.mark.parametrize(("platform", "name"), KEPT)
def test_kept(platform: str, name: str) -> None:
    assert clean({name: "x"}, platform) == {name: "x"}


@pytest.mark.parametrize(("given", "calibre", "left"), LIBRARY_PATHS)
def test_only_calibres_own_libraries_leave_the_library_path(given: str, calibre: str | None, left: str | None) -> None:
    assert clean({"LD_LIBRARY_PATH": given}, "linux", calibre).get("LD_LIBRARY_PATH") == left


def test_certificates_stay_where_the_user_told_calibre_to_use_the_systems() -> None:
    env = {"SSL_CERT_FILE": "x", "CALIBRE_USE_SYSTEM_CERTIFICATES": "1"}
    assert clean(env, "darwin") == {"SSL_CERT_FILE": "x"}


def test_the_given_mapping_is_left_alone() -> None:
    env = {"QT_X": "1"}
    clean(env, "linux")
    assert env == {"QT_X": "1"}
