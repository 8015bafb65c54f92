"""Simulated economies with the owner of every address known; it never imports a rule."""
