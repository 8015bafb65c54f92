"""Supply: precursors of drugs, medicine sold by affiliates, and arms."""
