"""Where the money of several vendors meets, and whether so many meet there by chance."""
