"""Ends of a trace: who stands behind them, what is doubted of them, and their bounds."""
