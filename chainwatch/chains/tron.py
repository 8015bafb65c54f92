"""Tron."""

from __future__ import annotations

from chainwatch.chains.base import Chain

TRON = Chain(
    "tron:0x2b6653dc", "tron", "Tron", "tron", "TRX", 6, coin_type=195,
    destroying=("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",),  # USDT
)  # fmt: skip
