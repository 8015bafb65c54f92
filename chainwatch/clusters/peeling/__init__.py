"""Peel chains: whose payments go on from change to change, by the habits of a cluster."""
