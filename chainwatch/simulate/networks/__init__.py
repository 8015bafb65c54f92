"""Vendors of whom some pay a network, among people who do not: payments with exact truth."""
