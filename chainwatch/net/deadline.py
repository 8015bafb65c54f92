"""An end to an exchange that never ends: header lines that trickle, interim answers without end.

The time-outs of a transport count from one byte to the next. The time of a whole exchange is kept
here: when it is over, the sockets are shut from another thread, and whoever reads from them stops.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_OPENED = ("connect_tcp.complete", "start_tls.complete")


class Deadline:
    """The sockets of one transport, and the time that they may be read from."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of each socket that the transport opens: its ``trace`` extension."""
        if event.endswith(_OPENED):
            opened = info["return_value"].get_extra_info("socket")
            self._sockets = [one for one in self._sockets if one.fileno() >= 0] + [opened]

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Shut the sockets unless the block ends in time."""
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
