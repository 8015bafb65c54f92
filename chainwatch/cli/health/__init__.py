"""Commands for public health: noisy releases, early warning, and sheets that lead to support."""
