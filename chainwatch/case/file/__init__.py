"""The case file (TOML): its model, and what does not fit."""
