"""Prices of assets from somebody's table, by day or hour."""
