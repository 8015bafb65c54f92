"""Owners by the keys that scripts show: one key under several addresses, key sets that change."""
