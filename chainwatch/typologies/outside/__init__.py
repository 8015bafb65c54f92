"""What typologies ask of facts from outside: what payments were worth, and what they cover."""
