"""Small account chains written as a few lines: payments, authority, and whom tags name."""

from __future__ import annotations

import pytest
from account_chains import Accounts


@pytest.fixture
def accounts() -> Accounts:
    """Return what makes them on Ethereum."""
    return Accounts()
