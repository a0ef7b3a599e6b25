"""The index of the runs of a work path."""
