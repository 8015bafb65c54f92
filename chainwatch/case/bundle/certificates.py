"""Whether a certificate may sign: by its days of validity and by what it was given out for.

The library asks neither of a certificate that is trusted by itself, so both are asked here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from chainwatch.errors import InputError

SIGNS_DOCUMENTS = frozenset(
    {
        "1.3.6.1.5.5.7.3.36",  # document signing, RFC 9336
        "1.3.6.1.5.5.7.3.4",  # e-mail protection: people who sign mail sign papers
        "1.3.6.1.4.1.311.10.3.12",  # document signing as Microsoft numbers it
        "1.2.840.113583.1.1.5",  # PDF signing as Adobe numbers it
        "2.5.29.37.0",  # any
    }
)
"""Extended key usages of which a signer's certificate has one, if it names any."""


def read_certificate(path: Path) -> bytes:
    """Return a certificate (PEM or DER) as DER.

    Raises
    ------
    InputError
        If it is none.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        data = path.read_bytes()
        pem = b"-----BEGIN CERTIFICATE-----" in data
        found = (
            x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
        )
    except (OSError, ValueError) as error:
        raise InputError(
            "this is no certificate", where=str(path), remedy="give one as PEM or DER"
        ) from error
    return found.public_bytes(Encoding.DER)


def loaded(der: bytes) -> Any:
    """Return a certificate as the library holds it."""
    from cryptography import x509

    return x509.load_der_x509_certificate(der)


def out_of_days(der: bytes, moment: datetime) -> str:
    """Return in words why a certificate was not valid at a moment; nothing where it was."""
    one = loaded(der)
    first, last = one.not_valid_before_utc, one.not_valid_after_utc
    if first <= moment <= last:
        return ""
    return f"valid from {first:%Y-%m-%d} to {last:%Y-%m-%d}, not on {moment:%Y-%m-%d}"


def in_days(ders: Iterable[bytes], moment: datetime) -> list[bytes]:
    """Return the certificates that were valid at a moment."""
    return [one for one in ders if not out_of_days(one, moment)]


def signs_documents(der: bytes) -> bool:
    """Tell whether a certificate was given out for signing documents, or for no use alone."""
    from cryptography import x509

    try:
        named = loaded(der).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return any(one.dotted_string in SIGNS_DOCUMENTS for one in named)


__all__ = [
    "SIGNS_DOCUMENTS", "in_days", "loaded", "out_of_days", "read_certificate", "signs_documents",
]  # fmt: skip
