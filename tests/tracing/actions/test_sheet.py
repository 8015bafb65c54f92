"""The action sheet: who could act on which end, what the rest is, and what was not read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.errors import ConservationError
from chainwatch.ledger import schema
from chainwatch.ledger.account_schema import FREEZES
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.actions import sheet as module
from chainwatch.tracing.actions.freezes import NO_ISSUER, NOT_AMONG, NOT_READ
from chainwatch.tracing.actions.holdings import AT_SERVICE, BEYOND
from chainwatch.tracing.result import Trace

COINS: list[dict[str, Any]] = [
    {"id": "earn", "ins": [], "outs": [("a", 1_000)]},
    {"id": "pay", "ins": [("earn", 0)], "outs": [("x", 300), ("y", 200), ("b", 400), ("z", 60)]},
    {"id": "burn", "ins": [("pay", 2)], "outs": [("c", 350), ("nobody", 30, "null_data")]},
]
"""A pays x at one service, y at another and z, who is tagged but no service; b pays c, burns 30.
Fees are 40 and 20."""


def coins(desk: Any) -> tuple[Ledger, cw.Tags]:
    tags = desk.tags(("x", "Otter Exchange"), ("y", "Bank of Test", "bank"), ("z", "Zed", "vendor"))
    return desk.coins(COINS), tags


def followed(ledger: Ledger, desk: Any, tags: Any, policy: str = "fifo", **more: Any) -> Trace:
    return cw.trace(ledger, [desk.coin("a")], policy=policy, stop=tags, chain="btc-regtest", **more)


def by_name(sheet: cw.ActionSheet, *columns: str) -> dict[str, Any]:
    rows = sheet.frame.select("address", *columns).iter_rows()
    return {address[1:].decode().lstrip("."): tuple(rest) for address, *rest in rows}


def frozen(ledger: Ledger, *events: tuple[bytes, str, int], contract: bytes) -> Ledger:
    """Return the ledger with what an issuer did to addresses, each at a minute."""
    start = ledger.transfers.select(pl.col("time").min()).collect().item()
    rows = [
        {
            "chain": "eip155:1", "txid": bytes([place]) * 32, "log_index": 0, "tx": None,
            "time": start + timedelta(minutes=minute), "contract": contract, "address": address,
            "action": action, "amount": None, "amount_hex": None,
        }
        for place, (address, action, minute) in enumerate(events, 1)
    ]  # fmt: skip
    tables = {name: ledger.table(name).collect() for name in ("transfers", "coverage")}
    made = pl.DataFrame(rows, schema=FREEZES.schema, orient="row")
    return Ledger.from_tables({**tables, "freezes": made})


def test_each_end_that_somebody_could_act_on_has_a_row(desk: Any) -> None:
    ledger, tags = coins(desk)
    sheet = cw.action_sheet(followed(ledger, desk, tags), tags=tags, ledger=ledger)
    rows = by_name(sheet, "service", "amount", "reason", "contact", "freeze", "held")
    assert rows == {
        "x": ("Otter Exchange", 300, "hosted service", "exchange", NO_ISSUER, None),
        "y": ("Bank of Test", 200, "hosted service", "bank", NO_ISSUER, None),
        "z": (None, 60, "tagged party", "vendor", NO_ISSUER, None),
        "c": (None, 350, "unspent", "not known", NO_ISSUER, 350),
    }
    seen = by_name(sheet, "observable", "as_of")
    assert seen["x"] == seen["y"] == (AT_SERVICE, None)
    assert seen["z"] == (BEYOND, None)
    assert seen["c"] == ("unspent as of block 2 (2023-06-01)", 2)
    assert set(sheet.frame["asset"]) == {"rBTC"}
    assert sheet.frame["contract"].null_count() == 4


def test_the_rest_is_summed_by_reason_and_both_are_the_ends_exactly(desk: Any) -> None:
    ledger, tags = coins(desk)
    trace = followed(ledger, desk, tags)
    sheet = cw.action_sheet(trace, tags=tags)
    rest = {row["reason"]: (row["amount"], row["ends"]) for row in sheet.rest.to_dicts()}
    assert rest == {"fee": (60, 2), "burnt": (30, 1)}
    assert sheet.frame["amount"].sum() + sheet.rest["amount"].sum() == 1_000 == trace.amount


@pytest.mark.parametrize("policy", ["fifo", "lifo", "haircut", "seniority", "poison"])
@pytest.mark.parametrize("limit", [{}, {"max_hops": 1}, {"min_amount": 351}])
def test_rows_and_rest_are_the_ends_under_every_policy(
    desk: Any, policy: str, limit: dict[str, int]
) -> None:
    ledger, tags = coins(desk)
    trace = followed(ledger, desk, tags, policy, **limit)
    sheet = cw.action_sheet(trace, tags=tags, ledger=ledger)
    whole = sum(map(int, trace.ends["amount"]))
    assert sum(map(int, sheet.frame["amount"])) + sum(map(int, sheet.rest["amount"])) == whole
    assert sheet.frame.height + sum(sheet.rest["ends"]) == trace.ends.height
    reasons = set(sheet.rest["reason"])
    assert reasons <= {"fee", "burnt", "hop limit", "threshold"}
    assert ("hop limit" in reasons, "threshold" in reasons) == tuple(
        name in limit for name in ("max_hops", "min_amount")
    )


def test_a_sheet_that_loses_an_end_is_refused(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, tags = coins(desk)
    trace = followed(ledger, desk, tags)
    rows = module._rows
    monkeypatch.setattr(module, "_rows", lambda *given: rows(*given).head(-1))
    with pytest.raises(ConservationError, match="of 6 ends"):
        cw.action_sheet(trace, tags=tags)


def test_without_a_ledger_and_tags_what_they_say_is_not_read(desk: Any) -> None:
    ledger, tags = coins(desk)
    sheet = cw.action_sheet(followed(ledger, desk, tags))
    assert set(sheet.frame["contact"]) == {"not known"}
    assert sheet.frame["held"].null_count() == 4
    said = " ".join(sheet.findings(sheet.followed())[0].text)
    assert "No tags were given: contact categories are not known." in said


def test_a_contested_end_is_listed_and_nobody_is_asked_about_it(desk: Any) -> None:
    ledger, _ = coins(desk)
    tags = desk.tags(("x", "One"), ("x", "Two"), ("y", "Bank of Test", "bank"))
    sheet = cw.action_sheet(followed(ledger, desk, tags), tags=tags)
    assert by_name(sheet, "service", "certainty")["x"] == (None, "contested")
    assert list(sheet.requests()) == ["Bank of Test"]


def test_reach_is_said_to_be_reach_and_no_share(desk: Any) -> None:
    ledger, tags = coins(desk)
    sheet = cw.action_sheet(followed(ledger, desk, tags, "poison"), tags=tags)
    for finding in sheet.findings(sheet.followed()):
        assert "nobody's share" in " ".join(finding.text)
    assert "nobody's share" in repr(sheet)
    assert "nobody's share" in sheet.requests()["Otter Exchange"]
    shares = cw.action_sheet(followed(ledger, desk, tags, "fifo"), tags=tags)
    assert "nobody's share" not in repr(shares) + shares.requests()["Otter Exchange"]


def accounts(desk: Any, complete: bool | None = True) -> tuple[Ledger, cw.Tags]:
    paid = [("s", "a", 1_000), ("o", "w", 25), ("a", "w", 600), ("a", "d", 300), ("w", "v", 100)]
    ledger = desk.paid(paid, read="aw", complete=complete)
    return ledger, desk.tags(("d", "Otter Exchange"), ("h", "Otter Exchange"), chain="eip155:1")


def sheet_of(ledger: Ledger, desk: Any, tags: cw.Tags) -> cw.ActionSheet:
    found = cw.trace(ledger, [desk.account("a")], policy="fifo", stop=tags, asset=desk.asset)
    return cw.action_sheet(found, tags=tags, ledger=ledger)


def test_a_token_in_a_wallet_of_its_own_has_a_balance_and_an_issuer(desk: Any) -> None:
    ledger, tags = accounts(desk)
    sheet = sheet_of(ledger, desk, tags)
    rows = by_name(sheet, "amount", "held", "observable", "freeze")
    assert rows["w"] == (525, 525, "balance as of the end of what was read", NOT_READ)
    assert rows["a"][:2] == (100, 100)
    assert rows["d"] == (300, None, AT_SERVICE, NOT_READ)
    assert set(sheet.frame["contract"]) == {desk.asset.contract}
    assert by_name(sheet, "service", "contact")["d"] == ("Otter Exchange", "exchange")


def test_a_balance_is_not_read_without_a_ledger_or_a_whole_history(desk: Any) -> None:
    ledger, tags = accounts(desk)
    found = cw.trace(ledger, [desk.account("a")], policy="fifo", stop=tags, asset=desk.asset)
    for other in (None, accounts(desk, complete=False)[0]):
        rows = by_name(cw.action_sheet(found, tags=tags, ledger=other), "held", "observable")
        assert rows["w"] == (None, "balance not read")


def test_what_the_issuer_did_is_told_in_order_where_it_was_read(desk: Any) -> None:
    ledger, tags = accounts(desk)
    w, d = desk.account("w"), desk.account("d")
    done = [(w, "unfreeze", 20), (w, "freeze", 10), (w, "freeze", 30), (w, "destroy", 40)]
    read = frozen(ledger, *done, contract=desk.asset.contract)
    told = by_name(sheet_of(read, desk, tags), "freeze")
    assert [part.split(" by ")[0] for part in told["w"][0].split("; ")] == [
        "frozen on 2023-06-01 00:10:00 UTC",
        "freed again on 2023-06-01 00:20:00 UTC",
        "frozen on 2023-06-01 00:30:00 UTC",
        "what it held was destroyed on 2023-06-01 00:40:00 UTC",
    ]
    assert told["d"] == (NOT_AMONG,)
    other = frozen(ledger, (d, "freeze", 1), contract=desk.account("other"))
    assert by_name(sheet_of(other, desk, tags), "freeze")["d"] == (NOT_READ,)


def test_it_is_masked_in_the_disclosure_edition_as_ends_are(desk: Any, tmp_path: Any) -> None:
    ledger, tags = coins(desk)
    trace = followed(ledger, desk, tags)
    case = cw.Case("sheet", "Who could act?", mask_key=bytes(16))
    case.add(trace).add(cw.action_sheet(trace, tags=tags, ledger=ledger)).look_beside(ledger)
    case.write(tmp_path / "disclosure")
    case.write(tmp_path / "working", edition="working", reason="a test", authority="a court")
    shown, ends, whole = (
        pl.read_csv(tmp_path / edition / "tables" / f"{name}.csv", infer_schema=False)
        for edition, name in (("disclosure", "actions"), ("disclosure", "ends"),
                              ("working", "actions"))
    )  # fmt: skip
    assert set(shown["address"]) <= set(ends["address"])
    hidden = set(whole.filter(pl.col("service").is_null())["address"])
    assert hidden
    assert not hidden & set(shown["address"])
    told = shown.write_csv()
    assert not any(address in told for address in hidden)
    page = (tmp_path / "disclosure" / "report.html").read_text("utf-8")
    assert "Who could act on it" in page
    assert "Where nobody is known who could act" in page
    assert "before any amount is rounded (≈), they add up to it exactly" in page
    assert not any(address in page for address in hidden)


def test_a_service_is_named_with_its_amount_where_others_are_masked(
    desk: Any, tmp_path: Any
) -> None:
    """Whom one asks, and how much came there, stands as exactly as where the value ends."""
    ledger, tags = coins(desk)
    trace = followed(ledger, desk, tags)
    case = cw.Case("sheet", "Who could act?", mask_key=bytes(16))
    case.add(trace).add(cw.action_sheet(trace, tags=tags, ledger=ledger)).look_beside(ledger)
    case.write(tmp_path / "disclosure")
    who, ends = (
        pl.read_csv(tmp_path / "disclosure" / "tables" / f"{name}.csv", infer_schema=False)
        .filter(pl.col("service").is_not_null())
        .select("service", "reason", "certainty", "amount", "ends", "rounded")
        .sort("service")
        for name in ("who_could_act", "ends_by_reason")
    )
    assert who.equals(ends)
    assert who["service"].to_list() == ["Bank of Test", "Otter Exchange"]
    assert who["amount"].to_list() == ["200", "300"]
    page = (tmp_path / "disclosure" / "report.html").read_text("utf-8")
    assert "Somebody could act: 2 ends are at services (Bank of Test, Otter Exchange); " in page
    assert "Somebody could act on" not in page


def test_what_prints_itself_is_summed_by_kind_and_names_no_payment(desk: Any) -> None:
    ledger, tags = coins(desk)
    sheet = cw.action_sheet(followed(ledger, desk, tags), tags=tags, ledger=ledger)
    assert repr(sheet).splitlines() == [
        "ActionSheet(fifo, 4 ends that somebody could act on)",
        "            0.0000035 rBTC  unspent (contact not known), 1 end",
        "             0.000003 rBTC  hosted service: Otter Exchange (contact exchange), 1 end",
        "             0.000002 rBTC  hosted service: Bank of Test (contact bank), 1 end",
        "            0.0000006 rBTC  tagged party (contact vendor), 1 end",
        "            0.0000009 rBTC  of which nobody is known who could act",
    ]


def test_the_schema_knows_what_issuers_do() -> None:
    assert schema.FREEZES["action"].meaning == "freeze, unfreeze or destroy"


class TestOrders:
    """m gets 5 of s in the minute in which it pays 5 to e: which was first decides what e gets."""

    ROWS = (
        ("z", "s", 5, 0), ("k", "m", 5, 1), ("m", "e", 5, 2), ("s", "m", 5, 2), ("m", "q", 5, 3)
    )  # fmt: skip

    def sheet(self, desk: Any, order: Any, policy: str = "lifo") -> cw.ActionSheet:
        ledger = desk.paid([self.ROWS[at] for at in order], read="smekqz")
        tags = desk.tags(("e", "E"), chain=desk.asset.chain)
        way = cw.trace(ledger, [desk.account("s")], policy=policy, asset=desk.asset, stop=tags)
        return cw.action_sheet(way, tags=tags, ledger=ledger)

    @pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (0, 1, 3, 2, 4)])
    def test_whoever_may_be_reached_is_listed_as_possible(self, desk: Any, order: Any) -> None:
        one = self.sheet(desk, order)
        told = one.possible.select("service", "low", "high").rows()
        assert told == [(None, 0, 5), ("E", 0, 5)]
        listed, _, possible, _ = one.findings(one.frame)
        assert "E: between 0 TOK and 5 TOK, by the order of transfers." in possible.text
        assert "their order is not known" in str(listed.headline)
        assert "at E among them the amount hangs on it" in str(listed.headline)
        assert "their order is not known" in repr(one)
        for request in one.requests().values():
            assert "by another they may be less, or nothing" in request

    def test_nothing_is_said_of_an_order_that_changes_nothing(self, desk: Any) -> None:
        one = self.sheet(desk, (0, 1, 2, 3, 4), policy="fifo")
        assert one.possible.is_empty()
        assert len(one.findings(one.frame)) == 3
        assert "order" not in str(one.findings(one.frame)[0].headline)
