"""The signatures of a bundle, checked: who signed, when, and who vouches for it."""

from __future__ import annotations

import io
from collections.abc import Sequence, Set
from datetime import UTC, datetime, timedelta
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
from chainwatch.case.bundle.certificates import (
    in_days,
    loaded,
    out_of_days,
    read_certificate,
    signs_documents,
)
from chainwatch.case.bundle.contents import EDITION, REPORT
from chainwatch.case.bundle.signed_report import only_signed
from chainwatch.case.bundle.signing_library import apart, library, quiet
from chainwatch.case.bundle.timestamp import stamped, vouched
from chainwatch.case.seal import RUN, facts_in
from chainwatch.case.times import latest
from chainwatch.errors import CaseError
from chainwatch.sanitize import visible

LARGEST = 2**28
CLOCKS = timedelta(minutes=5)
"""By so much the clocks of two honest machines may differ. A choice of this project."""


def check_signatures(
    bag: Path, trust: Sequence[str | Path] = (), trust_time: Sequence[str | Path] = ()
) -> tuple[str, ...]:
    """Return in sentences what signs a bundle, and whether anybody who is trusted vouches for it.

    Parameters
    ----------
    bag : path
        A bundle whose bag was checked.
    trust : sequence of path
        Certificates (PEM or DER) of authorities, or signers, that the reader trusts: then the list
        of the bag must be signed under one of them.
    trust_time : sequence of path
        Certificates of time-stamping authorities: then a timestamp must be of one of them. It is
        never a signature.

    Raises
    ------
    CaseError
        If a signature or timestamp is not of this bundle, or one that belongs to the other is
        missing; or if certificates are given, and they do not vouch for what they are given for.
    """
    there = {name for name in (SIGNATURE, SIGNED_REPORT, TIMESTAMP) if (bag / name).is_file()}
    _promised(bag, there, signed=bool(trust), timed=bool(trust_time))
    if not there:
        return ("nobody signed it",)
    if large := next((one for one in sorted(there) if (bag / one).stat().st_size > LARGEST), None):
        raise CaseError("a signature is too large", where=str(bag / large), remedy=TAKE_CARE)
    library()
    roots, clocks = ([read_certificate(Path(one)) for one in some] for some in (trust, trust_time))
    when, time = _stamped(bag, clocks) if TIMESTAMP in there else ("", None)
    moment = time or datetime.now(UTC)
    checks = {SIGNATURE: _list_signed, SIGNED_REPORT: _report_signed}
    found = [check(bag, roots, moment) for name, check in checks.items() if name in there]
    _one_signer(bag, there, [der for _, der in found])
    alone = [REPORT_ALONE] if SIGNED_REPORT in there and SIGNATURE not in there else []
    return (*(said for said, _ in found), *alone, *([when] if when else []))


REPORT_ALONE = "nobody signed the list of the bundle: tables and log are not what was signed"


def _promised(bag: Path, there: Set[str], *, signed: bool, timed: bool) -> None:
    """Refuse a bundle from which what the reader asks for was left out, or taken away."""
    if signed and SIGNATURE not in there:
        raise CaseError(
            "certificates to trust were named, and nobody signed this bundle: a signature of its"
            " report, or a timestamp, does not cover the rest",
            where=str(bag / SIGNATURE), remedy="ask the sender for the signature",
        )  # fmt: skip
    if timed and TIMESTAMP not in there:
        raise CaseError(
            "certificates of authorities for time were named, and the bundle bears no timestamp",
            where=str(bag / TIMESTAMP), remedy="ask the sender for it",
        )  # fmt: skip


def _one_signer(bag: Path, there: Set[str], signers: Sequence[bytes]) -> None:
    """Refuse a report that somebody else signed than the list, or that is signed no more."""
    if len(set(signers)) > 1:
        raise CaseError(
            "the report was signed by somebody else than the bundle",
            where=str(bag / SIGNED_REPORT), remedy=TAKE_CARE,
        )  # fmt: skip
    sealed = (bag / PAYLOAD / EDITION / REPORT).is_file()
    if SIGNATURE in there and SIGNED_REPORT not in there and sealed:
        raise CaseError(
            "whoever signs a bundle signs its report, and the signed report is missing",
            where=str(bag / SIGNED_REPORT), remedy=TAKE_CARE,
        )  # fmt: skip


def _list_signed(bag: Path, roots: Sequence[bytes], moment: datetime) -> tuple[str, bytes]:
    from asn1crypto import cms  # it has no types
    from pyhanko.sign.validation.generic_cms import async_validate_detached_cms

    async def check() -> Any:
        signed = cms.ContentInfo.load((bag / SIGNATURE).read_bytes())["content"]
        return await async_validate_detached_cms(
            (bag / SIGNED).read_bytes(), signed, signer_validation_context=_context(roots, moment),
            key_usage_settings=_usage(),
        )  # fmt: skip

    status = _status(bag / SIGNATURE, lambda: _awaited(check()))
    return _told("the bundle", status, bag / SIGNATURE, roots, moment)


def _report_signed(bag: Path, roots: Sequence[bytes], moment: datetime) -> tuple[str, bytes]:
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import async_validate_pdf_signature
    from pyhanko.sign.validation.status import SignatureCoverageLevel

    path, report = bag / SIGNED_REPORT, bag / PAYLOAD / EDITION / REPORT
    data, sealed = path.read_bytes(), report.read_bytes() if report.is_file() else b""
    if not sealed or not data.startswith(sealed):
        raise CaseError(
            "the signed report is not the one that was sealed", where=str(path), remedy=TAKE_CARE
        )

    async def check() -> Any:
        reader = PdfFileReader(io.BytesIO(data))
        (found,) = reader.embedded_signatures
        status = await async_validate_pdf_signature(
            found, signer_validation_context=_context(roots, moment), key_usage_settings=_usage()
        )
        return status, only_signed(reader, found.sig_field, sealed)

    status, alone = _status(path, lambda: _awaited(check()))
    if status.coverage is not SignatureCoverageLevel.ENTIRE_FILE:
        raise CaseError(
            "the report was changed after it was signed", where=str(path), remedy=TAKE_CARE
        )
    if not alone:
        raise CaseError(
            "the signed report shows something else than the one that was sealed",
            where=str(path), remedy=TAKE_CARE,
        )  # fmt: skip
    return _told("the report", status, path, roots, moment)


def _awaited(work: Any) -> Any:
    import asyncio

    return asyncio.run(work)


def _status(path: Path, check: Any) -> Any:
    """Return what the library says of a signature; what it cannot read is none."""
    library()
    try:
        with quiet():
            return apart(check)
    except Exception as error:
        raise CaseError(
            f"a signature cannot be read ({type(error).__name__})", where=str(path),
            remedy=TAKE_CARE,
        ) from error  # fmt: skip


def _context(roots: Sequence[bytes], moment: datetime) -> Any:
    """Return whom to trust: these alone, never those of the system; nobody is asked."""
    from asn1crypto import x509
    from pyhanko_certvalidator import ValidationContext

    # The library asks no days of what is trusted by itself: a root that ran out is none.
    trusted = [x509.Certificate.load(one) for one in in_days(roots, moment)]
    return ValidationContext(trust_roots=trusted, moment=moment, allow_fetching=False)


def _usage() -> Any:
    from pyhanko.sign.validation.settings import KeyUsageConstraints

    return KeyUsageConstraints(
        key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False
    )


def _told(
    what: str, status: Any, path: Path, roots: Sequence[bytes], moment: datetime
) -> tuple[str, bytes]:
    """Return in a sentence who signed, and the certificate of the signer."""
    if not (status.intact and status.valid):
        raise CaseError(f"{what} is not what was signed", where=str(path), remedy=TAKE_CARE)
    signer: bytes = status.signing_cert.dump()
    who = visible(status.signing_cert.subject.human_friendly)[:200]
    if not signs_documents(signer):
        raise CaseError(
            f"{what} was signed by {who}, whose certificate is not for signing documents",
            where=str(path), remedy=ASK,
        )  # fmt: skip
    late = out_of_days(signer, moment)
    if not roots:
        return f"{what} was signed by {who}, {UNTRUSTED}{f'; {late}' if late else ''}", signer
    late = late or next(filter(None, (out_of_days(one, moment) for one in roots)), "")
    if not status.trusted or out_of_days(signer, moment):
        why = f": a certificate is {late}" if late else ""
        raise CaseError(
            f"{what} was signed by {who}, for whom the certificates that you trust do not vouch"
            f"{why}",
            where=str(path), remedy=ASK,
        )  # fmt: skip
    return f"{what} was signed by {who}, {VOUCHED}", signer


ASK = "ask the sender who signed, over another line"
VOUCHED = "vouched for by a certificate that you trust"
UNTRUSTED = "for whom nobody vouches here: name a certificate that you trust with --trust"
UNTIMED = "for which nobody vouches here: name the certificate of the authority with --trust-time"


def _stamped(bag: Path, clocks: Sequence[bytes]) -> tuple[str, datetime | None]:
    """Return in a sentence when a bundle had been seen; the time too if somebody vouches for it."""
    path, data = bag / TIMESTAMP, (bag / SIGNED).read_bytes()
    answer = path.read_bytes()
    time = stamped(answer, data, str(path))
    last = latest(facts_in(bag / PAYLOAD / EDITION / RUN))
    if last is not None and last > time + CLOCKS:
        raise CaseError(
            "a timestamp is wrong: the authority had seen the bundle before the case says that it"
            " was written",
            where=str(path), remedy=TAKE_CARE,
        )  # fmt: skip
    said = f"an authority had seen it by {time:%Y-%m-%d %H:%M:%S} UTC"
    if not clocks:
        return f"{said}, {UNTIMED}", None
    valid = [loaded(one) for one in in_days(clocks, time)]
    if not (valid and vouched(answer, data, valid)):
        raise CaseError(
            "the timestamp is of an authority for which the certificates that you trust do not"
            " vouch",
            where=str(path), remedy="name the certificate of the authority with --trust-time",
        )  # fmt: skip
    return f"{said}, {VOUCHED}", time
