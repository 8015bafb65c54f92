"""What a bundle was made with: every installed package with its version, as a lock file."""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import Distribution, distributions

HEAD = """\
# Packages of the Python in which this bundle was made. The line below each is the SHA-256 of the
# list of its installed files (RECORD), where it has one: not the digest of an archive.
"""


def lock_file() -> str:
    """Return the packages that are installed, a line each: ``name==version``.

    Below each stands the SHA-256 of its ``RECORD``, which lists its files with their digests. A
    digest of the archive that it was installed from is not known of an installed package.
    """
    lines: dict[str, str] = {}
    for one in distributions():
        name = re.sub(r"[-_.]+", "-", str(one.metadata["Name"] or "")).lower()
        if name and name not in lines:  # the first on the path is the one that is imported
            lines[name] = f"{name}=={one.version}\n{_record(one)}"
    return HEAD + "".join(lines[name] for name in sorted(lines))


def _record(one: Distribution) -> str:
    text = one.read_text("RECORD")
    return f"# record sha256:{hashlib.sha256(text.encode()).hexdigest()}\n" if text else ""
