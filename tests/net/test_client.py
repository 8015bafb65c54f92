"""HTTP under fault: what is refused, what is tried again, what is bounded, what is never shown."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import itertools
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx2
import pytest
import stamina

from chainwatch.errors import InputError, NetworkRefused, NoAnswer, SourceError
from chainwatch.ingest.rows.evidence import answers_frame
from chainwatch.ledger import schema
from chainwatch.net import response
from chainwatch.net.client import Client
from chainwatch.net.policy import use_network
from chainwatch.net.rate_limit import checked_rate
from chainwatch.net.response import wait_asked

KEY, PASSWORD = "k3yTh4tNobodyMaySee", "pass word/that&nobody+may?see"
Handler = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture(autouse=True)
def log(tmp_path: Path) -> Iterator[Path]:
    """Retries do not wait here, and what is asked is logged in the test's own folder."""
    path = tmp_path / "asked.jsonl"
    with use_network(log_file=path), stamina.set_testing(True, attempts=5, cap=True):
        yield path


def client(answer: Handler | httpx2.Response | list[Any], **how: Any) -> Client:
    if isinstance(answer, list):
        turns = iter(answer)

        def handle(request: httpx2.Request) -> httpx2.Response:
            made = next(turns)
            if isinstance(made, Exception):
                raise made
            return made
    else:
        handle = answer if callable(answer) else lambda request: answer  # type: ignore[assignment]
    how = {"source": "esplora", "per_second": 1e9} | how
    return Client("https://explorer.example/api", transport=httpx2.MockTransport(handle), **how)


def reply(text: str | bytes, status: int = 200, **headers: str) -> httpx2.Response:
    body = text.encode() if isinstance(text, str) else text
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, content=body, headers=named)


def test_an_answer_and_its_row(log: Path) -> None:
    before = datetime.now(UTC)
    answer = client(reply('{"a": 1.10}')).get("/tx", {"q": "x y"})
    assert (answer.value, answer.host) == ({"a": Decimal("1.10")}, "explorer.example")
    assert answer.request == "GET /api/tx?q=x+y"
    assert before <= answer.time <= datetime.now(UTC)
    frame = answers_frame([answer.row("esplora"), answer.row("esplora", keep=True)])
    assert schema.ANSWERS.conform(frame)["body"].to_list() == [None, b'{"a": 1.10}']
    line = json.loads(log.read_text())
    assert (line["asked"], line["host"], line["port"]) == (answer.request, answer.host, 443)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.1", Decimal("0.1")), ("1e2", Decimal("100")), ("21000000.00000001",
     Decimal("21000000.00000001")), (str(2**70), 2**70), ("-0", 0)],
)  # fmt: skip
def test_numbers_are_exact(text: str, value: object) -> None:
    found = client(reply(text)).get("/").value
    assert found == value
    assert not isinstance(found, float)


@pytest.mark.parametrize(
    "body",
    ['{"a": 1', "NaN", "Infinity", "", "<html>busy</html>", "[1] 2", '"\\ud800', b'"\xff"',
     "[" * 100_000, "1" * 5_000, "1e-99999999999999999999"],
)  # fmt: skip
def test_what_is_no_json(body: str | bytes) -> None:
    calls = itertools.count()
    with pytest.raises(SourceError, match="no JSON"):
        client(lambda _: next(calls) or reply(body)).get("/")
    assert next(calls) == 1


def test_what_is_no_text() -> None:
    with pytest.raises(SourceError, match="no text"):
        client(reply(b"\xff\xfe")).get("/", expect="text")
    assert client(reply(b"\xff\xfe")).get("/", expect="bytes").value == b"\xff\xfe"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418])
def test_4xx_is_final(status: int) -> None:
    calls = itertools.count()
    with pytest.raises(SourceError, match=rf"answers {status} and says 'no\\n'|'no'") as caught:
        client(lambda _: (next(calls), reply("no", status))[1]).get("/tx")
    assert (next(calls), caught.value.status) == (1, status)
    assert not isinstance(caught.value, NoAnswer)


def test_a_status_can_be_an_answer() -> None:
    assert client(reply("null", 404)).get("/", accept=(404,)).status == 404


FAULTS = [
    httpx2.ConnectTimeout("slow"), httpx2.ReadTimeout("slow"), httpx2.ConnectError("refused"),
    httpx2.ReadError("reset"), httpx2.RemoteProtocolError("cut off"), reply("busy", 500),
    reply("busy", 502), reply("busy", 503, retry_after="0"), reply("busy", 504),
    reply("slow down", 429), reply("slow down", 429, retry_after="nonsense"), reply("", 522),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_is_tried_again(fault: Any, log: Path) -> None:
    assert client([fault, fault, reply("7")]).get("/").value == 7
    assert len(log.read_text().splitlines()) == 3


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_that_stays_is_no_answer(fault: Any) -> None:
    with pytest.raises(NoAnswer, match=r"explorer\.example, GET /api/tx") as caught:
        client([fault] * 5, attempts=5).get("/tx")
    assert type(caught.value) is NoAnswer


def test_retry_after_is_waited_for() -> None:
    stamina.set_testing(False)
    begun = time.monotonic()
    assert client([reply("", 429, retry_after="1"), reply("1")]).get("/").value == 1
    assert 1 <= time.monotonic() - begun < 5


def test_a_long_retry_after_is_a_refusal() -> None:
    calls = itertools.count()
    slow = reply("", 429, retry_after="86400")
    with pytest.raises(SourceError, match="asks to wait 86,400 seconds") as caught:
        client(lambda _: (next(calls), slow)[1]).get("/")
    assert (next(calls), caught.value.status) == (1, 429)


def test_retry_after_as_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 < (wait_asked(httpx2.Headers({"retry-after": soon})) or 0) <= 30
    past = {"retry-after": "Sat, 03 Jan 2009 18:15:05 GMT"}
    assert wait_asked(httpx2.Headers(past)) == 0
    for odd in ("", "-5", "1.5", "9" * 400, "٣"):
        assert wait_asked(httpx2.Headers({"retry-after": odd.encode()})) is None


class Endless(httpx2.SyncByteStream):
    """Two gigabytes, piece by piece; counts what was taken."""

    def __init__(self) -> None:
        self.taken = 0
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(2 << 10):
            self.taken += 1 << 20
            yield bytes(1 << 20)

    def close(self) -> None:
        self.closed = True


def test_a_body_that_is_too_long_is_cut_off() -> None:
    body = Endless()
    with pytest.raises(SourceError, match="longer than 3,000,000 bytes"):
        client(httpx2.Response(200, stream=body), max_bytes=3_000_000).get("/")
    assert body.taken <= 4 << 20
    assert body.closed


def test_a_length_that_is_too_long_is_not_even_begun() -> None:
    body = Endless()
    told = httpx2.Response(200, stream=body, headers={"content-length": str(2 << 30)})
    with pytest.raises(SourceError, match="longer than"):
        client(told).get("/")
    assert body.taken == 0


def test_a_body_that_drips_is_cut_off() -> None:
    class Drip(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                time.sleep(0.05)
                yield b" "

    with pytest.raises(SourceError, match="takes longer than"):
        client(httpx2.Response(200, stream=Drip()), timeout=0.02).get("/")


def test_a_bomb_is_cut_off() -> None:
    import gzip

    bomb = httpx2.Response(200, stream=httpx2.ByteStream(gzip.compress(bytes(20 << 20))),
                           headers={"content-encoding": "gzip"})  # fmt: skip
    with pytest.raises(SourceError, match="longer than"):
        client(bomb, max_bytes=1 << 20).get("/")
    broken = httpx2.Response(200, stream=httpx2.ByteStream(b"nonsense"),
                             headers={"content-encoding": "gzip"})  # fmt: skip
    with pytest.raises(SourceError, match="cannot be decoded"):
        client(broken).get("/")


def moved(place: str, status: int = 302) -> httpx2.Response:
    return httpx2.Response(status, headers={"location": place})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_refused(status: int) -> None:
    calls = itertools.count()
    with pytest.raises(NetworkRefused, match=r"sends us on to https://other\.example/x, which was"):
        client(lambda _: (next(calls), moved("https://other.example/x?q", status))[1]).get("/")
    assert next(calls) == 1


@pytest.mark.parametrize(
    "place",
    ["https://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "https://[::1]:8332/",
     "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/"],
)  # fmt: skip
def test_redirects_to_private_addresses_are_refused(place: str, log: Path) -> None:
    asked: list[str] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return moved(place)

    with pytest.raises(NetworkRefused, match="sends us on"):
        client(handle).get("/")
    with pytest.raises(NetworkRefused, match="sends us on"):
        client(handle).post("/", {})
    assert asked == ["https://explorer.example/api/"] * 2
    assert len(log.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "place",
    ["", "//", "http://[::1", "http://a:999999/", "http://a:b/", "http://xn--/", "http://./",
     "\x00", "javascript:alert(1)", "https:///x", "http://\u4e2d.example/", "a" * 50_000],
)  # fmt: skip
def test_an_odd_redirect_is_refused_too(place: str) -> None:
    odd = httpx2.Response(302, headers=[(b"location", place.encode())])
    for made in (odd, httpx2.Response(302)):
        with pytest.raises(NetworkRefused, match="sends us on to"):
            client(made).get("/")


def test_no_cookie_is_kept() -> None:
    seen: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return reply("1", set_cookie="id=7; Path=/")

    made = client(handle)
    made.get("/")
    made.get("/")
    assert [request.headers.get("cookie") for request in seen] == [None, None]


def test_the_login_is_read_before_anything_is_said_to_be_asked(log: Path) -> None:
    def missing() -> tuple[str, str]:
        raise SourceError("the cookie file cannot be read")

    with pytest.raises(SourceError, match="cookie file"):
        client(reply("1"), auth=missing).get("/")
    assert not log.exists()


def test_keys_appear_nowhere(log: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not in the repr, the request, the answer's row, an error, a log, or a traceback."""
    caplog.set_level(logging.DEBUG)
    seen: list[httpx2.Request] = []
    echo = f"you sent {KEY} and {PASSWORD}"

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        if len(seen) < 3:
            raise httpx2.ReadError(f"reset at {request.url}")
        return reply(echo, 403) if len(seen) > 3 else reply("1")

    made = Client(
        f"https://user:{'pw-of-url-1234'}@explorer.example/v2/{KEY}/x", source="explorer",
        headers={"authorization-key": KEY}, auth=("user", PASSWORD),
        transport=httpx2.MockTransport(handle), per_second=1e9,
    )  # fmt: skip
    answer = made.get("/tx", {"page": 1})
    with pytest.raises(SourceError) as caught:
        made.get("/tx")
    assert seen[0].headers["authorization-key"] == KEY
    shown = [repr(made), answer.request, str(answer.row("x")), str(caught.value),
             repr(caught.value), log.read_text(), caplog.text]  # fmt: skip
    for text in shown:
        for secret in (KEY, PASSWORD, "pw-of-url-1234"):
            assert secret not in text
    assert "/v2/‹key›/‹key›/tx?page=1" in answer.request
    assert "HTTP Request: GET https://explorer.example/v2/" in caplog.text  # httpx2's own log
    assert str(seen[0].url) == f"https://explorer.example/v2/{KEY}/x/tx?page=1"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


TOKEN = "s3cr3t/key+12345"  # noqa: S105
BASIC = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()


@pytest.mark.parametrize(
    ("how", "echoed"),
    [
        ({"headers": {"Authorization": f"Bearer {TOKEN}"}}, TOKEN),
        ({"headers": {"Authorization": f"Bearer {TOKEN}"}}, TOKEN.upper()),
        ({"headers": {"Authorization": f"Bearer {TOKEN}"}}, quote(TOKEN)),
        ({"headers": {"Authorization": f"Bearer {TOKEN}"}}, quote_plus(TOKEN).lower()),
        ({"headers": {"Authorization": f"Bearer {TOKEN}"}}, TOKEN.replace("/", "\\/")),
        ({"headers": {"Cookie": f"lang=en; session={TOKEN}"}}, TOKEN),
        ({"headers": {"Authorization": f"Basic {BASIC}"}}, PASSWORD),
        ({"auth": ("alice", PASSWORD)}, BASIC),
        ({"auth": ("alice", PASSWORD)}, PASSWORD),
        ({"auth": ("alice", PASSWORD)}, quote(PASSWORD)),
        ({"auth": ("alice", PASSWORD)}, quote_plus(PASSWORD)),
        ({"auth": ("alice", PASSWORD)}, html.escape(PASSWORD)),
        ({"auth": lambda: ("alice", PASSWORD)}, BASIC),
        ({"auth": ("alice", "1234")}, "1234"),
    ],
)  # fmt: skip
def test_no_form_of_a_key_is_shown_or_kept(how: dict[str, Any], echoed: str) -> None:
    """In a refusal, in what is no JSON, and in the body that is kept."""
    said = f"the key '{echoed}' is known"
    with pytest.raises(SourceError) as refused:
        client(reply(said, 403), **how).get("/")
    with pytest.raises(SourceError) as odd:
        client(reply(said), **how).get("/")
    for caught in (refused, odd):
        assert "‹key›" in str(caught.value)
        assert echoed not in str(caught.value)
    answer = client(reply(said), **how).get("/", expect="text")
    assert answer.body == b"the key '" + "‹key›".encode() + b"' is known"
    assert answer.row("x", keep=True)["body"] == answer.body
    assert echoed not in repr(answer)
    # A digest of what was received would tell whether a guess of the key is right.
    assert answer.digest == hashlib.sha256(answer.body).digest()
    assert answer.value == said


def test_a_long_answer_shows_no_half_of_a_key() -> None:
    with pytest.raises(SourceError) as caught:
        client(reply((TOKEN + " ") * 500, 403), headers={"x-key": TOKEN}).get("/")
    assert "s3cr3t" not in str(caught.value)


def test_a_short_password_is_hidden_in_words_too() -> None:
    for text, status in (("bad:xhunter2x", 403), ("bad:xhunter2x", 200)):
        with pytest.raises(SourceError, match="bad:x‹key›x"):
            client(reply(text, status), auth=("alice", "hunter2")).get("/")


def test_a_short_password_alters_no_answer_in_which_its_digits_stand() -> None:
    body = b'{"hash": "00ab1234cd", "value": 51234}'
    answer = client(reply(body), auth=("alice", "1234")).get("/")
    assert (answer.body, answer.value["value"]) == (body, 51234)


@pytest.mark.parametrize("rate", [0, -5, float("nan"), float("-inf")])
@pytest.mark.parametrize("own", [True, False])
def test_a_pace_that_is_none(rate: float, own: bool) -> None:
    with pytest.raises(InputError, match="no pace; give a number above 0"):
        Client("https://explorer.example", source="x", own=own, per_second=rate)


def test_the_pace_if_none_is_given() -> None:
    assert checked_rate(None, own=True, third_party=4.0) is None
    assert checked_rate(None, own=False, third_party=4.0) == 4.0
    assert checked_rate(0.5, own=True, third_party=4.0) == 0.5


def test_what_passes_says_so() -> None:
    for status, passing in ((503, True), (429, True), (403, False)):
        with pytest.raises(SourceError) as caught:
            client(lambda _, status=status: reply("", status)).get("/")
        assert caught.value.passing is passing
    with pytest.raises(SourceError, match="asks to wait") as caught:
        client(reply("", 429, retry_after="86400")).get("/")
    assert caught.value.passing


def test_a_password_that_changes_is_asked_for_each_time() -> None:
    passwords = iter(["first-one", "second-one"])
    seen: list[str] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["authorization"])
        return reply("1")

    made = client(handle, auth=lambda: ("u", next(passwords)))
    made.get("/")
    made.get("/")
    assert len(set(seen)) == 2


def test_post_says_what_was_asked(log: Path) -> None:
    seen: list[bytes] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.read())
        return reply("null")

    assert client(handle).post("", {"method": "getblock"}).request == (
        'POST /api {"method":"getblock"}'
    )
    assert client(handle).post("", [1], asked="two blocks").request == "POST /api two blocks"
    assert seen == [b'{"method":"getblock"}', b"[1]"]


@pytest.mark.parametrize(
    "url", ["ftp://a.example", "explorer.example", "https://", "https://a.example/?key=1",
            "https://a.example:0", "https://a.example:99999", "file:///etc/passwd"],
)  # fmt: skip
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(InputError, match="no plain http"):
        Client(url, source="esplora")


def test_the_pace_of_a_host_is_kept_by_all_its_clients() -> None:
    def one() -> Client:
        made = httpx2.MockTransport(lambda _: reply("1"))
        return Client("https://paced.example", source="x", per_second=20, transport=made)

    begun = time.monotonic()
    for made in (one(), one(), one()):
        made.get("/")
        made.get("/")
    assert time.monotonic() - begun >= 5 / 20


# Real sockets ---------------------------------------------------------------------------------


@contextlib.contextmanager
def server(*talks: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one connection with each talk, on a port of loopback."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for talk in talks:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line, contextlib.suppress(OSError):
                line.recv(65_536)
                talk(line)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join(5)


def says(text: bytes) -> Callable[[socket.socket], None]:
    return lambda line: line.sendall(text)


def reset(line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n7"
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n7"


@pytest.mark.parametrize(
    "fault", [reset, says(SHORT), says(b""), says(b"nonsense\r\n\r\n")],
    ids=["reset", "short", "closed", "nonsense"],
)  # fmt: skip
def test_faults_of_a_real_server_are_tried_again(fault: Any) -> None:
    with (
        server(fault, fault, says(GOOD)) as port,
        Client(f"http://localhost:{port}", source="x", own=True, timeout=5) as made,
    ):
        assert made.get("/").value == 7


def test_a_silent_server() -> None:
    with (
        server(lambda line: time.sleep(1)) as port,
        Client(f"http://127.0.0.1:{port}", source="x", own=True, timeout=0.2, attempts=1) as made,
        pytest.raises(NoAnswer, match="did not answer in time"),
    ):
        made.get("/")


def test_two_gigabytes_over_a_socket() -> None:
    sent: list[int] = []

    def pour(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(2 << 10):
            line.sendall(bytes(1 << 20))
            sent.append(1)

    with (
        server(pour) as port,
        Client(f"http://127.0.0.1:{port}", source="x", own=True, max_bytes=1 << 20) as made,
        pytest.raises(SourceError, match="longer than 1,048,576 bytes"),
    ):
        made.get("/")
    assert len(sent) < 64


def test_a_name_is_pinned_and_still_named() -> None:
    heard: list[bytes] = []

    def listen(line: socket.socket) -> None:
        line.sendall(GOOD)

    def resolve(host: str, port: int) -> tuple[str, ...]:
        heard.append(host.encode())
        return ("127.0.0.1",)

    with (
        server(listen, listen) as port,
        use_network(resolve=resolve),
        Client(f"http://node.lan:{port}", source="x", own=True) as made,
    ):
        assert made.get("/").value == made.get("/").value == 7
    assert heard == [b"node.lan"]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[httpx2.Request]:
    """Stand in for the transport that opens sockets: the first address cannot be reached."""
    seen: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        if request.url.host == "93.184.216.34":
            raise httpx2.ConnectError("refused")
        if request.url.host == "93.184.216.35":
            raise httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
        return reply("7")

    monkeypatch.setattr(httpx2, "HTTPTransport", lambda **_: httpx2.MockTransport(handle))
    return seen


def test_each_address_that_was_judged_is_tried_under_its_name(
    opened: list[httpx2.Request],
) -> None:
    with (
        use_network(resolve=lambda host, port: ("93.184.216.34", "93.184.216.36")),
        Client("https://explorer.example:8443/api", source="x", per_second=1e9) as made,
    ):
        assert made.get("/tip").value == 7
    assert [str(request.url) for request in opened] == [
        "https://93.184.216.34:8443/api/tip", "https://93.184.216.36:8443/api/tip"
    ]  # fmt: skip
    assert {request.headers["host"] for request in opened} == {"explorer.example:8443"}
    assert {request.extensions["sni_hostname"] for request in opened} == {"explorer.example"}


def test_a_certificate_that_is_not_to_be_trusted_is_final(opened: list[httpx2.Request]) -> None:
    with (
        use_network(resolve=lambda host, port: ("93.184.216.35", "93.184.216.36")),
        Client("https://explorer.example", source="x", per_second=1e9) as made,
        pytest.raises(SourceError, match="certificate is not to be trusted"),
    ):
        made.get("/")
    assert len(opened) == 1


def test_a_private_address_behind_a_public_name_is_refused() -> None:
    with (
        use_network(resolve=lambda host, port: ("127.0.0.1",)),
        Client("http://explorer.example", source="x") as made,
        pytest.raises(NetworkRefused, match="a private address"),
    ):
        made.get("/")


def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with (
        server(says(GOOD)) as port,
        Client(f"http://127.0.0.1:{port}", source="x", own=True) as made,
    ):
        assert made.get("/").value == 7


@pytest.mark.parametrize("value", ["s3cretk\u00e9y-1", "s3cret\nkey-12", "s3cret\x00key-12"])
def test_a_header_that_cannot_be_sent_is_refused_unshown(value: str) -> None:
    with pytest.raises(InputError, match="the header X-Key holds what no header can") as caught:
        Client("https://explorer.example", source="test", headers={"X-Key": value})
    assert "s3cret" not in repr(caught.value)


def test_the_line_end_of_a_key_file_is_no_part_of_the_key() -> None:
    sent = []
    transport = httpx2.MockTransport(lambda request: (sent.append(request), reply("1"))[1])
    given = {"X-Key": "s3cret-key-12\n"}
    with Client("https://e.example", source="test", headers=given, transport=transport) as asked:
        asked.get("/")
    assert sent[0].headers["x-key"] == "s3cret-key-12"


@pytest.mark.parametrize(
    "text", ["Mon, 01 Jan 2024 00:00:00 +99999999999999999999", "Mon, 01 Jan 99999999999 00:00:00"]
)
def test_a_date_that_is_none_asks_for_no_wait(text: str) -> None:
    assert response.wait_asked(httpx2.Headers({"retry-after": text})) is None
