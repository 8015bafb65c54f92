"""What somebody received: methods of counting it, each with a name, and the range across them."""
