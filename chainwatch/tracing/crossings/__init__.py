"""Crossings: what a bridge took in on one chain and paid out on another, and how that is known."""
