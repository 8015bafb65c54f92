"""A bundle checked offline: its bag, the edition in it, its seal and log, and what binds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chainwatch.case.bundle.bag import PAYLOAD, SIGNED, TAKE_CARE, check_bag
from chainwatch.case.bundle.contents import EDITION, KINDS, About, read_about
from chainwatch.case.bundle.signatures import check_signatures
from chainwatch.case.seal import MANIFEST, Verified, facts_in, verify
from chainwatch.errors import CaseError
from chainwatch.results.provenance import digest_bytes
from chainwatch.sanitize import preformatted, visible


@dataclass(frozen=True)
class VerifiedBundle:
    """What was checked of a bundle.

    Attributes
    ----------
    folder : Path
        The bundle.
    about : About
        What it says of itself.
    edition : Verified
        What was checked of the edition in it.
    digest : str
        SHA-256 of the list of its lists: compare it with one that was kept elsewhere.
    matched : bool
        Whether it was compared.
    signatures : tuple of str
        Who signed it, and who vouches for that, in sentences.
    """

    folder: Path
    about: About
    edition: Verified
    digest: str
    matched: bool = False
    signatures: tuple[str, ...] = ()

    def __repr__(self) -> str:
        kept = (
            "it is the bundle that was expected"
            if self.matched
            else "whoever makes it again makes another: compare it with a copy kept elsewhere"
        )
        whom = f" for {self.about.recipient}" if self.about.recipient else ""
        lines = (
            f"VerifiedBundle({self.about.edition} of {self.about.case}{whom}, {self.about.tlp}:",
            f"  every file is as the bag says: sha256:{self.digest}",
            f"  {kept}",
            f"  {self.edition!r}",
            *(f"  {one}" for one in self.signatures),
            f"  to replay it: {KINDS[self.about.replay]})",
        )
        return visible("\n".join(lines), keep="\n")

    def _repr_html_(self) -> str:
        return preformatted(repr(self))


def verify_bundle(
    bag: str | Path, digest: str | None = None, trust: Sequence[str | Path] = (),
    trust_time: Sequence[str | Path] = (),
) -> VerifiedBundle:  # fmt: skip
    """Prove that a bundle is whole, and that what it says of itself is so.

    Parameters
    ----------
    bag : path
        The bundle.
    digest : str, optional
        SHA-256 of ``tagmanifest-sha256.txt`` as it was noted when the bundle was made.
    trust : sequence of path
        Certificates that the reader trusts: then the bundle must be signed under one of them.
    trust_time : sequence of path
        Certificates of time-stamping authorities: then it must bear a timestamp of one of them.

    Raises
    ------
    CaseError
        Naming the first thing that is not so; of files that differ, each.
    """
    folder = Path(bag)
    info = check_bag(folder)
    found = digest_bytes((folder / SIGNED).read_bytes())
    if digest is not None and digest.strip().lower().removeprefix("sha256:") != found:
        raise CaseError(
            f"this is another bundle: sha256:{found}", where=str(folder / SIGNED), remedy=TAKE_CARE
        )
    about = read_about(folder)
    # The seal that the bag itself names is none that a reader kept: only the digest of the bag is.
    edition = replace(verify(folder / PAYLOAD / EDITION), matched=digest is not None)
    manifest = facts_in(folder / PAYLOAD / EDITION / MANIFEST)
    said = {
        "case": (about.case, manifest.get("case")),
        "edition": (about.edition, manifest.get("edition")),
        "seal": (about.seal, edition.seal),
        "log": (about.log, manifest.get("log")),
        "marking": (about.tlp, manifest.get("tlp")),
        "marking in bag-info.txt": (about.tlp, info.get("TLP")),
        "recipient in bag-info.txt": (about.recipient, info.get("Recipient", "")),
    }
    for name, (one, other) in said.items():
        if one != other:
            raise CaseError(
                f"the bundle says two things of its {name}", where=str(folder), remedy=TAKE_CARE
            )
    signed = check_signatures(folder, trust, trust_time)
    return VerifiedBundle(folder, about, edition, found, digest is not None, signed)
