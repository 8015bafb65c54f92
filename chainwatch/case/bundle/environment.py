"""What a bundle was made with: installed packages with their versions, as a lock file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from importlib.metadata import Distribution, distributions

from chainwatch.privacy.edition import WORKING

HEAD = """\
# Packages of the Python in which this bundle was made. The line below each is the SHA-256 of the
# list of its own files with their digests, where it has one: not the digest of an archive, and
# nothing of the machine. A disclosure names chainwatch and what it depends on alone.
"""

OURS = "chainwatch"
_OF_THE_MACHINE = re.compile(
    r"\.\./|/|[A-Za-z]:|[^/]*\.pth,|__editable__|[^/]*\.(dist|egg)-info/|(.*/)?__pycache__/"
)
"""How lines begin of what installing wrote: scripts and links hold paths of the machine."""


def lock_file(edition: str = WORKING) -> str:
    """Return the packages that are installed, a line each: ``name==version``.

    Below each stands the SHA-256 of the lines of its ``RECORD`` that are of the package's own
    files, sorted: the same on every machine on which the same package is installed. A digest of the
    archive that it was installed from is not known of an installed package.

    Parameters
    ----------
    edition : str
        ``working``, or ``disclosure``: then only chainwatch and what it depends on.
    """
    found: dict[str, Distribution] = {}
    for one in distributions():
        name = _plain(str(one.metadata["Name"] or ""))
        if name:
            found.setdefault(name, one)  # the first on the path is the one that is imported
    names = set(found) if edition == WORKING else _needed(found)
    return HEAD + "".join(f"{name}=={found[name].version}\n{_record(found[name])}"
                          for name in sorted(names))  # fmt: skip


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _needed(found: Mapping[str, Distribution]) -> set[str]:
    """Return chainwatch and all that it needs, with those of its extras that are installed."""
    from packaging.requirements import Requirement

    given = found[OURS].metadata.get_all("Provides-Extra") if OURS in found else None
    ours = frozenset(given or [])
    needed: set[str] = set()
    ahead = [(OURS, ours)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while ahead:
        name, extras = one = ahead.pop()
        if one in seen or name not in found:
            continue
        seen.add(one)
        needed.add(name)
        for text in found[name].requires or []:
            wanted = Requirement(text)
            kinds = [{"extra": extra} for extra in ("", *extras)]
            if wanted.marker is None or any(wanted.marker.evaluate(kind) for kind in kinds):
                ahead.append((_plain(wanted.name), frozenset(wanted.extras)))
    return needed


def _record(one: Distribution) -> str:
    lines = (one.read_text("RECORD") or "").splitlines()
    own = sorted(line for line in lines if line and not _OF_THE_MACHINE.match(line))
    digest = hashlib.sha256("".join(f"{line}\n" for line in own).encode()).hexdigest()
    return f"# record sha256:{digest}\n" if own else ""


__all__ = ["lock_file"]
