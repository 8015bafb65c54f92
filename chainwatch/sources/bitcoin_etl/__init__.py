"""Exports of bitcoin-etl as a source."""
