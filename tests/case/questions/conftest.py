"""What questions rest on in a case that follows coins of one chain and a token of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import many_chains as world
import polars as pl
import pytest

import chainwatch as cw
from chainwatch.addresses.canonical import parse
from chainwatch.case.file.model import CaseFile, parse_case
from chainwatch.case.ground import Ground, Part
from chainwatch.case.recipes.account import add_account_findings
from chainwatch.case.recipes.chapter import Chapter
from chainwatch.case.recipes.utxo import add_coin_findings
from chainwatch.ledger.ledger import Ledger

USD = {"chain": "eth", "contract": world.account("token"), "symbol": "USD", "decimals": 6}


class Desk(NamedTuple):
    """A ground, and what stands on it alone."""

    ground: Ground
    coins: Ground
    usd: dict[str, Any]


def subjects(chain: str, *addresses: str) -> dict[str, Any]:
    return {"chain": chain, "addresses": list(addresses)}


@pytest.fixture(scope="session")
def desk(small_ledger: Callable[[str], Ledger], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Follow K's coins and ann's dollars as a case file has it, in memory."""
    folder = tmp_path_factory.mktemp("desk")
    tags = cw.read_tags(world.write_tags(folder))
    config = parse_case(
        {
            "case": {"name": "x", "title": "X", "question": "Who?"},
            "sources": [{"kind": "ledger", "path": "l"}],
            "subjects": subjects("btc-regtest", world.coin("K")),
            "also": [{"subjects": subjects("eth", world.account("ann")), "asset": USD}],
        },
        where="x",
    )
    both = world.ledger(small_ledger)
    coins, accounts = config.parts()
    parts = (
        followed(add_coin_findings, coins, both, tags, "rBTC"),
        followed(add_account_findings, accounts, both, tags, "USD"),
    )
    ground = Ground(both, tags, folder, parts)
    return Desk(ground, Ground(both.chain_only("btc-regtest"), tags, folder, parts[:1]), USD)


def followed(
    recipe: Callable[..., Part], config: CaseFile, ledger: Ledger, tags: cw.Tags, called: str
) -> Part:
    chain = cw.chain(config.subjects.chain)
    rows = [(chain.id, parse(one, chain)) for one in config.subjects.addresses]
    whom = pl.DataFrame(rows, schema={"chain": pl.String, "address": pl.Binary}, orient="row")
    case = cw.Case("x", "?", mask_key=bytes(16))
    return recipe(Chapter(case, whom, called), config, ledger, tags, whom)
