"""A hop is one payment in whatever counts hops: traces both ways, routes, exposure, peel chains."""

from __future__ import annotations

from typing import Any

import pytest

import chainwatch as cw
from chainwatch.clusters.peeling.chains import Shape

BTC, LENGTH = "btc-regtest", 5


def coins(desk: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Return a coin that is peeled five times; of each transaction two outputs are payments."""
    txs = [{"id": "0", "ins": [], "outs": [("A", 10_000)]}]
    txs += [
        {"id": f"{n}", "ins": [(f"{n - 1}", 0)], "outs": [(who, 10_000 - 9 * n), (f"z{n}", 9)]}
        for n, who in enumerate("CDEFB", 1)
    ]
    return desk.coins(txs), desk.coin, {"chain": BTC}


def balances(desk: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Return five transfers in a row, of which the second and the third share a transaction."""
    ways = zip("ACDEF", "CDEFB", ["1", "2", "2", "3", "4"], range(5), strict=True)
    rows = [(a, b, 100, minute, {"txid": desk.txid(tx), "log_index": minute})
            for a, b, tx, minute in ways]  # fmt: skip
    return desk.paid(rows, read="ABCDEF"), desk.account, {"asset": desk.asset}


@pytest.mark.parametrize("chain", [coins, balances])
def test_a_hop_is_one_payment_wherever_hops_are_counted(desk: Any, chain: Any) -> None:
    ledger, named, given = chain(desk)
    bank = desk.tags(("B", "Bank"), chain=cw.chain(BTC).id if chain is coins else "eip155:1")
    wanted = {named(one): n for n, one in enumerate("CDEFB", 1)}
    routes = cw.paths(ledger, named("A"), named("B"), **given)
    assert dict(routes.hops.select("target", "hop").iter_rows()) == wanted
    assert routes.routes["hops"].to_list() == [LENGTH]
    forward = cw.trace(ledger, named("A"), policy="fifo", stop=bank, **given)
    steps = dict(forward.steps.select("target", "hop").iter_rows())
    assert {one: steps[one] for one in wanted} == wanted
    assert cw.exposure(forward, bank).frame["hops"].to_list() == [LENGTH]
    back = cw.trace(
        ledger, named("B"), policy="fifo", direction="backward", stop=[], **given
    ).steps.select("source", "hop")
    assert dict(back.iter_rows())[named("A")] == LENGTH


@pytest.mark.parametrize("chain", [coins, balances])
@pytest.mark.parametrize("most", range(1, LENGTH + 2))
def test_a_limit_of_hops_lets_as_many_payments_through(desk: Any, chain: Any, most: int) -> None:
    ledger, named, given = chain(desk)
    parties = dict(enumerate("CDEFB", 1))
    traced = cw.trace(ledger, named("A"), policy="fifo", max_hops=most, **given)
    reached = {n for n, one in parties.items() if named(one) in set(traced.steps["target"])}
    told = {
        n
        for n, one in parties.items()
        if cw.paths(ledger, named("A"), named(one), max_hops=most, **given).routes.height
    }
    assert reached == told == {n for n in parties if n <= most}  # fmt: skip


def test_a_peel_chain_counts_the_payments_of_its_rest(desk: Any) -> None:
    ledger, named, given = coins(desk)
    (hops,) = cw.peel_chains(ledger, shape=Shape(least_hops=LENGTH)).frame["hops"]
    route = cw.paths(ledger, named("A"), named("B"), **given)
    assert hops == LENGTH == route.hops["peel"].drop_nulls().len()
    assert cw.peel_chains(ledger, shape=Shape(least_hops=LENGTH + 1)).frame.is_empty()
