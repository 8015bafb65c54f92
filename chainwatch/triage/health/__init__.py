"""What serves public health: noisy counts of market activity, and early warning by substance."""
