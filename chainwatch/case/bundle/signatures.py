"""The signatures of a bundle, checked: who signed, when, and who vouches for it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from chainwatch.case.bundle.bag import (
    PAYLOAD,
    SIGNATURE,
    SIGNED,
    SIGNED_REPORT,
    TAKE_CARE,
    TIMESTAMP,
)
from chainwatch.case.bundle.contents import EDITION, REPORT
from chainwatch.case.bundle.signing_library import apart, library
from chainwatch.case.bundle.timestamp import stamped, vouched
from chainwatch.case.seal import RUN, facts_in
from chainwatch.case.times import latest
from chainwatch.errors import CaseError, InputError
from chainwatch.sanitize import visible

LARGEST = 2**28
CLOCKS = timedelta(minutes=5)
"""By so much the clocks of two honest machines may differ. A choice of this project."""


def check_signatures(bag: Path, trust: Sequence[str | Path] = ()) -> tuple[str, ...]:
    """Return in sentences what signs a bundle, and whether anybody who is trusted vouches for it.

    Parameters
    ----------
    bag : path
        A bundle whose bag was checked.
    trust : sequence of path
        Certificates (PEM or DER) of authorities, or signers, that the reader trusts.

    Raises
    ------
    CaseError
        If a signature or timestamp is not of this bundle; or if certificates are given, and there
        is no signature, or one for which they do not vouch.
    """
    parts = {name: bag / name for name in (SIGNATURE, SIGNED_REPORT, TIMESTAMP)}
    there = [name for name, path in parts.items() if path.is_file()]
    if not there:
        if trust:
            raise CaseError(
                "certificates to trust were named, and nobody signed this bundle",
                where=str(bag), remedy="ask the sender for the signature",
            )  # fmt: skip
        return ("nobody signed it",)
    if large := next((one for one in there if parts[one].stat().st_size > LARGEST), None):
        raise CaseError("a signature is too large", where=str(parts[large]), remedy=TAKE_CARE)
    library()
    roots = [_certificate(Path(one)) for one in trust]
    checks = {SIGNATURE: _list_signed, SIGNED_REPORT: _report_signed, TIMESTAMP: _stamped}
    return tuple(checks[name](bag, roots) for name in there)


def _certificate(path: Path) -> bytes:
    """Return a certificate as DER."""
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


def _list_signed(bag: Path, roots: Sequence[bytes]) -> str:
    from asn1crypto import cms  # it has no types
    from pyhanko.sign.validation.generic_cms import async_validate_detached_cms

    async def check() -> Any:
        signed = cms.ContentInfo.load((bag / SIGNATURE).read_bytes())["content"]
        return await async_validate_detached_cms(
            (bag / SIGNED).read_bytes(), signed, signer_validation_context=_context(roots),
            key_usage_settings=_usage(),
        )  # fmt: skip

    status = _status(bag / SIGNATURE, lambda: _awaited(check()))
    return _told("the bundle", status, bag / SIGNATURE, roots)


def _report_signed(bag: Path, roots: Sequence[bytes]) -> str:
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import async_validate_pdf_signature
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    path, sealed = bag / SIGNED_REPORT, bag / PAYLOAD / EDITION / REPORT
    data = path.read_bytes()
    if not sealed.is_file() or not data.startswith(sealed.read_bytes()):
        raise CaseError(
            "the signed report is not the one that was sealed", where=str(path), remedy=TAKE_CARE
        )

    async def check() -> Any:
        (found,) = PdfFileReader(io.BytesIO(data)).embedded_signatures
        return await async_validate_pdf_signature(
            found, signer_validation_context=_context(roots), key_usage_settings=_usage()
        )

    status = _status(path, lambda: _awaited(check()))
    if status.coverage is not SignatureCoverageLevel.ENTIRE_FILE:
        raise CaseError(
            "the report was changed after it was signed", where=str(path), remedy=TAKE_CARE
        )
    return _told("the report", status, path, roots)


def _awaited(work: Any) -> Any:
    import asyncio

    return asyncio.run(work)


def _status(path: Path, check: Any) -> Any:
    """Return what the library says of a signature; what it cannot read is none."""
    library()
    try:
        with _quiet():
            return apart(check)
    except Exception as error:
        raise CaseError(
            f"a signature cannot be read ({type(error).__name__})", where=str(path),
            remedy=TAKE_CARE,
        ) from error  # fmt: skip


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's own lines off the screen: what it finds is told in a sentence."""
    logs = [logging.getLogger(name) for name in ("pyhanko", "pyhanko_certvalidator")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


def _context(roots: Sequence[bytes]) -> Any:
    """Return whom to trust: these alone, never those of the system; nobody is asked."""
    from asn1crypto import x509
    from pyhanko_certvalidator import ValidationContext

    trusted = [x509.Certificate.load(one) for one in roots]
    return ValidationContext(trust_roots=trusted, allow_fetching=False)


def _usage() -> Any:
    from pyhanko.sign.validation.settings import KeyUsageConstraints

    return KeyUsageConstraints(
        key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False
    )


def _told(what: str, status: Any, path: Path, roots: Sequence[bytes]) -> str:
    if not (status.intact and status.valid):
        raise CaseError(f"{what} is not what was signed", where=str(path), remedy=TAKE_CARE)
    who = visible(status.signing_cert.subject.human_friendly)[:200]
    if roots and not status.trusted:
        raise CaseError(
            f"{what} was signed by {who}, for whom the certificates that you trust do not vouch",
            where=str(path), remedy="ask the sender who signed, over another line",
        )  # fmt: skip
    vouch = "vouched for by a certificate that you trust" if roots else UNTRUSTED
    return f"{what} was signed by {who}, {vouch}"


UNTRUSTED = "for whom nobody vouches here: name a certificate that you trust with --trust"


def _stamped(bag: Path, roots: Sequence[bytes]) -> str:
    from cryptography import x509

    path, data = bag / TIMESTAMP, (bag / SIGNED).read_bytes()
    answer = path.read_bytes()
    time = stamped(answer, data, str(path))
    last = latest(facts_in(bag / PAYLOAD / EDITION / RUN))
    if last is not None and last > time + CLOCKS:
        raise CaseError(
            "a timestamp is wrong: the authority had seen the bundle before its log says that it"
            " was written",
            where=str(path), remedy=TAKE_CARE,
        )  # fmt: skip
    said = f"an authority had seen it by {time:%Y-%m-%d %H:%M:%S} UTC"
    if not roots:
        return f"{said}, {UNTRUSTED}"
    if not vouched(answer, data, [x509.load_der_x509_certificate(one) for one in roots]):
        raise CaseError(
            "the timestamp is of an authority for which the certificates that you trust do not"
            " vouch",
            where=str(path), remedy="name the certificate of the authority with --trust too",
        )  # fmt: skip
    return f"{said}, vouched for by a certificate that you trust"
