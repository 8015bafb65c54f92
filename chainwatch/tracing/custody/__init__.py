"""Who holds the keys of an address: a service for its customer, or somebody for himself."""
