"""Events one by one: what each says, worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from evm_chain import CHAIN_ID, TOKEN, TRANSFER, Call, Chain, Node, Tx, address, log, word
from module_of import module_of

from chainwatch.addresses import canonical
from chainwatch.chains.ethereum import ETHEREUM
from chainwatch.ledger.ledger import Ledger
from chainwatch.sources.evm import events
from chainwatch.sources.evm.source import EvmBlocks

blocks = module_of("sources/evm/test_blocks")

USDT, WETH = ETHEREUM.destroying[0].lower(), ETHEREUM.wrapped[0].lower()


def topics(event: str, *words: int | str) -> list[str]:
    return ["0x" + events.topic(event), *("0x" + word(one) for one in words)]


def data(*words: int | str) -> str:
    return "0x" + "".join(word(one) for one in words)


def ledger_of(folder: Path, *logs: dict[str, Any], chain: int = CHAIN_ID, **more: Any) -> Ledger:
    made = Chain(chain_id=chain).add()
    made.add(Tx(Call(address(77), TOKEN), list(logs), more=more))
    node = Node(made)
    if chain == 1:
        from chainwatch.ingest.pull import pull
        from chainwatch.ledger.ledger import open_ledger

        source = EvmBlocks("https://n.example", chain="eth", per_second=1e9,
                           transport=node.transport)  # fmt: skip
        pull(folder, source, progress=False)
        return open_ledger(folder)
    return blocks.read(folder, node)  # type: ignore[no-any-return]  # of a module loaded by its path


def shown(rows: pl.DataFrame, *names: str) -> list[tuple[Any, ...]]:
    """Return columns of rows, addresses as text and amounts as numbers."""

    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            return "0x" + value[1:].hex()
        return int(value) if hasattr(value, "as_tuple") else value

    return [tuple(map(plain, row)) for row in rows.select(names).iter_rows()]


def tokens(ledger: Ledger) -> pl.DataFrame:
    return ledger.transfers.filter(pl.col("contract").is_not_null()).collect().sort(
        "log_index", "occurrence", "token_id", "amount")  # fmt: skip


A, B, C, NOBODY = address(1), address(2), address(3), address(0)
_MOVED = ("kind", "sender", "receiver", "token_id", "amount")


def test_single_tokens(tmp_path: Path) -> None:
    ledger = ledger_of(
        tmp_path / "l",
        log(topics(events.TRANSFER, NOBODY, A, 7)),
        log(topics(events.TRANSFER, A, B, 2**255)),
        log(topics(events.TRANSFER, B, NOBODY, 7)),
    )
    assert shown(tokens(ledger), *_MOVED) == [
        ("erc721_mint", NOBODY, A, "7", 1),
        ("erc721", A, B, str(2**255), 1),
        ("erc721_burn", B, NOBODY, "7", 1),
    ]


def test_tokens_of_older_contracts_that_index_less(tmp_path: Path) -> None:
    """Some log the parties beside the amount, and not as topics."""
    ledger = ledger_of(
        tmp_path / "l",
        log([TRANSFER], data(A, B, 9)), log([TRANSFER, "0x" + word(A)], data(B, 8)),
    )  # fmt: skip
    assert shown(tokens(ledger), *_MOVED) == [("erc20", A, B, None, 9), ("erc20", A, B, None, 8)]


def test_several_tokens_at_once(tmp_path: Path) -> None:
    one = log(topics(events.TRANSFER_SINGLE, C, A, B), data(5, 60))
    ids, sizes = (5, 6, 5), (10, 2**200, 10)
    many = log(
        topics(events.TRANSFER_BATCH, C, NOBODY, B),
        data(64, 64 + 32 * 4, 3, *ids, 3, *sizes),
    )
    none = log(topics(events.TRANSFER_BATCH, C, A, B), data(64, 96, 0, 0))
    ledger = ledger_of(tmp_path / "l", one, many, none)
    rows = tokens(ledger)
    assert shown(rows, *_MOVED, "occurrence", "amount_hex") == [
        ("erc1155", A, B, "5", 60, 0, None),
        ("erc1155_mint", NOBODY, B, "5", 10, 0, None),
        ("erc1155_mint", NOBODY, B, "6", None, 0, hex(2**200)),
        ("erc1155_mint", NOBODY, B, "5", 10, 1, None),
    ]


def test_authority(tmp_path: Path) -> None:
    ledger = ledger_of(
        tmp_path / "l",
        log(topics(events.APPROVAL, A, B), data(500)),
        log(topics(events.APPROVAL, A, B), data(0)),
        log(topics(events.APPROVAL, A, B), data(2**256 - 1)),
        log(topics(events.APPROVAL, A, B, 9)),
        log(topics(events.APPROVAL, A, NOBODY, 9)),
        log(topics(events.APPROVAL_FOR_ALL, A, B), data(1)),
        log(topics(events.APPROVAL_FOR_ALL, A, B), data(0)),
        log(topics(events.AUTHORIZATION_USED, A, 2**250)),
        log(topics(events.OPERATOR, B, A)),
        log(topics(events.REVOKED, B, A)),
    )
    rows = ledger.approvals.collect().sort("log_index")
    who = ("kind", "owner", "spender", "amount", "amount_hex", "token_id", "granted")
    assert shown(rows, *who) == [
        ("approval", A, B, 500, None, None, True),
        ("approval", A, B, 0, None, None, False),
        ("approval", A, B, None, hex(2**256 - 1), None, True),
        ("approval", A, B, None, None, "9", True),
        ("approval", A, NOBODY, None, None, "9", False),
        ("approval_for_all", A, B, None, None, None, True),
        ("approval_for_all", A, B, None, None, None, False),
        ("authorization_used", A, address(77), None, None, None, True),
        ("operator", A, B, None, None, None, True),
        ("operator", A, B, None, None, None, False),
    ]
    assert set(rows["contract"]) == {canonical.parse(TOKEN, "eth-dev")}


def test_operations_of_smart_accounts(tmp_path: Path) -> None:
    """The account, who sent it, and who paid for it are three."""
    paid = log(topics(events.USER_OPERATION, 2**200, A, B), data(1, 1, 9_000, 8_000))
    own = log(topics(events.USER_OPERATION, 2**201, C, NOBODY), data(2, 0, 7_000, 6_000))
    rows = ledger_of(tmp_path / "l", paid, own).approvals.collect().sort("log_index", "kind")
    assert shown(rows, "log_index", "kind", "owner", "spender", "amount", "granted") == [
        (0, "paymaster", B, A, 9_000, True),
        (0, "user_operation", A, address(77), 9_000, True),
        (1, "user_operation", C, address(77), 7_000, False),
    ]


def test_what_issuers_do(tmp_path: Path) -> None:
    frozen, freed, other, gone = (
        "AddedBlackList(address)", "RemovedBlackList(address)", "Blacklisted(address)",
        events.DESTROYED,
    )  # fmt: skip
    ledger = ledger_of(
        tmp_path / "l",
        log(topics(frozen), data(A), USDT), log(topics(gone), data(A, 4_200), USDT),
        log(topics(freed), data(B), USDT), log(topics(other, C)),
        log(topics(gone), data(B, 11)), chain=1,
    )  # fmt: skip
    rows = ledger.freezes.collect().sort("log_index")
    assert shown(rows, "contract", "address", "action", "amount") == [
        (USDT, A, "freeze", None),
        (USDT, A, "destroy", 4_200),
        (USDT, B, "unfreeze", None),
        (TOKEN, C, "freeze", None),
        (TOKEN, B, "destroy", 11),
    ]
    # Only of a listed issuer it is known that the balance goes with the event.
    assert shown(tokens(ledger), "contract", *_MOVED) == [(USDT, "destroy", A, NOBODY, None, 4_200)]


def test_wrapped_coins(tmp_path: Path) -> None:
    """Deposits of any other contract are its own affair: many events have this name."""
    ledger = ledger_of(
        tmp_path / "l",
        log(topics(events.DEPOSIT, A), data(5), WETH),
        log(topics(events.WITHDRAWAL, A), data(3), WETH),
        log(topics(events.DEPOSIT, A), data(99)),
        chain=1,
    )
    assert shown(tokens(ledger), "contract", *_MOVED) == [
        (WETH, "wrap", NOBODY, A, None, 5),
        (WETH, "unwrap", A, NOBODY, None, 3),
    ]


def test_delegations_are_signed(tmp_path: Path) -> None:
    """Who signed is recovered; a signature for another chain, or one that is none, sets nothing."""
    import rlp  # type: ignore[import-untyped]  # it brings none
    from eth_hash.auto import keccak
    from eth_keys import keys  # type: ignore[attr-defined]  # it exports it

    key = keys.PrivateKey(bytes([7]) * 32)

    def signed(chain: int, code: str, **put: str) -> dict[str, str]:
        digest = keccak(b"\x05" + rlp.encode([chain, bytes.fromhex(code[2:]), 4]))
        made = key.sign_msg_hash(digest)
        return {"chainId": hex(chain), "address": code, "nonce": "0x4", "yParity": hex(made.v),
                "r": hex(made.r), "s": hex(made.s)} | put  # fmt: skip

    listed = [
        signed(CHAIN_ID, B), signed(0, NOBODY), signed(5, B), signed(CHAIN_ID, B, s="0x0"),
        signed(CHAIN_ID, B, s="0x" + "f" * 64), signed(CHAIN_ID, B, yParity="0x9"),
    ]  # fmt: skip
    rows = ledger_of(tmp_path / "l", authorizationList=listed).approvals.collect()
    owner = key.public_key.to_address().lower()
    assert shown(rows, "kind", "log_index", "owner", "spender", "granted") == [
        ("delegation", 0, owner, B, True),
        ("delegation", 1, owner, NOBODY, False),
    ]
