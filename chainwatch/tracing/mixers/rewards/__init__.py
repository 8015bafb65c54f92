"""Rewards for deposits in pools: who claimed them, and which deposit one can be of."""
