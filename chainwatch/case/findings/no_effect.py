"""What a case file says that has no effect in a case of its kind: told, for nobody to rely on."""

from __future__ import annotations

from chainwatch.case.file.model import CaseFile
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.results.result import Finding

_OF_COINS = ("min_equal",)
_OF_ACCOUNTS = ("trifle",)
"""Keys of ``[follow]`` that one kind of chain alone has a use for."""


def no_effect_finding(config: CaseFile) -> Finding | None:
    """Return what a case file says in vain, or None where all of it has an effect."""
    coins = chain_of(config.subjects.chain).family == "utxo"
    told = []
    if coins and config.dates:
        names = ", ".join(f"{one.name} ({one.day:%Y-%m-%d})" for one in config.dates)
        told.append(f"[dates] has no effect here: no payment is split at {names}")
    if coins and config.asset is not None:
        told.append("[asset] has no effect here: what is followed is the coin of the chain")
    kind = _OF_ACCOUNTS if coins else _OF_COINS
    told += [
        f"{name} in [follow] has no effect here"
        for name in kind
        if name in config.follow.model_fields_set
    ]
    if not told:
        return None
    whose = "coins" if coins else "accounts"
    text = tuple(f"{one}, in a case on a chain of {whose}." for one in told)
    return Finding("Without effect", text, headline=" ".join(text))
