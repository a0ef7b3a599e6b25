"""The run folder: its files, and the run that they tell."""
