"""Commands about routes: between two parties, through mixes and contracts, from chain to chain."""
