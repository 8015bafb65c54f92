"""Timestamps of RFC 3161: what is asked, and what an answer proves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from chainwatch.errors import CaseError, extra

AGAIN = "ask the authority again"


def _library() -> Any:
    with extra("sign", "rfc3161-client"):
        import rfc3161_client
    return rfc3161_client


def requested(data: bytes) -> bytes:
    """Return a request for a timestamp of data, by its SHA-512."""
    made: bytes = (
        _library().TimestampRequestBuilder().data(data).cert_request(cert_request=True).build()
    ).as_bytes()
    return made


def stamped(answer: bytes, data: bytes, where: str) -> datetime:
    """Return the time that an answer names for data; whether anybody vouches is not asked.

    Raises
    ------
    CaseError
        If it is no answer, or of other data.
    """
    try:
        info = _library().decode_timestamp_response(answer).tst_info
        imprint, time = bytes(info.message_imprint.message), info.gen_time
    except ValueError as error:
        raise CaseError(
            "this is no answer of a time-stamping authority", where=where, remedy=AGAIN
        ) from error
    sizes = {32: hashlib.sha256, 48: hashlib.sha384, 64: hashlib.sha512}
    made = sizes.get(len(imprint))
    if made is None or made(data).digest() != imprint:
        raise CaseError("the timestamp is of another bundle", where=where, remedy=AGAIN)
    found: datetime = time
    return found


def vouched(answer: bytes, data: bytes, roots: Sequence[Any]) -> bool:
    """Tell whether an authority below one of these certificates gave an answer for data."""
    library = _library()
    builder = library.VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        return bool(builder.build().verify_message(library.decode_timestamp_response(answer), data))
    except (library.VerificationError, ValueError):
        return False
