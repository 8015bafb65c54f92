"""The one maker of rows: decoded transactions to the tables of a ledger."""
