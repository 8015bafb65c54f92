"""One token with a transfer of 2**200 through all that shows amounts: exact, or named as not added.

No column of numbers holds more than 38 digits. What is wider is never dropped, and never nothing
without a word: a look-up adds it exactly, a trace names it beside its ends, every file holds it.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import networkx as nx
import polars as pl
import pytest
from case_texts import token_case

from chainwatch.addresses.assets import token
from chainwatch.addresses.canonical import text
from chainwatch.case.recipes.run import RunReport, run_case
from chainwatch.chains.catalogue import chain
from chainwatch.errors import TraceError
from chainwatch.figures import flow
from chainwatch.ledger import schema
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.lookup import address_summary, transaction_summary
from chainwatch.ledger.lookup.summaries import AddressSummary
from chainwatch.results.graph import graphml_of
from chainwatch.tracing.actions.watch import watch
from chainwatch.tracing.counterparties import counterparties
from chainwatch.tracing.trace import trace
from chainwatch.units import LARGEST_AMOUNT, split, sums, to_text, whole

WIDE = 2**200
HEX = hex(WIDE)
EXACT = to_text(WIDE, 6, group=True)
"""1,606,938,... in whole tokens."""

ETH = chain("eth").id
CONTRACT, P, A, B = (b"\x10" + bytes([k]) * 20 for k in (9, 1, 2, 3))
TOKEN = token("eth", text(CONTRACT, "eth"), "TOK", 6)
START = datetime(2024, 1, 1, tzinfo=UTC)

PAID = ((P, A, 500), (P, A, WIDE), (A, B, WIDE), (A, B, 300))


def ledger(*paid: tuple[bytes, bytes, int], read: tuple[bytes, ...] = (A, B)) -> Ledger:
    """Return a ledger of payments, a day each, of which all of some addresses was read."""
    rows = []
    for day, (sender, receiver, number) in enumerate(paid):
        amount, wider = split(number)
        rows.append(dict.fromkeys(schema.TRANSFERS.schema) | {
            "chain": ETH, "txid": bytes([day]) * 32, "kind": "erc20", "occurrence": 0,
            "time": START + timedelta(days=day), "contract": CONTRACT, "sender": sender,
            "receiver": receiver, "amount": amount, "amount_hex": wider, "decimals": 6,
            "symbol": "TOK", "order_uncertain": True, "sections": 1,
        })  # fmt: skip
    units = [
        dict.fromkeys(schema.COVERAGE.schema) | {
            "chain": ETH, "unit": f"u/{who.hex()}", "kind": "address", "source": "test",
            "address": who, "answer": bytes(32), "complete": True,
        }
        for who in read
    ]  # fmt: skip
    return Ledger.from_tables({
        "transfers": pl.DataFrame(rows, schema=schema.TRANSFERS.schema),
        "coverage": pl.DataFrame(units, schema=schema.COVERAGE.schema),
    })  # fmt: skip


def tokens(found: AddressSummary) -> pl.DataFrame:
    return found.totals.filter(pl.col("contract").is_not_null())


class TestShow:
    def test_an_address_is_told_exactly(self) -> None:
        found = address_summary(ledger(*PAID), A, "eth")
        facts = found.facts()
        (name,) = (one for one in facts if "TOK" in one)
        ever, left = (to_text(one, 6, group=True) for one in (WIDE + 500, 200))
        spent = to_text(WIDE + 300, 6, group=True)
        assert facts[name] == f"received {ever}, spent {spent}, balance {left}"
        lines = [found.line(row) for row in found.history.iter_rows(named=True)]
        assert sum(f" {EXACT} TOK " in line for line in lines) == 2
        assert not any("unknown" in line for line in lines)

    def test_its_tables_hold_it(self) -> None:
        found = address_summary(ledger(*PAID[:2]), A, "eth")
        assert tokens(found).select("received", "received_hex", "balance_hex").rows() == [
            (None, hex(WIDE + 500), hex(WIDE + 500))
        ]
        assert found.plain("totals")["received_coins"].to_list()[-1] == to_text(WIDE + 500, 6)
        assert found.counterparties["amount_hex"].to_list() == [hex(WIDE + 500)]
        assert found.plain("history")["amount_coins"].to_list() == ["0.0005", to_text(WIDE, 6)]

    def test_a_sum_that_alone_is_too_wide(self) -> None:
        """Two amounts that fit may have a sum that does not."""
        most = LARGEST_AMOUNT
        found = address_summary(ledger((P, A, most), (P, A, most), (A, B, most)), A, "eth")
        assert tokens(found).select("received", "received_hex", "spent", "balance").rows() == [
            (None, hex(2 * most), most, most)
        ]

    def test_a_transaction_is_told_exactly(self) -> None:
        found = transaction_summary(ledger(*PAID), (bytes([1]) * 32).hex(), "eth")
        assert f"  {EXACT} TOK " in found.lines()[0]
        assert found.plain("transfers")["amount_coins"].to_list() == [to_text(WIDE, 6)]


@pytest.mark.parametrize("policy", ["fifo", "lifo", "haircut"])
class TestTrace:
    def test_it_is_named_beside_the_ends(self, policy: Any) -> None:
        followed = trace(ledger(*PAID), [A], policy=policy, asset=TOKEN)
        assert followed.unknown["amount_hex"].to_list() == [HEX, HEX]
        said = f"2 transfers of an amount wider than 38 digits, {to_text(2 * WIDE, 6, group=True)}"
        assert said in repr(followed)
        (finding,) = followed.findings(pl.DataFrame())
        assert any(one.startswith(said) for one in finding.text)
        assert said in finding.headline

    def test_what_it_may_have_taken_is_not_called_unspent(self, policy: Any) -> None:
        """200 would be left; but the wide payment may have been made of just these."""
        ends = trace(ledger(*PAID), [A], policy=policy, asset=TOKEN).ends
        left = ends.filter(pl.col("address") == A)
        assert left.select("reason", "amount").rows() == [("not read", 200)]
        assert "1 row of this address was set apart" in left["detail"][0]

    def test_a_subject_that_got_nothing_else_is_not_said_to_have_got_nothing(
        self, policy: Any
    ) -> None:
        followed = trace(ledger(*PAID[1:3]), [A], policy=policy, asset=TOKEN)
        (finding,) = followed.findings(pl.DataFrame())
        assert finding.headline.startswith("Nothing that can be added up was read to come in.")
        assert "received nothing" not in repr(followed)
        assert "subjects nothing was read" not in finding.headline


def test_one_that_is_chosen_says_why_it_cannot_be_followed() -> None:
    chosen = f"{(bytes([1]) * 32).hex()}:0"
    with pytest.raises(TraceError, match=rf"moves {EXACT} TOK, wider than the 38 digits"):
        trace(ledger(*PAID), chosen, policy="fifo", asset=TOKEN)


def test_direct_payments_list_it_apart() -> None:
    direct = counterparties(ledger(*PAID), [A], asset=TOKEN)
    assert (direct.total("in"), direct.total("out")) == (500, 300)
    assert direct.wide["amount_hex"].to_list() == [HEX, HEX]
    assert direct.failed.is_empty()
    assert "2 too wide to add" in repr(direct)
    assert EXACT not in repr(direct)


def test_what_moved_later_is_watched_with_its_amount() -> None:
    before = trace(ledger((P, A, 500)), [A], policy="fifo", asset=TOKEN)
    moved = watch(before, ledger((P, A, 500), (P, A, WIDE), (A, B, WIDE)))
    assert moved.moves.select("amount", "amount_hex").rows() == [(None, HEX)]


def test_graphs_have_it_as_an_edge_and_give_no_sum_without_it(working: None) -> None:
    data = ledger(*PAID)
    for result in (
        trace(data, [A], policy="fifo", asset=TOKEN), counterparties(data, [A], asset=TOKEN),
    ):  # fmt: skip
        graph = result.to_networkx()
        wide = [edge for *_, edge in graph.edges(data=True) if "amount_hex" in edge]
        assert [edge["amount_hex"] for edge in wide] == [HEX, HEX]
        assert not any("amount" in edge for edge in wide)
        read = nx.parse_graphml(graphml_of(graph).decode(), force_multigraph=True)
        assert sum(edge.get("amount_hex") == HEX for *_, edge in read.edges(data=True)) == 2
    graph = flow(trace(data, [A], policy="fifo", asset=TOKEN)).to_networkx()
    assert graph.graph["left_out"] == ("Transfers of an amount wider than 38 digits are not drawn.")


EDITIONS = """editions = ["disclosure", "working"]
working_reason = "a test"
working_authority = "a court"
"""
CASE = token_case(
    text(A, "eth"), name="wide", title="A wide amount", question="Whom?", head=EDITIONS,
    mapping='section = "of"', chain="eth", kind="erc20", time_unit="iso",
    contract=text(CONTRACT, "eth"), symbol="TOK",
)  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    folder = tmp_path_factory.mktemp("wide")
    who = [text(one, "eth") for one in (CONTRACT, P, A, B)]
    names = dict(zip((CONTRACT, P, A, B), who, strict=True))
    rows = [
        f"0x{day:064x},2024-01-{day + 1:02} 00:00:00,{names[CONTRACT]},{names[sender]},"
        f"{names[receiver]},{amount},TOK,6,{names[A]}"
        for day, (sender, receiver, amount) in enumerate(PAID)
    ]
    head = "tx,time,token,from,to,quant,symbol,decimals,of"
    (folder / "t.csv").write_text("\n".join([head, *rows, ""]))
    (folder / "wide.toml").write_text(CASE)
    return run_case(folder / "wide.toml", folder / "out", data=folder)


def cells(folder: Path, column: str) -> list[str]:
    """Return what a column holds in the CSV of every table that has it, where it holds anything."""
    found = []
    for path in sorted((folder / "tables").glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as lines:
            found += [row[column] for row in csv.DictReader(lines) if row.get(column)]
    return found


def test_the_working_edition_holds_it_in_page_tables_and_graph(report: RunReport) -> None:
    folder = report.folder / "working"
    page = (folder / "report.html").read_text("utf-8")
    assert f"{EXACT} TOK" in page
    assert "2 transfers of an amount wider than 38 digits" in page
    assert "moved to or from subjects in amounts wider than 38 digits, in no total" in page
    assert cells(folder, "amount_hex").count(HEX) >= 4  # of the trace, and of direct payments
    (graph,) = (folder / "graph").glob("*.graphml")
    assert "wider than 38 digits are not drawn" in graph.read_text("utf-8")
    ledger_rows = pl.read_parquet(folder / "tables" / "wide.parquet")
    assert ledger_rows["amount_hex"].to_list() == [HEX, HEX]


def test_the_disclosure_names_it_and_gives_no_digit_of_a_masked_partys(report: RunReport) -> None:
    folder = report.folder / "disclosure"
    page = (folder / "report.html").read_text("utf-8")
    assert "transfers of an amount wider than 38 digits, ≈ " in page
    for path in folder.rglob("*"):
        if path.suffix in (".html", ".csv", ".graphml", ".json", ".svg"):
            said = path.read_text("utf-8")
            assert not any(form in said for form in (HEX, str(WIDE), EXACT)), path.name


def test_the_arithmetic_of_two_columns() -> None:
    for amount in (0, 1, -7, LARGEST_AMOUNT, LARGEST_AMOUNT + 1, WIDE, None):
        assert whole(*split(amount)) == amount
    amounts = [1, None, LARGEST_AMOUNT, None, 5, None]
    rows = pl.DataFrame(
        {
            "who": ["a", "a", "a", "b", "b", "c"],
            "amount": [None if one is None else Decimal(one) for one in amounts],
            "amount_hex": [None, HEX, None, None, None, HEX],
        },
        schema_overrides={"amount": pl.Decimal(38, 0), "amount_hex": pl.String},
    )  # fmt: skip
    assert sums(rows, ["who"]) == {("a",): LARGEST_AMOUNT + 1 + WIDE, ("b",): None, ("c",): WIDE}
