"""Messages in the ledgers themselves: read by default, counted once, and missing where unread."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from module_of import module_of

import chainwatch as cw
from chainwatch.addresses.canonical import text
from chainwatch.ledger import schema
from chainwatch.ledger.accounts.contract_events import logs_unit
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.crossings.messages.by_identifier import BY_ID, OPEN, UNREAD
from chainwatch.tracing.crossings.messages.identifiers import messages_of
from chainwatch.tracing.crossings.messages.layouts import BRIDGING, EVENTS, readers
from chainwatch.tracing.crossings.search import ODD_LOGS, OWN_TABLE, UNLOGGED
from chainwatch.tracing.crossings.tables import CROSSED, NOT_MATCHED

copies = module_of("tracing/crossings/messages/test_copies")
world = module_of("tracing/crossings/conftest")
PAID, TOPIC, Logs = copies.PAID, copies.TOPIC, copies.Logs
CHAINS = {"eth": world.ETH, "base": world.BASE}
LOWEST, FIRST, TOP = 150, 300, 330
"""Blocks are read from the lowest; transfers lie from the first on: what came before is known."""
TOPIC_V2 = next(event.topic for event in BRIDGING if "bytes32,bytes32,uint32,bytes" in event.text)


@pytest.fixture
def logs(sea: Any) -> Any:
    return Logs(sea)


def hash_of(chain: str, height: int) -> bytes:
    return f"{chain} {height}".encode().rjust(32, b"=")


def blocks_of(chain: str) -> list[dict[str, Any]]:
    return [
        {"chain": chain, "height": height, "hash": hash_of(chain, height),
         "parent": hash_of(chain, height - 1),
         "time": world.START + timedelta(minutes=height - FIRST), "tx_count": 0}
        for height in range(LOWEST, TOP)
    ]  # fmt: skip


def read_of(chain: str, *, logged: bool) -> list[dict[str, Any]]:
    """Return what says that blocks were read, and their logs."""
    units = []
    for row in blocks_of(chain):
        same = {"chain": chain, "height": row["height"], "block": row["hash"], "complete": True,
                "from_time": row["time"], "to_time": row["time"], "source": "test",
                "answer": bytes(32)}  # fmt: skip
        name = row["hash"].hex()
        units.append({**same, "unit": f"block/{name}", "kind": "block"})
        if logged:
            units.append({**same, "unit": logs_unit(name), "kind": "logs"})
    return units


def ledger_of(
    sea: Any,
    paid: list[Any],
    logs: list[Any] = (),
    *,
    silent: Collection[str] = (),  # type: ignore[assignment]  # a list by default
) -> Ledger:
    """Return a ledger of whole blocks in which transfers and logs stand, a minute to a block.

    Parameters
    ----------
    paid : list of Paid
        Transfers.
    logs : list of (chain, tx, event, topics, data)
        What the pool's contract logs, or another that stands behind them.
    silent : collection of str
        Chains of which no logs were read.
    """
    numbered: dict[bytes, int] = {}
    for one in paid:
        height = FIRST + int(one.minute)
        numbered.setdefault(sea.txid(one.tx), schema.pack_tx(height, len(numbered)))
    moved = [
        one._replace(more={**one.more, "tx": numbered[sea.txid(one.tx)],
                           "height": FIRST + int(one.minute), "order_uncertain": False})
        for one in paid
    ]  # fmt: skip
    rows = []
    for place, (chain, tx, event, topics, data, *by) in enumerate(logs):
        number = numbered[sea.txid(tx)]
        height = number >> schema.POSITION_BITS
        listed = [TOPIC_V2 if event == "MessageReceived v2" else TOPIC[event], *topics]
        rows.append({
            "chain": CHAINS[chain], "txid": sea.txid(tx), "log_index": place, "tx": number,
            "height": height, "time": world.START + timedelta(minutes=height - FIRST),
            "contract": sea.account(*(by or ["pool"])),
            **{f"topic{n}": topic for n, topic in enumerate(listed)}, "data": data,
        })  # fmt: skip
    coverage = [
        unit
        for chain in CHAINS.values()
        for unit in read_of(chain, logged=chain not in {CHAINS[one] for one in silent})
    ]
    return Ledger.from_tables({
        "transfers": sea.ledger(moved).transfers.collect(),
        "blocks": pl.DataFrame(
            [row for chain in CHAINS.values() for row in blocks_of(chain)],
            schema=schema.BLOCKS.schema, orient="row"),
        "contract_logs": pl.DataFrame(rows, schema=schema.CONTRACT_LOGS.schema, orient="row"),
        "coverage": pl.DataFrame(coverage, schema=schema.COVERAGE.schema, orient="row"),
    })  # fmt: skip


def paid_of(sea: Any, *more: Any) -> list[Any]:
    """Return a deposit and its payout, and another payment that fits as well."""
    return [
        sea.paid(sea.here, "thief", "pool", PAID, 0, "in"),
        sea.paid(sea.there, "relayer", "mule", 990_000, 10, "out"),
        sea.paid(sea.there, "pool", "innocent", 990_000, 11, "other"),
        *more,
    ]


def answers(found: cw.Crossings) -> list[tuple[Any, ...]]:
    return copies.answers(found)  # type: ignore[no-any-return]  # of a module loaded by its path


RIGHT = (990_000, BY_ID)


class TestByDefault:
    def test_what_the_ledgers_hold_is_read(self, sea: Any, logs: Any) -> None:
        ledger = ledger_of(sea, paid_of(sea), [logs.deposit(), logs.fill()])
        found = sea.crossings(ledger)
        assert answers(found) == [(sea.account("mule"), *RIGHT)]
        assert found.limits == ()
        without = sea.crossings(ledger_of(sea, paid_of(sea)))
        assert answers(without) == []

    def test_whatever_the_span_of_the_ledger(self, sea: Any, logs: Any) -> None:
        """The payout lies behind the span, and so does what the bridge says of it."""
        ledger = ledger_of(sea, paid_of(sea), [logs.deposit(), logs.fill()])
        until = world.START + timedelta(minutes=5)
        assert answers(sea.crossings(ledger.between(None, until))) == [
            (sea.account("mule"), *RIGHT)
        ]

    def test_a_trace_goes_on_behind_the_bridge(self, sea: Any, logs: Any) -> None:
        subject = [text(sea.account("thief"), "eth")]
        stolen = [sea.paid(sea.here, "victim", "thief", PAID, -1, "theft"), *paid_of(sea)]
        ledger = ledger_of(sea, stolen, [logs.deposit(), logs.fill()])
        known = sea.crossings(ledger)
        found = cw.trace_across(ledger, subject, known, asset=sea.here, policy="fifo")
        assert [one.asset for one in found.legs] == [sea.here, sea.there]

    def test_a_contract_that_nobody_names_says_nothing(self, sea: Any, logs: Any) -> None:
        said = [(*logs.deposit(), "evil"), (*logs.fill(), "evil")]
        found = sea.crossings(ledger_of(sea, paid_of(sea), said))
        assert answers(found) == []
        assert found.limits == ()

    def test_a_log_of_another_form_is_counted(self, sea: Any, logs: Any) -> None:
        """Whoever names a contract as a bridge's may be wrong; the rest is read all the same."""
        *short, _ = logs.deposit(8)
        said = [logs.deposit(), logs.fill(), (*short, b"short")]
        found = sea.crossings(ledger_of(sea, paid_of(sea), said))
        assert answers(found) == [(sea.account("mule"), *RIGHT)]
        assert found.limits == (f"1 log {ODD_LOGS}",)

    def test_every_listed_event_of_a_bridge_is_read(self) -> None:
        from chainwatch.ledger.accounts.contract_events import (
            CONTRACT_EVENTS,
            SAFE,
            TORNADO,
        )

        assert {one.text for one in CONTRACT_EVENTS if one.of not in (SAFE, TORNADO)} == {
            one.signature for one in EVENTS}  # fmt: skip
        assert {*readers()} == {one.topic for one in BRIDGING}


class TestBesideATable:
    def outside(self, sea: Any, *sides: str, **more: Any) -> pl.DataFrame:
        places = {"sent": ("eth", "in"), "received": ("base", "out")}
        whom = {"sent": None, "received": text(sea.account("mule"), "base")}
        return pl.DataFrame([
            {"chain": places[side][0], "txid": sea.txid(places[side][1]), "id": "1:7", "side": side,
             "receiver": whom[side]} | more for side in sides
        ])  # fmt: skip

    def ledger(self, sea: Any, logs: Any) -> Ledger:
        return ledger_of(sea, paid_of(sea), [logs.deposit(), logs.fill()])

    def test_the_same_logs_in_a_table_change_nothing(self, sea: Any, logs: Any) -> None:
        ledger = self.ledger(sea, logs)
        alone = sea.crossings(ledger)
        again = sea.crossings(ledger, messages=logs.read(logs.deposit(), logs.fill()))
        assert again.digest == alone.digest

    @pytest.mark.parametrize("more", [{}, {"scheme": "across"}, {"amount": None, "bridge": "hop"}])
    @pytest.mark.parametrize("sides", [("sent", "received"), ("sent",), ("received",)])
    def test_a_table_that_says_less_changes_nothing(
        self, sea: Any, logs: Any, sides: tuple[str, ...], more: dict[str, Any]
    ) -> None:
        """Told twice, a message would be two, and two of one deposit leave it open."""
        ledger = self.ledger(sea, logs)
        again = sea.crossings(ledger, messages=self.outside(sea, *sides, **more))
        assert again.digest == sea.crossings(ledger).digest
        assert OWN_TABLE not in again.limits

    def test_a_table_that_says_otherwise_stays(self, sea: Any, logs: Any) -> None:
        other = self.outside(sea, "sent", scheme="across", amount=str(PAID), bridge="hop",
                             terms="another")  # fmt: skip
        found = sea.crossings(self.ledger(sea, logs), messages=other)
        assert sea.told(found) == [(NOT_MATCHED, OPEN)]

    @pytest.mark.parametrize("silent", ["eth", "base"])
    @pytest.mark.parametrize("scheme", [None, "across"])
    def test_one_side_from_a_ledger_and_one_from_a_table(
        self, sea: Any, logs: Any, silent: str, scheme: str | None
    ) -> None:
        """What a table names without a scheme is of that which a ledger has at its place."""
        side, log = ("sent", logs.fill()) if silent == "eth" else ("received", logs.deposit())
        ledger = ledger_of(sea, paid_of(sea), [log], silent=[silent])
        both = self.outside(sea, "sent", "received", **({"scheme": scheme} if scheme else {}))
        mine = both.filter(side=side) if scheme else both
        found = sea.crossings(ledger, messages=mine)
        assert answers(found) == [(sea.account("mule"), *RIGHT)]
        assert OWN_TABLE in found.limits
        assert f"On {silent} {UNLOGGED}" in found.limits

    def test_messages_are_the_same_in_any_order(self, sea: Any, logs: Any) -> None:
        ledger = self.ledger(sea, logs)
        table = self.outside(sea, "sent", "received")
        one = sea.crossings(ledger, messages=table)
        assert sea.crossings(ledger, messages=table.reverse()).digest == one.digest


class TestUnread:
    def test_it_is_said_on_which_chain(self, sea: Any, logs: Any) -> None:
        ledger = ledger_of(sea, paid_of(sea), [logs.deposit()], silent=["base"])
        found = sea.crossings(ledger)
        assert found.limits == (f"On base {UNLOGGED}",)
        assert f"On base {UNLOGGED}" in found.lines()

    def test_it_is_said_of_how_many_payments(self, sea: Any, logs: Any) -> None:
        """One lies in a block that nobody asked for its logs, and one in no block that is known."""
        late = sea.paid(sea.here, "ann", "pool", 5, 20, "late")
        lost = sea.paid(sea.here, "bob", "pool", 6, 3, "lost")
        made = ledger_of(sea, [*paid_of(sea), late, lost], [logs.deposit(), logs.fill()])
        frames = {name: made.table(name).collect()
                  for name in ("transfers", "blocks", "contract_logs", "coverage")}  # fmt: skip
        unasked = (pl.col("kind") == "logs") & (pl.col("height") == FIRST + 20)
        nowhere = pl.col("txid") == sea.txid("lost")
        ledger = Ledger.from_tables(frames | {
            "coverage": frames["coverage"].filter(~unasked),
            "transfers": frames["transfers"].with_columns(
                pl.when(~nowhere).then(name).alias(name) for name in ("tx", "height")),
        })  # fmt: skip
        assert sea.crossings(ledger).limits == (
            f"Of 2 of 3 payments to and from bridges on eth {UNLOGGED}",
        )

    def test_rows_of_a_table_of_logs_are_no_reading_of_blocks(self, sea: Any, logs: Any) -> None:
        """They say what they say; that the rest was read nobody says."""
        ledger = ledger_of(sea, paid_of(sea), [logs.deposit(), logs.fill()],
                           silent=["eth", "base"])  # fmt: skip
        found = sea.crossings(ledger)
        assert answers(found) == [(sea.account("mule"), *RIGHT)]
        assert found.limits == (f"On eth, base {UNLOGGED}",)

    def test_of_a_message_that_leads_to_what_was_not_read(self, sea: Any, logs: Any) -> None:
        deposit = [sea.paid(sea.here, "thief", "pool", PAID, 0, "in")]
        fill = logs.read(logs.fill())
        found = sea.crossings(ledger_of(sea, deposit, [logs.deposit()]), messages=fill)
        assert sea.told(found) == [(NOT_MATCHED, UNREAD)]


def burn(to: str, amount: int, fee: int = 0, until: int = 0, hook: bytes = b"") -> bytes:
    """Return the body of a burn of version 2, field by field."""
    word, number = copies.word, lambda value: value.to_bytes(32, "big")
    return (
        (1).to_bytes(4, "big") + word("usd on eth") + word(to) + number(amount) + word("thief")
        + number(500) + number(fee) + number(until) + hook
    )  # fmt: skip


def burnt(body: bytes, tx: str = "in", there: int = 6, by: str = "pool") -> Any:
    head = b"".join(n.to_bytes(4, "big") for n in (1, 0, there)) + bytes(32)
    message = head + copies.word(by) + copies.word("pool") + bytes(32) + bytes(8) + body
    return "eth", tx, "MessageSent", [], copies.encode(["bytes"], [message])


def minted(nonce: int, body: bytes, tx: str = "out", by: str = "pool") -> Any:
    data = copies.encode(["uint32", "bytes32", "bytes"], [0, copies.word(by), body])
    topics = [copies.word("anybody"), nonce.to_bytes(32, "big"), copies.word(1000)]
    return "base", tx, "MessageReceived v2", topics, data


class TestCctpVersion2:
    """Its source logs no nonce: what both sides say alike tells the message, where one does."""

    def ledger(self, sea: Any, *logs: Any, more: list[Any] = ()) -> Ledger:  # type: ignore[assignment]  # a list by default
        return ledger_of(sea, [
            sea.paid(sea.here, "thief", "pool", PAID, 0, "in"),
            sea.paid(sea.there, "0", "mule", PAID - 130, 10, "out", kind="erc20_mint"),
            *more,
        ], list(logs))  # fmt: skip

    def test_a_burn_and_its_mint(self, sea: Any) -> None:
        """The fee is taken on the way, and until when the message holds is written in there."""
        found = sea.crossings(self.ledger(
            sea, burnt(burn("mule", PAID)), minted(7, burn("mule", PAID, 130, 99))))  # fmt: skip
        assert answers(found) == [(sea.account("mule"), PAID - 130, BY_ID)]

    @pytest.mark.parametrize("other", [
        burn("mule", PAID - 1, 129), burn("mule", PAID, 130, hook=b"hook"),
        burn("innocent", PAID, 130), burn("mule", PAID, 130)[:227],
        bytes(4) + burn("mule", PAID, 130)[4:],
    ])  # fmt: skip
    def test_another_message_answers_nothing(self, sea: Any, other: bytes) -> None:
        found = sea.crossings(self.ledger(sea, burnt(burn("mule", PAID)), minted(7, other)))
        assert BY_ID not in [row[1] for row in sea.told(found)]

    def test_a_message_of_somebody_else_is_no_burn(self, sea: Any) -> None:
        said = [burnt(burn("mule", PAID), by="evil"),
                minted(7, burn("mule", PAID, 130), by="evil")]  # fmt: skip
        assert BY_ID not in [row[1] for row in sea.told(sea.crossings(self.ledger(sea, *said)))]

    def twice(self, sea: Any) -> list[Any]:
        return [
            sea.paid(sea.here, "thief", "pool", PAID, 5, "in 2"),
            sea.paid(sea.there, "0", "mule", PAID - 130, 15, "out 2", kind="erc20_mint"),
        ]

    def test_two_that_say_the_same_are_left_open(self, sea: Any) -> None:
        body, paid = burn("mule", PAID), burn("mule", PAID, 130)
        said = [burnt(body), burnt(body, "in 2"), minted(7, paid), minted(8, paid, "out 2")]
        found = sea.crossings(self.ledger(sea, *said, more=self.twice(sea)))
        assert sea.told(found) == [(NOT_MATCHED, OPEN)] * 2

    def test_a_nonce_of_a_table_tells_them_apart(self, sea: Any) -> None:
        """Circle says which nonce a burn got; of the other one it is then still not known."""
        body, paid = burn("mule", PAID), burn("mule", PAID, 130)
        said = [burnt(body), burnt(body, "in 2"), minted(7, paid, "out 2"), minted(8, paid)]
        named = pl.DataFrame([{"chain": "eth", "txid": sea.txid("in"), "scheme": "cctp",
                               "side": "sent", "id": (7).to_bytes(32, "big").hex()}])  # fmt: skip
        found = sea.crossings(self.ledger(sea, *said, more=self.twice(sea)), messages=named)
        assert sea.told(found) == [(CROSSED, BY_ID), (NOT_MATCHED, OPEN)]
        assert found.payouts["txid"].to_list() == [sea.txid("out 2")]

    def test_two_to_two_chains_are_two(self, sea: Any) -> None:
        """All but the chain that they go to is alike; of it the burn says which."""
        body, paid = burn("mule", PAID), burn("mule", PAID, 130)
        more = [sea.paid(sea.here, "thief", "pool", PAID, 5, "in 2")]
        said = [burnt(body), burnt(body, "in 2", there=3), minted(7, paid)]
        found = sea.crossings(self.ledger(sea, *said, more=more))
        assert sea.told(found)[0] == (CROSSED, BY_ID)
        assert sea.told(found)[1][1] != BY_ID


def test_an_id_of_a_table_is_as_it_was_where_no_ledger_has_it(sea: Any) -> None:
    from chainwatch.tracing.crossings.messages.together import together

    given = messages_of(pl.DataFrame([
        {"chain": "eth", "txid": sea.txid("in"), "id": "1", "side": "sent"}]))  # fmt: skip
    assert together(given, given.clear()).equals(given)
    assert together(given.clear(), given).equals(given)


def test_what_bridges_log_on_tron(sea: Any) -> None:
    """The same event, with addresses of that chain."""
    tron, guid = "tron:0x2b6653dc", bytes(range(32))
    pool, bob = (b"\x11" + name.rjust(20, b".") for name in (b"pool", b"bob"))
    row = {"address": text(pool, tron), "transaction_hash": "ab" * 32,
           "topics": [TOPIC["OFTReceived"], guid, bytes(12) + bob[1:]],
           "data": copies.encode(["uint32", "uint256"], [30101, 6])}  # fmt: skip
    [said] = cw.messages_of_logs(
        pl.DataFrame([row], schema_overrides={"topics": pl.List(pl.Binary)}), tron,
        {"hop": {tron: [pool]}},
    ).rows(named=True)  # fmt: skip
    assert (said["scheme"], said["id"], said["receiver"]) == ("layerzero", guid.hex(), bob)
    assert (said["chain"], int(said["amount"])) == (tron, 6)
