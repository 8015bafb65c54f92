"""How a ledger lies on disk: Delta tables, commits, the lock, checksums."""
