"""Who may sign for an account of Tron, alone or with others: a fact for each key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from tron_grid import TronGridServer, served
from tron_world import World, account, base58

from chainwatch.errors import ChainwatchError
from chainwatch.ingest.pull import pull
from chainwatch.ledger.ledger import open_ledger
from chainwatch.net.policy import use_network
from chainwatch.sources.tron.node import TronNode
from chainwatch.sources.tron.source import TronGrid


@pytest.fixture(autouse=True)
def log(tmp_path: Path) -> Iterator[None]:
    with use_network(log_file=tmp_path / "asked.jsonl"), stamina.set_testing(True):
        yield


def key(name: str, weight: int | None = 1) -> dict[str, Any]:
    return {"address": account(name)} | ({} if weight is None else {"weight": weight})


def permission(threshold: int, *keys: dict[str, Any]) -> dict[str, Any]:
    return {"permission_name": "any", "threshold": threshold, "keys": list(keys)}


def facts(tmp_path: Path, value: dict[str, Any]) -> list[tuple[Any, ...]]:
    world = World()
    world.pay("giver", "ann", 50)
    world.do("AccountPermissionUpdateContract", "ann", value)
    with served(TronGridServer(world)) as url:
        pull(tmp_path / "ledger", TronNode(url))
        pull(tmp_path / "grid", TronGrid(url, [base58(account("ann"))]))
    told = []
    for name in ("ledger", "grid"):
        rows = open_ledger(tmp_path / name).stakes.collect().sort("kind", "n")
        mine = rows.filter(contract_type="AccountPermissionUpdateContract")
        assert set(mine["moved"]) <= {0}
        told.append([
            (kind, other[1:].hex(), int(weight))
            for kind, other, weight in mine.select("kind", "other", "amount").iter_rows()
            if kind != "use"
        ])  # fmt: skip
    assert told[0] == told[1]
    return told[0]


def short(name: str) -> str:
    return account(name)[2:]


def test_a_second_key_of_the_owner(tmp_path: Path) -> None:
    value = {"owner": permission(1, key("ann"), key("bob"))}
    assert facts(tmp_path, value) == [("owner_key", short("ann"), 1),
                                      ("owner_key", short("bob"), 1)]  # fmt: skip


def test_keys_that_must_sign_together_and_one_that_need_not(tmp_path: Path) -> None:
    value = {"owner": permission(2, key("ann"), key("bob"), key("cat", 2))}
    found = facts(tmp_path, value)
    assert sorted(found) == sorted([
        ("owner_key", short("cat"), 2), ("owner_share", short("ann"), 1),
        ("owner_share", short("bob"), 1),
    ])  # fmt: skip


def test_keys_for_some_things_alone(tmp_path: Path) -> None:
    value = {"owner": permission(1, key("ann")),
             "actives": [permission(1, key("bob")), permission(3, key("cat"))]}  # fmt: skip
    assert facts(tmp_path, value) == [
        ("active_key", short("bob"), 1), ("active_share", short("cat"), 1),
        ("owner_key", short("ann"), 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"owner": 7}, "no list of keys"),
        ({}, "no list of keys"),
        ({"owner": {"threshold": 1, "keys": "all"}}, "no list of keys"),
        ({"owner": permission(1, key("ann")), "actives": {}}, "permissions are no list"),
        ({"owner": permission(1, {"address": "nobody", "weight": 1})}, "address"),
        ({"owner": permission(-1, key("ann"))}, "threshold"),
    ],
)
def test_what_is_no_permission_is_refused(tmp_path: Path, value: Any, said: str) -> None:
    with pytest.raises(ChainwatchError, match=said):
        facts(tmp_path, value)


def test_no_weight_or_threshold_is_alone_with_nobody(tmp_path: Path) -> None:
    value = {"owner": permission(0, key("ann")), "actives": [permission(1, key("bob", None))]}
    assert {kind for kind, *_ in facts(tmp_path, value)} == {"owner_share", "active_share"}
