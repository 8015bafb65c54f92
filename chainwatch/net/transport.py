"""The way onto the network over HTTP: leave asked, address pinned, answers bounded.

A transport of httpx2 around the one that opens sockets. What httpx2 does above it, its log
included, sees an address without keys and an answer that is short and whole.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import httpx2

from chainwatch.net.policy import network
from chainwatch.net.rate_limit import pace
from chainwatch.net.response import read_body

_WHOLE = 10
"""A whole answer may take this many times as long as one read."""

_OPENED = ("connect_tcp.complete", "start_tls.complete")


class Permitted(httpx2.BaseTransport):
    """Sends requests to one server, each with leave of the policy and to an address it judged.

    Parameters are those of :class:`chainwatch.net.client.Client`; ``given`` answers instead of the
    network.
    """

    def __init__(
        self, host: str, port: int, *, source: str, own: bool, per_second: float | None,
        timeout: float, max_bytes: int, given: httpx2.BaseTransport | None,
    ) -> None:  # fmt: skip
        self._host, self._port, self._source, self._own = host, port, source, own
        self._per_second, self._seconds, self._max_bytes = per_second, _WHOLE * timeout, max_bytes
        self._slack, self._given, self._opened = timeout, given, given
        self._addresses: tuple[str, ...] = ()
        self._sockets: list[socket.socket] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Ask for leave, wait for our turn, send a request and read the answer.

        Its extension ``url`` is the whole address, keys included; ``asked`` says what it asks.

        Raises
        ------
        NetworkRefused
            If the policy forbids it.
        httpx2.TransportError
            If the server cannot be reached, breaks off, or does not answer in time.
        Unbounded
            If the answer is too long.
        """
        self._addresses = network().permit(
            self._host, self._port, request.extensions["asked"], self._source, own=self._own,
            known=self._addresses, look_up=self._given is None,
        )  # fmt: skip
        if self._per_second is not None:
            pace(self._host).wait(self._per_second)
        # What ends the answer in words comes first; this ends what is no answer yet.
        with self._within(self._seconds + self._slack), closing(self._reach(request)) as response:
            body = read_body(response, self._max_bytes, self._seconds)
        # No cookie goes further, for no server is to know us again, and no place to go on to in a
        # header, for httpx2 fails in several ways over one that is none.
        wait, led = (response.headers.get(name, "") for name in ("retry-after", "location"))
        return httpx2.Response(
            response.status_code, headers={b"retry-after": wait.encode()}, content=body,
            extensions={"location": led},
        )  # fmt: skip

    def _reach(self, request: httpx2.Request) -> httpx2.Response:
        *others, last = self._addresses or ("",)
        for address in others:
            try:
                return self._send(request, address)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                if not_trusted(error):
                    raise
        return self._send(request, last)

    def _send(self, request: httpx2.Request, address: str) -> httpx2.Response:
        """Send a request to one address; the certificate must still be that of the name."""
        target = httpx2.URL(request.extensions["url"])
        extensions = {**request.extensions, "trace": self._note_socket}
        if address and address != target.host:
            extensions["sni_hostname"] = target.host
            target = target.copy_with(host=address)
        if self._opened is None:
            self._opened = httpx2.HTTPTransport(trust_env=False)
        return self._opened.handle_request(
            httpx2.Request(
                request.method, target, headers=request.headers, stream=request.stream,
                extensions=extensions,
            )
        )  # fmt: skip

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        if self._opened is not None:
            self._opened.close()
            self._opened = self._given

    def _note_socket(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(_OPENED):
            opened = info["return_value"].get_extra_info("socket")
            self._sockets = [one for one in self._sockets if one.fileno() >= 0] + [opened]

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """Shut the sockets unless the block ends in time: whoever reads from one then stops.

        The time-outs of httpx2 count from one byte to the next: header lines that trickle and
        interim answers without end never meet them.
        """
        timer = threading.Timer(seconds, self._shut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _shut(self) -> None:
        for opened in self._sockets:
            try:
                opened.shutdown(socket.SHUT_RDWR)
            except OSError:  # it is closed already
                continue


def not_trusted(error: Exception) -> bool:
    """Tell whether a connection failed for the certificate of the server."""
    return "certificate" in str(error).lower()
