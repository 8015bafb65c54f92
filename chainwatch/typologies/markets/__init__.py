"""Crypto-markets: who sells at them, how they pay out, and who goes on when one closes."""
