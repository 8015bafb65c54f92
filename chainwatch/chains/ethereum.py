"""Ethereum."""

from __future__ import annotations

from chainwatch.chains.base import Chain

ETHEREUM = Chain("eip155:1", "eth", "Ethereum", "evm", "ETH", 18, coin_type=60)
