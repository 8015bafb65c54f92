"""Trafficking and abuse: payments for advertisements, recruiters, and amounts of a price list."""
