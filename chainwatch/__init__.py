"""chainwatch: follow illicit money across public blockchains, and prove every step.

First steps::

    import chainwatch as cw

    cw.pull("ledger", cw.BlockFiles("blocks.dat", chain="btc"))  # read; again: only what is new
    ledger = cw.open_ledger("ledger")
    tags = cw.read_tags("tags")  # TagPacks, or a plain list with chain=
    services = tags.services()  # whose wallets hold the money of many
    cw.hits(ledger, tags).plain()  # payments to and from tagged addresses

    owners = cw.cluster(cw.co_spends(ledger), tags=tags)
    owners.plain()  # who belongs together, as text; owners.why(a, b) says why

    followed = cw.trace(ledger, "bc1...", policy="fifo", stop=services, clusters=owners)
    followed.summary()  # where the money ended, and for what reason
    cw.exposure(followed, tags)  # how much reached whom that tags name
    cw.trace_all(ledger, "bc1...", stop=services)  # what depends on the policy, and what does not

On account chains read a table with ``TransferDump`` and a ``DumpMapping``, name the ``asset``
(``native("eth")`` or ``token(...)``), and ask for ``counterparties`` and ``hosted`` too. A whole
case, from its file to sealed folders, is ``run_case`` or ``chainwatch run``; ``verify`` proves that
a written folder is unchanged. Results mask bystanders until
``set_edition("working", reason=..., authority=...)``.

Each result is frozen: ``.frame`` holds its rows as polars, addresses in them as canonical bytes;
``.plain()`` gives them as text, and ``cw.plain(frame)`` what you made of them. ``.record`` and
``.lineage()`` say how it came about. Rules are in ``cw.heuristics``, policies in
``cw.tracing.policies``, pictures in ``cw.figures``. Importing loads nothing heavy: each name is
loaded when it is first used, and ``help(chainwatch.trace)`` explains it.
"""

from __future__ import annotations

import re
from importlib import import_module, resources
from typing import Any

_LINE = re.compile(r"^from chainwatch\.([\w.]+) import (\w+) as \2$", re.MULTILINE)

_STUB = (resources.files(__name__) / "__init__.pyi").read_text("utf-8")

_HOMES = {name: home for home, name in _LINE.findall(_STUB)}
"""Where each public name lives, as the stub lists it."""

_PACKAGES = re.findall(r"^from chainwatch import (\w+) as \1$", _STUB, re.MULTILINE)
"""The packages that one asks by name: ``cw.figures.flow``, ``cw.heuristics.coinjoin``."""

__all__ = sorted(_HOMES)  # noqa: PLE0605 - the stub is the list


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in _PACKAGES:
        return import_module(f"chainwatch.{name}")
    if name == "__version__":
        return import_module("importlib.metadata").version("chainwatch")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'chainwatch' has no attribute {name!r}")
    import_module("chainwatch.privacy.session")  # from now on results print as its edition allows
    import_module("chainwatch.figures")  # and know what draws them
    import_module("chainwatch.figures.interactive_page.in_notebooks")  # a trace is a page there
    found = getattr(import_module(f"chainwatch.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted([*__all__, *_PACKAGES, "__version__"])
