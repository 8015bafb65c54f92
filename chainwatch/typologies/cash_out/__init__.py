"""Cash-out: by those who change coins for cash, and by accounts at many services."""
