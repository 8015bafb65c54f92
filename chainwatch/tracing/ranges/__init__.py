"""What every policy says of the same subjects, side by side: a range across methods."""
