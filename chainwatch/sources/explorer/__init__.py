"""Explorers of EVM chains as a source: histories of accounts from Etherscan and Blockscout."""
