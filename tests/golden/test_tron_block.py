"""A real block of Tron, and real votes, stakes and loans, as an indexer tells them: row by row.

The indexer's answers name the parties, amounts, fees and operations; a node's answers are written
from them in the documented form. What comes out is compared with what the indexer says, and with a
table written by hand.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chainwatch.addresses.canonical import text
from chainwatch.chains.tron import TRON
from chainwatch.sources.tron.fields import ListedTransaction, typed
from chainwatch.sources.tron.history import listed
from chainwatch.sources.tron.rows import Rows
from chainwatch.sources.tron.server import Tip

TRX = 1_000_000
TIP = Tip(bytes(32), 90_000_000, datetime(2027, 1, 1, tzinfo=UTC), 0, bytes(32))
ZERO = "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb"

BY_HAND: dict[str, list[tuple[Any, ...]]] = {
    "3afa9ec5": [("vote", "TRSe3FBLZ5f2hBdDNwuiVP9vPbeEG7jWMW",
                  "TJvaAeFb8Lykt9RQcVyyTFN2iDvGMuyD4M", None, 10, 0)],
    "0441ea61": [("recall", "TMTdtRejUC7GhW7qkfbQq4hCsQkBLTfN4S",
                  "TYNwyyP1j6ZQrWQ44Aw2pbq88jtM5UaFPn", "energy", 6_943_000_000, 0)],
    "d1b2d1ab": [("native", "TXKXC79eUqUU9zw4bSneML1TfFKqNfwS4Q",
                  "TRkXAjRA6rRsCZ31DofFsZYYPjtz8fvL1u", 10 * TRX),
                 ("fee_burnt", "TXKXC79eUqUU9zw4bSneML1TfFKqNfwS4Q", ZERO, 3_500)],
    "ce5fbb58": [("native", "TQgCvNM88tTWeiW69tCX3XHki9AA4q7nuY",
                  "TEEXEWrkMFKapSMJ6mErg39ELFKDqEs6w3", 10 * TRX)],
    "a205a41a": [("native", "TFzb3Futex7BTa7zQZSpdV8Hh7ZpBx2z96",
                  "TEEXEWrkMFKapSMJ6mErg39ELFKDqEs6w3", 100 * TRX)],
    "b6440258": [("native", "TRafH1KVYqc3imYKuHP6BGk6p39GNTTZiN",
                  "TEEXEWrkMFKapSMJ6mErg39ELFKDqEs6w3", 10 * TRX)],
    "13af6716": [("native", "TNUKBVfjMjDVjw283yeTcSCYkzDD4BY7CC",
                  "TBdViR1Vj1pZ3mv5eu85H7JMY7XwoUWc9Q", 10_635_620)],
    "9a8f4beb": [("native", "TAnxQajAaEL14F3LiMjaELQwwBBvmugZfu",
                  "TVaEUwpREg3puq5EYbtZ8m9M2PeAmsJrsK", 300 * TRX)],
    "98c2cbd1": [("trc10", "TPAgCM971Vc7PbjqKcUxZcs8Ruk95JoXvm",
                  "TXXSQxG1rz7T3c7ZyfiyKi6tqf5Fr6UQuE", 1)],
    "edf9e0f3": [("reward", ZERO, "TBMNN8WUbRczM89NNvsYhvuZPwc9vwNkYH", 2_598_485_108)],
    "8db7c8de": [("withdraw", "TB4pdxkEGndTwyRi62Kpk9WVUecwU7czFo", None, None, 100_000 * TRX,
                  100_000 * TRX)],
    "6eb82074": [("unstake", "TBBNyK23Mtcus51nJUCU3G8H79Ask8xn9A", None, "bandwidth",
                  1_000_000 * TRX, 0),
                 ("fee_burnt", "TBBNyK23Mtcus51nJUCU3G8H79Ask8xn9A", ZERO, TRX)],
    "4ddfff11": [("stake", "TNkeWLH8cPvuu6wQZyRqHnSxHXCieoYXvn", None, "bandwidth", 4_500 * TRX,
                  -4_500 * TRX)],
    "e5babca3": [("activate", "THK69pBoDrnkjoTg11PUmAkQHQd4nWqdev",
                  "TVtQKm4vq5CCmLZEifozM11gyTYiYRajsL", None, None, 0),
                 ("fee_burnt", "THK69pBoDrnkjoTg11PUmAkQHQd4nWqdev", ZERO, 1_100_000)],
}  # fmt: skip
"""Rows of each transaction: transfers (kind, sender, receiver, amount); stakes (kind, address,
other, resource, amount, moved)."""


@pytest.fixture(scope="module")
def told(real_data: Path) -> dict[str, dict[str, Any]]:
    path = real_data / "tron" / "rpc" / "tron.json"
    found = json.loads(path.read_text("utf-8"), parse_float=Decimal)
    details: dict[str, dict[str, Any]] = found["txDetails"]
    return details


def as_listed(one: dict[str, Any]) -> dict[str, Any]:
    """Return what a node would answer of a transaction that an indexer tells."""
    extra = one.get("coinSpecificData", {}).get("chainExtraData", {})
    [vin], [vout] = one["vin"], one["vout"]
    to = vout["scriptPubKey"].get("addresses", [None])[0]
    sun = int((vout["value"] or 0) * TRX)
    kind = extra.get("contractType", "TransferContract")
    value: dict[str, Any] = {"owner_address": vin["addresses"][0]}
    rest: dict[str, Any] = {}
    match kind:
        case "TransferContract":
            called = extra.get("operation") == "contractCall"
            kind = "TriggerSmartContract" if called else kind
            value |= {"contract_address": to, "call_value": sun} if called else {
                "to_address": to, "amount": sun}  # fmt: skip
        case "VoteWitnessContract":
            value["votes"] = [{"vote_address": vote["address"], "vote_count": int(vote["count"])}
                              for vote in extra["votes"]]  # fmt: skip
        case "UnDelegateResourceContract":
            value |= {"receiver_address": extra["delegateTo"], "resource": "ENERGY",
                      "balance": int(extra["delegateAmount"])}  # fmt: skip
        case "TransferAssetContract":  # the indexer tells neither token nor amount
            value |= {"to_address": to, "asset_name": b"1".hex(), "amount": 1}
        case "WithdrawBalanceContract":
            rest["withdraw_amount"] = int(extra["claimedVoteReward"])
        case "WithdrawExpireUnfreezeContract":
            rest["withdraw_expire_amount"] = int(extra["unstakeAmount"])
        case "UnfreezeBalanceV2Contract":
            value["unfreeze_balance"] = int(extra["unstakeAmount"])
        case "FreezeBalanceV2Contract":
            value["frozen_balance"] = int(extra["stakeAmount"])
        case "AccountCreateContract":
            value["account_address"] = to
    return {
        "txID": one["txid"], "block_timestamp": one["blockTime"] * 1_000,
        "raw_data": {"contract": [{"type": kind, "parameter": {"value": value}}]},
        "ret": [{"contractRet": "SUCCESS", "fee": int(extra.get("totalFee", 0))}],
        "net_usage": int(extra.get("bandwidthUsage", 0)), **rest,
    }  # fmt: skip


def shown(address: bytes | None) -> str | None:
    return None if address is None else text(address, TRON)


def rows_of(one: dict[str, Any]) -> tuple[list[tuple[Any, ...]], int]:
    """Return the rows of a transaction, and the bandwidth that it used."""
    rows = Rows(TRON)
    rows.add(*listed(typed(as_listed(one), ListedTransaction, "here"), TRON, TIP, "here"))
    tables = rows.frames()
    found: list[tuple[Any, ...]] = []
    used = 0
    for row in tables["stakes"].rows(named=True) if "stakes" in tables else []:
        if row["kind"] == "use":
            used += int(row["amount"])
            continue
        found.append((row["kind"], shown(row["address"]), shown(row["other"]), row["resource"],
                      row["amount"], row["moved"]))  # fmt: skip
    for row in tables["transfers"].rows(named=True) if "transfers" in tables else []:
        found.append((row["kind"], shown(row["sender"]), shown(row["receiver"]), row["amount"]))
    return found, used


@pytest.mark.parametrize("name", BY_HAND)
def test_every_row_is_what_was_written_by_hand(name: str, told: dict[str, dict[str, Any]]) -> None:
    [one] = [it for txid, it in told.items() if txid.startswith(name)]
    found, used = rows_of(one)
    assert found == BY_HAND[name]
    extra = one.get("coinSpecificData", {}).get("chainExtraData", {})
    assert used == int(extra.get("bandwidthUsage", 0))


def test_every_transaction_is_written_down(told: dict[str, dict[str, Any]]) -> None:
    assert sorted(BY_HAND) == sorted(txid[:8] for txid in told)
    assert len(told) == 14


def test_fees_and_amounts_are_the_indexer_s(told: dict[str, dict[str, Any]]) -> None:
    for one in told.values():
        extra = one.get("coinSpecificData", {}).get("chainExtraData", {})
        fees = [row[-1] for row in rows_of(one)[0] if row[0] == "fee_burnt"]
        assert sum(map(int, fees)) == int(extra.get("totalFee", 0))
