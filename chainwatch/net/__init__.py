"""Who may be asked over the network, how, and what was asked: permission, log, client, pace."""
