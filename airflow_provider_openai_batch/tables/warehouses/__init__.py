"""One module per kind of warehouse."""
