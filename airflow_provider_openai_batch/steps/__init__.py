"""The steps of a run: stage, transfer, advance, load."""
