"""Signatures of a bundle: of its list of lists, and of its report; and a timestamp from outside.

They stand beside the bag and change nothing in it: first the edition is sealed, then the bag is
made, then it is signed. So the same bundle has the same digest signed or not, the sealed report
stays as it can be made again, and the signed copy of it begins with all its bytes.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chainwatch.atomic import write_new
from chainwatch.case.bundle.bag import PAYLOAD, SIGNATURE, SIGNED, SIGNED_REPORT, TIMESTAMP
from chainwatch.case.bundle.certificates import out_of_days, signs_documents
from chainwatch.case.bundle.check import verify_bundle
from chainwatch.case.bundle.contents import EDITION, REPORT
from chainwatch.case.bundle.signing_library import apart, library
from chainwatch.errors import CaseError, InputError

FIELD = "Signature"
LARGEST_ANSWER = 2**20


def sign_bundle(bag: str | Path, key_file: str | Path, passphrase: str = "") -> tuple[Path, ...]:
    """Sign a bundle: a detached CMS signature of its list of lists, and its report by PAdES.

    Parameters
    ----------
    bag : path
        A bundle, which is verified first.
    key_file : path
        PKCS #12 (``.p12``) with the key, its certificate, and those above it.
    passphrase : str
        Of the key file.

    Returns
    -------
    tuple of Path
        The files that were written beside the bag's own: ``signature.p7s``, and
        ``report-signed.pdf`` where the edition has a PDF.

    Raises
    ------
    MissingExtra
        If pyhanko is not installed.
    InputError
        If the key file cannot be read, or its certificate has run out or is for another use; the
        passphrase is never shown.
    OutputExists
        If the bundle is signed already.
    """
    folder = Path(bag)
    verify_bundle(folder)
    signer = _signer(Path(key_file), passphrase)
    written = folder / SIGNATURE
    report = folder / PAYLOAD / EDITION / REPORT
    made = {written: apart(lambda: _detached(signer, (folder / SIGNED).read_bytes()))}
    if report.is_file():
        made[folder / SIGNED_REPORT] = apart(lambda: _signed_pdf(signer, report.read_bytes()))
    for path, data in made.items():  # after both were made: the one is promised by the other
        write_new(path, data)
    return tuple(made)


def _signer(key_file: Path, passphrase: str) -> Any:
    library()
    from pyhanko.sign.signers import SimpleSigner

    remedy = "give a .p12 file with key and certificate, and its passphrase"
    try:
        data = key_file.read_bytes()
        signer = SimpleSigner.load_pkcs12_data(
            data, other_certs=[], passphrase=passphrase.encode() or None
        )
    except OSError as error:
        raise InputError(
            f"the key file cannot be read ({error.strerror})", where=str(key_file), remedy=remedy
        ) from None
    except (ValueError, TypeError):
        signer = None
    if signer is None or signer.signing_cert is None:
        raise InputError("the key file cannot be opened", where=str(key_file), remedy=remedy)
    _check_signer(signer.signing_cert.dump(), key_file)
    return signer


def _check_signer(certificate: bytes, key_file: Path) -> None:
    """Refuse a certificate under which no reader would take a signature."""
    late = out_of_days(certificate, datetime.now(UTC))
    if late or not signs_documents(certificate):
        why = f"is {late}" if late else "is not for signing documents"
        raise InputError(
            f"the certificate in the key file {why}", where=str(key_file),
            remedy="sign with another key",
        )  # fmt: skip


def _detached(signer: Any, data: bytes) -> bytes:
    import asyncio

    made: bytes = asyncio.run(signer.async_sign_general_data(data, "sha256", detached=True)).dump()
    return made


def _signed_pdf(signer: Any, report: bytes) -> bytes:
    """Return a report with a PAdES signature added behind all its bytes."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import SigSeedSubFilter
    from pyhanko.sign.signers import PdfSignatureMetadata, sign_pdf

    facts = PdfSignatureMetadata(
        field_name=FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES
    )
    out = io.BytesIO()
    sign_pdf(IncrementalPdfFileWriter(io.BytesIO(report)), facts, signer=signer, output=out)
    return out.getvalue()


def timestamp_request(bag: str | Path) -> bytes:
    """Return what to ask a time-stamping authority (RFC 3161) so that it vouches for a bundle.

    It holds the digest of the list of lists and nothing of the case. chainwatch sends it nowhere.

    Raises
    ------
    MissingExtra
        If rfc3161-client is not installed.
    """
    from chainwatch.case.bundle.timestamp import requested

    return requested((Path(bag) / SIGNED).read_bytes())


def add_timestamp(bag: str | Path, answer: bytes) -> Path:
    """Put the answer of a time-stamping authority beside a bundle.

    Parameters
    ----------
    bag : path
        The bundle.
    answer : bytes
        What the authority answered.

    Raises
    ------
    CaseError
        If it is no answer, or of another bundle.
    OutputExists
        If the bundle has one already.
    """
    from chainwatch.case.bundle.timestamp import stamped

    folder = Path(bag)
    if len(answer) > LARGEST_ANSWER:
        raise CaseError("this is no answer of a time-stamping authority: it is too large")
    stamped(answer, (folder / SIGNED).read_bytes(), str(folder))
    write_new(folder / TIMESTAMP, answer)
    return folder / TIMESTAMP
