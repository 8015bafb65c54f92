"""``crossings``: what became of deposits at bridges, on the chains that were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import chain as chained

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.attribution.resolve import Framed
from chainwatch.errors import TraceError, expect, refuse
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import recorded
from chainwatch.tracing.crossings.bridges import Named, addresses_of_bridges, tags_of_bridges
from chainwatch.tracing.crossings.messages.identifiers import messages_of
from chainwatch.tracing.crossings.messages.logs import messages_in_ledgers
from chainwatch.tracing.crossings.messages.together import rests_on_table, together
from chainwatch.tracing.crossings.result import Crossings
from chainwatch.tracing.crossings.search import Search

WITHIN = timedelta(hours=2)
FEE = Fraction(1, 100)
"""Caps that are used where none are named: they hold for most bridges that pay from a pool."""

Alike = Sequence[Asset | Sequence[Asset]]
"""What is looked at: assets, and groups of assets that stand for one another across chains."""


@recorded
def crossings(
    ledgers: Ledger | Sequence[Ledger], *, bridges: Framed | Named, assets: Alike | None = None,
    messages: pl.DataFrame | None = None, within: timedelta = WITHIN,
    fee_at_most: Fraction | Decimal | str | int = FEE,
) -> Crossings:  # fmt: skip
    """Say of every deposit at a bridge what became of it, by what evidence, or why that is open.

    Explicit identifiers come first. Else a payout is a deposit's where it alone fits by amount and
    time, fits no other deposit, and everything was read that could be either.

    Parameters
    ----------
    ledgers : Ledger or sequence of Ledger
        One with several chains, or several; deposits of their spans are looked at, and payouts
        whenever they were.
    bridges : tags, or mapping of names to mappings of chains to addresses
        Who is a bridge: tags of the concept ``defi_bridge``, or ``{"hop": {"eth": ["0x..."]}}``.
    assets : sequence of Asset or of sequences of Asset, optional
        What is looked at; those in one inner sequence stand for one another, as a token does on
        several chains. If not given, the native coin of each chain, each for itself.
    messages : polars.DataFrame, optional
        What bridges logged beside what the ledgers hold, as
        :func:`chainwatch.tracing.crossings.messages.identifiers.messages_of` takes it: messages in
        the logs of contracts of the ledgers are read by themselves, and none counts twice.
    within, fee_at_most : timedelta, share as Fraction, Decimal or text
        The caps. ``within``: how long after a deposit a payout comes, at most; ``fee_at_most``: how
        much less than the deposit it is, at most.

    Raises
    ------
    TraceError
        If no bridge is named, one address is two bridges', or a chain stands in two ledgers.

    Fails when
    ----------
    A bridge pays from an address that is not named, splits payouts, or swaps to another asset:
    nothing fits, or something else does. A source claims to hold all of an address and does not.

    References
    ----------
    Lin et al., "Connector", 2024, for caps and their widening, which is not done here.
    Yousaf, Kappos and Meiklejohn, "Tracing Transactions Across Cryptocurrency Ledgers", USENIX
    Security 2019.
    """
    tags = tags_of_bridges(bridges)
    of = ledgers_of(ledgers)
    addresses = addresses_of_bridges(tags)
    logged = messages_in_ledgers(of, addresses)
    given = messages_of(messages)
    search = Search(
        of, addresses, _groups(assets, of, tags.frame), together(given, logged.messages), within,
        _share(fee_at_most), logged.odd, rests_on_table(given, logged.messages),
    )  # fmt: skip
    if within <= timedelta(0):
        raise TraceError(f"payouts within {within}", remedy="give a time above nothing")
    return Crossings(
        *search.frames(), bridges=tags, within=within, fee_at_most=search.fee,
        limits=tuple(search.limits()),
    )  # fmt: skip


def ledgers_of(given: Ledger | Sequence[Ledger]) -> dict[str, Ledger]:
    """Return the ledger of each chain."""
    listed = [given] if isinstance(given, Ledger) else given
    if not isinstance(listed, (list, tuple)) or not listed:
        refuse(given, "ledgers", "pass a ledger, or a list of them")
    found: dict[str, Ledger] = {}
    for ledger in listed:
        expect(ledger, Ledger, "a ledger", "open it first: open_ledger('ledger')")
        for one in ledger.chains:
            if one.id in found:
                raise TraceError(
                    f"{one} stands in two of the ledgers",
                    remedy=f"pass it once: ledger.chain_only({one.alias!r}) looks at one chain",
                )
            found[one.id] = ledger
    return found


def _groups(
    assets: Alike | None, ledgers: Mapping[str, Ledger], tags: pl.DataFrame
) -> list[tuple[Asset, ...]]:
    if assets is None:
        chains = sorted({*ledgers} & {*tags["chain"]})
        return [(native(one),) for one in chains]
    wanted = "pass assets, or lists of those that stand for one another across chains"
    if isinstance(assets, Asset) or not isinstance(assets, (list, tuple)):
        refuse(assets, "assets", wanted)
    groups = [(one,) if isinstance(one, Asset) else tuple(one) for one in assets]
    listed = list(chained.from_iterable(groups))
    for asset in listed:
        expect(asset, Asset, "an asset", wanted)
    keys = [(one.chain, one.contract) for one in listed]
    if len(set(keys)) < len(keys):
        twice = next(one for one in listed if keys.count((one.chain, one.contract)) > 1)
        raise TraceError(f"{twice} is named twice", remedy="name each asset in one group only")
    return groups


def _share(given: Fraction | Decimal | str | int) -> Fraction:
    if isinstance(given, (bool, float)) or not isinstance(given, (Fraction, Decimal, str, int)):
        refuse(given, "fee_at_most", "write it as text or fraction, such as '0.01' for one percent")
    try:
        found = Fraction(given)
    except (ValueError, ZeroDivisionError, OverflowError):
        raise TraceError(
            f"a fee of at most {str(given)[:40]!r}", remedy="write a share, such as '0.01'"
        ) from None
    if not 0 <= found < 1:
        raise TraceError(
            f"a fee of at most {found} of the deposit", remedy="write a share from 0 to below 1"
        )
    return found
