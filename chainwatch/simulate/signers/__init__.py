"""Simulated wallets of several keys: who holds which keys when, on coins and as accounts."""
