"""The line protocol of Electrum servers: JSON-RPC, one object a line, over TCP or TLS.

Questions are sent many at a time and answers matched by their ids. Everything is bounded: the
length of a line, the time it may take, the notifications between answers. A connection that breaks
is opened again and what was not answered is asked again; what is answered wrongly is not.
"""

from __future__ import annotations

import hashlib
import logging
import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from chainwatch.errors import InputError, NoAnswer, SourceError
from chainwatch.net.policy import host_name, network
from chainwatch.net.rate_limit import checked_rate, pace
from chainwatch.net.response import Answer, value_of
from chainwatch.net.tls import Broken, broken_by, plain_fingerprint, secured
from chainwatch.sanitize import clipped
from chainwatch.sources.electrum.messages import Question, ServerRefusal, TooMuch, said_of

LONGEST_LINE = 16 << 20
"""Bytes of one answer: a block-sized transaction as hexadecimal text, and room."""

LARGEST_LOAD = 2 * LONGEST_LINE
"""Bytes of the answers to questions asked together: they are all held until the last has come."""

PROTOCOL = ("1.4", "1.5")
"""Lowest and highest version of the protocol that is spoken."""

THIRD_PARTY_PER_SECOND = 20.0
"""Questions a second to a server that is not one's own."""

_AT_ONCE, _REFILL = 64, 32
_PIECE = 1 << 16
_WHOLE = 10
"""A whole line may take this many times as long as one read."""
_MOST_NOTICES = 10_000
_SILENT = logging.NullHandler()


class ElectrumWire:
    """A connection to one server, with the parameters of ``Electrum``."""

    def __init__(
        self, host: str, port: int, *, source: str, own: bool, tls: bool | None = None,
        fingerprint: str | None = None, timeout: float, attempts: int,
        per_second: float | None = None,
    ) -> None:  # fmt: skip
        self.host, self._port, self._source, self._own = host_name(host), port, source, own
        if not self.host or not 0 < port < 65_536:
            raise InputError(
                "the server needs a name and a port",
                where=clipped(f"{host}:{port}", 100),
                remedy="name its host, and a port from 1 to 65535 such as 50002",
            )
        if tls is False and fingerprint is not None:
            raise InputError(
                "a connection in clear shows no certificate, yet a fingerprint of one is given",
                where=clipped(f"{host}:{port}", 100),
                remedy="leave out one of the two: the fingerprint alone asks for TLS",
            )
        self._tls = (not own if tls is None else tls) or fingerprint is not None
        self._fingerprint = plain_fingerprint(fingerprint)
        self._timeout, self._attempts = timeout, attempts
        self._per_second = checked_rate(per_second, own=own, third_party=THIRD_PARTY_PER_SECOND)
        self._line: socket.socket | None = None
        self._left = bytearray()
        self._address, self._load = "", 0

    def __enter__(self) -> ElectrumWire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        if self._line is not None:
            self._line.close()
        self._line = None
        self._left.clear()

    def where(self, question: Question) -> str:
        """Return who was asked what, for errors."""
        return f"{self.host}:{self._port}, {question.words}"

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answers to any number of questions, in their order.

        Raises
        ------
        NetworkRefused
            If the policy forbids it.
        NoAnswer
            If no attempt was answered.
        Said
            If the server refuses one of them.
        TooMuch
            If the answers are longer than ``LARGEST_LOAD`` together.
        SourceError
            If an answer is not of the protocol.
        """
        answers = []
        for found in self.ask_all(questions):
            if isinstance(found, ServerRefusal):
                raise found
            answers.append(found)
        return answers

    def ask_all(self, questions: Sequence[Question]) -> list[Answer | ServerRefusal]:
        """Return the same with refusals in their places, and raise in the other cases."""
        import stamina

        # Without a handler of its own that library's notes of retries go to the terminal.
        logging.getLogger("stamina").addHandler(_SILENT)
        found: dict[int, Answer | ServerRefusal] = {}
        self._load = 0
        attempts = stamina.retry_context(
            on=Broken, attempts=self._attempts, timeout=None, wait_initial=0.2, wait_max=30.0
        )
        try:
            for attempt in attempts:
                with attempt:
                    self._ask_missing(questions, found)
        except Broken as error:
            remedy = error.remedy or "try again later"
            raise NoAnswer(error.what, where=error.where, remedy=remedy) from None
        except BaseException:
            self.close()  # answers to the rest would be taken for those to the next questions
            raise
        return [found[question.id] for question in questions]

    def _ask_missing(
        self, questions: Sequence[Question], found: dict[int, Answer | ServerRefusal]
    ) -> None:
        missing = list({q.id: q for q in questions if q.id not in found}.values())
        if missing and self._line is None:
            self._connect(missing[0])
        self._exchange(missing, found)

    def _exchange(
        self, asked: Sequence[Question], found: dict[int, Answer | ServerRefusal]
    ) -> None:
        """Send questions and read answers, so that a number of them is always under way."""
        waiting: dict[int, Question] = {}
        sent = 0
        try:
            while sent < len(asked) or waiting:
                if len(waiting) <= _REFILL:
                    group = asked[sent : sent + _AT_ONCE - len(waiting)]
                    self._send(group)
                    waiting.update((question.id, question) for question in group)
                    sent += len(group)
                number, answer = self._answer(waiting)
                found[number] = answer
        except (OSError, EOFError) as error:
            self.close()
            where = self.where(next(iter(waiting.values()), asked[0]))
            raise Broken(f"the connection broke off ({broken_by(error)})", where=where) from None

    def _send(self, questions: Sequence[Question]) -> None:
        for question in questions:
            self._permit(question)
        if self._line is None:
            raise EOFError
        self._line.sendall(b"".join(question.line for question in questions))

    def _permit(self, question: Question) -> None:
        """Ask leave, log, and keep the pace that all who ask this host keep together."""
        network().permit(
            self.host, self._port, question.words, self._source, own=self._own,
            known=(self._address,),
        )  # fmt: skip
        if self._per_second is not None:
            pace(self.host).wait(self._per_second)

    # Connecting -----------------------------------------------------------------------------

    def _connect(self, question: Question) -> None:
        """Open the connection, check who answers, and agree on a version."""
        try:
            line = network().connect(
                self.host, self._port, "server.version", self._source, own=self._own,
                timeout=self._timeout,
            )  # fmt: skip
        except NoAnswer as error:
            raise Broken(error.what, where=error.where, remedy=error.remedy) from None
        self._line = self._checked(line, f"{self.host}:{self._port}")
        hello = Question("server.version", ("chainwatch", list(PROTOCOL)))
        found: dict[int, Answer | ServerRefusal] = {}
        self._exchange([hello], found)
        answer = found[hello.id]
        if isinstance(answer, ServerRefusal):
            raise answer
        value = answer.value
        if not (isinstance(value, list) and len(value) == 2 and isinstance(value[1], str)):
            raise SourceError(
                "the server does not say which version of the protocol it speaks",
                where=self.where(hello),
                remedy="check that the port is that of an Electrum server",
            )

    def _checked(self, line: socket.socket, where: str) -> socket.socket:
        """Return a new connection once it is known who answers; close it if it comes to nothing."""
        try:
            line.settimeout(self._timeout)
            self._address = str(line.getpeername()[0])
            return secured(line, self.host, self._fingerprint, where) if self._tls else line
        except OSError as error:
            line.close()
            raise Broken(f"the connection broke off ({broken_by(error)})", where=where) from None
        except BaseException:
            line.close()
            raise

    # Reading --------------------------------------------------------------------------------

    def _answer(self, waiting: dict[int, Question]) -> tuple[int, Answer | ServerRefusal]:
        """Read lines until one answers what was asked; notifications are passed over."""
        some = next(iter(waiting.values()))
        until = time.monotonic() + self._timeout * _WHOLE
        for _ in range(_MOST_NOTICES):
            body = self._read_line(self.where(some), until)
            value = value_of(body, "json", self.where(some))
            if isinstance(value, dict) and "method" in value and value.get("id") is None:
                continue
            number = value.get("id") if isinstance(value, dict) else None
            if type(number) is not int or number not in waiting:
                raise self._stray(value, some)
            question = waiting.pop(number)
            digest, now = hashlib.sha256(body).digest(), datetime.now(UTC)
            result, error = value.get("result"), value.get("error")
            answer = Answer(body, digest, self.host, now, question.words, result)
            return number, (
                answer if error is None else said_of(error, self.where(question), answer)
            )
        raise SourceError(
            f"the server sends more than {_MOST_NOTICES:,} notices and no answer",
            where=self.where(some),
            remedy="ask another server",
        )

    def _read_line(self, where: str, until: float) -> bytes:
        searched = 0
        if time.monotonic() > until:
            raise TimeoutError("it takes too long")
        while (end := self._left.find(b"\n", searched)) < 0:
            searched = len(self._left)
            if searched > LONGEST_LINE:
                raise SourceError(
                    f"the answer is longer than {LONGEST_LINE:,} bytes",
                    where=where,
                    remedy="ask another server; if it is a history, read that address elsewhere",
                )
            piece = self._line.recv(_PIECE) if self._line is not None else b""
            if not piece:
                raise EOFError
            self._left += piece
            if time.monotonic() > until:
                raise TimeoutError("it takes too long")
        line = bytes(self._left[:end])
        del self._left[: end + 1]
        self._load += len(line)
        if self._load > LARGEST_LOAD:
            raise TooMuch(
                f"the answers are longer than {LARGEST_LOAD:,} bytes together",
                where=where,
                remedy="ask another server",
            )
        # Some servers fill lines up with blanks before the last bracket, so that their length
        # tells nothing: the same answer shall have the same digest.
        line = line.rstrip()
        return line[:-1].rstrip() + line[-1:]

    def _stray(self, value: Any, question: Question) -> SourceError:
        if isinstance(value, dict) and value.get("id") is None and value.get("error") is not None:
            return said_of(value["error"], self.where(question), None)
        return SourceError(
            "the server answers what it was not asked",
            where=self.where(question),
            remedy="check that the port is that of an Electrum server",
        )
