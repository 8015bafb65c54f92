"""Commands about routes: through mixes, from chain to chain, and between two parties."""
