"""Whether a vendor's link to a network is more than what matched wallets have by chance."""
