"""Bitcoin's own protocol: blocks, headers, proofs, undo data; no network and no ledger."""
