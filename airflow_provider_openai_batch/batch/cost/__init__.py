"""What a run costs: prices, estimates, and what was billed."""
