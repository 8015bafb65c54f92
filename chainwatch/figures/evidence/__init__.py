"""Evidence as a picture: why addresses are one owner, and the shape behind an alert."""
