"""What was read from chains: canonical tables, their coverage, and the store that keeps them."""
