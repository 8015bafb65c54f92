"""Addresses, scripts, extended keys and assets: text to canonical bytes and back."""
