"""Fundraising: published addresses, and the wallets that their donations are gathered in."""
