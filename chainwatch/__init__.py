"""chainwatch: follow illicit money across public blockchains, and prove every step."""
