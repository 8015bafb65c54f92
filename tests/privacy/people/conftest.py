"""Small ledgers as the tests of tracing write them: coins spent and made, transfers paid, tags."""

from __future__ import annotations

from typing import Any

import pytest
from module_of import module_of


@pytest.fixture(scope="session")
def desk() -> Any:
    made = module_of("tracing/conftest")
    return made.Desk(
        made.coin_ledger, made.account_ledger, made.tag_rows, made.coin_address,
        made.account_address, made.txid_of, made.TOKEN, made.ends_of,
    )  # fmt: skip
