"""What transactions of account chains mean: who paid whom through contracts, what was swapped."""
