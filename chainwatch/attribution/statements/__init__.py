"""What somebody says of payments and addresses in a table of their own: evidence, no chain data."""
