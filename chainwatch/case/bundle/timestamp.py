"""Timestamps of RFC 3161: what is asked, and what an answer proves."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from chainwatch.case.bundle.signing_library import apart, library, quiet
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
        If it is no answer, of other data, or not what the key signed whose certificate it bears.
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
    if not _intact(answer, data):
        raise CaseError(
            "the timestamp was changed, or bears no certificate: its signature is not of it",
            where=where, remedy=AGAIN,
        )  # fmt: skip
    found: datetime = time
    return found


def _intact(answer: bytes, data: bytes) -> bool:
    """Tell whether the key of the certificate in an answer signed it; whose it is, is not asked."""
    library()
    from asn1crypto import tsp  # it has no types
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
    from pyhanko_certvalidator import ValidationContext

    async def check() -> Any:
        return await validate_tst_signed_data(
            tsp.TimeStampResp.load(answer)["time_stamp_token"]["content"],
            ValidationContext(trust_roots=[], allow_fetching=False),
            lambda name: hashlib.new(name, data).digest(),
        )

    try:
        with quiet():
            found = apart(lambda: asyncio.run(check()))
    except (SignatureValidationError, ValueError, TypeError):
        return False
    return bool(found["intact"] and found["valid"])


def vouched(answer: bytes, data: bytes, roots: Sequence[Any]) -> bool:
    """Tell whether an authority below one of these certificates gave an answer for data."""
    client = _library()
    builder = client.VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        return bool(builder.build().verify_message(client.decode_timestamp_response(answer), data))
    except (client.VerificationError, ValueError):
        return False
