"""Simulated owners of accounts: people with several wallets, and all that looks like one person."""
