"""What the provider costs, measured against what it is measured by: `python -m benchmarks`."""
