"""What is decided of account chains from all that was read of them."""
