"""What somebody received: every method by hand, and the base rate of a busy service."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.errors import TraceError
from chainwatch.tracing.arguments import policies_for
from chainwatch.tracing.revenue.deposits import METHODS
from chainwatch.tracing.revenue.received import Received, received

CHAIN = "btc-regtest"
BTC = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"

TXS: list[dict[str, Any]] = [
    {"id": "v", "ins": [], "outs": [("victim", 100)]},
    {"id": "w", "ins": [], "outs": [("walker", 50)]},
    {"id": "p", "ins": [("v", 0)], "outs": [("seed", 40), ("victim", 55)]},
    {"id": "q", "ins": [("w", 0)], "outs": [("second", 30), ("walker", 18)]},
    {"id": "move", "ins": [("p", 0), ("q", 0)], "outs": [("seed", 20), ("fresh", 45)]},
    {"id": "r", "ins": [("p", 1)], "outs": [("fresh", 10), ("hosted", 40)]},
]
"""The seed gets 40 of a victim and 20 of its own change; co-spending joins a second address that
got 30 of a stranger; change joins a fresh one that got 45 of its own and 10 of the victim. An
address at an exchange, wrongly given as a seed in some tests, got 40 of the victim."""


def owners(desk: Any, *groups: tuple[str, ...]) -> Any:
    class Owners:
        frame = pl.DataFrame(
            [(BTC, desk.coin(name), desk.coin(group[0])) for group in groups for name in group],
            schema={"chain": pl.String, "address": pl.Binary, "cluster": pl.Binary},
            orient="row",
        )

    return Owners()


def count(desk: Any, seeds: tuple[str, ...] = ("seed",), **given: Any) -> Received:
    given = {
        "method": "DD", "clusters": owners(desk, ("seed", "second")),
        "with_change": owners(desk, ("seed", "second", "fresh")),
        "services": desk.tags(("hosted", "harbour")), "sources": [desk.coin("victim")], **given,
    }  # fmt: skip
    return received(desk.coins(TXS), [desk.coin(one) for one in seeds], chain=CHAIN, **given)


def table(found: Received) -> dict[str, tuple[int | None, ...]]:
    names = ("addresses", "payments", "turnover", "low", "high", "reach")
    rows = found.frame.select("method", *names).iter_rows()
    return {row[0]: tuple(None if one is None else int(one) for one in row[1:]) for row in rows}


def test_every_method_by_hand(desk: Any) -> None:
    assert table(count(desk)) == {
        "DD": (1, 2, 60, 40, 40, 40),
        "DD-OW": (1, 2, 60, 40, 40, 40),
        "DD-DC": (1, 1, 40, 40, 40, 40),
        "DD-OW-DC": (1, 1, 40, 40, 40, 40),
        "MI": (2, 3, 90, 40, 40, 40),
        "MI-OW": (2, 3, 90, 40, 40, 40),
        "MI-DC": (2, 2, 70, 40, 40, 40),
        "MI-OW-DC": (2, 2, 70, 40, 40, 40),
        "MICA": (3, 5, 145, 50, 50, 50),
        "MICA-OW": (3, 5, 145, 50, 50, 50),
        "MICA-DC": (3, 3, 80, 50, 50, 50),
        "MICA-OW-DC": (3, 3, 80, 50, 50, 50),
    }


def test_an_address_at_a_service_is_left_out_where_that_is_asked(desk: Any) -> None:
    found = table(count(desk, ("seed", "hosted")))
    assert found["DD-DC"] == (2, 2, 80, 80, 80, 80)
    assert found["DD-OW-DC"] == (1, 1, 40, 40, 40, 40)


def test_a_service_is_not_left_out_where_it_is_asked_about_itself(desk: Any) -> None:
    tags = desk.tags(("hosted", "Harbour"))
    found = received(
        desk.coins(TXS), tags, method="DD-OW", services=desk.tags(("hosted", "harbour")),
        chain=CHAIN,
    )  # fmt: skip
    assert found.turnover == 40


def test_a_service_asked_about_by_address_is_not_zero_but_not_computed(desk: Any) -> None:
    found = count(desk, ("hosted",))
    assert found.lacking["DD-OW"] == "every address is at a service"
    with pytest.raises(TraceError, match="DD-OW cannot be computed: every address"):
        count(desk, ("hosted",), method="DD-OW")


def test_what_is_not_given_is_said_and_not_zero(desk: Any) -> None:
    found = count(desk, clusters=None, with_change=None, services=None, sources=None)
    assert table(found) == {
        "DD": (1, 2, 60, None, None, None), "DD-DC": (1, 1, 40, None, None, None),
    }  # fmt: skip
    assert found.lacking["MI-OW"] == "no clusters by co-spending were given"
    assert found.lacking["MICA"] == "no clusters by co-spending and change were given"
    assert found.lacking["DD-OW"] == "no services were given"
    assert set(found.lacking) | set(found.frame["method"]) == set(METHODS)
    (finding,) = found.findings(pl.DataFrame())
    assert "nothing of it is attributed" in finding.headline
    assert "Not computed: DD-OW (no services were given)" in finding.text[2]
    assert found.from_sources is None


def test_there_is_no_default_and_no_other_method(desk: Any) -> None:
    with pytest.raises(TraceError, match="no method of counting was named") as raised:
        count(desk, method=None, clusters=None, with_change=None)
    assert "one of DD, DD-OW, DD-DC, DD-OW-DC;" in str(raised.value)
    with pytest.raises(TraceError, match="no method of counting 'sum'"):
        count(desk, method="sum")


def test_a_source_that_is_counted_as_a_receiver_is_refused(desk: Any) -> None:
    with pytest.raises(TraceError, match="counted as a receiver and named as a source"):
        count(desk, sources=[desk.coin("seed")])


def test_an_input_that_was_not_read_leaves_it_open_who_paid(desk: Any) -> None:
    txs = [{"id": "p", "ins": [("?",)], "outs": [("seed", 7)]}]
    found = received(desk.coins(txs), desk.coin("seed"), method="DD-DC", chain=CHAIN)
    assert found.payments["own"].to_list() == [None]
    assert (found.turnover, found.row["unsure"]) == (7, 1)
    assert "whether it was paid from an address of the same is not known" in " ".join(
        found.findings(pl.DataFrame())[0].text
    )


@pytest.mark.parametrize("left", [0, 1])
def test_inputs_of_which_no_row_was_read_leave_it_open_who_paid(desk: Any, left: int) -> None:
    """The transaction says that it has two inputs; rows of one, or of none, were read."""
    txs = [
        {"id": "p", "ins": [], "outs": [("o", 10)]},
        {"id": "q", "ins": [], "outs": [("seed", 10)]},
        {"id": "r", "ins": [("p", 0), ("q", 0)], "outs": [("seed", 19)]},
    ]
    whole = desk.coins(txs)
    names = ("transactions", "inputs", "outputs", "blocks")
    tables = {name: getattr(whole, name).collect() for name in names}
    tables["inputs"] = tables["inputs"].filter(pl.col("n") < left)
    part = type(whole).from_tables(tables)
    seed = desk.coin("seed")
    owned = [
        dict(zip(*received(one, seed, method="DD", chain=CHAIN).payments.select("amount", "own"),
                 strict=True))
        for one in (whole, part)
    ]  # fmt: skip
    assert owned == [{10: False, 19: True}, {10: False, 19: None}]
    found = received(part, seed, method="DD-DC", chain=CHAIN)
    assert (found.turnover, found.row["unsure"]) == (29, 1)


def test_what_was_not_read_on_the_way_is_said(desk: Any) -> None:
    """The victim's 5 enter a transaction of which another input was not read."""
    txs = [
        {"id": "v", "ins": [], "outs": [("victim", 5)]},
        {"id": "p", "ins": [("v", 0), ("?",)], "outs": [("seed", 9)]},
    ]
    found = received(
        desk.coins(txs), desk.coin("seed"), method="DD", sources=desk.coin("victim"), chain=CHAIN
    )
    assert found.from_sources == (0, 0)
    assert found.row["open"] == 5
    said = found.findings(pl.DataFrame())[0].headline
    assert "up to 0.00000005 rBTC of theirs ended at what was not read" in said


@pytest.mark.parametrize("who", ["m", "t"])
def test_the_base_rate_of_a_money_service(desk: Any, who: str) -> None:
    """Of 1,300 deposits of 1,000 at one service seven are tainted; it pays all on to one address.

    What came from the tainted wallet is 7,000 by each method and policy, at the service and behind
    it; behind it poison reaches all of the turnover, which is what the mistake is made of.
    """
    tainted = set(range(50, 1_300, 180))
    moves = [("k" if i in tainted else "o", "m", 1_000) for i in range(1_300)]
    ledger = desk.paid([*moves, ("m", "t", 1_300_000)], read="km")
    found = received(
        ledger, desk.account(who), method="DD-DC", sources=desk.account("k"), asset=desk.asset
    )
    assert found.turnover == 1_300_000
    assert found.from_sources == (7_000, 7_000)
    reach = {"m": 7_000, "t": 1_300_000}[who]
    assert found.row["reach"] == reach
    of = found.policies.filter(method="DD-DC")
    amounts = {name: tuple(map(int, span)) for name, *span in of.select(SPAN).iter_rows()}
    fit = [one.name for one in policies_for("eth") if one.conserves and one.follows]
    assert amounts == {**dict.fromkeys(fit, (7_000, 7_000)), "poison": (reach, reach)}
    said = found.findings(pl.DataFrame())[0].headline
    assert f"payments of {reach:,} TOK hold any of theirs" in said
    assert "nothing" not in said


SPAN = ("policy", "low", "high")
TIED: list[tuple[Any, ...]] = [
    ("z", "s", 5, 0), ("k", "m", 5, 1), ("s", "m", 5, 2), ("m", "e", 5, 2), ("m", "q", 5, 3),
]  # fmt: skip
"""In one minute the source pays 5 to a wallet that holds 5 of others, and the wallet pays 5 to
whom it is asked about: what came depends on which of the two was first."""


@pytest.mark.parametrize("rows", [(0, 1, 2, 3, 4), (0, 1, 3, 2, 4)])
def test_what_came_is_the_least_and_the_most_over_the_orders_of_one_time(
    desk: Any, rows: tuple[int, ...]
) -> None:
    """If the payment was first nothing came; if not, all of it by LIFO and 2 by haircut."""
    ledger = desk.paid([TIED[i] for i in rows], read="smekqz")
    found = received(
        ledger, desk.account("e"), method="DD", sources=desk.account("s"), asset=desk.asset
    )
    spans = {name: tuple(map(int, span)) for name, *span in
             found.policies.filter(method="DD").select(SPAN).iter_rows()}  # fmt: skip
    assert spans == {
        "fifo": (0, 0), "lifo": (0, 5), "haircut": (0, 2), "seniority": (0, 5),
        "clean_first": (0, 0), "poison": (0, 5),
    }  # fmt: skip
    assert (found.from_sources, found.row["reach"]) == ((0, 5), 5)
    assert (found.orders.tried, found.orders.all) == (2, True)
    (said,) = found.findings(pl.DataFrame())
    assert "received 0 TOK to 5 TOK from the sources" in said.headline
    assert "least and the most over 2 orders of them." in " ".join(said.text)


def test_orders_that_were_not_tried_are_said(desk: Any) -> None:
    rows = [("z", "s", 90, 0), *(("s", "m", 1, 1) for _ in range(6))]
    rows += [("k", "m", 6, 0), *(("m", "e", 1, 1) for _ in range(6))]
    found = received(
        desk.paid(rows, read="smkz"), desk.account("e"), method="DD", sources=desk.account("s"),
        asset=desk.asset,
    )  # fmt: skip
    assert found.orders.tried > 1
    assert not found.orders.all
    assert "amounts beyond the range are possible" in " ".join(
        found.findings(pl.DataFrame())[0].text
    )


def test_a_receiver_whose_history_was_not_read_received_at_least_that(desk: Any) -> None:
    """The source paid 50; whether others, or it itself, paid more is not known."""
    ledger = desk.paid([("x", "e", 50)], read="x")
    asked: dict[str, Any] = {"method": "DD", "asset": desk.asset}
    plain = received(ledger, desk.account("e"), **asked)
    (said,) = plain.findings(pl.DataFrame())
    assert plain.row["unread"] == 1
    assert "the turnover of 1 address is at least 50 TOK" in said.headline
    assert "(of 1, the history was not read)" in said.text[1]
    found = received(ledger, desk.account("e"), sources=desk.account("x"), **asked)
    (said,) = found.findings(pl.DataFrame())
    assert "received at least 50 TOK from the sources" in said.headline
    assert "of a turnover of at least 50 TOK" in said.headline
    assert "of 1 of 1 address not every payment is known to have been read" in said.headline
    assert "at least 50 TOK from the sources, of a turnover of at least 50 TOK" in repr(found)


def test_a_receiver_whose_history_was_read_received_that(desk: Any) -> None:
    ledger = desk.paid([("x", "e", 50)], read="e")
    asked: dict[str, Any] = {"method": "DD", "asset": desk.asset, "sources": desk.account("x")}
    found = received(ledger, desk.account("e"), **asked)
    (said,) = found.findings(pl.DataFrame())
    assert found.row["unread"] == 0
    assert "at least" not in said.headline
    assert said.text[1] == "Every payment to the address was read."
    assert "Of 1 of 1 source not every payment is known to have been read" in said.text[2]


def test_coins_are_all_read_where_every_block_was(desk: Any) -> None:
    whole = received(desk.coins(TXS), desk.coin("seed"), method="DD", chain=CHAIN)
    assert whole.row["unread"] == 0
    assert "was read, up to 2023-06-01." in whole.findings(pl.DataFrame())[0].text[1]
    names = ("transactions", "inputs", "outputs", "blocks")
    made = desk.coins(TXS)
    ledger = type(made).from_tables({name: getattr(made, name).collect() for name in names})
    part = received(ledger, desk.coin("seed"), method="DD", chain=CHAIN)
    assert (part.row["unread"], part.turnover) == (1, 60)
    assert "nor every block from the first on was read" in part.findings(pl.DataFrame())[0].text[1]


def test_turnover_and_reach_never_stand_alone(desk: Any) -> None:
    """Whatever is shown of them, the amount that came from the sources is in the same row."""
    found = count(desk)
    (finding,) = found.findings(pl.DataFrame())
    names = finding.frame.columns
    assert {"turnover", "reach", "low", "high"} <= set(names)
    assert finding.headline.index("0.0000004 rBTC from the sources") < finding.headline.index(
        "turnover"
    )
    assert "no confidence interval" in finding.text[0]
    assert "DD-DC: 0.0000004 rBTC from the sources, of a turnover of 0.0000004 rBTC" in repr(found)


def test_transfers_to_oneself_are_own(desk: Any) -> None:
    ledger = desk.paid([("o", "s", 9), ("s", "s", 4)], read="s")
    amounts = [
        received(ledger, desk.account("s"), method=method, asset=desk.asset).turnover
        for method in ("DD", "DD-DC")
    ]
    assert amounts == [13, 9]


def test_it_is_public_and_recorded(desk: Any) -> None:
    found = cw.received(desk.coins(TXS), desk.coin("seed"), method="DD", chain=CHAIN)
    assert "received(" in found.lineage()
    again = cw.received(desk.coins(TXS), desk.coin("seed"), method="DD", chain=CHAIN)
    assert found.digest == again.digest


def test_addresses_that_were_read_in_part_are_listed_with_why(desk: Any) -> None:
    """They were counted alone: whoever reads *at least* wants to know of which addresses."""
    rows = [("victim", "seed", 7), ("stranger", "other", 2)]
    ledger = desk.paid(rows, read="")
    found = received(
        ledger, [desk.account("seed"), desk.account("other")], method="DD", asset=desk.asset,
        sources=[desk.account("victim")],
    )  # fmt: skip
    listed = found.partly_read.select("side", "address").rows()
    assert listed == [
        ("receiver", desk.account("seed")), ("receiver", desk.account("other")),
        ("source", desk.account("victim")),
    ]  # fmt: skip
    assert int(found.row["unread"]) == 2
    assert set(found.partly_read["why"]) == {"the history was not read"}
    assert found.tables()["partly_read"].frame.height == 3
    (finding,) = found.findings(pl.DataFrame())
    assert "They are listed in the table partly_read." in str(finding.text)
    whole = received(
        desk.paid(rows, read=["victim", "seed", "other"]), [desk.account("seed")], method="DD",
        asset=desk.asset,
    )  # fmt: skip
    assert whole.partly_read.is_empty()
