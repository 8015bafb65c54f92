"""The walks that follow value: over coins, and over the balances of accounts."""
