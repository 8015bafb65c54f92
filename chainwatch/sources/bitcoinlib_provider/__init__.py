"""One confined endpoint of bitcoinlib as a source."""
