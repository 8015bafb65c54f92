"""What must hold of every ledger, and the report of it."""
