"""What pools give back of what they were given in the same transaction: it was never given.

Who gives a hundred to a pool and gets forty of the same asset back later in the transaction has
given sixty. Read as two payments, the forty would be money that came to him anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chainwatch.tracing.meaning.exchanges import Dealt, dealing_of
from chainwatch.tracing.meaning.flows import Flow, Payment
from chainwatch.tracing.meaning.pools import WRAPPED, DefiPools
from chainwatch.tracing.meaning.reading import AssetKey


def without_returned(flows: Sequence[Flow], pools: DefiPools) -> tuple[Flow, ...]:
    """Return the flows of a transaction without what pools gave back of what they were given.

    What was given is less by what came back later to the same party, of the same pool first. The
    flows that it concerns become one. What a pool gives before it is given anything is a payment of
    its own, for it can be paid on in between.

    Parameters
    ----------
    flows : sequence of Flow
        All of a transaction.
    pools : DefiPools
        Who is one. Wrapped coins give nothing back: they are another asset.

    Fails when
    ----------
    What comes back goes to another address of the same owner: that is a payment to it.
    """
    by_asset: dict[AssetKey, list[Flow]] = {}
    for flow in flows:
        if flow.payments is not None:
            by_asset.setdefault(flow.asset, []).append(flow)
    merged: dict[int, Flow | None] = {}
    for mine in by_asset.values():
        payments = [pay for flow in mine for pay in flow.payments or ()]
        if len(payments) > 1 and (back := _back(payments, pools)):
            concerned = [f for f in mine if any(id(pay) in back for pay in f.payments or ())]
            merged |= {id(flow): None for flow in concerned}
            merged[id(concerned[0])] = _joined(concerned, back, pools)
    made = (merged.get(id(flow), flow) for flow in flows)
    return tuple(flow for flow in made if flow is not None)


def _back(payments: Sequence[Payment], pools: DefiPools) -> dict[int, int]:
    """Return by payment, of those that it concerns, how much of it came back or is that."""
    deal = dealing_of(payments, pools)
    given = [one.payment for one in deal.given if _at(one, one.payment.payee)]
    back: dict[int, int] = {}
    for got in (one.payment for one in deal.got if _at(one, one.payment.payer)):
        for gave in sorted(given, key=lambda pay: pay.payee != got.payer):
            if gave.payer == got.payee and gave.key.place < got.key.place:
                part = min(pay.amount - back.get(id(pay), 0) for pay in (gave, got))
                if part:
                    back |= {id(pay): back.get(id(pay), 0) + part for pay in (gave, got)}
    return back


def _at(one: Dealt, address: bytes) -> bool:
    return one.pool.kind != WRAPPED and one.pool.address == address


def _joined(flows: Sequence[Flow], back: dict[int, int], pools: DefiPools) -> Flow:
    paid = tuple(
        pay._replace(amount=left) for flow in flows for pay in flow.payments or ()
        if (left := pay.amount - back.get(id(pay), 0))
    )  # fmt: skip
    moves = tuple(sorted((move for flow in flows for move in flow.moves), key=lambda m: m.place))
    via = dict.fromkeys(at for flow in flows for at in flow.via)
    parties = dict.fromkeys(at for move in moves for at in (move.sender, move.receiver))
    return Flow(
        flows[0].asset, moves, tuple(via), dict(_sums((p.payer, p.amount) for p in paid)),
        dict(_sums((p.payee, p.amount) for p in paid)), paid,
        tuple(at for at in parties if pools.get(at)),
    )  # fmt: skip


def _sums(amounts: Iterable[tuple[bytes, int]]) -> Iterator[tuple[bytes, int]]:
    found: dict[bytes, int] = {}
    for at, amount in amounts:
        found[at] = found.get(at, 0) + amount
    yield from found.items()
