"""The steps of a run: submit, wait, collect, load."""
