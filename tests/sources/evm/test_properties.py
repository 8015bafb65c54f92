"""Chains drawn at random: what is read of them is what a slow decoder reads, in every form."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from evm_chain import Call, Chain, Node, Tx, address, transfer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from module_of import module_of

from chainwatch.addresses import canonical
from chainwatch.chains.catalogue import all_chains
from chainwatch.ingest.rows.accounts import wide_amounts, word_amounts
from chainwatch.sources.evm import events
from chainwatch.sources.evm.traces import Call as Read
from chainwatch.sources.evm.traces import movements

blocks = module_of("sources/evm/test_blocks")

people = st.integers(1_000, 1_005).map(address)
amounts = st.one_of(st.just(0), st.integers(1, 10**20))


def call_trees() -> st.SearchStrategy[Call]:
    leaf = st.builds(
        Call, people, people, amounts,
        st.sampled_from(["call", "delegatecall", "staticcall", "callcode"]),
        st.just([]), st.sampled_from([None, None, None, "reverted"]),
    ).map(_plain)  # fmt: skip
    return st.recursive(
        leaf,
        lambda inner: st.builds(
            lambda call, calls: Call(call.sender, call.receiver, call.value, call.kind, calls,
                                     call.error),
            leaf, st.lists(inner, max_size=3),
        ),
        max_leaves=8,
    )  # fmt: skip


def _plain(call: Call) -> Call:
    return Call(call.sender, call.receiver, call.value, call.kind, [], call.error)


@st.composite
def txs(draw: st.DrawFn) -> Tx:
    root = draw(call_trees())
    logs = [] if root.error else [
        transfer(draw(people), draw(people), draw(amounts)) for _ in range(draw(st.integers(0, 3)))
    ]  # fmt: skip
    top = Call(root.sender, root.receiver, root.value, "call", root.calls, root.error)
    return Tx(top, logs, failed=root.error is not None)


chains = st.lists(st.lists(txs(), max_size=3), min_size=1, max_size=4)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chains, st.sampled_from(["trace_block", "nested", "flat"]), st.integers(1, 5))
def test_any_chain_is_read_as_the_slow_decoder_reads_it(
    listed: list[list[Tx]], form: str, together: int
) -> None:
    made = Chain().add()
    for number, few in enumerate(listed):
        made.add(*_apart(few, number))
    lacks = frozenset() if form == "trace_block" else frozenset({"trace_block"})
    node = Node(made, lacks=lacks, form=form)
    with tempfile.TemporaryDirectory() as folder:
        ledger = blocks.read(Path(folder) / "l", node, batch=together)
        assert blocks.moved(ledger) == blocks.slowly(made)


def _apart(few: list[Tx], number: int) -> list[Tx]:
    """Return transactions with senders of their own, so that no two have one id."""
    for place, tx in enumerate(few):
        tx.call.sender = address(5_000 + 10 * number + place)
        _settle(tx.call)
    return few


def _settle(call: Call) -> None:
    """Let each call be made by the account that runs: a delegated one runs in its caller."""
    runs = call.sender if call.kind in ("delegatecall", "callcode") else call.receiver
    for one in call.calls:
        one.sender = runs
        _settle(one)


@given(st.lists(st.one_of(st.integers(0, 2**256 - 1), st.sampled_from(
    [0, 10**38 - 1, 10**38, 10**38 + 1, 2**64 - 1, 2**64, 2**127, 2**128 - 1, 2**128])),
    max_size=20))  # fmt: skip
def test_words_are_the_numbers_that_they_write(numbers: list[int]) -> None:
    for amounts_, wide in (
        word_amounts([number.to_bytes(32, "big") for number in numbers]), wide_amounts(numbers),
    ):  # fmt: skip
        told = [
            int(amount) if text is None else int(text, 16)
            for amount, text in zip(amounts_, wide, strict=True)
        ]
        assert told == numbers
        assert [text is not None for text in wide] == [number >= 10**38 for number in numbers]


@given(call_trees())
def test_calls_that_move_are_counted_in_the_order_of_the_machine(root: Call) -> None:
    """A place is a path in the tree, and paths rise: a caller before what it calls."""
    found = movements(_read(root), "a test", burns=False)
    paths = [tuple(map(int, one.path.split("."))) for one in found]
    assert paths == sorted(paths)
    assert len(set(paths)) == len(paths)


def _read(call: Call) -> Read:
    inner = [_read(one) for one in call.calls]
    return Read(call.kind, call.sender, call.receiver, call.value, call.error is not None, inner)


def test_topics_are_those_that_contracts_log() -> None:
    """As web3 hashes them, and as they stand in published blocks."""
    from web3 import Web3

    signatures: list[Any] = [
        value for name, value in vars(events).items()
        if isinstance(value, str) and name.isupper() and "(" in value
    ]  # fmt: skip
    for event in (*signatures, *events.FROZEN):
        assert events.topic(event) == Web3.keccak(text=event).hex()
    known = {
        events.TRANSFER: "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
        events.APPROVAL: "8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925",
        events.DEPOSIT: "e1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c",
        events.USER_OPERATION: "49628fd1471006c1482da88028e9ce4dbb080b815c9b0344d39e5a8e6ec1419f",
    }
    assert {event: events.topic(event) for event in known} == known
    listed = [(one, text) for one in all_chains() for text in (*one.wrapped, *one.destroying)]
    assert len(listed) > 3
    for one, text in listed:
        assert canonical.text(canonical.parse(text, one), one) == text
