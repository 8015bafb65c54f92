"""From a source into a ledger: the protocol, the pull, and what is new."""
