"""Logs of contracts that a ledger keeps: which, word for word, where, and where none were read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from evm_chain import TOKEN, Call, Chain, Node, Tx, address, log, pay, transfer, word
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from module_of import module_of

from chainwatch.chains.ethereum import ETHEREUM
from chainwatch.errors import SourceError
from chainwatch.ingest.pull import pull
from chainwatch.ledger import schema
from chainwatch.ledger.accounts import contract_events
from chainwatch.ledger.accounts.contract_events import CONTRACT_EVENTS, LOGS, SAFE, events_of
from chainwatch.ledger.accounts.log_readings import log_runs
from chainwatch.ledger.checks.check import check
from chainwatch.ledger.coverage import unread
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.evm.fields import Log
from chainwatch.sources.evm.logs import log_columns, read_logs

blocks, walks = module_of("sources/evm/test_blocks"), module_of("sources/evm/test_walk")

DEV = "eip155:31337"
ACCOUNT = address(0x5AFE)
ADDED = "0x9465fa0c962cc76958e6373a993326400c1c94f8be2fe3a952adfa7f60b2ea26"
REMOVED = "0xf8d49fc529812e9a7c5c50e69c20f0dccc0db8fa95c98bc58cc9a4f1c1299eaf"
THRESHOLD = "0x610f7ff2b304ae8903c3de74c60c6ab1f7d6226b3f52c5161905bb5ad4039c93"
SETUP = "0x141df868a6331af528e38c83b7aa03edc19be66e37ae67f9285bf4f8e3c6a1a8"


def logged(*logs: dict[str, Any]) -> Tx:
    return Tx(Call(address(1), ACCOUNT), list(logs))


def world() -> Chain:
    """A token that moves, an owner who is added in the older and in the newer layout."""
    made = Chain().add()
    made.add(
        Tx(Call(address(1), TOKEN), [transfer(address(1), address(2), 5)]),
        logged(
            log([ADDED], "0x" + word(address(7)), ACCOUNT),
            log(["0x" + "11" * 32], "0x", ACCOUNT),
            log([ADDED, "0x" + word(address(8))], "0x", ACCOUNT),
        ),
    )
    return made.add(pay(1, 2, 3)).add(logged(log([THRESHOLD], "0x" + word(2), ACCOUNT)))


def told(ledger: Ledger) -> list[tuple[Any, ...]]:
    """Return rows as who looks at the chain would write them."""
    rows = ledger.contract_logs.collect().sort("tx", "log_index")
    names = ("height", "log_index", "contract", "topic0", "topic1", "data")
    return [
        tuple("0x" + value.hex() if isinstance(value, bytes) else value for value in row)
        for row in rows.select(names).iter_rows()
    ]


def test_listed_events_are_kept_word_for_word_and_no_others(tmp_path: Path) -> None:
    ledger = blocks.read(tmp_path / "l", Node(world()))
    safe = "0x10" + ACCOUNT[2:]
    assert told(ledger) == [
        (1, 1, safe, ADDED, None, "0x" + word(address(7))),
        (1, 3, safe, ADDED, "0x" + word(address(8)), "0x"),
        (3, 0, safe, THRESHOLD, None, "0x" + word(2)),
    ]
    [first, *_] = ledger.contract_logs.collect().sort("tx", "log_index").rows(named=True)
    assert first["tx"] == schema.pack_tx(1, 1)
    times = dict(ledger.blocks.select("height", "time").collect().iter_rows())
    assert first["time"] == times[1]
    assert check(ledger).ok


def test_the_topics_are_those_on_the_chains() -> None:
    made = {event.text.partition("(")[0]: "0x" + event.topic.hex() for event in events_of(SAFE)}
    assert made == {"SafeSetup": SETUP, "AddedOwner": ADDED, "RemovedOwner": REMOVED,
                    "ChangedThreshold": THRESHOLD}  # fmt: skip


def test_where_logs_were_read_is_said_and_elsewhere_that_they_were_not(tmp_path: Path) -> None:
    ledger = blocks.read(tmp_path / "l", Node(world()), span=(0, 3))
    assert [(run.first, run.last) for run in log_runs(ledger, DEV)] == [(0, 2)]
    rows = unread(ledger).filter(what="contract logs").select("count", "amount").rows()
    assert rows == [(0, 0)]
    kept = ledger.coverage.filter(pl.col("kind") != LOGS).collect()
    parts = ("blocks", "transfers", "contract_logs")
    silent = Ledger.from_tables({
        "coverage": kept, **{name: ledger.table(name).collect() for name in parts}})  # fmt: skip
    assert log_runs(silent, DEV) == ()
    [(count, amount)] = unread(silent).filter(what="contract logs").select("count", "amount").rows()
    assert (count, amount) == (3, None)


def test_what_is_listed_later_was_not_read_before_and_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new line of the list has a new edition: the next pull asks for the receipts once more."""
    now, before, newer = CONTRACT_EVENTS, events_of(SAFE)[:1], contract_events.EDITION + 1
    monkeypatch.setattr(contract_events, "CONTRACT_EVENTS", before)
    ledger = blocks.read(tmp_path / "l", Node(world()))
    assert told(ledger) == []
    monkeypatch.setattr(contract_events, "CONTRACT_EVENTS", now)
    monkeypatch.setattr(contract_events, "EDITION", newer)
    late = [event._replace(since=newer) for event in events_of(SAFE)[1:]]
    assert [(run.first, run.last) for run in log_runs(ledger, DEV, before)] == [(0, 3)]
    assert log_runs(ledger, DEV, late) == ()
    report = pull(tmp_path / "l", walks.source(Node(world())), progress=False)
    assert report.commits
    grown = open_ledger(tmp_path / "l")
    assert [(run.first, run.last) for run in log_runs(grown, DEV, late)] == [(0, 3)]
    assert told(grown) == told(blocks.read(tmp_path / "fresh", Node(world())))
    for name in ("blocks", "transfers", "approvals"):
        assert grown.digest(name) == ledger.digest(name)
    assert not pull(tmp_path / "l", walks.source(Node(world())), progress=False).commits
    assert check(grown).ok


def test_a_reorganisation_gives_up_logs_and_that_they_were_read(tmp_path: Path) -> None:
    one, two = Chain().add(), Chain().add()
    one.add(logged(log([ADDED], "0x" + word(address(7)), ACCOUNT)))
    moved = logged(log([ADDED], "0x" + word(address(8)), ACCOUNT))
    two.add(pay(5, 6, 7), salt="two").add(moved, salt="two")
    pull(tmp_path / "l", walks.source(Node(one)), progress=False)
    before = open_ledger(tmp_path / "l")
    pull(tmp_path / "l", walks.source(Node(two)), progress=False)
    fresh = blocks.read(tmp_path / "fresh", Node(two))
    grown = open_ledger(tmp_path / "l")
    assert grown.digest("contract_logs") == fresh.digest("contract_logs")
    assert [row[-1] for row in told(grown)] == ["0x" + word(address(8))]
    assert [row[-1] for row in told(before)] == ["0x" + word(address(7))]
    assert log_runs(grown, DEV) == log_runs(fresh, DEV)
    assert check(grown).ok


def test_two_words_on_one_log_are_refused(tmp_path: Path) -> None:
    """Of a log that is held, another telling says the same, or is no telling of it."""
    from chainwatch.errors import InputError
    from chainwatch.ingest.deduplicate import new_rows

    ledger = blocks.read(tmp_path / "l", Node(world()))
    store = ledger.store
    assert store is not None
    rows = ledger.contract_logs.collect()
    assert new_rows("contract_logs", rows, store).is_empty()
    for name in ("contract", "topic0", "topic1", "data"):
        other = rows.head(1).with_columns(pl.lit(b"\x07" * 32).alias(name))
        with pytest.raises(InputError, match=f"contract_logs has {name} "):
            new_rows("contract_logs", other, store)


def test_data_of_half_a_byte_are_no_data(tmp_path: Path) -> None:
    odd = [log([ADDED], "0x123", ACCOUNT), log([ADDED], "0x1", ACCOUNT)]
    made = Chain().add().add(logged(*odd))
    with pytest.raises(SourceError, match="a log holds what is not hexadecimal"):
        blocks.read(tmp_path / "l", Node(made))


TOPIC = st.sampled_from([*sorted(event.topic for event in CONTRACT_EVENTS), b"\x01" * 32])
KEPT = {event.topic for event in CONTRACT_EVENTS}


@st.composite
def logs(draw: st.DrawFn) -> list[tuple[list[bytes], bytes]]:
    one = st.tuples(
        st.builds(lambda first, rest: [first, *rest], TOPIC,
                  st.lists(st.binary(min_size=32, max_size=32), max_size=3)) | st.just([]),
        st.binary(max_size=100),
    )  # fmt: skip
    return draw(st.lists(one, max_size=6))


def sent(said: Iterable[tuple[list[bytes], bytes]]) -> list[Log]:
    return [
        Log(TOKEN, ["0x" + topic.hex() for topic in topics], "0x" + data.hex(), hex(at), "0x3",
            "0x" + "ab" * 32, "0x" + "cd" * 32, "0x7")
        for at, (topics, data) in enumerate(said)
    ]  # fmt: skip


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(logs())
def test_topics_and_data_come_back_as_they_were(said: list[tuple[list[bytes], bytes]]) -> None:
    kept = read_logs(log_columns(sent(said), "here"), ETHEREUM, {}, {}).contract_logs
    back = [
        ([one for one in row[1:5] if one is not None], row[5], row[0])
        for row in kept.sort("log_index")
        .select("log_index", "topic0", "topic1", "topic2", "topic3", "data").iter_rows()
    ]  # fmt: skip
    wanted = [(topics, data, at) for at, (topics, data) in enumerate(said)
              if topics and topics[0] in KEPT]  # fmt: skip
    assert back == wanted
