"""What rules read of outputs: who paid them, whether their address is new, and who spends them."""
