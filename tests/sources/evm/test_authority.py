"""Who let tokens move: false only where all that could have was read and nothing did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evm_chain import TOKEN, Call, Chain, Node, Tx, address, log, pay, transfer, word

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import Asset
from chainwatch.heuristics.ask import ask
from chainwatch.heuristics.poisoning import unsigned
from chainwatch.ingest.pull import pull
from chainwatch.ledger import features
from chainwatch.ledger.accounts.authority import with_authority
from chainwatch.ledger.ledger import Ledger, open_ledger
from chainwatch.sources.evm import events
from chainwatch.sources.evm.callers import PERMIT2
from chainwatch.sources.evm.source import EvmBlocks

MAKER, VICTIM, OTHER, ATTACKER, ROUTER = 1, 2, 3, 5, 9
TRACES = frozenset({"trace_block", "debug_traceBlockByNumber"})


def read(folder: Path, chain: Chain, *, network: str = "eth-dev", **more: Any) -> Ledger:
    node = Node(chain, **{name: more.pop(name) for name in ("lacks",) if name in more})
    source = EvmBlocks("https://n.example", chain=network, per_second=1e9, names=False,
                       transport=node.transport, **more)  # fmt: skip
    pull(folder, source, progress=False)
    return open_ledger(folder)


def made() -> Chain:
    """Return a chain on which somebody made the token."""
    return Chain().add().add(Tx(Call(address(MAKER), TOKEN, kind="create")))


def forged(*logs: dict[str, Any], calls: tuple[Call, ...] = (), amount: int = 10) -> Tx:
    """Return a stranger's transaction by which the token says that the victim paid."""
    said = transfer(address(VICTIM), address(OTHER), amount)
    called = calls[0].sender if calls else TOKEN
    inside = [*calls, Call(called, TOKEN)] if calls and called != address(VICTIM) else list(calls)
    return Tx(Call(address(ATTACKER), called, calls=inside), [*logs, said])


def event(name: str, *people: int, data: str = "") -> dict[str, Any]:
    topics = [f"0x{events.topic(name)}", *(f"0x{word(address(one))}" for one in people)]
    return log(topics, f"0x{data}")


def token_of(ledger: Ledger) -> Asset:
    return Asset(ledger.chains[0].id, canonical.parse(TOKEN, ledger.chains[0]), "T", 0)


def signed(ledger: Ledger, amount: int = 10) -> list[bool | None]:
    rows = features.transfers(ledger, token_of(ledger))
    return rows.filter(amount=amount)["signed"].to_list()


def test_a_transfer_that_nobody_let_move(tmp_path: Path) -> None:
    """The rule of a counterfeit then says so; the rows of the ledger stay as they were read."""
    ledger = read(tmp_path / "l", made().add(forged()))
    assert signed(ledger) == [False]
    assert ask(ledger, unsigned(), asset=token_of(ledger)).frame["verdict"].to_list() == [True]
    assert ledger.transfers.collect().filter(kind="erc20")["signed"].to_list() == [None]


APPROVED = event(events.APPROVAL, VICTIM, ATTACKER, data=word(10))
COVERED: dict[str, Callable[[], Chain]] = {
    "an approval before": lambda: made().add(Tx(Call(address(ATTACKER), TOKEN), [APPROVED]))
    .add(forged()),
    "an approval in the same transaction": lambda: made().add(forged(APPROVED)),
    "an approval that was taken back": lambda: made().add(Tx(Call(address(ATTACKER), TOKEN), [
        event(events.APPROVAL, VICTIM, ATTACKER, data=word(0))])).add(forged()),
    "an approval of all": lambda: made().add(forged(
        event(events.APPROVAL_FOR_ALL, VICTIM, ATTACKER, data=word(1)))),
    "an authorization by signature": lambda: made().add(forged(
        event(events.AUTHORIZATION_USED, VICTIM, 77))),
    "an operator": lambda: made().add(forged(event(events.OPERATOR, ATTACKER, VICTIM))),
    "operators there are by default": lambda: made().add(Tx(Call(address(4), TOKEN), [
        event(events.SENT, 4, 4, OTHER, data=word(5) + word(96) + word(128) + word(0) * 2),
    ])).add(forged()),
    "the sender is a contract that called it": lambda: made().add(forged(
        calls=(Call(address(VICTIM), TOKEN),))),
    "Permit2 called it": lambda: made().add(forged(calls=(Call(PERMIT2, TOKEN),))),
    "the sender had to do with it before": lambda: made().add(Tx(Call(
        address(VICTIM), TOKEN), [transfer(address(0), address(VICTIM), 99)])).add(forged()),
    "the contract itself pays": lambda: made().add(Tx(Call(address(ATTACKER), TOKEN), [
        transfer(TOKEN, address(OTHER), 10)])),
    "the contract was made before what was read": lambda: Chain().add().add().add(forged()),
    "a payment is no making of a contract": lambda: Chain().add().add(Tx(Call(
        address(MAKER), TOKEN, 5))).add(forged()),
    "its making failed": lambda: Chain().add().add(Tx(Call(
        address(MAKER), TOKEN, kind="create", error="out of gas"), failed=True)).add(forged()),
}  # fmt: skip


@pytest.mark.parametrize("name", COVERED)
def test_where_something_may_have_let_it_move_it_is_not_known(tmp_path: Path, name: str) -> None:
    assert signed(read(tmp_path / "l", COVERED[name]())) == [None]


NOT_COVERED: dict[str, Callable[[], Chain]] = {
    "an approval afterwards": lambda: made().add(forged()).add(Tx(
        Call(address(ATTACKER), TOKEN), [APPROVED])),
    "an approval of somebody else's": lambda: made().add(forged(
        event(events.APPROVAL, OTHER, ATTACKER, data=word(10)))),
    "an approval by another contract": lambda: made().add(forged(
        {**APPROVED, "address": address(77)})),
    "a call that only reads": lambda: made().add(forged(
        calls=(Call(address(VICTIM), TOKEN, kind="staticcall"),))),
    "a call that failed": lambda: made().add(forged(
        calls=(Call(address(VICTIM), TOKEN, error="reverted"),))),
    "a call of the sender to another contract": lambda: made().add(forged(
        calls=(Call(address(VICTIM), address(77)),))),
    "made by another contract": lambda: Chain().add().add(Tx(Call(
        address(MAKER), address(ROUTER), calls=[Call(address(ROUTER), TOKEN, kind="create")],
    ))).add(pay(1, 2, 3)).add(forged()),
    "an unasked gift before": lambda: made().add(Tx(Call(address(ATTACKER), TOKEN), [
        transfer(address(ATTACKER), address(VICTIM), 99)])).add(forged()),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_COVERED)
def test_what_gives_no_authority(tmp_path: Path, name: str) -> None:
    assert signed(read(tmp_path / "l", NOT_COVERED[name]())) == [False]


def test_who_sends_the_transaction_signed_it(tmp_path: Path) -> None:
    chain = made().add(Tx(Call(address(VICTIM), TOKEN), [
        transfer(address(VICTIM), address(OTHER), 10), transfer(address(0), address(OTHER), 11),
        transfer(address(MAKER), address(0), 12)]))  # fmt: skip
    ledger = read(tmp_path / "l", chain)
    assert signed(ledger) == [True]
    assert signed(ledger, 11) == signed(ledger, 12) == [None]  # made and burnt: kinds of their own


def test_a_history_with_a_gap_says_nothing(tmp_path: Path) -> None:
    chain = made().add(pay(1, 2, 3)).add(forged())
    ledger = read(tmp_path / "l", chain, span=(0, 2))
    ledger = read(tmp_path / "l", chain, span=(3, 4))
    assert signed(ledger) == [None]
    assert signed(read(tmp_path / "l", chain, span=(2, 3))) == [False]


def test_without_calls_nothing_is_known_until_they_are_read(tmp_path: Path) -> None:
    """As of the commit before the calls were read it stays unknown."""
    chain = made().add(forged())
    before = read(tmp_path / "l", chain, lacks=TRACES)
    assert signed(before) == [None]
    after = read(tmp_path / "l", chain)
    assert signed(after) == [False]
    assert before.commit is not None
    assert signed(after.as_of(before.commit)) == [None]


def test_a_span_sees_what_was_read_before_it(tmp_path: Path) -> None:
    """A span narrows what is looked at, never what is known."""
    ledger = read(tmp_path / "l", COVERED["an approval before"]())
    assert signed(ledger.between("2023-11-14 22:13:50", None)) == [None]
    forgery = read(tmp_path / "m", NOT_COVERED["an approval afterwards"]())
    assert signed(forgery.between("2023-11-14 22:13:40", None)) == [False]


def test_of_a_chain_whose_rules_nobody_said_nothing_is_known(tmp_path: Path) -> None:
    chain = made()
    chain.chain_id = 424242
    for block in chain.blocks:
        for tx in block["transactions"]:
            tx["chainId"] = hex(424242)
    chain.add(forged())
    assert signed(read(tmp_path / "l", chain, network="eip155:424242")) == [None]


def test_the_order_of_rows_stays(tmp_path: Path) -> None:
    chain = made().add(forged(), forged(APPROVED, amount=11)).add(forged(amount=12))
    rows = read(tmp_path / "l", chain).transfers.collect().sort("amount")
    told = with_authority(open_ledger(tmp_path / "l"), rows)
    assert told.drop("signed").equals(rows.drop("signed"))
    by_amount = dict(zip(told["amount"].to_list(), told["signed"].to_list(), strict=True))
    assert [by_amount[amount] for amount in (10, 11, 12)] == [False, None, None]
