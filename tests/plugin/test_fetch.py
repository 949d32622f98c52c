"""One file from a server: that it is the one that was promised or not there at all, however the server behaves."""

from __future__ import annotations

import gzip
import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request

import pytest
from file_server import Asked, Server, server, serving

from plugin import fetch as fetching
from plugin.commands import Stop, never
from plugin.errors import Stopped
from plugin.fetch import Expected, FetchError, Opener, fetch, reachable

__all__ = ["server"]
DATA = bytes(range(256)) * 4000
OTHER = DATA[::-1]
LOGIN = b"<html>log in first</html>"


def expected(data: bytes = DATA) -> Expected:
    return Expected(len(data), hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest())


class Getting:
    """Fetches `file` from a server into a folder."""

    def __init__(self, server: Server, folder: Path) -> None:
        server.files["file"] = DATA
        self.server, self.target, self.partial = server, folder / "there" / "file", folder / "file.part"
        self.told: list[int] = []

    def begun(self, data: bytes) -> Getting:
        self.partial.write_bytes(data)
        return self

    def __call__(self, wanted: Expected | None = None, stopped: Stop = never) -> bytes:
        wanted = wanted or expected()
        sha256 = fetch(self.server.url + "file", self.target, wanted, Opener(), stopped, self.told.append, self.partial)
        data = self.target.read_bytes()
        assert sha256 == hashlib.sha256(data).hexdigest() and not self.partial.exists()
        return data

    def fails(self, words: str) -> None:
        with pytest.raises(FetchError, match=words):
            self()
        assert not self.target.exists()


@pytest.fixture
def getting(server: Server, tmp_path: Path) -> Getting:
    return Getting(server, tmp_path)


def test_a_file_comes_whole_and_its_bytes_are_counted(getting: Getting) -> None:
    assert getting() == DATA
    assert getting.told[-1] == len(DATA) and getting.told == sorted(getting.told)


@pytest.mark.parametrize("wanted", [Expected(len(DATA), md5=expected().md5), Expected(len(DATA), sha256=expected().sha256)])
def test_one_hash_is_enough(getting: Getting, wanted: Expected) -> None:
    assert getting(wanted) == DATA


def test_what_came_before_is_gone_on_with(getting: Getting) -> None:
    assert getting.begun(DATA[:500_000])() == DATA
    assert getting.server.asked == [("file", 500_000)]


def test_what_came_whole_before_is_not_fetched_again(getting: Getting) -> None:
    assert getting.begun(DATA)() == DATA and not getting.server.asked


def cut(asked: Asked) -> None:
    asked.send_until(600_000)


def nameless_length(asked: Asked) -> None:
    asked.send(200, asked.data, Content_Length="")


def in_chunks(asked: Asked) -> None:
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (asked.data[:1000], asked.data[1000:])) + b"0\r\n\r\n"
    asked.send(200, body, Content_Length="", Transfer_Encoding="chunked")


def no_ranges(asked: Asked) -> None:
    asked.send(200, asked.data)


def range_of_elsewhere(asked: Asked) -> None:
    if asked.start is None:
        asked.send_well()
    else:
        asked.send(206, asked.data[asked.start :], Content_Range=f"bytes 0-{len(asked.data) - asked.start - 1}/{len(asked.data)}")


def range_untold(asked: Asked) -> None:
    asked.send(200 if asked.start is None else 206, asked.data[asked.start or 0 :])


def range_refused(asked: Asked) -> None:
    if asked.start is None:
        asked.send_well()
    else:
        asked.send(416, b"")


@pytest.mark.parametrize("manner", [nameless_length, in_chunks, no_ranges, range_of_elsewhere, range_untold, range_refused])
@pytest.mark.parametrize("begun", [0, 500_000])
def test_a_server_that_knows_no_ranges_or_lengths_or_answers_them_wrongly_still_gives_the_file(
    getting: Getting, manner: Callable[[Asked], None], begun: int
) -> None:
    getting.server.manner = manner
    assert getting.begun(DATA[:begun])() == DATA


@pytest.mark.parametrize("left", [OTHER[:500_000], OTHER, DATA + b"more"], ids=["a part", "as long", "longer"])
def test_what_is_left_of_another_file_costs_only_time(getting: Getting, left: bytes) -> None:
    """As when the file at the address was changed between two tries."""
    assert getting.begun(left)() == DATA


def test_a_cut_connection_loses_nothing_of_what_came(getting: Getting) -> None:
    getting.server.manner = cut
    getting.fails("cut after 0.6 of 1.0 MB")
    assert getting.partial.stat().st_size == 600_000
    getting.server.manner = Asked.send_well
    assert getting() == DATA and getting.server.asked[-1] == ("file", 600_000)


def test_a_line_that_dies_in_a_chunk_is_cut(getting: Getting) -> None:
    getting.server.manner = lambda asked: asked.send(200, b"fffff\r\n" + asked.data[:600_000], Content_Length="", Transfer_Encoding="chunked")
    getting.fails("cut")


def then_silence(end: int) -> Callable[[Asked], None]:
    def manner(asked: Asked) -> None:
        asked.send_until(end)
        asked.released.wait(60)

    return manner


def test_a_silent_server_is_left_with_what_came_and_gone_on_with_later(getting: Getting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "STALL_S", 0.5)
    getting.server.manner = then_silence(600_000)
    getting.fails("nothing came for")
    assert getting.partial.stat().st_size == 600_000
    getting.server.manner = Asked.send_well
    assert getting() == DATA and getting.server.asked[-1] == ("file", 600_000)


def byte_by_byte(asked: Asked) -> None:
    asked.send_until(100_000)
    with suppress(OSError):
        for byte in range(100_000, len(asked.data)):
            if asked.released.wait(0.01):
                return
            asked.handler.wfile.write(asked.data[byte : byte + 1])
            asked.handler.wfile.flush()


def test_a_server_that_sends_byte_after_byte_is_left_with_what_came(getting: Getting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "CRAWL_S", 0.5)
    getting.server.manner = byte_by_byte
    getting.fails("too slow")
    assert 100_000 < getting.partial.stat().st_size < 110_000
    getting.server.manner = Asked.send_well
    assert getting() == DATA and getting.server.asked[-1][1] is not None, "goes on from there"


def nothing(asked: Asked) -> None:
    asked.released.wait(60)


def test_a_server_that_never_answers_is_left(getting: Getting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "CONNECT_S", 0.5)
    getting.server.manner = nothing
    getting.fails("nothing came for")


@pytest.mark.parametrize("manner", [then_silence(0), then_silence(600_000), nothing], ids=["head", "part", "nothing"])
def test_stop_is_at_once_even_while_nothing_comes(getting: Getting, manner: Callable[[Asked], None]) -> None:
    getting.server.manner = manner
    asked_at: list[float] = []

    def stop() -> bool:
        if getting.server.asked and (manner is nothing or getting.partial.exists()):
            asked_at.append(time.monotonic())
        return bool(asked_at)

    with pytest.raises(Stopped):
        getting(stopped=stop)
    assert time.monotonic() - asked_at[0] < 5  # and not the 8 or 20 seconds of patience


LIES: list[tuple[str, Callable[[Asked], None], str]] = [
    ("another file", lambda asked: asked.send(200, OTHER), "not the file"),
    ("a shorter one", lambda asked: asked.send(200, DATA[:-1]), "its size differs"),
    ("a longer one", lambda asked: asked.send(200, DATA + b"x"), "its size differs"),
    ("nothing", lambda asked: asked.send(200, b""), "its size differs"),
    ("a longer one, length untold", lambda asked: asked.send(200, DATA + b"x", Content_Length=""), "its size differs"),
    ("a page", lambda asked: asked.send(200, LOGIN, Content_Type="text/html; charset=utf-8"), "perhaps one to log in at"),
    ("a page, length untold", lambda asked: asked.send(200, LOGIN, Content_Type="text/html", Content_Length=""), "perhaps one to log in at"),
    ("a page as long", lambda asked: asked.send(200, LOGIN.ljust(len(DATA)), Content_Type="text/html"), "perhaps one to log in at"),
    ("compressed", lambda asked: asked.send(200, gzip.compress(DATA), Content_Encoding="gzip"), "in another form"),
    ("nobody there", lambda asked: asked.send(404, b""), "answered 404"),
    ("who are you", lambda asked: asked.send(407, b""), "proxy asks for a name"),
    ("broken", lambda asked: asked.send(500, b""), "server answered 500"),
    ("too busy", lambda asked: asked.send(503, b"", Retry_After="120"), "too busy now .it answered 503.; try again"),
    ("asked too often", lambda asked: asked.send(429, b"", Retry_After="120"), "too busy now"),
    ("sent to what is no address", lambda asked: asked.send(302, b"", Location="https://[::1/x"), "makes no sense"),
]


@pytest.mark.parametrize(("manner", "words"), [case[1:] for case in LIES], ids=[case[0] for case in LIES])
@pytest.mark.parametrize("begun", [0, 500_000])
def test_what_is_not_the_file_is_said_and_never_gets_its_name(getting: Getting, manner: Callable[[Asked], None], words: str, begun: int) -> None:
    getting.begun(DATA[:begun]).server.manner = manner
    getting.fails(words)
    getting.server.manner = Asked.send_well
    assert getting() == DATA, "and does not stand in the file's way"


def test_a_page_to_log_in_at_does_not_cost_what_came_before(getting: Getting) -> None:
    getting.begun(DATA[:500_000]).server.manner = lambda asked: asked.send(200, LOGIN, Content_Type="text/html")
    getting.fails("log in")
    getting.server.manner = Asked.send_well
    getting()
    assert getting.server.asked[-1] == ("file", 500_000)


def to(address: str) -> Callable[[Asked], None]:
    def manner(asked: Asked) -> None:
        if asked.path == "file":
            asked.send(302, b"", Location=address)
        else:
            asked.send_well()

    return manner


def test_a_redirection_at_the_same_host_is_followed_with_its_range(getting: Getting) -> None:
    getting.server.files["elsewhere"] = DATA
    getting.server.manner = to("/elsewhere")
    assert getting.begun(DATA[:500_000])() == DATA
    assert getting.server.asked == [("file", 500_000), ("elsewhere", 500_000)]


def test_a_redirection_away_is_followed_to_a_safe_place_only(getting: Getting) -> None:
    with serving() as other:
        other.files["file"] = DATA
        getting.server.manner = to(other.url + "file")
        getting.fails("not safe")
        assert not other.asked
    for address in ("file:///etc/hostname", "ftp://127.0.0.1/file", "data:text/plain,x"):
        getting.server.manner = to(address)
        getting.fails("not safe|answered 302")


def test_a_redirection_by_https_is_followed(getting: Getting) -> None:
    """To a port that knows no TLS: that it was tried is seen by how it failed."""
    with serving() as other:
        getting.server.manner = to(other.url.replace("http:", "https:") + "file")
        with pytest.raises(FetchError) as caught:
            getting()
    assert "not safe" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "followed"),
    [
        ("https://a/x", "https://b/y", True),
        ("http://a/x", "https://b/y", True),
        ("http://a/x", "http://a/y", True),
        ("https://a/x", "http://a/x", False),
        ("https://a/x", "http://b/y", False),
        ("http://a/x", "http://a:81/x", False),
        ("https://a/x", "ftp://a/x", False),
    ],
)
def test_where_a_redirection_may_lead(old: str, new: str, followed: bool) -> None:
    def lead() -> Request | None:
        return fetching._Redirections().redirect_request(Request(old, headers={"Range": "bytes=5-"}), BytesIO(), 302, "Found", {}, new)

    if followed:
        request = lead()
        assert request is not None and request.full_url == new and request.get_header("Range") == "bytes=5-"
    else:
        with pytest.raises(FetchError):
            lead()


def test_a_redirection_with_a_page_without_end_is_followed_and_the_page_is_not_read(getting: Getting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own handler reads all of it into memory first."""
    monkeypatch.setattr(fetching, "CONNECT_S", 2.0)
    getting.server.files["elsewhere"] = DATA
    sent = 0

    def manner(asked: Asked) -> None:
        nonlocal sent
        if asked.path == "elsewhere":
            asked.send_well()
            return
        asked.send(302, b"", Location="/elsewhere", Content_Length="")
        while sent < 1 << 28 and not asked.released.is_set():
            asked.handler.wfile.write(bytes(1 << 20))
            sent += 1 << 20

    getting.server.manner = manner
    assert getting() == DATA and sent < 1 << 26


def test_nobody_is_sent_in_a_circle_for_ever(getting: Getting) -> None:
    getting.server.manner = to("/file")
    getting.fails("answered 302")
    assert len(getting.server.asked) <= 1 + fetching.REDIRECTIONS


def test_a_disk_that_takes_nothing_is_a_reason(getting: Getting) -> None:
    getting.partial.mkdir()
    getting.fails("[Dd]irectory")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "certificate is not trusted"),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), "no safe connection"),
        (ssl.SSLError(1, "wrong version number"), "no safe connection"),
    ],
)
def test_what_is_wrong_with_a_safe_line_is_said_as_it_is(error: ssl.SSLError, words: str) -> None:
    """A proxy that speaks no TLS has no certificate that could be trusted."""
    assert words in fetching.plain(URLError(error)) and words in fetching.plain(error)


def test_reachable_says_no_where_nobody_is(server: Server) -> None:
    url = server.url
    assert not reachable(url + "nothing", Opener(), never) and not reachable("http://127.0.0.1:9/", Opener(), never)
    server.files["there"] = DATA
    assert reachable(url + "there", Opener(), never)


@pytest.fixture
def dripping(server: Server) -> Iterator[str]:
    """The address of a server that begins an answer and sends a letter of it now and then."""
    ended = threading.Event()

    def drip(listening: socket.socket) -> None:
        with suppress(OSError):
            line, _ = listening.accept()
            with line:
                line.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not ended.wait(0.05):
                    line.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/torch/"
        ended.set()
        thread.join()


def test_an_index_that_never_ends_its_answer_is_not_reachable(dripping: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "CONNECT_S", 0.5)
    assert not reachable(dripping, Opener(), never)


def test_who_asks_whether_an_index_is_there_may_stop(dripping: str) -> None:
    with pytest.raises(Stopped):
        reachable(dripping, Opener(), lambda: True)
