"""Chains that run Bor: their fees, what comes from the chain below, and the coin's own logs."""
