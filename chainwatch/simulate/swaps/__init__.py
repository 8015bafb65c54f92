"""Simulated pools, routers, batch senders and smart accounts of an account chain: exact truth."""
