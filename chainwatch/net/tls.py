"""TLS to an Electrum server: a certificate that an authority signed, or one that the user names."""

from __future__ import annotations

import hashlib
import hmac
import re
import socket
import ssl

from chainwatch.errors import InputError, NoAnswer, SourceError
from chainwatch.sanitize import clipped

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class Broken(NoAnswer):
    """The connection broke, which another may mend."""


def plain_fingerprint(fingerprint: str | None) -> str | None:
    """Return a fingerprint as 64 digits, however it was written.

    Raises
    ------
    InputError
        If it is no SHA-256 fingerprint.
    """
    if fingerprint is None:
        return None
    plain = fingerprint.replace(":", "").replace(" ", "").lower()
    if not _FINGERPRINT.fullmatch(plain):
        raise InputError(
            "a fingerprint of a certificate is 64 hexadecimal digits (SHA-256)",
            remedy="see: openssl x509 -noout -fingerprint -sha256",
        )
    return plain


def secured(line: socket.socket, host: str, fingerprint: str | None, where: str) -> socket.socket:
    """Return a connection under TLS, once it is known who is at its other end.

    Raises
    ------
    SourceError
        If the certificate is not signed for the host, or not the one of the fingerprint.
    Broken
        If no TLS connection comes about.
    """
    try:
        made = _context(fingerprint).wrap_socket(line, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise SourceError(
            f"the server's certificate cannot be trusted ({clipped(error.verify_message, 100)})",
            where=where,
            remedy="if you know the server, give the SHA-256 fingerprint of its certificate",
        ) from None
    except (OSError, EOFError) as error:
        raise Broken(
            f"no TLS connection comes about ({broken_by(error)})",
            where=where,
            remedy="check that the port is the one for TLS; in clear is asked only if you say so",
        ) from None
    finally:
        line.close()  # TLS has a socket of its own by now; without one nothing must stay open
    try:
        _check_fingerprint(made, fingerprint, where)
    except BaseException:
        made.close()
        raise
    return made


def _context(fingerprint: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if fingerprint is not None:
        # The fingerprint is checked before a byte is sent: no authority need be asked.
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _check_fingerprint(made: ssl.SSLSocket, fingerprint: str | None, where: str) -> None:
    if fingerprint is None:
        return
    shown = hashlib.sha256(made.getpeercert(binary_form=True) or b"").hexdigest()
    if not hmac.compare_digest(shown, fingerprint):
        raise SourceError(
            f"the server shows another certificate, of fingerprint {shown}",
            where=where,
            remedy="somebody may stand in between; ask its operator for the right fingerprint",
        )


def broken_by(error: BaseException) -> str:
    """Return in words why a connection broke."""
    if isinstance(error, EOFError):
        return "the server closed it"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(getattr(error, "strerror", None) or type(error).__name__)
