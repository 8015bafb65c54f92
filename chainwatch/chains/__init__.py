"""The networks: one file each with its facts, and the catalogue that lists them."""
