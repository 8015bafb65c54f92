"""The report: what it says, its building blocks, and the page and PDF made of them."""
