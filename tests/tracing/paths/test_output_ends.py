"""Routes that begin or end at one output: a stolen coin, a deposit, not the rest of its owner."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.canonical import Kind, txid_text
from chainwatch.errors import TraceError
from chainwatch.ledger.ledger import Ledger
from chainwatch.privacy.roles import roles_of

BTC = "btc-regtest"

THEFT = [
    {"id": "a", "ins": [], "outs": [("V", 100), ("V", 40), ("V", 0)]},
    {"id": "b", "ins": [("a", 0)], "outs": [("T", 100)]},
    {"id": "c", "ins": [("a", 1)], "outs": [("S", 40)]},
    {"id": "d", "ins": [("b", 0), ("c", 0)], "outs": [("D", 70), ("T", 70)]},
    {"id": "e", "ins": [("d", 1)], "outs": [("D", 60), ("E", 10)]},
]
"""V is robbed of 100 by T and pays S 40; both go into one transaction that deposits 70 at D, of
which 60 more come later."""


def place(desk: Any, name: str, n: int | None = None) -> str:
    """Return an output, or a whole transaction, as a person writes it."""
    return txid_text(desk.txid(name), BTC) + ("" if n is None else f":{n}")


def between(desk: Any, ledger: Any, source: Any, target: Any, **more: Any) -> cw.Paths:
    return cw.paths(ledger, source, target, chain=BTC, **more)


def routes(found: cw.Paths) -> list[tuple[int, str]]:
    """Return of each route what arrives along it, and the letters of its parties."""
    told = []
    for number, flow in found.routes.select("route", "flow").iter_rows():
        rows = found.hops.filter(route=number)
        letters = [rows["source"][0], *rows["target"]]
        told.append((int(flow), "".join(one[1:].decode().lstrip(".") for one in letters)))
    return told


def test_a_stolen_output_is_the_source_without_the_rest_of_its_owner(desk: Any) -> None:
    ledger = desk.coins(THEFT)
    stolen = between(desk, ledger, place(desk, "a", 0), [desk.coin("D")])
    assert routes(stolen) == [(50, "VTD"), (42, "VTTD")]
    assert stolen.arriving == 92
    of_all = between(desk, ledger, [desk.coin("V")], [desk.coin("D")])
    assert of_all.arriving == 130
    assert stolen.parties.filter(side="source").drop("side").rows() == [
        (desk.coin("V"), desk.coin("V"), desk.txid("a"), 0)
    ]


def test_a_deposit_is_the_target_without_the_rest_of_its_owner(desk: Any) -> None:
    ledger = desk.coins(THEFT)
    later = between(desk, ledger, place(desk, "a", 0), place(desk, "e", 0))
    assert routes(later) == [(42, "VTTD")]
    assert later.hops["n"].to_list() == [0, 1, 0]
    whole = between(desk, ledger, place(desk, "a", 0), place(desk, "e"))
    assert routes(whole) == [(42, "VTTD"), (7, "VTTE")]
    mixed = between(desk, ledger, [place(desk, "a", 1), desk.coin("T")], [place(desk, "d", 0)])
    assert mixed.arriving == 70


def test_an_output_may_lie_at_an_address_of_the_other_end(desk: Any) -> None:
    ledger = desk.coins(THEFT)
    back = between(desk, ledger, [desk.coin("T")], place(desk, "d", 1))
    assert routes(back) == [(50, "TT")]
    with pytest.raises(TraceError, match=r":0 is both source and target; give two outputs\.$"):
        between(desk, ledger, place(desk, "b", 0), [place(desk, "b", 0), place(desk, "d", 0)])


def test_owners_are_not_meant_by_an_output(desk: Any) -> None:
    """T's other coins are his with clusters; a stolen one is no claim on whoever holds it."""
    ledger = desk.coins(THEFT)
    owners = cw.cluster(cw.co_spends(ledger, unless=None))
    found = between(desk, ledger, place(desk, "b", 0), place(desk, "d", 0), clusters=owners)
    assert found.parties["given"].to_list() == [desk.coin("T"), desk.coin("D")]
    assert routes(found) == [(50, "TD")]
    assert found.routes["owners"].to_list() == [0]


def test_an_output_without_an_address_goes_by_the_address_of_its_key(desk: Any) -> None:
    ledger = desk.coins([
        {"id": "a", "ins": [], "outs": [("out", 5, "null_data"), ("key", 60, "p2pk"), ("V", 35)]},
        {"id": "b", "ins": [("a", 1)], "outs": [("T", 60)]},
        {"id": "c", "ins": [("b", 0)], "outs": [("key", 60, "p2pk")]},
    ])  # fmt: skip
    key = pl.lit(b"\x02" * 33)
    outs = ledger.frames["outputs"].filter(script_kind="p2pk").select("chain", "tx", "n")
    told = outs.with_columns(k=pl.lit(0, pl.Int64), required=pl.lit(1, pl.Int64), key=key)
    ledger = Ledger.from_tables({**ledger.frames, "output_keys": told})
    found = between(desk, ledger, place(desk, "a", 1), place(desk, "c", 0))
    name = bytes([Kind.P2PKH]) + hash160(b"\x02" * 33)
    assert found.hops.select("source", "target").rows() == [
        (name, desk.coin("T")), (desk.coin("T"), name),
    ]  # fmt: skip
    with pytest.raises(TraceError, match="has no address and no single key by which"):
        between(desk, ledger, place(desk, "a", 0), [desk.coin("T")])


def said(found: cw.Paths) -> str:
    assert found.routes.is_empty()
    return found.answer()


def test_why_no_route_begins_at_an_output_is_said(desk: Any) -> None:
    ledger = desk.coins(THEFT)
    held = between(desk, ledger, place(desk, "e", 1), [desk.coin("D")])
    assert said(held) == (
        "No route was found among what was read; 1 output of the source is unspent: nothing of it"
        " went on."
    )
    (detail,) = held.limits["detail"]
    assert detail.startswith("unspent as of block 4 ")
    both = between(desk, ledger, [place(desk, "e", 0), place(desk, "e", 1)], [desk.coin("S")])
    assert "2 outputs of the source are unspent: nothing of them went on" in said(both)
    early = ledger.between(None, ledger.transactions.collect()["time"].sort()[1])
    later = between(desk, early, place(desk, "a", 0), [desk.coin("T")])
    assert "1 output of the source is spent outside the span" in said(later)
    part = Ledger.from_tables({n: f for n, f in ledger.frames.items() if n != "coverage"})
    unread = between(desk, part, place(desk, "e", 1), [desk.coin("S")])
    assert "it was not read whether 1 output of the source was spent" in said(unread)


def test_what_is_no_output_of_the_ledger_is_refused_in_one_sentence(desk: Any) -> None:
    ledger, target = desk.coins(THEFT), [desk.coin("D")]
    for wrong, told in (
        (place(desk, "nowhere", 0), r"^no transaction \w+ of .* was read; check the id, or pull"),
        (place(desk, "a", 9), r"^transaction \w+ has no output 9; it has outputs 0 to 2\.$"),
        (place(desk, "a", 2), r"^\w+:2 pays nothing, so that no route begins or ends there; give"),
    ):
        for ends in ((wrong, target), (target, wrong)):
            with pytest.raises(TraceError, match=told):
                between(desk, ledger, *ends)
    balances = desk.paid([("A", "B", 100)], read="AB")
    transfer = "0x" + desk.txid("transfer 0").hex() + ":0"
    with pytest.raises(TraceError, match="is no coin: on account chains a transfer goes into a"):
        cw.paths(balances, transfer, [desk.account("B")], asset=desk.asset)


def test_a_single_output_makes_nobody_else_of_its_owner_a_subject(desk: Any) -> None:
    """Whoever holds it is shown; the other addresses of the same cluster stay masked."""
    ledger = desk.coins([
        {"id": "v", "ins": [], "outs": [("V", 300)]},
        {"id": "p", "ins": [], "outs": [("B", 100)]},
        {"id": "q", "ins": [], "outs": [("C", 100)]},
        {"id": "r", "ins": [("p", 0), ("q", 0)], "outs": [("Y", 200)]},
        {"id": "a", "ins": [("v", 0)], "outs": [("B", 300)]},
    ])  # fmt: skip
    owners = cw.cluster(cw.co_spends(ledger, unless=None))
    here = cw.chain(BTC).id
    b, c = (here, desk.coin("B")), (here, desk.coin("C"))
    for of_the_output, of_the_address in (
        (between(desk, ledger, [desk.coin("V")], place(desk, "a", 0)),
         between(desk, ledger, [desk.coin("V")], [desk.coin("B")])),
        (cw.trace(ledger, place(desk, "a", 0), policy="haircut"),
         cw.trace(ledger, [desk.coin("B")], policy="haircut")),
    ):  # fmt: skip
        roles = roles_of([of_the_output, owners])
        assert (b in roles, c in roles) == (True, False)
        assert c in roles_of([of_the_address, owners])
