"""``verify``: a written edition or a bundle, proved offline to be as it was made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chainwatch.case.bundle.bag import is_bag
from chainwatch.case.bundle.check import VerifiedBundle, verify_bundle
from chainwatch.case.seal import Verified
from chainwatch.case.seal import verify as verify_edition
from chainwatch.errors import CaseError


def verify(
    folder: str | Path, seal: str | None = None, *, trust: Sequence[str | Path] = (),
    trust_time: Sequence[str | Path] = (),
) -> Verified | VerifiedBundle:  # fmt: skip
    """Prove that a written edition of a case, or a bundle of one, is as it was made.

    A seal shows that the files fit each other. Anybody can change a file and seal the folder
    again: only a copy of the digest kept elsewhere, or a signature, shows that it is the same.

    Parameters
    ----------
    folder : path
        A written edition, or a bundle: which it is, its files say.
    seal : str, optional
        SHA-256 of ``seal.json`` of an edition, or of ``tagmanifest-sha256.txt`` of a bundle, as it
        was noted when it was made, in hexadecimal.
    trust : sequence of path
        Certificates that the reader trusts: a bundle must then be signed under one of them.
    trust_time : sequence of path
        Certificates of time-stamping authorities that the reader trusts: a bundle must then bear a
        timestamp of one of them. A timestamp is no signature.

    Returns
    -------
    Verified or VerifiedBundle
        What was checked.

    Raises
    ------
    CaseError
        Naming the first thing that is missing, added or changed.
    """
    place = Path(folder)
    if is_bag(place):
        return verify_bundle(place, seal, trust, trust_time)
    if trust or trust_time:
        raise CaseError(
            "an edition by itself bears no signature", where=str(place),
            remedy="verify the bundle that it came in",
        )  # fmt: skip
    return verify_edition(place, seal)
