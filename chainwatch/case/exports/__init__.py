"""How results leave the desk: a file for each format, and the catalogue that lists them."""
